/** The result of the doctor, for a terminal. Pure. */
import type { Colour, Paint } from "../paint";
import { alignColumns, oneLine, wrapText } from "../table";
import type { Check, Status } from "./judge";

/** A host with its checks, or why there are none. */
export type Diagnosis =
  | {
      readonly host: string;
      readonly system: string;
      readonly kernel: string;
      readonly checks: readonly Check[];
    }
  | { readonly host: string; readonly error: string };

const COLOURS: Readonly<Record<Status, Colour>> = {
  ok: "green",
  note: "yellow",
  missing: "red",
  failed: "red",
};

/** The width of the lines with advice below a finding. */
const WIDTH = 84;

/** One table per host. */
export function diagnosisText(diagnoses: readonly Diagnosis[], paint: Paint): string {
  return `${diagnoses.map((one) => hostLines(one, paint).join("\n")).join("\n\n")}\n`;
}

function hostLines(diagnosis: Diagnosis, paint: Paint): string[] {
  const host = paint("bold", diagnosis.host);
  if ("error" in diagnosis) return [host, `  ${paint("red", "unreachable")}  ${oneLine(diagnosis.error)}`];
  const { system, kernel, checks } = diagnosis;
  const rows = alignColumns(
    checks.map(({ check, status, found }) => [paint(COLOURS[status], status), check, oneLine(found)]),
    "  ",
  );
  const indent = " ".repeat(4 + Math.max(...checks.map(({ status }) => status.length)));
  const about = [system, `Linux ${kernel}`].filter((text) => text !== "").join(", ");
  return [
    `${host}  ${paint("dim", oneLine(about))}`,
    ...checks.flatMap(({ advice = "" }, i) => [
      rows[i] ?? "",
      ...wrapText(oneLine(advice), WIDTH).map((line) => `${indent}${paint("dim", line)}`),
    ]),
  ];
}
