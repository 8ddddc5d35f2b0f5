/** Tables of plain text, aligned by the visible width of cells. */
import { printable } from "../model/outside-text";
import { stripVTControlCharacters } from "node:util";

/** Rows of cells as lines without trailing blanks; two blanks between columns. */
export function alignColumns(rows: readonly (readonly string[])[], indent = ""): string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, widthOf(cell))));
  return rows.map((row) =>
    `${indent}${row.map((cell, i) => cell + " ".repeat((widths[i] ?? 0) - widthOf(cell))).join("  ")}`.trimEnd(),
  );
}

/** The width of a text on a terminal, without colours. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of stripVTControlCharacters(text)) width += isWide(character) ? 2 : 1;
  return width;
}

/** A text in lines of at most `width` characters; a word that is longer is cut. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(...(word.match(new RegExp(`.{1,${width}}`, "gu")) ?? []));
  }
  return lines;
}

/** Characters of double width: East Asian wide ones and emoji (Unicode UAX #11), simplified. */
function isWide(character: string): boolean {
  return /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(
    character,
  );
}

/**
 * Text from outside for one line of a terminal or a drawing, in full. Control characters, and those that XML 1.0 does
 * not allow, are escaped.
 */
export function oneLine(text: string): string {
  return printable(text, Infinity);
}
