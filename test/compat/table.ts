/** What came of each cell, and the tables of them in docs/compatibility.md. */
import { join } from "node:path";
import { tableRow, writePart } from "../setup/written-part";

/** A cell was tried and went through, was refused as it should be, or could not be tried here. */
export type Outcome = { readonly is: "works" } | { readonly is: "refused" | "not run"; readonly why: string };

/** A table of the page; its cells come in any order. */
export interface Table {
  readonly name: "kernels" | "userlands" | "shells" | "boots";
  /** Titles of the columns that identify the row. */
  readonly of: readonly string[];
  readonly columns: readonly string[];
}

const FILE = join(__dirname, "../../docs/compatibility.md");

/** Whether all cells are tried, or a sample of them. */
export const isWhole = process.env["MACVLAN_TEST_EXTENT"] === "all";

interface Row {
  readonly title: readonly string[];
  readonly cells: Map<string, Outcome>;
}

/** Notes what came of a cell. `row` has as many titles as the table has in `of`. */
export type Note = (row: readonly string[], column: string, outcome: Outcome) => void;

/**
 * A table of a describe block, which prints it after its tests, and writes it to the page if all of it was tried and
 * went well. To be called in the block: a hook of this module's own would be registered for the first of the files that
 * a process of mocha runs.
 */
export function useTable(table: Table): Note {
  const rows: Row[] = [];
  after(function () {
    const block = this.test?.parent;
    const text = textOf(table, rows);
    process.stdout.write(`\n${text}\n`);
    if (isWhole && block && allPassed(block) && isComplete(table, rows))
      writePart(FILE, "npm run test:compat", text, table.name);
  });
  return (row, column, outcome) => {
    let found = rows.find(({ title }) => title.join() === row.join());
    if (found === undefined) rows.push((found = { title: row, cells: new Map() }));
    found.cells.set(column, outcome);
  };
}

function allPassed(suite: Mocha.Suite): boolean {
  return suite.tests.every((test) => test.state === "passed") && suite.suites.every(allPassed);
}

function isComplete(table: Table, rows: readonly Row[]): boolean {
  return rows.every(({ cells }) => table.columns.every((column) => cells.has(column)));
}

/** The table, with its reasons as numbered notes below it. */
function textOf({ of, columns }: Table, rows: readonly Row[]): string {
  const reasons: string[] = [];
  const cell = (outcome: Outcome | undefined): string => {
    if (outcome === undefined) return "";
    if (outcome.is === "works") return "yes";
    const reason = `${outcome.is}: ${withoutHost(outcome.why)}`;
    if (!reasons.includes(reason)) reasons.push(reason);
    return `${outcome.is === "refused" ? "no" : "–"} (${reasons.indexOf(reason) + 1})`;
  };
  const body = rows.map(({ title, cells }) =>
    tableRow([...title, ...columns.map((c) => cell(cells.get(c)))]),
  );
  const date = new Date().toISOString().slice(0, 10);
  return [
    tableRow([...of, ...columns]),
    tableRow([...of, ...columns].map(() => "---")),
    ...body,
    "",
    ...reasons.map((reason, i) => `${i + 1}. ${reason}`),
    ...(reasons.length > 0 ? [""] : []),
    `Run on ${date}.`,
    "",
  ].join("\n");
}

/** Versions are in the row already, and one note will do for all that are too old; a build's name says nothing to others. */
function withoutHost(why: string): string {
  return why
    .replace(/ \[\w+\]/g, "")
    .replace(/"(?:BusyBox|ip utility)[^"]*"/g, '"(its version)"')
    .replace(/(kernel \d+\.\d+)\S*/g, "$1");
}
