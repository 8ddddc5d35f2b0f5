/** What is made once a machine and kept outside the repository. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { mkdir, mkdtemp, rename } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { whenLeaving } from "./leave";

/** The folder of all that: below `XDG_CACHE_HOME`, else ~/.cache. */
export function cacheHome(environment: NodeJS.ProcessEnv): string {
  const cache = environment["XDG_CACHE_HOME"] ?? join(environment["HOME"] ?? homedir(), ".cache");
  return join(cache, "pulumi-macvlan");
}

/**
 * Makes a folder beside its final place and then renames it: what is there is whole, however this ended. The caller
 * holds a lock (`alone`), as what others have begun beside it is taken for left over.
 * @param make fills the folder that it is given
 */
export async function makeWhole(root: string, make: (work: string) => Promise<void>): Promise<void> {
  await mkdir(dirname(root), { recursive: true });
  const beside = `${root}.incomplete-`;
  for (const name of readdirSync(dirname(root)))
    if (name.startsWith(basename(beside))) removeFolder(join(dirname(root), name));
  const work = await mkdtemp(beside);
  const stay = whenLeaving(() => removeFolder(work));
  try {
    await make(work);
    if (existsSync(root)) removeFolder(root);
    await rename(work, root);
  } finally {
    stay();
    removeFolder(work);
  }
}

/** Removes a folder and all in it. Retried: a program that is being ended may still have been writing. */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
}
