/** docs/performance.md, docs/benchmarks/performance.md and their drawing, from the results of a run. Pure. */
import { PHASES } from "../job";
import type { Machine, Results } from "../results";
import { type Cell, cellsOf, figure, mainHosts } from "./figures";
import { OURS, OURS_PARALLEL, type Verdict, judgeForms, judgeGoals } from "./goals";
import { type Line, renderPlot } from "./plot";
import { threeDigits } from "./statistics";
import { SPAN_TITLES, costTable, growthTable, markdownTable, summaryTable, wallTable } from "./tables";

const WRITTEN = '<!-- Written by "npm run bench": run it again instead of changing this. -->';

/**
 * The page for users: one screen. `drawing` and `details` are the paths of the drawing and of the document with all
 * figures, relative to it.
 */
export function renderSummary(results: Results, drawing: string, details: string): string {
  const hosts = mainHosts(results);
  const { date, cores } = results.machine;
  const takesPart = (id: string): boolean =>
    results.samples.some((s) => s.contender === id && s.hosts === hosts);
  const lines = [
    ...(takesPart("engine")
      ? [
          '"Pulumi, nothing to do" is the engine\'s own part: the same number of resources with a provider that does nothing.',
        ]
      : []),
    `A preview without changes took ${previewCost(results, hosts)} for ${hosts} hosts.`,
    ...(takesPart("hostlinks")
      ? [
          "[HostLinks](host-links.md) makes one resource of all links of a host, which spares the engine most of its work.",
        ]
      : []),
    ...(takesPart(OURS_PARALLEL)
      ? [
          "Far from the hosts, `--parallel 32` helps: by default the CLI handles four resources per core at a time.",
        ]
      : []),
    "This package does more for the same links than plain OpenSSH, Ansible and pyinfra: it takes a lock on the host, writes" +
      " down its records and how to undo a change, announces new addresses, and reads back what it made.",
    reachedGoals(results),
  ];
  return `# Performance

${WRITTEN}

This package, plain SSH and other tools did the same job on the same hosts, in turn. Per host: one macvlan with a MAC
address, an MTU, an IPv4 and an IPv6 address; one bridge with a hairpin port; one shim with four routes. After each phase
the kernel of each host was checked for what should be there. Seconds with ${hosts} hosts, by round-trip time:

${summaryTable(results, hosts)}

![Seconds of the first apply for each tool](${drawing})

${lines.map((line) => `- ${line}`).join("\n")}

Measured on ${date}, on a machine with ${cores} cores that the hosts shared. All tables, the goals, and how it was measured are
in [${details}](${details}), in the repository.
`;
}

/** How many of the goals that could be judged were reached. */
function reachedGoals(results: Results): string {
  const count = (verdicts: readonly Verdict[]): { judged: number; met: number } => ({
    judged: verdicts.filter(({ met }) => met !== undefined).length,
    met: verdicts.filter(({ met }) => met === true).length,
  });
  const [own, parallel] = [OURS, OURS_PARALLEL].map((id) => count(judgeGoals(results, id)));
  const forms = count(judgeForms(results));
  const more = [
    ...(parallel && parallel.judged > 0 ? [`, and ${parallel.met} with \`--parallel 32\``] : []),
    ...(forms.judged > 0
      ? [`; of the ${forms.judged} of HostLinks and the native provider, ${forms.met} are reached`]
      : []),
  ];
  return `Of the ${own?.judged ?? 0} goals that were judged, a resource per link reaches ${own?.met ?? 0}${more.join("")}.`;
}

/** `50 connections and 50 commands`, of this package and at the most. */
function previewCost(results: Results, hosts: number): string {
  const cells = cellsOf(results).filter((cell) => cell.hosts === hosts);
  const most = (measure: "connections" | "commands"): number =>
    Math.max(...cells.map((cell) => figure(results, cell, OURS, "preview", measure)?.most ?? NaN));
  return `${most("connections")} connections and ${most("commands")} commands`;
}

