/**
 * The shell text that hosts are sent, read from the files `*.sh` beside this one: POSIX sh, checked by `npm run lint`.
 * Each file is a part of a script. Lines that begin with `##`, and directives for shellcheck, are for readers of the file
 * and are not sent.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Where the host keeps what it has to remember; like the links themselves it does not survive a reboot. */
export const RUN_DIRECTORY = "/run/pulumi-macvlan";

/** The files, by their names without `.sh`. */
export type ShellFile =
  | "boot-files"
  | "boot-make"
  | "boot-observe"
  | "boot-ports"
  | "boot-run"
  | "boot-take"
  | "client"
  | "environment"
  | "features"
  | "lock"
  | "managers"
  | "observe"
  | "prelude"
  | "recover"
  | "sysfs"
  | "transaction"
  | "watchdog";

/** Texts that were read: a file is read once per process, and only if a script needs it. */
const texts = new Map<ShellFile, string>();

/** The text of the files, one after the other. Ends with a line break. */
export function shellText(...names: readonly ShellFile[]): string {
  return names.map(textOf).join("");
}

function textOf(name: ShellFile): string {
  let text = texts.get(name);
  if (text === undefined) {
    text = readFileSync(join(__dirname, `${name}.sh`), "utf8").replaceAll(
      /^[ \t]*(?:##|# shellcheck ).*\n/gm,
      "",
    );
    texts.set(name, text);
  }
  return text;
}

/** How a script of a host begins: with the functions that `shellWords` may name, those for boot files left out. */
export function prelude(): string {
  return shellText("environment", "prelude");
}
