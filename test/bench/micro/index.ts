/** Small measurements of what this package chooses: what it loads, how many handshakes at a time, which algorithms. */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { environmentIn } from "../contenders/contender";
import { type Site, makeFolder } from "../lab/site";
import type { Command, Group, Taken } from "../measure";
import { median, threeDigits } from "../report/statistics";
import type { MicroTable } from "../results";
import { nativeSsh2 } from "../rivals/native-ssh2";
import { runOrThrow } from "../../lab/fleet/run";

const REPOSITORY = resolve(__dirname, "../../..");
const PROGRAMS = join(__dirname, "../programs");

/** How often each is measured, in turn with the others of its table. */
const ROUNDS = 5;
const LOADS = 15;

/** @param rtts milliseconds, for what depends on the way */
export async function measureMicro(site: Site, group: Group, rtts: readonly number[]): Promise<MicroTable[]> {
  return [await loading(), await atATime(site, group, rtts), await algorithms(site, group)];
}

async function loading(): Promise<MicroTable> {
  const cases = [
    ["the program: @pulumi/pulumi alone", ["-", "@pulumi/pulumi"]],
    ["the program: pulumi-macvlan, over @pulumi/pulumi", ["@pulumi/pulumi", "pulumi-macvlan"]],
    [
      "the engine's own process: pulumi-macvlan/provider, over the SDK's part of it",
      ["@pulumi/pulumi", "pulumi-macvlan/provider"],
    ],
  ] as const;
  const times = cases.map((): number[] => []);
  for (let round = 0; round < LOADS; round++) {
    for (const [i, [, modules]] of cases.entries()) {
      const line = [process.execPath, join(PROGRAMS, "load.cjs"), REPOSITORY, ...modules];
      times[i]?.push(Number(await runOrThrow(line)));
    }
  }
  return {
    title: "What is loaded",
    text: `Milliseconds that \`require\` takes in a fresh process, the median of ${LOADS}, with the least and the most.`,
    head: ["", "ms", "least", "most"],
    rows: cases.map(([name], i) => [name, ...spreadTexts(times[i] ?? [])]),
  };
}

function spreadTexts(values: readonly number[]): string[] {
  return [median(values), Math.min(...values), Math.max(...values)].map(threeDigits);
}

/** Runs commands in turn, several times. @returns what each took, by its number */
async function inTurn(
  group: Group,
  commands: readonly Command[],
  output: string,
): Promise<readonly (readonly Taken[])[]> {
  const taken = commands.map((): Taken[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, command] of commands.entries()) {
      const one = await group.run(command, 120, output);
      if (one.code !== 0) throw new Error(`${command.line.join(" ")} ended with ${one.code ?? "a signal"}`);
      taken[i]?.push(one);
    }
  }
  return taken;
}

const wallOf = (taken: readonly Taken[]): string => threeDigits(median(taken.map(({ wall }) => wall)));
const cpuOf = (taken: readonly Taken[]): string =>
  threeDigits(median(taken.map(({ user, system }) => user + system)));

/** Writes the hosts for a program. @returns its environment */
function hostsFor(site: Site, folder: string): Record<string, string> {
  const file = join(folder, "hosts.json");
  writeFileSync(file, JSON.stringify(site.hosts.map(({ name, port }) => ({ name, port }))));
  return { ...environmentIn(folder), BENCH_HOSTS: file, BENCH_KEY: site.privateKey };
}

const WIDTHS = [1, 2, 4, 8, 16, 32, 64] as const;

async function atATime(site: Site, group: Group, rtts: readonly number[]): Promise<MicroTable> {
  const folder = makeFolder(site, "look");
  const env = { ...hostsFor(site, folder), MACVLAN_SSH_CONFIG_PATH: site.sshConfig };
  const commands = WIDTHS.map((width): Command => {
    const line = [process.execPath, join(PROGRAMS, "look.cjs"), join(REPOSITORY, "dist")] as const;
    return { line, cwd: folder, env: { ...env, MACVLAN_MAX_CONNECTIONS: String(width) } };
  });
  const columns: string[][] = [];
  for (const rtt of rtts) {
    await site.way.setRtt(rtt);
    const taken = await inTurn(group, commands, join(folder, "output"));
    columns.push(taken.map(wallOf), taken.map(cpuOf));
  }
  return {
    title: "Handshakes at the same time",
    text:
      `This package reads each of ${site.hosts.length} hosts once, without an engine, with ` +
      "`macvlan:maxConnections` handshakes at a time; seconds of wall time and of the client's CPU, medians of " +
      `${ROUNDS}.`,
    head: ["at a time", ...rtts.flatMap((rtt) => [`wall, ${rtt} ms`, `CPU, ${rtt} ms`])],
    rows: WIDTHS.map((width, i) => [String(width), ...columns.map((column) => column[i] ?? "")]),
  };
}

/** The algorithms that ssh2 must use; everything else is its own choice. */
const ALGORITHMS = [
  ["its own choice", {}],
  ["key exchange curve25519", { kex: ["curve25519-sha256"] }],
  ["key exchange ECDH, P-256", { kex: ["ecdh-sha2-nistp256"] }],
  ["key exchange DH, 2048 bits", { kex: ["diffie-hellman-group14-sha256"] }],
  ["cipher AES-GCM", { cipher: ["aes128-gcm@openssh.com"] }],
  ["cipher AES-CTR and HMAC", { cipher: ["aes128-ctr"], hmac: ["hmac-sha2-256-etm@openssh.com"] }],
  ["cipher ChaCha20-Poly1305", { cipher: ["chacha20-poly1305@openssh.com"] }],
] as const;

async function algorithms(site: Site, group: Group): Promise<MicroTable> {
  const folder = makeFolder(site, "handshake");
  const env = hostsFor(site, folder);
  let why = "";
  const native = await nativeSsh2().catch((error: unknown) => {
    why = error instanceof Error ? error.message : String(error);
    return undefined;
  });
  const builds = [join(REPOSITORY, "node_modules/ssh2"), ...(native === undefined ? [] : [native])];
  const commands = ALGORITHMS.flatMap(([, chosen]) =>
    builds.map((build): Command => {
      const line = [process.execPath, join(PROGRAMS, "handshake.cjs")] as const;
      return {
        line,
        cwd: folder,
        env: { ...env, BENCH_SSH2: build, BENCH_ALGORITHMS: JSON.stringify(chosen) },
      };
    }),
  );
  await site.way.setRtt(0);
  const taken = await inTurn(group, commands, join(folder, "output"));
  const cells = taken.map((all) => [wallOf(all), cpuOf(all)]);
  return {
    title: "ssh2: native parts and algorithms",
    text:
      `A connection and a command that does nothing on each of ${site.hosts.length} hosts, eight at a time; seconds, ` +
      `medians of ${ROUNDS}. This package leaves key exchange and cipher to ssh2.` +
      (why === "" ? "" : ` ssh2's native parts could not be built here: ${why.split("\n")[0] ?? ""}`),
    head: ["", "wall", "CPU", ...(native === undefined ? [] : ["wall, native", "CPU, native"])],
    rows: ALGORITHMS.map(([name], i) => [
      name,
      ...cells.slice(i * builds.length, (i + 1) * builds.length).flat(),
    ]),
  };
}
