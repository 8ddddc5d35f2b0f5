/**
 * Records what the version that it runs in leaves behind: `npx tsx test/engine/upgrade/record.ts FOLDER [nodes] [guest]`
 * makes the stacks of `stacks.ts` with the real CLI, and writes into `FOLDER/STACK` the exported state and, by host, the
 * scripts that changed it, as they were sent. It works with any version that has `test/lab/fleet` and
 * `test/engine/project.ts`: copy it and `stacks.ts` into a checkout of that version.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { labDown, labUp, type Lab } from "../../lab/fleet";
import { ensureBuilt, linkSelf } from "../../setup/package";
import { openProject } from "../project";
import { UPGRADE_STACKS, type UpgradeStack } from "./stacks";

/** A line of `MACVLAN_TRACE`. */
interface TraceEvent {
  readonly host: string;
  readonly event: string;
  readonly script?: string;
}

async function main([folder = "", ...names]: readonly string[]): Promise<void> {
  if (folder === "") throw new Error("name the folder of the version, such as test/fixtures/upgrade/b1b96c9");
  linkSelf();
  await ensureBuilt();
  for (const [name, stack] of Object.entries(UPGRADE_STACKS)) {
    if (names.length > 0 && !names.includes(name)) continue;
    const lab = await labUp(name === "guest" ? 1 : stack.hosts.length, {
      name: `record-${process.pid}`,
      guests: name === "guest" ? [{}] : [],
    });
    try {
      await record(lab, stack, resolve(folder, name));
    } finally {
      await labDown(lab.name);
    }
  }
}

async function record(lab: Lab, stack: UpgradeStack, folder: string): Promise<void> {
  for (const [host, script] of Object.entries(stack.before)) await lab.sh(host, script);
  const project = await openProject(lab);
  try {
    const trace = join(project.folder, "trace.jsonl");
    project.environment["MACVLAN_TRACE"] = trace;
    project.program(stack.program);
    await project.up();
    await project.expectNoChanges();
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const exported = await project.cli(["stack", "export"]);
    if (exported.code !== 0) throw new Error(exported.output);
    const state = JSON.stringify(JSON.parse(exported.stdout, withoutPlaces), undefined, 2);
    writeFileSync(join(folder, "state.json"), `${state}\n`);
    const events = readFileSync(trace, "utf8").trimEnd().split("\n");
    const scripts = events.flatMap((line) => changeOf(JSON.parse(line) as TraceEvent, lab, stack));
    for (const host of stack.hosts) {
      const own = scripts.filter((change) => change.host === host);
      own.forEach(({ script }, i) => writeFileSync(join(folder, `${host}-${i + 1}.sh`), script));
      process.stdout.write(`${host}: ${own.length} scripts\n`);
    }
  } finally {
    project.remove();
  }
}

/** Leaves out where in the program a resource was made: paths of this machine. */
function withoutPlaces(key: string, value: unknown): unknown {
  return key === "sourcePosition" || key === "stackTrace" ? undefined : value;
}

/** The script of a change, and the host by its name in the lab. */
function changeOf(
  { host: label, event, script }: TraceEvent,
  lab: Lab,
  { hosts }: UpgradeStack,
): { host: string; script: string }[] {
  if (event !== "run" || script === undefined || !script.includes("\npm_begin ")) return [];
  const all = [...lab.hosts, ...lab.guests].filter(({ name }) => hosts.includes(name));
  const host = all.find(({ name, control }) => label.includes(name) || label.includes(control));
  if (!host) throw new Error(`no host of the lab is called ${label}`);
  return [{ host: host.name, script }];
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
