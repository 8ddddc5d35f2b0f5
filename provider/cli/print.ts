import { writeFile } from "node:fs/promises";

/** Writes to a file, or to standard output; resolves when it is written. */
export async function print(text: string, file?: string): Promise<void> {
  if (file !== undefined) return writeFile(file, text);
  await new Promise<void>((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });
}