/** The document with all figures, in Markdown. `drawing` is the path of the drawing, relative to it. */
export function renderDocument(results: Results, drawing: string): string {
  const hosts = mainHosts(results);
  const cells = cellsOf(results);
  const main = cells.filter((cell) => cell.hosts === hosts);
  const rtts = [...new Set(cells.map(({ rtt }) => rtt))];
  return [
    `# Performance: all figures

${WRITTEN}

This package, plain SSH and other tools did the same job, in turn, in one run. Per host: one macvlan with a MAC address, an
MTU, an IPv4 and an IPv6 address; one bridge with a hairpin port; one shim with four routes. ${runsOf(results)} After each
phase, the kernel of each host was checked, independently of the tools, for what should have been made, left or removed. A
run in which a host was wrong does not count, and is listed below.

![Seconds of the first apply for each tool](${drawing})`,
    `## Goals

${goalsTable(judgeGoals(results), judgeGoals(results, OURS_PARALLEL))}

The engine's own time is that of the same number of resources that do nothing, run by run. \`--parallel\` is how many
resources the engine handles at a time. Its default is four times the cores: on this machine ${4 * results.machine.cores}.`,
    formsOf(results),
    `## ${hosts} hosts

Seconds: the median, and in parentheses the least and the most. A dash is a phase that a tool does not have; the seconds
beside it are those of what it did instead, which [the tools](#the-tools) explains.

${main.map((cell) => `**Round trip ${cell.rtt} ms**\n\n${wallTable(results, cell)}`).join("\n\n")}`,
    `## What it costs

Connections, commands and bytes are per host. The client's CPU is that of all processes on its side, the engine's and the
masters of \`ssh\` included. Of tools with an engine, it is given by the engine (the CLI and its language host), the program
and the provider too; a program in YAML is run by its language host. The hosts' CPU is the rest of what the machine used
meanwhile, their part of the kernel's included. Bytes are on the wire.

${main.flatMap((cell) => PHASES.map((phase) => `**${capital(SPAN_TITLES[phase])}, ${describeCell(cell)}**\n\n${costTable(results, cell, phase)}`)).join("\n\n")}`,
    ...(cells.length === main.length
      ? []
      : [
          `## By the number of hosts

${rtts.flatMap((rtt) => (["apply", "preview"] as const).map((span) => `**Round trip ${rtt} ms**\n\n${growthTable(results, rtt, span)}`)).join("\n\n")}`,
        ]),
    `## The tools

${results.contenders.map(describeContender).join("\n")}`,
    ...(results.micro.length === 0
      ? []
      : [
          `## Small measurements

${results.micro.map(({ title, text, head, rows }) => `### ${title}\n\n${text}\n\n${markdownTable(head, rows)}`).join("\n\n")}`,
        ]),
    `## How it was measured

${howMeasured(results)}`,
    ...(cells.length === main.length
      ? []
      : [
          `## Other numbers of hosts

${cells
  .filter((cell) => cell.hosts !== hosts)
  .map((cell) => `**${capital(describeCell(cell))}**\n\n${wallTable(results, cell)}`)
  .join("\n\n")}`,
        ]),
    failures(results),
  ]
    .filter(Boolean)
    .join("\n\n")
    .concat("\n");
}

