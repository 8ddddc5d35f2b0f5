/** A part of a document that a program writes: what it measured, between two comments that say which command it was. */
import { execFileSync } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";

const END = "<!-- end -->";

/** Milliseconds for all others that write to the same document. */
const PATIENCE = 60_000;

/**
 * Puts a text in the place of what stands after `<!-- written by COMMAND -->`, as prettier has it. Other processes may
 * write other parts of the document at the same time.
 *
 * @param part of several of one command: they begin with `<!-- PART, written by COMMAND -->`
 * @throws if the document has no such comment, or nothing ends its part
 */
export function writePart(file: string, command: string, text: string, part?: string): void {
  alone(file, () => {
    const before = readFileSync(file, "utf8");
    const { from, to } = placeOf(file, before, command, part);
    const after = `${before.slice(0, from)}\n\n${text}\n\n${before.slice(to)}`;
    const prettier = [require.resolve("prettier/bin/prettier.cjs"), "--stdin-filepath", resolve(file)];
    writeFileSync(file, execFileSync(process.execPath, prettier, { input: after }));
  });
}

/** What such a part has now. */
export function partOf(file: string, command: string, part?: string): string {
  const text = readFileSync(file, "utf8");
  const { from, to } = placeOf(file, text, command, part);
  return text.slice(from, to).trim();
}

function placeOf(
  file: string,
  text: string,
  command: string,
  part: string | undefined,
): { readonly from: number; readonly to: number } {
  const begin = `<!-- ${part === undefined ? "" : `${part}, `}written by ${command} -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf(END, from);
  if (from < 0 || to < 0) throw new Error(`${file} has no part between "${begin}" and "${END}"`);
  return { from: from + begin.length, to };
}

/** Works while no other process does the same with this file. */
function alone(file: string, work: () => void): void {
  const lock = `${file}.lock`;
  const end = Date.now() + PATIENCE;
  while (!isTaken(lock)) {
    if (Date.now() > end)
      throw new Error(`${lock} was held by another process for too long: delete it if none is running`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  }
  try {
    work();
  } finally {
    rmSync(lock);
  }
}

function isTaken(lock: string): boolean {
  try {
    closeSync(openSync(lock, "wx"));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** A table row of Markdown. */
export function tableRow(cells: readonly (string | number)[]): string {
  return `| ${cells.join(" | ")} |`;
}
