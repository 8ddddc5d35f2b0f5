/** `npm run bench`: see USAGE. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { format, resolveConfig } from "prettier";
import { labDown } from "../lab/fleet";
import { say } from "../setup/run";
import { compete } from "./compete";
import { CONTENDERS } from "./contenders";
import { type Site, openSite } from "./lab/site";
import { describeMachine } from "./machine";
import { type Group, openGroup } from "./measure";
import { measureMicro } from "./micro";
import { renderDocument, renderDrawing, renderSummary } from "./report/document";
import { judgeForms, judgeGoals } from "./report/goals";
import { type Results, Results as ResultsFile, mergeResults } from "./results";

const REPOSITORY = resolve(__dirname, "../..");

const USAGE = `npm run bench -- [competition] [micro]   both, where none is named
  --hosts 1,10,50,100    how many hosts                    --rtt 0,50    round trips, in milliseconds
  --runs 3               runs of each                      --contenders  ${CONTENDERS.map(({ id }) => id).join(",")}
  --cap ansible=50,…     the most hosts for a contender
  --results FILE         where all figures go (bench-results.json)
  --with FILE,…          figures of earlier runs on this machine, which the documents show as well
  --out FILE             where the page goes (docs/performance.md); all figures go to benchmarks/ beside it
  --render FILE,…        writes both from such figures, and measures nothing`;

/** Contenders that would take most of an hour with all hosts. */
const CAPS = { ansible: 50 };

const OPTIONS = {
  hosts: { type: "string", default: "1,10,50,100" },
  rtt: { type: "string", default: "0,50" },
  runs: { type: "string", default: "3" },
  contenders: { type: "string", default: CONTENDERS.map(({ id }) => id).join(",") },
  cap: {
    type: "string",
    default: Object.entries(CAPS)
      .map(([id, cap]) => `${id}=${cap}`)
      .join(","),
  },
  results: { type: "string", default: "bench-results.json" },
  out: { type: "string", default: "docs/performance.md" },
  with: { type: "string" },
  render: { type: "string" },
  help: { type: "boolean" },
} as const;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  if (values.help === true) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  // read before anything is measured, as a mistake in them must not cost a run
  const earlier = values.with === undefined ? [] : readResults(values.with);
  const results =
    values.render === undefined
      ? [await measureAll(values, partsOf(positionals))]
      : readResults(values.render);
  await writeDocuments(mergeResults([...earlier, ...results]), resolve(REPOSITORY, values.out));
}

/** The page for users, all figures in a folder beside it, both as prettier has them, and their drawing. */
async function writeDocuments(results: Results, file: string): Promise<void> {
  const drawing = "drawings/performance.svg";
  const details = `benchmarks/${basename(file)}`;
  const options = await resolveConfig(file);
  const write = async (path: string, text: string): Promise<void> => {
    const target = join(dirname(file), path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(
      target,
      path.endsWith(".md") ? await format(text, { ...options, parser: "markdown" }) : text,
    );
  };
  await write(basename(file), renderSummary(results, drawing, details));
  await write(details, renderDocument(results, `../${drawing}`));
  await write(drawing, renderDrawing(results));
  for (const { goal, cell, found, met } of [...judgeGoals(results), ...judgeForms(results)]) {
    const verdict = met === undefined ? "?     " : met ? "met   " : "MISSED";
    process.stdout.write(`${verdict} ${goal} (${cell.hosts} hosts, ${cell.rtt} ms): ${found}\n`);
  }
  process.stdout.write(`written: ${file}\n`);
}

function readResults(files: string): Results[] {
  return files
    .split(",")
    .map((file) => ResultsFile.parse(JSON.parse(readFileSync(resolve(REPOSITORY, file), "utf8"))));
}

interface Chosen {
  readonly hosts: string;
  readonly rtt: string;
  readonly runs: string;
  readonly contenders: string;
  readonly cap: string;
  readonly results: string;
}

const PARTS = ["competition", "micro"] as const;
type Part = (typeof PARTS)[number];

function partsOf(named: readonly string[]): readonly Part[] {
  const parts = named.map((name) => {
    const part = PARTS.find((candidate) => candidate === name);
    if (part === undefined) throw new Error(`there is no part ${name}: there are ${PARTS.join(", ")}`);
    return part;
  });
  return parts.length === 0 ? PARTS : parts;
}

async function measureAll(chosen: Chosen, parts: readonly Part[]): Promise<Results> {
  const hosts = numbers("--hosts", chosen.hosts, 1);
  const competition = {
    hosts,
    rtts: numbers("--rtt", chosen.rtt, 0),
    runs: numbers("--runs", chosen.runs, 1)[0] ?? 3,
    contenders: chosen.contenders.split(","),
    caps: Object.fromEntries(
      chosen.cap
        .split(",")
        .filter(Boolean)
        .map((part) => {
          const [id = "", most = ""] = part.split("=");
          return [id, numbers("--cap", most, 0)[0] ?? 0];
        }),
    ),
  };
  const unknown = competition.contenders.find((id) => !CONTENDERS.some((c) => c.id === id));
  if (unknown !== undefined) throw new Error(`there is no contender ${unknown}\n${USAGE}`);
  const file = resolve(REPOSITORY, chosen.results);
  const about = { machine: await describeMachine(), command: commandLineOf() };
  return within(Math.max(...hosts), async (site, group) => {
    let results: Results = { ...about, contenders: [], widths: [], samples: [], micro: [] };
    // at each step, as all of it takes hours
    const keep = (more: Partial<Results>): void => {
      results = { ...results, ...more };
      writeFileSync(file, `${JSON.stringify(results, null, 1)}\n`);
    };
    if (parts.includes("micro")) keep({ micro: await measureMicro(site, group, competition.rtts) });
    if (parts.includes("competition")) await compete(competition, site, group, keep);
    return results;
  });
}

/** For the document: the place of this run's files is not part of what was measured. */
function commandLineOf(): string {
  const options = process.argv
    .slice(2)
    .join(" ")
    .replace(/ *--(results|out|with)[ =][^ ]+/g, "");
  return options === "" ? "npm run bench" : `npm run bench -- ${options.trim()}`;
}

/** Whole numbers, separated by commas. */
function numbers(option: string, text: string, least: number): number[] {
  const list = text.split(",");
  if (list.some((part) => !/^[0-9]+$/.test(part) || Number(part) < least))
    throw new Error(
      `${option} takes whole numbers from ${least} on, separated by commas, not ${text}\n${USAGE}`,
    );
  return list.map(Number);
}

/** Works on a site of this process's own, and takes all of it away, also when a signal ends the work. */
async function within<T>(hosts: number, work: (site: Site, group: Group) => Promise<T>): Promise<T> {
  const name = `bench-${process.pid}`;
  let group: Group | undefined;
  let site: Site | undefined;
  let leaving = false;
  const isLeaving = (): boolean => leaving;
  const takeAway = async (): Promise<void> => {
    await group?.close();
    await (site?.close() ?? labDown(name));
  };
  const leave = (signal: NodeJS.Signals): void => {
    if (leaving) return;
    leaving = true;
    say(`${signal}: taking everything away`);
    takeAway().then(
      () => process.exit(130),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, leave);
  try {
    group = openGroup();
    site = await openSite(name, hosts);
    return await work(site, group);
  } finally {
    // after a signal, what takes everything away also ends the process
    if (isLeaving()) await new Promise(() => undefined);
    await takeAway();
  }
}

main().catch((error: unknown) => {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
