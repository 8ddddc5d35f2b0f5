/** A part of a document that a program writes: what it measured, between two comments that say which command it was. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const END = "<!-- end -->";

/**
 * Puts a text in the place of what stands after `<!-- written by COMMAND -->`, as prettier has it: in one go, as
 * programs that run at the same time may write parts of one document.
 *
 * @throws where the document has no such comment, or nothing ends its part
 */
export function writePart(file: string, command: string, text: string): void {
  const begin = `<!-- written by ${command} -->`;
  const prettier = [require.resolve("prettier/bin/prettier.cjs"), "--stdin-filepath", file];
  const formatted = execFileSync(process.execPath, prettier, { input: text, encoding: "utf8" });
  const before = readFileSync(file, "utf8");
  const from = before.indexOf(begin);
  const to = before.indexOf(END, from);
  if (from < 0 || to < 0) throw new Error(`${file} has no part between "${begin}" and "${END}"`);
  const head = before.slice(0, from + begin.length);
  writeFileSync(file, `${head}\n\n${formatted}\n${before.slice(to)}`);
}

/** A table row of Markdown. */
export function tableRow(cells: readonly (string | number)[]): string {
  return `| ${cells.join(" | ")} |`;
}
