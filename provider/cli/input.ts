import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";

/** A file's text, or that of standard input for `-`. @throws Error that says what to give where nobody gives anything */
export async function readInput(file: string): Promise<string> {
  if (file !== "-") return readFile(file, "utf8");
  if (process.stdin.isTTY) {
    throw new Error(
      'there is nothing on standard input: name a file, or pipe "pulumi preview --json" into it',
    );
  }
  return text(process.stdin);
}
