/** The report for a terminal. Pure. */
import type { CheckedResult } from "../checks";
import type { Colour, Paint } from "../paint";
import { alignColumns, oneLine } from "../table";
import { type Report, type ReportedLink, countWords, isQuiet, summarise } from "./model";

const COLOURS: Readonly<Record<ReportedLink["action"], Colour>> = {
  keep: "dim",
  create: "green",
  update: "yellow",
  replace: "yellow",
  delete: "red",
};

/** Lines of text, without links that have nothing to report. */
export function reportText(report: Report, paint: Paint): string {
  const lines = [paint("bold", oneLine(report.stack)), ""];
  for (const error of report.errors) {
    lines.push(paint("red", "the preview failed:"), ...error.split("\n").map((l) => `  ${oneLine(l)}`), "");
  }
  for (const host of report.hosts) {
    const loud = host.links.filter((l) => !isQuiet(l));
    if (loud.length === 0 && host.error === undefined && host.notes.length === 0) continue;
    lines.push(paint("bold", oneLine(host.host)));
    if (host.error !== undefined)
      lines.push(`  ${paint("red", "could not be read:")} ${oneLine(host.error)}`);
    for (const note of host.notes) lines.push(`  ${oneLine(note)}`);
    for (const link of loud) lines.push(...linkLines(link, paint));
    lines.push("");
  }
  const others = countWords(Object.entries(report.others).flatMap(([op, n]) => Array<string>(n).fill(op)));
  if (others !== "") lines.push(`Resources of other providers: ${oneLine(others)}.`);
  lines.push(summarise(report));
  return `${lines.join("\n")}\n`;
}

function linkLines(link: ReportedLink, paint: Paint): string[] {
  const head = `  ${paint(COLOURS[link.action], link.action)} ${oneLine(link.label)}  ${paint("dim", oneLine(`${link.type} "${link.resource}"`))}`;
  const rows = link.differences.map((d) => [
    oneLine(d.property),
    `found ${paint("red", oneLine(d.found))}`,
    `wanted ${paint("green", oneLine(d.wanted))}`,
    d.cause === "drift" ? paint("yellow", "drift") : "",
  ]);
  return [
    head,
    ...alignColumns(rows, "    "),
    ...(link.checks ?? []).map((check) => `    ${checkLine(check, paint)}`),
    ...link.problems.map((problem) => `    ${paint("red", "would fail:")} ${oneLine(problem)}`),
    ...link.notes.map((note) => `    ${paint("dim", oneLine(note))}`),
    ...link.commands.map((command) => `    ${paint("dim", "$")} ${oneLine(command)}`),
  ];
}

/** What came of a check, as one line. */
export function checkLine(
  { check, property, passed, ms = 0, failure = "" }: CheckedResult,
  paint: Paint,
): string {
  if (passed === true) return `${paint("green", "passed:")} ${oneLine(check)} ${paint("dim", `${ms} ms`)}`;
  if (passed === false) return `${paint("red", "failed:")} ${oneLine(failure)}`;
  return `${paint("yellow", "not run:")} ${oneLine(property)} ${paint("dim", check)}`;
}
