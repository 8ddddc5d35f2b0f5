/**
 * `npm test [-- SUITE…] [--grep TEXT]`: sets up what the tests need, runs the suites one after the other, each in a
 * mocha process of its own, and ends with the sum of their figures.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { guestDisk } from "../lab/fleet/guest/image";
import { GUEST_PACKAGES, TEST_PACKAGES, requirePrograms, requireRoot } from "../lab/fleet/requirements";
import { enginePath, isOnPath } from "./engine";
import { whenLeaving } from "./leave";
import { ensureBuilt, linkSelf } from "./package";
import { endProcessGroup, say } from "./run";

const REPOSITORY = resolve(__dirname, "../..");

/** A suite: the minutes after which it hangs, and its files where it is not named but all are run. */
interface Extent {
  readonly minutes: number;
  readonly sample?: string;
  /** How many of its files run at the same time, each with a lab of its own. */
  readonly jobs?: number;
}

const SUITES = {
  unit: { minutes: 5 },
  lab: { minutes: 20, jobs: 2 },
  engine: { minutes: 25, jobs: 2 },
  package: { minutes: 25, jobs: 2 },
  guests: { minutes: 25, sample: "reboot.test.ts" },
  faults: { minutes: 30 },
} as const satisfies Record<string, Extent>;
type Suite = keyof typeof SUITES;

/** What a suite came to. */
interface Figures {
  readonly passes: number;
  readonly failures: number;
  readonly pending: readonly string[];
  /** The test that began last. */
  readonly running: string;
  readonly ended: boolean;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { grep: { type: "string" } },
    allowPositionals: true,
  });
  const suites = positionals.length === 0 ? (Object.keys(SUITES) as Suite[]) : positionals.map(suiteNamed);
  await setUp(suites);
  const before = leftovers();
  let passed = 0;
  let failed = 0;
  const pending: string[] = [];
  for (const suite of suites) {
    process.stdout.write(`\n── ${suite}\n`);
    const { sample }: Extent = SUITES[suite];
    const files = positionals.length > 0 || sample === undefined ? "**/*.test.ts" : sample;
    const extent = positionals.length > 0 ? "all" : "sample";
    const figures = await runSuite(suite, files, extent, values.grep);
    passed += figures.passes;
    failed += figures.failures;
    pending.push(...figures.pending);
  }
  const left = leftovers().filter((entry) => !before.includes(entry));
  if (left.length > 0) {
    failed += 1;
    say(`the tests left behind: ${left.join(", ")}`);
  }
  for (const title of pending) process.stdout.write(`pending: ${title}\n`);
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
}

function suiteNamed(name: string): Suite {
  const suites = Object.keys(SUITES) as Suite[];
  const suite = suites.find((candidate) => candidate === name);
  if (suite === undefined) throw new Error(`there is no suite ${name}: there are ${suites.join(", ")}`);
  return suite;
}

async function setUp(suites: readonly Suite[]): Promise<void> {
  linkSelf();
  await ensureBuilt();
  if (suites.some((suite) => suite !== "unit")) {
    requireRoot();
    await requirePrograms(say);
    await requirePrograms(say, TEST_PACKAGES);
  }
  if (suites.includes("guests")) {
    await requirePrograms(say, GUEST_PACKAGES);
    await guestDisk();
  }
  if (
    suites.some((suite) => suite === "engine" || suite === "package") &&
    !isOnPath("pulumi", process.env["PATH"] ?? "")
  )
    await enginePath();
}

async function runSuite(
  suite: Suite,
  files: string,
  extent: "all" | "sample",
  grep: string | undefined,
): Promise<Figures> {
  const { jobs = 1 }: Extent = SUITES[suite];
  const folder = mkdtempSync(join(tmpdir(), "pulumi-macvlan-tests-"));
  const file = join(folder, "figures.json");
  const child = spawn(
    process.execPath,
    [
      join(REPOSITORY, "node_modules/mocha/bin/mocha.js"),
      ...["--reporter", join(__dirname, "reporter.cjs")],
      ...(grep === undefined ? [] : ["--grep", grep]),
      ...(jobs > 1 ? ["--parallel", "--jobs", String(jobs)] : []),
      `test/${suite}/${files}`,
    ],
    // In a group of its own: mocha starts itself once more, and ending only the first would leave the tests running.
    {
      cwd: REPOSITORY,
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, MACVLAN_TEST_FIGURES: file, MACVLAN_TEST_EXTENT: extent },
      detached: true,
    },
  );
  const endAll = (): void => {
    if (child.pid !== undefined) endProcessGroup(child.pid);
  };
  const stay = whenLeaving(endAll);
  const limit = { isReached: false };
  const timer = setTimeout(() => {
    limit.isReached = true;
    endAll();
  }, SUITES[suite].minutes * 60_000);
  const ended = await new Promise<string>((done, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => done(String(code ?? signal)));
  });
  clearTimeout(timer);
  stay();
  const how = limit.isReached ? `was ended after ${SUITES[suite].minutes} minutes` : `ended with ${ended}`;
  try {
    return judge(
      suite,
      how,
      ended === "0",
      existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Figures) : undefined,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A mocha that did not come to its end, or found nothing to run, has failed. */
function judge(suite: Suite, how: string, isFine: boolean, figures: Figures | undefined): Figures {
  const { passes = 0, failures = 0, pending = [], running = "", ended = false } = figures ?? {};
  const isBroken = !ended || (!isFine && failures === 0);
  if (isBroken) say(`the suite ${suite} ${how}${running === "" ? "" : `, while running: ${running}`}`);
  return { passes, failures: failures + (isBroken ? 1 : 0), pending, running, ended };
}

/** What a lab or a test makes on the machine: namespaces and folders. */
function leftovers(): string[] {
  const list = (folder: string, prefix: string): string[] =>
    existsSync(folder)
      ? readdirSync(folder)
          .filter((entry) => entry.startsWith(prefix))
          .map((entry) => join(folder, entry))
      : [];
  return [
    ...list("/run/netns", "mvlab."),
    ...list("/run/pulumi-macvlan-lab", ""),
    ...list(tmpdir(), "pulumi-macvlan-"),
  ];
}

main().catch((error: unknown) => {
  say(error instanceof Error ? error.message : String(error));
  process.stdout.write("0 passed, 1 failed\n");
  process.exitCode = 1;
});
