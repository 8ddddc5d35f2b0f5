/**
 * `npm test [-- SUITE…] [--grep TEXT]`: sets up what the tests need, runs the suites, and ends with the sum of their
 * figures. A suite that is named has a mocha of its own. If all are run, unit tests have one, and the files of all others
 * share another. No test has a second try.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
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

/** A suite: the minutes after which it hangs, and its files if it is not named but all are run. */
interface Extent {
  readonly minutes: number;
  readonly sample?: string;
  /** How many of its files run at the same time, each with a lab of its own; files that write one table need one process. */
  readonly jobs?: number;
}

const SUITES = {
  unit: { minutes: 10 },
  lab: { minutes: 20, jobs: 2 },
  engine: { minutes: 40, jobs: 2 },
  package: { minutes: 25, jobs: 2 },
  guests: { minutes: 25, sample: "reboot.test.ts", jobs: 2 },
  faults: { minutes: 30 },
  compat: { minutes: 40, sample: "userlands.test.ts", jobs: 2 },
} as const satisfies Record<string, Extent>;
type Suite = keyof typeof SUITES;

const ALL = Object.keys(SUITES) as Suite[];

/** What one mocha runs. */
interface Batch {
  readonly title: string;
  readonly files: readonly string[];
  readonly minutes: number;
  readonly jobs: number;
  readonly extent: "sample" | "all";
  /** Whether what it prints is shown while it runs, and not when it has ended. */
  readonly isShown: boolean;
}

/**
 * The files of all suites but unit, if all are run: those of a suite with long files first, as none of them is to be the
 * one that all wait for, and those of lab last, which are short. More of them than a machine with two cores has, as each
 * waits for hosts now and then.
 */
const IN_ORDER = [
  "package",
  "guests",
  "faults",
  "engine",
  "compat",
  "lab",
] as const satisfies readonly Suite[];
const AT_A_TIME = 4;

/** What a suite came to. */
interface Figures {
  readonly passes: number;
  readonly failures: number;
  /** Title and message of each that failed. */
  readonly failed: readonly string[];
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
  const named = positionals.map(suiteNamed);
  const suites = named.length === 0 ? ALL : named;
  await setUp(suites);
  const before = leftovers();
  const run = (batch: Batch): Promise<Figures> => runBatch(batch, values.grep);
  const figures =
    suites === named
      ? await oneAfterTheOther(named.map(batchOf), run)
      : await Promise.all(wholeRun().map(run));
  const passed = figures.reduce((sum, { passes }) => sum + passes, 0);
  let failed = figures.reduce((sum, { failures }) => sum + failures, 0);
  const left = leftovers().filter((entry) => !before.includes(entry));
  if (left.length > 0) {
    failed += 1;
    say(`the tests left behind: ${left.join(", ")}`);
  }
  // once more at the end: a log of many minutes may be kept only in part
  for (const test of figures.flatMap(({ failed: tests }) => tests)) process.stdout.write(`failed: ${test}\n`);
  for (const title of figures.flatMap(({ pending }) => pending)) process.stdout.write(`pending: ${title}\n`);
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
}

async function oneAfterTheOther<T, R>(list: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const done: R[] = [];
  for (const item of list) done.push(await work(item));
  return done;
}

function suiteNamed(name: string): Suite {
  const suite = ALL.find((candidate) => candidate === name);
  if (suite === undefined) throw new Error(`there is no suite ${name}: there are ${ALL.join(", ")}`);
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
  if (suites.includes("guests") || suites.includes("compat")) {
    await requirePrograms(say, GUEST_PACKAGES);
    await guestDisk();
  }
  if (
    suites.some((suite) => ["engine", "package", "faults"].includes(suite)) &&
    !isOnPath("pulumi", process.env["PATH"] ?? "")
  )
    await enginePath();
}

/** A suite that was named, wholly. */
function batchOf(suite: Suite): Batch {
  const { minutes, jobs = 1 }: Extent = SUITES[suite];
  return { title: suite, files: filesOf(suite), minutes, jobs, extent: "all", isShown: true };
}

/** All suites, or samples of them. */
function wholeRun(): Batch[] {
  const rest = { extent: "sample", isShown: false } as const;
  return [
    { ...rest, title: "unit", files: filesOf("unit"), minutes: SUITES.unit.minutes, jobs: 1 },
    {
      ...{ ...rest, title: IN_ORDER.join(", "), minutes: 40, jobs: AT_A_TIME },
      files: IN_ORDER.flatMap((suite) => {
        const { sample }: Extent = SUITES[suite];
        return sample === undefined ? filesOf(suite) : [join(REPOSITORY, "test", suite, sample)];
      }),
    },
  ];
}

/** Runs the files of a batch in a mocha. @param grep only the tests with this text */
async function runBatch(batch: Batch, grep: string | undefined): Promise<Figures> {
  const { title, files, minutes, jobs, extent, isShown } = batch;
  if (isShown) process.stdout.write(`\n── ${title}\n`);
  else say(`running ${title}`);
  const folder = mkdtempSync(join(tmpdir(), "pulumi-macvlan-tests-"));
  const file = join(folder, "figures.json");
  const child = spawn(
    process.execPath,
    [
      join(REPOSITORY, "node_modules/mocha/bin/mocha.js"),
      ...["--reporter", join(__dirname, "reporter.cjs")],
      ...(grep === undefined ? [] : ["--grep", grep]),
      ...(jobs > 1 ? ["--parallel", "--jobs", String(jobs)] : []),
      ...files,
    ],
    // In a group of its own: mocha starts itself once more, and ending only the first would leave the tests running.
    {
      cwd: REPOSITORY,
      stdio: ["ignore", ...(isShown ? (["inherit", "inherit"] as const) : (["pipe", "pipe"] as const))],
      env: {
        ...process.env,
        MACVLAN_TEST_FIGURES: file,
        MACVLAN_TEST_SHARED: folder,
        MACVLAN_TEST_EXTENT: extent,
      },
      detached: true,
    },
  );
  const printed: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => printed.push(chunk));
  const endAll = (): void => {
    if (child.pid !== undefined) endProcessGroup(child.pid);
  };
  const stay = whenLeaving(endAll);
  const limit = { isReached: false };
  const timer = setTimeout(() => {
    limit.isReached = true;
    endAll();
  }, minutes * 60_000);
  const ended = await new Promise<string>((done, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => done(String(code ?? signal)));
  });
  clearTimeout(timer);
  stay();
  if (!isShown) process.stdout.write(`\n── ${title}\n${Buffer.concat(printed).toString()}`);
  const how = limit.isReached ? `was ended after ${minutes} minutes` : `ended with ${ended}`;
  try {
    return judge(
      title,
      how,
      ended === "0",
      existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Figures) : undefined,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A suite's files, the large ones first: they take the longest, and none of them is to be the one that all wait for. */
function filesOf(suite: Suite): string[] {
  const folder = join(REPOSITORY, "test", suite);
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => join(folder, file))
    .toSorted((one, other) => statSync(other).size - statSync(one).size);
}

/** A mocha that did not come to its end, or found nothing to run, has failed. */
function judge(title: string, how: string, isFine: boolean, figures: Figures | undefined): Figures {
  const { passes = 0, failures = 0, failed = [] } = figures ?? {};
  const { pending = [], running = "", ended = false } = figures ?? {};
  const isBroken = !ended || (!isFine && failures === 0);
  if (isBroken) say(`${title} ${how}${running === "" ? "" : `, while running: ${running}`}`);
  return { passes, failures: failures + (isBroken ? 1 : 0), failed, pending, running, ended };
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
