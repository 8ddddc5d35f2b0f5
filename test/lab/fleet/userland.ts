/** Which programs a host has: so that tests can meet userlands with fewer or other ones. */
import { readFileSync } from "node:fs";
import type { RunOptions } from "./run";

/** What to do with programs of a host; see userland.sh. */
export type ProgramChange = "hide" | "replace" | "restore";

/** What userland.sh itself runs, and the shell: without these nothing could be undone. */
const NEEDED = [
  "sh",
  "dash",
  "mount",
  "umount",
  "mknod",
  "mkdir",
  "rmdir",
  "rm",
  "cp",
  "cat",
  "chmod",
  "grep",
];

/**
 * Changes programs of a host by means of `exec`, which runs a command in it and throws if that fails.
 * @throws for what is no program's name, and for programs without which the change could not be undone.
 */
export async function changePrograms(
  exec: (command: readonly string[], options: RunOptions) => Promise<string>,
  change: ProgramChange,
  programs: readonly string[],
  input: string | Buffer = "",
): Promise<void> {
  for (const program of programs) {
    if (!/^[\w.+-]+$/.test(program)) throw new Error(`"${program}" is no name of a program`);
    if (change !== "restore" && NEEDED.includes(program)) {
      throw new Error(`${program} cannot be changed: the lab needs it to undo the change`);
    }
  }
  // The script as an argument, since standard input is for the program.
  const script = readFileSync(`${__dirname}/userland.sh`, "utf8");
  await exec(["sh", "-c", script, "userland.sh", change, ...programs], { input });
}
