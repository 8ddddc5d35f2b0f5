/** A report as data, independent of its form. `--format json` prints it as it is. */
import type { LinkId } from "../../model/host";
import { type CheckedResult, countChecks } from "../checks";
import type { Action } from "../stack";

/** A property that differs. */
export interface ReportedDifference {
  /** `mtu`, `ports[0].hairpin`; `name` for a missing link. */
  readonly property: string;
  readonly wanted: string;
  readonly found: string;
  /** `drift`: the host differs from what the last run left. `program`: the program has changed. */
  readonly cause: "drift" | "program";
}

export interface ReportedLink {
  /** The Pulumi resource's name. */
  readonly resource: string;
  /** Name of the resource class. */
  readonly type: string;
  /** `mac0@eth0` */
  readonly label: string;
  /** The link's name and namespace (`""`: the host's own); undefined if they are not known yet. */
  readonly link?: LinkId;
  /** The parent, if the kind has one. */
  readonly parent?: string;
  /** What `pulumi up` would do; `keep` if there is nothing to do. */
  readonly action: Action;
  readonly differences: readonly ReportedDifference[];
  /** The commands that would run on the host, in order. Safe to paste into a shell. */
  readonly commands: readonly string[];
  /** Problems that would make it fail. */
  readonly problems: readonly string[];
  /** What the report does not know about it. */
  readonly notes: readonly string[];
  /** Properties that are secret, if there are any. */
  readonly secret?: readonly string[];
  /** What came of its checks, if they were asked for. */
  readonly checks?: readonly CheckedResult[];
}

export interface ReportedHost {
  /** `ops@node1.example` */
  readonly host: string;
  /** Why it could not be read; its links then show the result of the preview. */
  readonly error?: string;
  /** Notes about the host as a whole. */
  readonly notes: readonly string[];
  readonly links: readonly ReportedLink[];
}

export interface Report {
  /** `project/stack` */
  readonly stack: string;
  readonly source: "preview" | "export";
  readonly hosts: readonly ReportedHost[];
  /** Errors of the preview itself. */
  readonly errors: readonly string[];
  /** Numbers of changes of other providers' resources, by action. They do not affect the exit code. */
  readonly others: Readonly<Record<string, number>>;
}

/** Whether a link has nothing to do and nothing to report. */
export function isQuiet(link: ReportedLink): boolean {
  return link.action === "keep" && link.problems.length === 0 && (link.checks ?? []).length === 0;
}

/** Whether a check has not passed. */
export function isDisproved({ checks = [] }: ReportedLink): boolean {
  return countChecks(checks).failed > 0;
}

export function hasDrift(link: ReportedLink): boolean {
  return link.differences.some((d) => d.cause === "drift");
}

/** Whether hosts could not be read, or there are problems or errors of the preview. */
export function hasFailed(report: Report): boolean {
  return (
    report.errors.length > 0 ||
    report.hosts.some((h) => h.error !== undefined || h.links.some((l) => l.problems.length > 0))
  );
}

/** Whether anything differs on any host, or a check has not passed. */
export function differs(report: Report): boolean {
  return report.hosts.some((h) => h.links.some((l) => l.action !== "keep" || isDisproved(l)));
}

/** The actions in one phrase: `1 create, 2 update`; empty if there are none. */
export function countActions(links: readonly ReportedLink[]): string {
  return countWords(links.filter((l) => l.action !== "keep").map((l) => l.action));
}

/** `1 create, 2 update`, in the order of the words' first occurrence. */
export function countWords(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => `${count} ${word}`).join(", ");
}

/** The report in one sentence. */
export function summarise(report: Report): string {
  const links = report.hosts.flatMap((h) => h.links);
  const unseen = report.hosts.filter((h) => h.error !== undefined).length;
  const drifted = links.filter(hasDrift).length;
  const parts = [
    countActions(links) || "nothing to do",
    ...(drifted === 0 ? [] : [`drift on ${count(drifted, "link")}`]),
    ...checked(links),
    ...(unseen === 0 ? [] : [`${count(unseen, "host")} could not be read`]),
    ...(report.errors.length === 0
      ? []
      : [`the preview failed with ${count(report.errors.length, "error")}`]),
  ];
  return `${count(links.length, "link")} on ${count(report.hosts.length, "host")}: ${parts.join("; ")}.`;
}

/** `2 checks passed, 1 failed, 1 secret and not run`; none if there are no checks. */
export function checked(links: readonly { readonly checks?: readonly CheckedResult[] }[]): string[] {
  const all = links.flatMap(({ checks = [] }) => checks);
  if (all.length === 0) return [];
  const { passed, failed, secret } = countChecks(all);
  const more = [
    ...(failed === 0 ? [] : [`${failed} failed`]),
    ...(secret === 0 ? [] : [`${secret} secret and not run`]),
  ];
  return [[`${count(passed, "check")} passed`, ...more].join(", ")];
}

/** `1 host`, `2 hosts` */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
