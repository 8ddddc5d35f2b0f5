/** A report as data: what it says, whatever the form. This is also what `--format json` prints. */
import type { LinkId } from "../../model/host";
import type { Action } from "../stack";

/** One property that is not as wanted. */
export interface ReportedDifference {
  /** `mtu`, `ports[0].hairpin`; `name` for a link that is not there. */
  readonly property: string;
  readonly wanted: string;
  readonly found: string;
  /** `drift`: the host is not as the last run left it. `program`: the program asks for something else now. */
  readonly cause: "drift" | "program";
}

export interface ReportedLink {
  /** The Pulumi resource's name. */
  readonly resource: string;
  /** Name of the resource class. */
  readonly type: string;
  /** `mac0@eth0` */
  readonly label: string;
  /** The link's name and namespace (`""`: the host's own); undefined where they are not known yet. */
  readonly link?: LinkId;
  /** The parent, of a kind that has one. */
  readonly parent?: string;
  /** What `pulumi up` would do; `keep` where there is nothing to do. */
  readonly action: Action;
  readonly differences: readonly ReportedDifference[];
  /** What would run on the host, in order. Safe to paste into a shell. */
  readonly commands: readonly string[];
  /** What would make it fail. */
  readonly problems: readonly string[];
  /** What the report cannot see of it. */
  readonly notes: readonly string[];
  /** Properties that are secret, if there are any. */
  readonly secret?: readonly string[];
}

export interface ReportedHost {
  /** `ops@node1.example` */
  readonly host: string;
  /** Why it could not be looked at; then its links tell what the preview had found. */
  readonly error?: string;
  /** What concerns the host as a whole. */
  readonly notes: readonly string[];
  readonly links: readonly ReportedLink[];
}

export interface Report {
  /** `project/stack` */
  readonly stack: string;
  readonly source: "preview" | "export";
  readonly hosts: readonly ReportedHost[];
  /** What the preview itself failed for. */
  readonly errors: readonly string[];
  /** Changes of other providers' resources, by what they are. They do not decide the exit code. */
  readonly others: Readonly<Record<string, number>>;
}

/** Whether a link has anything to do or to say. */
export function isQuiet(link: ReportedLink): boolean {
  return link.action === "keep" && link.problems.length === 0;
}

export function hasDrift(link: ReportedLink): boolean {
  return link.differences.some((d) => d.cause === "drift");
}

/** Hosts that could not be looked at, problems, and errors of the preview itself. */
export function hasFailed(report: Report): boolean {
  return (
    report.errors.length > 0 ||
    report.hosts.some((h) => h.error !== undefined || h.links.some((l) => l.problems.length > 0))
  );
}

/** Whether there is anything to do on any host. */
export function differs(report: Report): boolean {
  return report.hosts.some((h) => h.links.some((l) => l.action !== "keep"));
}

/** What is to be done, in one phrase: `1 create, 2 update`; empty where there is nothing. */
export function countActions(links: readonly ReportedLink[]): string {
  return countWords(links.filter((l) => l.action !== "keep").map((l) => l.action));
}

/** `1 create, 2 update`, in the order in which the words first come. */
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
    ...(unseen === 0 ? [] : [`${count(unseen, "host")} could not be looked at`]),
    ...(report.errors.length === 0
      ? []
      : [`the preview failed with ${count(report.errors.length, "error")}`]),
  ];
  return `${count(links.length, "link")} on ${count(report.hosts.length, "host")}: ${parts.join("; ")}.`;
}

/** `1 host`, `2 hosts` */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
