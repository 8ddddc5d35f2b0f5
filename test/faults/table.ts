/** What came of each fault, and the table of it in docs/reliability.md. */
import { join } from "node:path";
import { partOf, writePart } from "../setup/written-part";
import { isWhole } from "../support/extent";
import { type Row, rowsOf, tableOf, withRows } from "./rows";

export type { Found } from "./rows";

export { isWhole };

const FILE = join(__dirname, "../../docs/reliability.md");

const COMMAND = "npm run test:faults";

/** The files of this folder that have rows. */
const FILES = ["chain", "engine", "host", "rollout"] as const;
type File = (typeof FILES)[number];

const rows: Row[] = [];
const expected = new Map<File, readonly string[]>();

/** Says which rows of a file are to come. */
export function expectRows(file: File, faults: readonly string[]): void {
  expected.set(file, faults);
}

export function addRow(row: Row): void {
  rows.push(row);
}

// of the root suite: when all faults have struck
after(showTable);

/**
 * Prints the table. If the faults struck at all of their moments, it also goes into the documentation: in place of the
 * one there if all files have run and nothing failed, otherwise in place of its rows of the same faults.
 */
function showTable(): void {
  process.stdout.write(`\n${tableOf(rows)}\n`);
  if (!isWhole || rows.length === 0) return;
  const isAll =
    FILES.every((file) => expected.has(file)) &&
    [...expected.values()].flat().every((fault) => rows.some((row) => row.fault === fault));
  writePart(FILE, COMMAND, tableOf(isAll ? rows : withRows(rowsOf(partOf(FILE, COMMAND)), rows)));
}
