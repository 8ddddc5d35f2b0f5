/** The tables of the document, in Markdown. Pure. */
import { PHASES, type Phase } from "../job";
import type { ContenderAbout, Results } from "../results";
import { type Cell, type Measure, type Span, cellsOf, figure } from "./figures";
import { describeBytes, describeSpread, threeDigits } from "./statistics";

export const SPAN_TITLES: Readonly<Record<Span, string>> = {
  apply: "first apply",
  noop: "no-op apply",
  preview: "preview",
  drift: "one link drifted",
  destroy: "destroy",
  all: "all five",
};

export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((c) => c.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? "---" : "--:"))), ...rows.map(line)].join("\n");
}

/** Seconds of each phase, one row per contender. A phase that a contender does not have is a dash, with what ran instead. */
export function wallTable(results: Results, cell: Cell): string {
  const spans: readonly Span[] = [...PHASES, "all"];
  return markdownTable(
    ["seconds", ...spans.map((span) => SPAN_TITLES[span])],
    taking(results, cell).map((about) => [
      about.title,
      ...spans.map((span) => wallCell(results, cell, about, span)),
    ]),
  );
}

function wallCell(results: Results, cell: Cell, about: ContenderAbout, span: Span): string {
  const wall = figure(results, cell, about.id, span);
  if (span !== "all" && about.lacks[span] !== undefined) {
    return wall === undefined ? "–" : `– (${threeDigits(wall.median)})`;
  }
  return wall === undefined ? "failed" : describeSpread(wall);
}

/** For the page for users: first apply and preview of each contender with so many hosts, by round trip. */
export function summaryTable(results: Results, hosts: number): string {
  const cells = cellsOf(results).filter((cell) => cell.hosts === hosts);
  const columns = cells.flatMap((cell) => (["apply", "preview"] as const).map((span) => ({ cell, span })));
  const about = results.contenders.filter(({ id }) =>
    results.samples.some((s) => s.contender === id && s.hosts === hosts),
  );
  const seconds = ({ id, lacks }: ContenderAbout, cell: Cell, span: Phase): string => {
    const wall = lacks[span] === undefined ? figure(results, cell, id, span) : undefined;
    return wall === undefined ? "–" : threeDigits(wall.median);
  };
  return markdownTable(
    ["seconds", ...columns.map(({ cell, span }) => `${SPAN_TITLES[span]}, ${cell.rtt} ms`)],
    about.map((one) => [one.title, ...columns.map(({ cell, span }) => seconds(one, cell, span))]),
  );
}

/** What a phase costs, and how many times that is what OpenSSH's floor and this package take. */
export function costTable(results: Results, cell: Cell, phase: Phase): string {
  const head = [
    "",
    "wall, s",
    "× OpenSSH",
    "× pulumi-macvlan",
    "client CPU, s",
    "× OpenSSH",
    "of it engine, program, provider",
    "hosts' CPU, s",
    "× OpenSSH",
  ];
  const ratio = (about: ContenderAbout, to: string, measure: Measure): string => {
    const [own, other] = [about.id, to].map((id) => figure(results, cell, id, phase, measure)?.median);
    return own === undefined || other === undefined || other === 0 ? "" : threeDigits(own / other);
  };
  const count = (about: ContenderAbout, measure: Measure): string => {
    const value = figure(results, cell, about.id, phase, measure)?.median;
    return value === undefined ? "" : threeDigits(value / cell.hosts).replace(/\.?0+$/, "");
  };
  const cpu = (about: ContenderAbout, measure: Measure): string => {
    const value = figure(results, cell, about.id, phase, measure);
    return value === undefined ? "" : describeSpread(value);
  };
  const parts = (about: ContenderAbout): string => {
    const values = (["engineCpu", "programCpu", "providerCpu"] as const).map((measure) =>
      figure(results, cell, about.id, phase, measure),
    );
    const hasParts = results.samples.some((s) => s.contender === about.id && s.parts !== undefined);
    return hasParts ? values.map((value) => threeDigits(value?.median ?? NaN)).join(" + ") : "";
  };
  const bytes = (about: ContenderAbout, measure: Measure): string => {
    const value = figure(results, cell, about.id, phase, measure)?.median;
    return value === undefined ? "" : describeBytes(value / cell.hosts);
  };
  return markdownTable(
    [...head, "connections", "commands", "bytes to the host", "from it"],
    taking(results, cell).map((about) => [
      about.title,
      wallCell(results, cell, about, phase),
      ratio(about, "ssh", "wall"),
      ratio(about, "macvlan", "wall"),
      cpu(about, "cpu"),
      ratio(about, "ssh", "cpu"),
      parts(about),
      cpu(about, "hostCpu"),
      ratio(about, "ssh", "hostCpu"),
      count(about, "connections"),
      count(about, "commands"),
      bytes(about, "up"),
      bytes(about, "down"),
    ]),
  );
}

/** A span's seconds by the number of hosts, for a round trip. */
export function growthTable(results: Results, rtt: number, span: Span): string {
  const cells = cellsOf(results).filter((cell) => cell.rtt === rtt);
  return markdownTable(
    [
      `${SPAN_TITLES[span]}, seconds`,
      ...cells.map(({ hosts }) => `${hosts} ${hosts === 1 ? "host" : "hosts"}`),
    ],
    results.contenders
      .filter(({ unavailable }) => unavailable === "")
      .map((about) => [
        about.title,
        ...cells.map((cell) =>
          about.cap !== undefined && cell.hosts > about.cap
            ? "not run"
            : wallCell(results, cell, about, span),
        ),
      ]),
  );
}

/** Contenders that ran in a cell, whether or not they came to an end. */
function taking(results: Results, { hosts, rtt }: Cell): ContenderAbout[] {
  return results.contenders.filter(({ id }) =>
    results.samples.some((s) => s.contender === id && s.hosts === hosts && s.rtt === rtt),
  );
}
