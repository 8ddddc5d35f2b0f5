/**
 * Runs the stacks of several sites side by side: `node --import tsx sites.ts preview|up|drift|destroy [SITE…]`. What a site's
 * engine prints has the site's name in front. At the end there is a table, and the exit code says what came of it.
 * `--rollout '{"canary":1,"batch":"25%"}'` has the hosts of each site changed in waves.
 */
import { parseArgs } from "node:util";
import { LocalWorkspace, type Stack } from "@pulumi/pulumi/automation";
import { linePrinter, sideBySide } from "./side-by-side";
import { siteProgram, sites } from "./site";

const COMMANDS = ["preview", "up", "drift", "destroy"] as const;
type Command = (typeof COMMANDS)[number];

/** What came of a site. */
interface Result {
  readonly site: string;
  readonly outcome: "done" | "drift" | "failed" | "interrupted" | "not begun";
  /** Number of resources by what was done, or is to be done, with them; without those that stay as they are. */
  readonly changes: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/** Handshakes that this machine makes at the same time, all sites together: each engine has a provider of its own. */
const HANDSHAKES = 8;

/** Aborted once running engines are to end; each then finishes the steps that it has begun. */
const ending = new AbortController();
let interruptedAt: number | undefined;

function isInterrupted(): boolean {
  return interruptedAt !== undefined;
}

/** Ctrl-C of a terminal reaches the engines by itself, and a second one has them drop what they are doing. */
process.on("SIGINT", () => {
  interruptedAt ??= Date.now();
  // npx and the like send on at once what the terminal has sent already
  if (Date.now() - interruptedAt > 1000) ending.abort();
});
/** SIGTERM, as CI systems send it, comes here alone. */
process.on("SIGTERM", () => {
  interruptedAt ??= Date.now();
  ending.abort();
});

/** What the command line asks for. */
interface Options {
  readonly command: Command;
  /** Sites at the same time. */
  readonly parallel: number;
  /** The setting `macvlan:rollout`, as JSON; empty: as the stacks have it. */
  readonly rollout: string;
}

async function runSite(site: string, options: Options): Promise<Result> {
  const began = Date.now();
  const output = linePrinter(site.padEnd(Math.max(...sites.map((s) => s.length))));
  const result = (outcome: Result["outcome"], changes: Result["changes"] = {}): Result => {
    output.end();
    return { site, outcome, changes, seconds: (Date.now() - began) / 1000 };
  };
  if (isInterrupted()) return result("not begun");
  try {
    const stack = await openStack(site, options);
    const changes = await runCommand(stack, options.command, (piece) => output.print(piece));
    const isDrift = options.command === "drift" && Object.keys(changes).length > 0;
    return result(isDrift ? "drift" : "done", changes);
  } catch (error) {
    if (isInterrupted()) return result("interrupted");
    // the engine's own output has been printed: what is left to say is what went wrong before there was one
    if (!isOfEngine(error)) output.print(`${String(error)}\n`);
    return result("failed");
  }
}

/** The stack's settings, `Pulumi.SITE.yaml`, are in this folder, as for the CLI. */
async function openStack(site: string, { parallel, rollout }: Options): Promise<Stack> {
  const envVars = {
    MACVLAN_MAX_CONNECTIONS:
      process.env["MACVLAN_MAX_CONNECTIONS"] ?? String(Math.max(1, Math.floor(HANDSHAKES / parallel))),
  };
  const args = { stackName: site, projectName: "macvlan-sites", program: siteProgram(site) };
  const stack = await LocalWorkspace.createOrSelectStack(args, { workDir: __dirname, envVars });
  if (rollout !== "") await stack.setConfig("macvlan:rollout", { value: rollout });
  return stack;
}

async function runCommand(
  stack: Stack,
  command: Command,
  print: (piece: string) => void,
): Promise<Record<string, number>> {
  const options = { onOutput: print, onError: print, signal: ending.signal, suppressProgress: true };
  switch (command) {
    case "preview":
    case "drift":
      return changesIn((await stack.preview({ ...options, diff: true })).changeSummary);
    case "up":
      return changesIn((await stack.up({ ...options, continueOnError: true })).summary.resourceChanges);
    case "destroy":
      return changesIn((await stack.destroy({ ...options, continueOnError: true })).summary.resourceChanges);
  }
}

function changesIn(summary: Readonly<Record<string, number>> = {}): Record<string, number> {
  return Object.fromEntries(Object.entries(summary).filter(([op, count]) => op !== "same" && count > 0));
}

/** Whether an error only repeats what a CLI has printed. */
function isOfEngine(error: unknown): boolean {
  return error instanceof Error && error.constructor.name.endsWith("CommandError");
}

function table(results: readonly Result[]): string {
  const rows = results.map(({ site, outcome, changes, seconds }) => [
    site,
    outcome,
    Object.entries(changes)
      .map(([op, count]) => `${count} ${op}`)
      .join(", "),
    `${seconds.toFixed(1)} s`,
  ]);
  const widths = [0, 1, 2].map((i) => Math.max(...rows.map((row) => (row[i] ?? "").length)));
  return rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ")).join("\n");
}

/** 1: a site failed; 130: it was interrupted; 2: hosts differ from what the program says; 0: all is well. */
function exitCode(results: readonly Result[]): number {
  const has = (...outcomes: Result["outcome"][]): boolean =>
    results.some((r) => outcomes.includes(r.outcome));
  return has("failed") ? 1 : has("interrupted", "not begun") ? 130 : has("drift") ? 2 : 0;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { parallel: { type: "string", default: "2" }, rollout: { type: "string", default: "" } },
  });
  const [word, ...chosen] = positionals;
  const command = COMMANDS.find((known) => known === word);
  const parallel = Number(values.parallel);
  const unknown = chosen.filter((site) => !sites.includes(site));
  if (command === undefined || !(parallel >= 1) || unknown.length > 0) {
    process.stderr.write(
      `sites.ts ${COMMANDS.join("|")} [--parallel 2] [--rollout JSON] [${sites.join("|")} …]\n`,
    );
    return 1;
  }
  const options = { command, parallel, rollout: values.rollout };
  const which = chosen.length > 0 ? chosen : sites;
  const results = await sideBySide(which, parallel, (site) => runSite(site, options));
  process.stdout.write(`\n${table(results)}\n`);
  return exitCode(results);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
