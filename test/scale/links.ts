/**
 * What many links on one host cost this package without the engine, beside `ip -batch` for the same links in the same
 * run: time, CPU seconds of the provider's own part and of the host, and memory. `tsx test/scale/links.ts --help`
 */
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { parseArgs } from "node:util";
import type { Lab } from "../lab/fleet";
import { labDown, labUp } from "../lab/fleet";
import { openStack } from "../lab/stack";
import { say } from "../setup/run";
import { tableRow } from "../setup/written-part";

const USAGE = `tsx test/scale/links.ts [OPTIONS]

  --links 1,200,1000   so many macvlans on one host, as one HostLinks; each number in a process of its own
`;

const HOST = "node1";
const ARGS = { host: HOST, parent: "eth0" };

/** Seconds: how long something took, and the CPU time of this process and of the host's programs. */
interface Taken {
  readonly time: number;
  readonly own: number;
  readonly host: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      links: { type: "string", default: "1,200,1000" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return void process.stdout.write(USAGE);
  const [count = 0, ...others] = values.links.split(",").map(Number);
  if (others.length === 0) {
    for (const row of await measureAll(count)) process.stdout.write(`${row}\n`);
    return;
  }
  const head = [
    "Links",
    "phase",
    "time",
    "`ip -batch`",
    "times",
    "client: CPU, memory",
    "host: CPU",
    "`ip -batch`",
    "times",
  ];
  process.stdout.write(
    `${tableRow(head)}\n${tableRow(["---:", "---", ...head.slice(2).map(() => "---:")])}\n`,
  );
  for (const one of [count, ...others]) {
    const [code] = (await once(fork(__filename, ["--links", String(one)]), "exit")) as [number | null];
    assert.equal(code, 0, `${one} links`);
  }
}

/** A row per phase. */
async function measureAll(count: number): Promise<string[]> {
  const name = `links-${process.pid}`;
  try {
    const lab = await labUp(1, { name, login: () => "root", progress: say });
    const batch = await measureBatch(lab, count);
    const rows: string[] = [];
    await measureOwn(lab, count, (phase, taken) => {
      rows.push(row(count, phase, taken, batch.get(phase)));
      say(rows.at(-1) ?? "");
    });
    return rows;
  } finally {
    await labDown(name);
  }
}

function addressOf(i: number): string {
  return `198.18.${i >> 8}.${i & 255}/15`;
}

async function measureOwn(
  lab: Lab,
  count: number,
  done: (phase: string, taken: Taken) => void,
): Promise<void> {
  const links = Object.fromEntries(
    Array.from({ length: count }, (_, i) => [
      `m${i + 1}`,
      { kind: "macvlan", parent: ARGS.parent, mtu: 1400, addresses: [addressOf(i + 1)] },
    ]),
  );
  const stack = openStack(lab);
  const phase = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    done(what, await measure(lab, work));
  };
  const args = { host: HOST, links };
  await phase("create", () => stack.up("HostLinks", "all", args));
  await phase("preview", async () =>
    assert.deepEqual(await stack.preview("HostLinks", "all", args), {
      ...{ drift: {}, failures: [], changes: false, replaces: [] },
    }),
  );
  const changed = { host: HOST, links: { ...links, m1: { ...links["m1"], mtu: 1300 } } };
  await phase("change one", () => stack.up("HostLinks", "all", changed));
  await phase("delete", () => stack.down());
  assert.equal(await lab.sh(HOST, "ip -o link show type macvlan"), "");
}

/** The same by iproute2 alone, as a script of the host would have it. */
async function measureBatch(lab: Lab, count: number): Promise<ReadonlyMap<string, Taken>> {
  const numbers = Array.from({ length: count }, (_, i) => i + 1);
  const phases = new Map<string, Taken>();
  const phase = async (what: string, lines: readonly string[], options = ""): Promise<void> => {
    const script =
      "a=$(date +%s%N); ip $0 -batch - > /dev/null || exit; b=$(date +%s%N); echo $((b - a)); times";
    const { code, stderr, stdout } = await lab.exec(HOST, ["sh", "-c", script, options], {
      input: `${lines.join("\n")}\n`,
      timeout: 300_000,
    });
    assert.equal(code, 0, stderr);
    const [nanoseconds, , children = ""] = stdout.split("\n");
    phases.set(what, { time: Number(nanoseconds) / 1e9, own: 0, host: secondsIn(children) });
  };
  await phase(
    "create",
    numbers.flatMap((i) => [
      `link add name m${i} link ${ARGS.parent} mtu 1400 type macvlan mode bridge`,
      `address add ${addressOf(i)} dev m${i}`,
      `link set dev m${i} up`,
    ]),
  );
  await phase("preview", ["address show", "route show table main"], "-j -d");
  await phase(
    "delete",
    numbers.map((i) => `link delete dev m${i}`),
  );
  return phases;
}

/** `0m1.250s 0m0.030s`, which `times` prints of a shell's children (POSIX.1). */
function secondsIn(times: string): number {
  return [...times.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, m, s]) => sum + Number(m) * 60 + Number(s),
    0,
  );
}

function row(links: number, phase: string, { time, own, host }: Taken, batch: Taken | undefined): string {
  const seconds = (value: number | undefined): string => (value === undefined ? "" : `${value.toFixed(2)} s`);
  const ratio = (value: number, to: number | undefined): string =>
    to === undefined || to === 0 ? "" : `× ${(value / to).toFixed(1)}`;
  const memory = `${Math.round(process.resourceUsage().maxRSS / 1024)} MB`;
  return tableRow([
    ...[links, phase, seconds(time), seconds(batch?.time), ratio(time, batch?.time)],
    ...[`${seconds(own)}, ${memory}`, seconds(host), seconds(batch?.host), ratio(host, batch?.host)],
  ]);
}

/** What a phase takes. The host's programs are children of its sshd, which are counted when they have ended. */
async function measure(lab: Lab, work: () => Promise<unknown>): Promise<Taken> {
  const [own, host, begin] = [process.cpuUsage(), await sshdSeconds(lab), performance.now()];
  await work();
  const time = (performance.now() - begin) / 1000;
  const { user, system } = process.cpuUsage(own);
  // the connection's processes end a moment after it
  let after = await sshdSeconds(lab);
  for (let before = -1; before !== after;) {
    before = after;
    await new Promise((wait) => setTimeout(wait, 300));
    after = await sshdSeconds(lab);
  }
  return { time, own: (user + system) / 1e6, host: after - host };
}

/** Seconds of CPU of the host's sshd, and of its children that have ended (proc(5), stat, fields 14 to 17). */
async function sshdSeconds(lab: Lab): Promise<number> {
  const stat = await lab.sh(HOST, "cat /proc/$(cat /run/sshd.pid)/stat");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
}

main().catch((error: unknown) => {
  process.stderr.write(`links: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
