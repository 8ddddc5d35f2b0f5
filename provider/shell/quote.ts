/** What makes text safe for a POSIX shell, and text that comes back from one readable. */

import { randomBytes } from "node:crypto";

/** A word that nothing on a host can have guessed, to tell our sections from what else is printed. */
export function newMarker(): string {
  return `@${randomBytes(12).toString("hex")}`;
}

/** One word for a POSIX shell: whatever it holds, it is never anything but that word (POSIX.1, 2.2.2). */
export function quote(word: string): string {
  return /^[A-Za-z0-9_./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A command line of quoted words. */
export function commandLine(words: readonly string[]): string {
  return words.map(quote).join(" ");
}

/**
 * Cuts an output into the sections that lines `MARKER NAME…` begin. What stands before the first one (a login
 * shell's greetings, a profile's prints) is nobody's; a name that begins twice keeps both texts, in order.
 */
export function sections(output: string, marker: string): { name: string; text: string }[] {
  const found: { name: string; lines: string[] }[] = [];
  for (const line of output.split("\n")) {
    if (line.startsWith(`${marker} `)) found.push({ name: line.slice(marker.length + 1).trim(), lines: [] });
    else found.at(-1)?.lines.push(line);
  }
  return found.map(({ name, lines }) => ({ name, text: lines.join("\n") }));
}