function describeCell({ hosts, rtt }: Cell): string {
  return `${hosts} ${hosts === 1 ? "host" : "hosts"}, round trip ${rtt} ms`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** How often each cell was run, the most frequent first: `the median of 3 runs; with 100 hosts, of 1`. */
function runsOf(results: Results): string {
  const counts = cellsOf(results).map((cell) => {
    const mine = results.samples.filter((s) => s.hosts === cell.hosts && s.rtt === cell.rtt);
    return { cell, runs: new Set(mine.map(({ run }) => run)).size };
  });
  const most = Math.max(0, ...counts.map(({ runs }) => runs));
  const fewer = counts
    .filter(({ runs }) => runs < most)
    .map(({ cell, runs }) => `; with ${describeCell(cell)}, of ${runs}`);
  return `Each figure is the median of ${most} ${most === 1 ? "run" : "runs"}${fewer.join("")}.`;
}

/** @param parallel of the same goals, in the same order */
function goalsTable(verdicts: readonly Verdict[], parallel: readonly Verdict[]): string {
  const isJudged = (verdict: Verdict | undefined): boolean => verdict?.met !== undefined;
  const hasParallel = parallel.some(isJudged);
  const pairs = verdicts
    .map((verdict, i) => ({ verdict, other: parallel[i] }))
    .filter(({ verdict, other }) => isJudged(verdict) || isJudged(other));
  return markdownTable(
    ["goal", "where", "found", "", ...(hasParallel ? ["with `--parallel 32`", ""] : [])],
    pairs.map(({ verdict, other }) => [
      verdict.goal,
      describeCell(verdict.cell),
      ...judged(verdict),
      ...(hasParallel ? judged(other) : []),
    ]),
  );
}

/** What was found, and whether that is what the goal asks for. */
function judged(verdict: Verdict | undefined): string[] {
  if (verdict === undefined) return ["", ""];
  return [verdict.found, verdict.met === undefined ? "?" : verdict.met ? "met" : "**missed**"];
}

/** The goals of HostLinks and of the native provider; empty if nothing of them was measured. */
function formsOf(results: Results): string {
  const found = judgeForms(results).filter(({ met }) => met !== undefined);
  if (found.length === 0) return "";
  const rows = found.map((verdict) => [verdict.goal, describeCell(verdict.cell), ...judged(verdict)]);
  return `## HostLinks and the native provider

Ratios are those of tools that ran in turn, run by run: the median, and in parentheses the least and the most.

${markdownTable(["goal", "where", "found", ""], rows)}`;
}

function describeContender({ title, note, lacks, unavailable, cap }: Results["contenders"][number]): string {
  const instead = PHASES.flatMap((phase) =>
    lacks[phase] === undefined ? [] : [`${SPAN_TITLES[phase]}: ${lacks[phase]}`],
  );
  return [
    `- **${title}**: ${note}.`,
    ...(instead.length > 0 ? [`It has no ${instead.join("; no ")}.`] : []),
    ...(cap === undefined
      ? []
      : [`Run with up to ${cap} ${cap === 1 ? "host" : "hosts"} only, as it takes minutes with more.`]),
    ...(unavailable === "" ? [] : [`**It did not take part**: ${oneLine(unavailable)}.`]),
  ].join(" ");
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, " ").trim();

function howMeasured(results: Results): string {
  const { machine, widths } = results;
  const wayCpu = cellsOf(results).map((cell) => {
    const parts = ["ssh", "macvlan"].flatMap((id) => {
      const [way, wall] = [figure(results, cell, id, "apply", "wayCpu"), figure(results, cell, id, "apply")];
      return way === undefined || wall === undefined ? [] : [way.median / wall.median];
    });
    return Math.max(0, ...parts);
  });
  const most = Math.round(100 * Math.max(0, ...wayCpu));
  const chosen = widths
    .map(({ hosts, rtt, width }) => `${width} with ${describeCell({ hosts, rtt })}`)
    .join("; ");
  return `- The hosts are network namespaces of the machine on which the tools run, each with its own sshd and its defaults
  (MaxStartups and MaxSessions among them). So client and hosts share its cores, and every wall time contains the CPU of
  the hosts. All log in as root with an Ed25519 key. Traffic stays within namespaces and the loopback.
- In front of each sshd is a TCP proxy, also if the round trip is 0. All proxies are one Node.js process. It delays each
  direction by half a round trip, and a connection's first bytes by one and a half as TCP does, and counts connections and
  bytes. Its own CPU was at most ${most} % of the wall time of a first apply by plain OpenSSH or this package.
- Commands are those that sshd's log says were started. CPU is the kernel's account of a control group that contains a
  tool's processes. The wall time is from starting the command to its exit.
- The tools ran one after the other, all of them before the next run, and each run began with another one. Before that,
  each did the whole job on one host without being measured.
- OpenSSH, Ansible and pyinfra do the minimum. This package does more for the same links: it takes a lock on the host,
  writes down its records and how to undo an interrupted change, keeps the shim from answering the LAN's ARP for the host's
  own address, announces new addresses, and reads back what it made.
- How many \`ssh\` at a time: the fastest of ${[2, 4, 8, 16, 32, 64].join(", ")} for one reading of each host: ${chosen}.

${describeMachine(machine, results.command)}`;
}

function describeMachine(machine: Machine, command: string): string {
  const { date, cpu, cores, memory, kernel, system, versions, load } = machine;
  return markdownTable(
    ["machine", ""],
    [
      ["date", date],
      ["CPU", `${cores} cores, ${cpu}`],
      ["memory", `${memory} GiB`],
      ["system", `${system}, kernel ${kernel}`],
      ["load before the run", threeDigits(load)],
      ["command", command],
      ...Object.entries(versions),
    ],
  );
}

function failures({ samples }: Results): string {
  const failed = samples.filter(({ failure }) => failure !== "");
  if (failed.length === 0) return "";
  const lines = failed.map(
    (s) =>
      `- ${s.contender}, ${describeCell(s)}, run ${s.run}, ${SPAN_TITLES[s.phase]}: \`${oneLine(s.failure).replaceAll("`", "'").slice(0, 300)}\``,
  );
  return `## What failed\n\n${lines.join("\n")}`;
}

/** The drawing: one panel per round trip. */
export function renderDrawing(results: Results): string {
  const cells = cellsOf(results);
  const rtts = [...new Set(cells.map(({ rtt }) => rtt))];
  const panels = rtts.map((rtt) => ({
    title: `First apply, engine included: seconds ${by(cells.filter((cell) => cell.rtt === rtt))}, round trip ${rtt} ms`,
    lines: results.contenders.map(({ id, title, isFloor }): Line => ({
      title: title.replace(
        /^… /,
        id.startsWith("ssh") ? "OpenSSH, " : isFloor ? "Nothing to do, " : "pulumi-macvlan ",
      ),
      look: OWN.has(id) ? "own" : isFloor || id.startsWith("ssh") ? "floor" : "rival",
      points: cells.flatMap((cell) => {
        const wall = cell.rtt === rtt ? figure(results, cell, id, "apply") : undefined;
        return wall === undefined ? [] : [[cell.hosts, wall.median] as const];
      }),
    })),
  }));
  return renderPlot(
    "Seconds of the first apply",
    "For each tool, by the number of hosts if there are several: this package, its floors (plain OpenSSH, the engine with nothing to do) and its rivals.",
    panels,
  );
}

/** The forms of this package. */
const OWN: ReadonlySet<string> = new Set([OURS, OURS_PARALLEL, "hostlinks", "native", "yaml"]);

function by(cells: readonly Cell[]): string {
  const [cell] = cells;
  return cells.length === 1 && cell ? `with ${cell.hosts} hosts` : "by the number of hosts";
}
