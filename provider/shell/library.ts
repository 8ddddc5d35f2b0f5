/**
 * The shell text that hosts are sent, read from the files `*.sh` beside this one: POSIX sh, checked by `npm run lint`.
 * Each file is a part of a script. Lines that begin with `##`, and directives for shellcheck, are for readers of the file
 * and are not sent.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { quote } from "./quote";

/** Where the host keeps what it has to remember; like the links themselves it does not survive a reboot. */
export const RUN_DIRECTORY = "/run/pulumi-macvlan";

/** The files, by their names without `.sh`. */
export type ShellFile =
  | "back"
  | "begin"
  | "boot-files"
  | "boot-make"
  | "boot-observe"
  | "boot-ports"
  | "boot-run"
  | "boot-take"
  | "carrier"
  | "check-programs"
  | "checked"
  | "checks"
  | "client"
  | "confirm"
  | "dad"
  | "doctor"
  | "environment"
  | "features"
  | "forget"
  | "holder"
  | "lock"
  | "managers"
  | "observe"
  | "prelude"
  | "probe"
  | "prove"
  | "reboot"
  | "recover"
  | "reject"
  | "route"
  | "settle"
  | "sysfs"
  | "transaction"
  | "verify"
  | "watch"
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

/**
 * A whole script. All of it is one function, so that a script that arrives cut short defines half a function and does
 * nothing. Parameters are variables of the shell, set before anything else: the shell files have no other placeholders.
 */
export function shellScript(variables: Readonly<Record<string, string>>, ...body: readonly string[]): string {
  const assignments = Object.entries(variables).map(([name, value]) => `${name}=${quote(value)}\n`);
  return `pm_main() {
${shellText("environment")}${assignments.join("")}${body.join("")}}
pm_main </dev/null
`;
}

/** How a script begins that stands alone on a host: with the functions that `shellWords` may name, but those for boot files. */
export function prelude(): string {
  return shellText("environment", "prelude");
}
