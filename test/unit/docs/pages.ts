/** The documents, and the code blocks in them. */
import { readFileSync, readdirSync } from "node:fs";
import { join, relative, resolve } from "node:path";

export const REPOSITORY = resolve(__dirname, "../../..");

/** A fenced block. */
export interface Block {
  /** `docs/modes.md:30`: where its first line is. */
  readonly place: string;
  /** `ts`, `sh`, … */
  readonly language: string;
  readonly text: string;
}

/** Paths of all Markdown files for people, in the repository. */
export function pages(): string[] {
  const below = (folder: string): string[] =>
    readdirSync(join(REPOSITORY, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(".md"))
      .map((entry) => relative(REPOSITORY, join(entry.parentPath, entry.name)))
      .filter((path) => !path.includes("node_modules") && !path.startsWith("docs/api/"));
  const top = readdirSync(REPOSITORY).filter((name) => name.endsWith(".md"));
  return [...top, "test/README.md", ...below("docs"), ...below("examples")];
}

export function readPage(path: string): string {
  return readFileSync(join(REPOSITORY, path), "utf8");
}

/** The fenced blocks of a page, in order. */
export function blocksOf(path: string): Block[] {
  const blocks: Block[] = [];
  let open: { place: string; language: string; lines: string[] } | undefined;
  readPage(path)
    .split("\n")
    .forEach((line, i) => {
      const fence = /^```(\w*)\s*$/.exec(line);
      if (open === undefined && fence)
        open = { place: `${path}:${i + 2}`, language: fence[1] ?? "", lines: [] };
      else if (open !== undefined && fence) {
        blocks.push({ place: open.place, language: open.language, text: open.lines.join("\n") });
        open = undefined;
      } else open?.lines.push(line);
    });
  if (open !== undefined) throw new Error(`${path}: the block at ${open.place} has no end`);
  return blocks;
}
