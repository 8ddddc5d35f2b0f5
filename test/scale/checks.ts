/**
 * What a check adds to the time of a change, on hosts of the lab: a macvlan is made without a check, and with each of
 * several, in turn. `tsx test/scale/checks.ts --runs 15`
 */
import assert from "node:assert/strict";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import type { MacvlanError } from "../../provider/model/error";
import type { CheckArgs } from "../../provider/kinds/args";
import { type Lab, labDown, labUp } from "../lab/fleet";
import { openStack } from "../lab/stack";
import { say } from "../setup/run";
import { tableRow } from "../setup/written-part";

const PEER = "192.0.2.200";

interface Case {
  readonly title: string;
  readonly check?: CheckArgs;
}

const CASES: readonly Case[] = [
  { title: "no check" },
  { title: '`command: "true"`', check: { command: "true" } },
  { title: "`ping`", check: { ping: PEER } },
  { title: "`arp`", check: { arp: PEER } },
  { title: "`ping` that fails, `within: 1`", check: { ping: "192.0.2.99", within: 1 } },
  { title: "`command` that hangs, `within: 1`", check: { command: "sleep 60", within: 1 } },
];

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { runs: { type: "string", default: "15" } } });
  const name = `checks-${process.pid}`;
  const times = new Map<Case, number[]>(CASES.map((one) => [one, []]));
  try {
    const lab = await labUp(2, { name, login: () => "root", progress: say });
    await lab.sh("node2", `ip address add ${PEER}/24 dev eth0`);
    for (let run = 0; run < Number(values.runs); run++) {
      for (const one of CASES) times.get(one)?.push(await millisecondsOf(lab, one));
    }
  } finally {
    await labDown(name);
  }
  const head = ["Change", "median, ms", "least, ms", "most, ms"];
  process.stdout.write(
    [
      tableRow(head),
      tableRow(["---", "---:", "---:", "---:"]),
      ...[...times].map(([{ title }, all]) => {
        const sorted = all.toSorted((a, b) => a - b);
        const at = (part: number): number =>
          Math.round(sorted[Math.floor((sorted.length - 1) * part)] ?? NaN);
        return tableRow([title, at(0.5), at(0), at(1)]);
      }),
      "",
    ].join("\n"),
  );
}

/** The time of making a macvlan, or of making it and rolling it back; with the connection and the first reading. */
async function millisecondsOf(lab: Lab, { check }: Case): Promise<number> {
  const stack = openStack(lab);
  const args = { host: "node1", parent: "eth0", netns: "checked", addresses: ["192.0.2.1/24"] };
  const start = performance.now();
  const error = await stack
    .up("MacvlanInterface", "web", { ...args, ...(check ? { checks: [check] } : {}) })
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
  const taken = performance.now() - start;
  const fails = check?.within === 1;
  assert.equal((error as MacvlanError | undefined)?.code, fails ? "check-failed" : undefined, String(error));
  await stack.down();
  return taken;
}

void main();
