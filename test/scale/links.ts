/**
 * What many links on one host cost this package without the engine, beside `ip -batch` for the same links: CPU seconds of
 * the provider's own part and of the host, and the memory of this process. `tsx test/scale/links.ts --help`
 */
import assert from "node:assert/strict";
import { parseArgs } from "node:util";
import type { Lab } from "../lab/fleet";
import { labDown, labUp } from "../lab/fleet";
import { openStack } from "../lab/stack";
import { say } from "../setup/run";
import { tableRow } from "../setup/written-part";

const USAGE = `tsx test/scale/links.ts [OPTIONS]

  --links 200,1000   so many macvlans on one host, as one HostLinks
  --no-batch         without ip -batch
`;

const HOST = "node1";
const ARGS = { host: HOST, parent: "eth0" };

/** CPU seconds of this process, and of the host's programs. */
interface Taken {
  readonly own: number;
  readonly host: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      links: { type: "string", default: "200,1000" },
      "no-batch": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return void process.stdout.write(USAGE);
  const name = `links-${process.pid}`;
  const rows: string[] = [];
  try {
    const lab = await labUp(1, { name, login: () => "root", progress: say });
    for (const links of values.links.split(",").map(Number)) {
      if (!values["no-batch"]) rows.push(...(await measureBatch(lab, links)));
      rows.push(...(await measureOwn(lab, links)));
    }
  } finally {
    await labDown(name);
  }
  const head = ["Links", "by", "phase", "client: CPU", "host: CPU", "client: memory"];
  process.stdout.write(
    [tableRow(head), tableRow(["---:", "---", "---", ...head.slice(3).map(() => "---:")]), ...rows, ""].join(
      "\n",
    ),
  );
}

function addressOf(i: number): string {
  return `198.18.${i >> 8}.${i & 255}/15`;
}

async function measureOwn(lab: Lab, count: number): Promise<string[]> {
  const links = Object.fromEntries(
    Array.from({ length: count }, (_, i) => [
      `m${i + 1}`,
      { kind: "macvlan", parent: ARGS.parent, mtu: 1400, addresses: [addressOf(i + 1)] },
    ]),
  );
  const stack = openStack(lab);
  const rows: string[] = [];
  const phase = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    const taken = await measure(lab, work);
    const memory = `${Math.round(process.resourceUsage().maxRSS / 1024)} MB`;
    rows.push(row(count, "HostLinks", what, taken, memory));
    say(rows.at(-1) ?? "");
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
  return rows;
}

async function measureBatch(lab: Lab, count: number): Promise<string[]> {
  const numbers = Array.from({ length: count }, (_, i) => i + 1);
  const batch = (lines: readonly string[], options: string) => async (): Promise<void> => {
    const input = `${lines.join("\n")}\n`;
    const { code, stderr, stdout } = await lab.exec(
      HOST,
      ["sh", "-c", "ip $0 -batch - > /dev/null && times", options],
      {
        input,
        timeout: 300_000,
      },
    );
    assert.equal(code, 0, stderr);
    last = secondsIn(stdout.split("\n")[1] ?? "");
  };
  let last = 0;
  const rows: string[] = [];
  const phase = async (what: string, lines: readonly string[], options = ""): Promise<void> => {
    await batch(lines, options)();
    rows.push(row(count, "`ip -batch`", what, { own: 0, host: last }, ""));
    say(rows.at(-1) ?? "");
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
  return rows;
}

/** `0m1.250s 0m0.030s`, which `times` prints of a shell's children (POSIX.1). */
function secondsIn(times: string): number {
  return [...times.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, m, s]) => sum + Number(m) * 60 + Number(s),
    0,
  );
}

function row(links: number, by: string, phase: string, { own, host }: Taken, memory: string): string {
  return tableRow([links, by, phase, own === 0 ? "" : `${own.toFixed(2)} s`, `${host.toFixed(2)} s`, memory]);
}

/** What a phase takes. The host's programs are children of its sshd, which are counted when they have ended. */
async function measure(lab: Lab, work: () => Promise<unknown>): Promise<Taken> {
  const [own, host] = [process.cpuUsage(), await sshdSeconds(lab)];
  await work();
  const { user, system } = process.cpuUsage(own);
  // the connection's processes end a moment after it
  let after = await sshdSeconds(lab);
  for (let before = -1; before !== after;) {
    before = after;
    await new Promise((done) => setTimeout(done, 300));
    after = await sshdSeconds(lab);
  }
  return { own: (user + system) / 1e6, host: after - host };
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
