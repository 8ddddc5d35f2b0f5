/** The output of versions of iproute2 on a host with foreign links and routes (test/fixtures/iproute2/corpus). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseObservation } from "../../../provider/host/observe";
import type { Observation } from "../../../provider/model/observation";
import { FIXTURES } from "../../support/captured";

const FOLDER = join(FIXTURES, "iproute2/corpus");

/** A version that was run. */
export interface CorpusVersion {
  /** `5.10.0` */
  readonly release: string;
  /** What its `ip -V` prints. */
  readonly told: string;
  /** `package, Debian bullseye`, or `released source`. */
  readonly from: string;
  readonly file: string;
}

export const CORPUS: readonly CorpusVersion[] = readFileSync(join(FOLDER, "versions.tsv"), "utf8")
  .trim()
  .split("\n")
  .slice(1)
  .map((line) => {
    const [release = "", told = "", from = "", file = ""] = line.split("\t");
    return { release, told, from, file };
  });

/** The answers of a version. */
export interface Answers {
  /** One `ip -batch`: a line of links, a line of IPv4 routes. */
  readonly batch: string;
  readonly routes6: string;
}

export function answersOf(file: string): Answers {
  const text = readFileSync(join(FOLDER, file), "utf8");
  const printed = (command: string): string => {
    const [, rest = ""] = text.split(`\n$ ip ${command}\n`);
    return rest.split("\n$ ip ")[0] ?? "";
  };
  return { batch: printed("-j -d -batch -"), routes6: printed("-j -6 route show table main") };
}

/** What a host that gives these answers prints, by the marker `@m`. */
export function observationText(told: string, { batch, routes6 }: Answers): string {
  const sections = { ip: told, links: batch, routes6, tools: "ip\nbridge", end: "" };
  const marked = Object.entries(sections).map(([name, body]) => `@m ${name}\n${body}\n`);
  return marked.join("");
}

/** A host that gives these answers. */
export function observe(told: string, answers: Answers): Observation {
  return parseObservation(observationText(told, answers), "@m");
}
