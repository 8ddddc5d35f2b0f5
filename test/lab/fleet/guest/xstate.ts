/** What a guest's kernel needs on processors with a larger register state than it knows of: see `xstate.c`. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { cacheHome } from "../../../setup/cache";
import { GUEST_BUILD_PACKAGES, programPath, requirePrograms } from "../requirements";
import { runOrThrow } from "../run";

const SOURCE = join(__dirname, "xstate.c");

/** The library to load into a guest's kernel, compiled once per machine; undefined if its processor needs none. */
export async function registerStateLibrary(): Promise<string | undefined> {
  if (!/^flags\s*:.*\bamx_tile\b/m.test(readFileSync("/proc/cpuinfo", "utf8"))) return undefined;
  const key = createHash("sha256").update(readFileSync(SOURCE)).digest("hex").slice(0, 12);
  const library = join(cacheHome(process.env), `xstate-${key}.so`);
  if (existsSync(library)) return library;
  await requirePrograms((line) => process.stderr.write(`lab: ${line}\n`), GUEST_BUILD_PACKAGES);
  mkdirSync(cacheHome(process.env), { recursive: true });
  // another process may compile it at the same time: each renames a whole one
  const made = `${library}.${process.pid}`;
  await runOrThrow([programPath("gcc") ?? "gcc", "-shared", "-fPIC", "-O2", "-o", made, SOURCE]);
  renameSync(made, library);
  return library;
}
