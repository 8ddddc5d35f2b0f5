/**
 * Notes from the provider's process to the program's: what has become of a host in this run. The engine tells the
 * program only that a resource is done. They are in a private file beside the prefetch hints; without it, every host
 * counts as changed.
 */
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hintFile } from "../prefetch";
import type { HostResult } from "./schedule";

/** Writes notes; `host` is its identity. */
export interface RolloutNotes {
  changed(host: string): void;
  failed(host: string, reason: string): void;
}

type Note = readonly [host: string, failed?: string];

/** @param engine the engine's address */
export function openRolloutNotes(engine: string | undefined): RolloutNotes {
  const write = (note: Note): void => {
    const file = fileOf(engine);
    if (file === undefined) return;
    try {
      // the first line is the writer, as in prefetch hints
      if (!existsSync(file)) writeFileSync(file, `${process.pid}\n`, { mode: 0o600 });
      appendFileSync(file, `${JSON.stringify(note)}\n`);
    } catch {
      // a full /tmp: the program then finds the file without this note, or none
    }
  };
  return {
    changed: (host) => write([host]),
    failed: (host, reason) => write([host, reason]),
  };
}

/** What the provider has noted of a host. */
export function readRolloutNote(engine: string, host: string): HostResult {
  const file = fileOf(engine);
  if (file === undefined) return "changed";
  let result: HostResult = "unchanged";
  try {
    const [, ...lines] = readFileSync(file, "utf8").split("\n").filter(Boolean);
    for (const line of lines) {
      const [of, failed] = JSON.parse(line) as Note;
      if (of !== host) continue;
      if (failed !== undefined) return { failed };
      result = "changed";
    }
  } catch {
    // nothing has been changed so far
  }
  return result;
}

export function removeRolloutNotes(engine: string | undefined): void {
  const file = fileOf(engine);
  if (file !== undefined) rmSync(file, { force: true });
}

function fileOf(engine: string | undefined): string | undefined {
  const file = engine === undefined ? undefined : hintFile(engine);
  return file && `${file}-rollout`;
}
