/** The rows of the table of faults: what came of each, as text and read from it. Pure. */
import { tableRow } from "../setup/written-part";

/** The state of a host after a fault: as before the change, as desired, or neither. */
export type Found = "before" | "wanted" | "between";

/** What came of a fault. */
export interface Row {
  readonly fault: string;
  readonly found: readonly Found[];
  /** How often the next `up` brought everything about, of all times. */
  readonly healed: number;
}

const HEAD = ["Fault", "Times", "As before", "As desired", "Between", "Repaired by the next `up`"];

const SUM = "**All**";

export function tableOf(rows: readonly Row[]): string {
  const all = { fault: SUM, found: rows.flatMap(({ found }) => found), healed: sum(rows) };
  return [
    tableRow(HEAD),
    tableRow(HEAD.map((_, i) => (i === 0 ? "---" : "---:"))),
    ...[...rows, all].map((row) => tableRow(cellsOf(row))),
    "",
  ].join("\n");
}

function sum(rows: readonly Row[]): number {
  return rows.reduce((all, { healed }) => all + healed, 0);
}

function cellsOf({ fault, found, healed }: Row): (string | number)[] {
  const count = (one: Found): number => found.filter((is) => is === one).length;
  return [fault, found.length, count("before"), count("wanted"), count("between"), healed];
}

/** The rows of a table, without its sum. */
export function rowsOf(table: string): Row[] {
  return table.split("\n").flatMap((line): Row[] => {
    const [, fault = "", ...cells] = line.split("|").map((cell) => cell.trim());
    const [times, before, wanted, between, healed] = cells.map(Number);
    if (fault === SUM || !Number.isInteger(times) || healed === undefined) return [];
    const of = (found: Found, count = 0): Found[] => Array.from({ length: count }, () => found);
    return [
      { fault, found: [...of("before", before), ...of("wanted", wanted), ...of("between", between)], healed },
    ];
  });
}

/** The rows of an earlier run with those of this one in their places. */
export function withRows(earlier: readonly Row[], now: readonly Row[]): Row[] {
  const isNew = ({ fault }: Row): boolean => !earlier.some((row) => row.fault === fault);
  return [...earlier.map((row) => now.find(({ fault }) => fault === row.fault) ?? row), ...now.filter(isNew)];
}
