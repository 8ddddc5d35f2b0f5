/** Hosts as real commands printed them (test/fixtures). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Observation } from "../../provider/model/observation";
import { parseObservation } from "../../provider/host/observe";

export const FIXTURES = join(__dirname, "../fixtures");

/** What a capture of `ip` comes to, along with other sections of a reading. */
export function captured(file: string, more: Readonly<Record<string, string>> = {}): Observation {
  const text = readFileSync(join(FIXTURES, file), "utf8");
  const printed = (command: string): string =>
    text
      .split(/^\$ ip /m)
      .find((part) => part.startsWith(`${command}\n`))
      ?.slice(command.length + 1) ?? "";
  const sections = {
    ip: printed("-V"),
    links: `${printed("-j -d address show").trim()}\n${printed("-j -4 route show table main")}`,
    routes6: printed("-j -6 route show table main"),
    tools: "ip\nbridge",
    ...more,
    end: "",
  };
  const marked = Object.entries(sections).map(([name, body]) => `@m ${name}\n${body}\n`);
  return parseObservation(marked.join(""), "@m");
}
