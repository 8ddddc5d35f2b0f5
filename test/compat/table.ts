/** What came of each cell, and the tables of them in docs/compatibility.md. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A cell was tried and went through, was refused as it should be, or could not be tried here. */
export type Outcome = { readonly is: "works" } | { readonly is: "refused" | "not run"; readonly why: string };

/** A table of the page; its cells come in any order. */
export interface Table {
  readonly name: "kernels" | "userlands" | "shells" | "boots";
  /** Titles of the columns that tell the row. */
  readonly of: readonly string[];
  readonly columns: readonly string[];
}

const FILE = join(__dirname, "../../docs/compatibility.md");
const marks = (table: Table): [string, string] => [
  `<!-- ${table.name}, written by npm run test:compat -->`,
  `<!-- end of ${table.name} -->`,
];

/** Whether all cells are tried, or a sample of them. */
export const isWhole = process.env["MACVLAN_TEST_EXTENT"] === "all";

interface Row {
  readonly title: readonly string[];
  readonly cells: Map<string, Outcome>;
}
const tables = new Map<Table, Row[]>();

/** Notes what came of a cell. `row` has as many titles as the table has in `of`. */
export function note(table: Table, row: readonly string[], column: string, outcome: Outcome): void {
  const rows = tables.get(table) ?? [];
  tables.set(table, rows);
  let found = rows.find(({ title }) => title.join() === row.join());
  if (found === undefined) rows.push((found = { title: row, cells: new Map() }));
  found.cells.set(column, outcome);
}

// of the root suite: when all has been tried
after(function () {
  const isFine = this.test?.parent?.suites.every((suite) => allPassed(suite)) ?? false;
  for (const [table, rows] of tables) {
    const text = textOf(table, rows);
    process.stdout.write(`\n${text}\n`);
    if (isWhole && isFine && isComplete(table, rows)) writeTable(table, text);
  }
});

function allPassed(suite: Mocha.Suite): boolean {
  return suite.tests.every((test) => test.state === "passed") && suite.suites.every(allPassed);
}

function isComplete(table: Table, rows: readonly Row[]): boolean {
  return rows.every(({ cells }) => table.columns.every((column) => cells.has(column)));
}

/** In one go, as several files of this suite run, and write, at the same time. */
function writeTable(table: Table, text: string): void {
  const [begin, end] = marks(table);
  const prettier = [require.resolve("prettier/bin/prettier.cjs"), "--stdin-filepath", FILE];
  const formatted = execFileSync(process.execPath, prettier, { input: text, encoding: "utf8" });
  const before = readFileSync(FILE, "utf8");
  const [head = "", rest = ""] = before.split(begin);
  if (!rest.includes(end)) throw new Error(`${FILE} has no place for the table: ${begin} … ${end}`);
  writeFileSync(FILE, `${head}${begin}\n\n${formatted}\n${end}${rest.split(end)[1] ?? ""}`);
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
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const body = rows.map(({ title, cells }) => line([...title, ...columns.map((c) => cell(cells.get(c)))]));
  const date = new Date().toISOString().slice(0, 10);
  return [
    line([...of, ...columns]),
    line([...of, ...columns].map(() => "---")),
    ...body,
    "",
    ...reasons.map((reason, i) => `${i + 1}. ${reason}`),
    ...(reasons.length > 0 ? [""] : []),
    `Run on ${date}.`,
    "",
  ].join("\n");
}

/** Versions are in the row already, and one note will do for all that are too old. */
function withoutHost(why: string): string {
  return why.replace(/ \[\w+\]/g, "").replace(/"(?:BusyBox|ip utility)[^"]*"/g, '"(its version)"');
}
