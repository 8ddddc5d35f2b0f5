/** What a reboot has shown, for a terminal. Pure. */
import type { Colour, Paint } from "../paint";
import { checked, count } from "../report/model";
import { checkLine } from "../report/text";
import { alignColumns, oneLine } from "../table";
import type { Outcome, Proof, ProvenCheck, ProvenLink } from "./judge";

const COLOURS: Readonly<Record<Outcome, Colour>> = {
  back: "green",
  lost: "red",
  changed: "red",
  "as before": "yellow",
};

/** Lines of text: a line per link, with what is wrong with it below. */
export function proofText(proof: Proof, paint: Paint): string {
  const heads = alignColumns(
    proof.links.map(({ outcome, label, type, resource }) => [
      paint(COLOURS[outcome], outcome),
      oneLine(label),
      paint("dim", oneLine(`${type} "${resource}"`)),
    ]),
    "  ",
  );
  const about = `rebooted, and was read again after ${Math.round(proof.seconds)} s`;
  return `${[
    `${paint("bold", oneLine(proof.host))}  ${paint("dim", about)}`,
    ...proof.notes.map((note) => `  ${oneLine(note)}`),
    ...proof.links.flatMap((link, i) => [heads[i] ?? "", ...details(link, paint)]),
    "",
    summariseProof(proof),
  ].join("\n")}\n`;
}

function details(link: ProvenLink, paint: Paint): string[] {
  const rows = link.differences.map((d) => [
    oneLine(d.property),
    `found ${paint("red", oneLine(d.found))}`,
    `wanted ${paint("green", oneLine(d.wanted))}`,
  ]);
  return [
    ...alignColumns(rows, "      "),
    ...link.problems.map((problem) => `      ${paint("red", oneLine(problem))}`),
    ...(link.advice === undefined ? [] : [`      ${paint("dim", oneLine(link.advice))}`]),
    ...link.notes.map((note) => `      ${paint("dim", oneLine(note))}`),
    ...(link.checks ?? []).map((check) => `      ${checkLine(withHistory(check), paint)}`),
  ];
}

function withHistory(check: ProvenCheck): ProvenCheck {
  return check.failedBefore === true
    ? { ...check, failure: `${check.failure ?? ""}; it failed before the reboot as well` }
    : check;
}

/** `2 links on node1: 1 back, 1 lost; 1 check passed, 1 failed.` */
function summariseProof({ host, links }: Proof): string {
  const outcomes = (["back", "lost", "changed", "as before"] as const).flatMap((outcome) => {
    const own = links.filter((link) => link.outcome === outcome).length;
    return own === 0 ? [] : [`${own} ${outcome}`];
  });
  return `${count(links.length, "link")} on ${oneLine(host)}: ${[outcomes.join(", "), ...checked(links)].join("; ")}.`;
}
