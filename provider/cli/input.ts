import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";

/** Reads a file, or standard input for `-`. @throws Error if standard input is a terminal */
export async function readInput(file: string): Promise<string> {
  if (file !== "-") return readFile(file, "utf8");
  if (process.stdin.isTTY) {
    throw new Error(
      'standard input is a terminal: name a file, or pipe the output of "pulumi preview --json" into this command',
    );
  }
  return text(process.stdin);
}
