/** What came of each fault, and the table of it in docs/reliability.md. */
import { join } from "node:path";
import { isWhole } from "../support/extent";
import { tableRow, writePart } from "../setup/written-part";

/** The state of a host after a fault: as before the change, as desired, or neither. */
export type Found = "before" | "wanted" | "between";

export interface Row {
  readonly fault: string;
  readonly found: readonly Found[];
  /** How often the next `up` brought everything about, of all times. */
  readonly healed: number;
}

export { isWhole };

const FILE = join(__dirname, "../../docs/reliability.md");

/** The files of this folder that have rows: without one of them, the table in the document is not replaced. */
const FILES = ["engine", "host", "rollout"] as const;
type File = (typeof FILES)[number];

const rows: Row[] = [];
const expected = new Map<File, number>();

/** Says how many rows of a file are to come. */
export function expectRows(file: File, count: number): void {
  expected.set(file, count);
}

export function addRow(row: Row): void {
  rows.push(row);
}

// of the root suite: when all faults have struck
after(showTable);

/** Prints the table. After a whole run in which nothing failed it also replaces the one in the documentation. */
function showTable(): void {
  const text = tableOf(rows);
  process.stdout.write(`\n${text}\n`);
  const all = [...expected.values()].reduce((sum, count) => sum + count, 0);
  if (!isWhole || FILES.some((file) => !expected.has(file)) || rows.length < all) return;
  writePart(FILE, "npm run test:faults", text);
}

function tableOf(list: readonly Row[]): string {
  const count = (row: Row, found: Found): number => row.found.filter((f) => f === found).length;
  const sum = (of: (row: Row) => number): number => list.reduce((n, row) => n + of(row), 0);
  return [
    tableRow(["Fault", "Times", "As before", "As desired", "Between", "Repaired by the next `up`"]),
    tableRow(["---", "---:", "---:", "---:", "---:", "---:"]),
    ...list.map((row) =>
      tableRow([
        row.fault,
        row.found.length,
        count(row, "before"),
        count(row, "wanted"),
        count(row, "between"),
        row.healed,
      ]),
    ),
    tableRow([
      "**All**",
      sum((r) => r.found.length),
      sum((r) => count(r, "before")),
      sum((r) => count(r, "wanted")),
      sum((r) => count(r, "between")),
      sum((r) => r.healed),
    ]),
    "",
  ].join("\n");
}
