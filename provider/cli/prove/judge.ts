/** What of a stack's links on a host came back after a reboot, from reports before and after it. Pure. */
import { type HostState, type LinkId, findLink, kernelName } from "../../model/host";
import type { Observation } from "../../model/observation";
import type { CheckedResult } from "../checks";
import type { ReportedDifference, ReportedHost, ReportedLink } from "../report/model";
import type { StackLink } from "../stack";

/**
 * - `back`: as the stack describes it
 * - `lost`: it was there, and is not
 * - `changed`: it is there, and differs in something in which it did not differ before
 * - `as before`: it was missing or different in the same way before the reboot
 */
export type Outcome = "back" | "lost" | "changed" | "as before";

export interface ProvenCheck extends CheckedResult {
  /** It had failed before the reboot as well. */
  readonly failedBefore?: true;
}

export interface ProvenLink {
  /** The Pulumi resource's name. */
  readonly resource: string;
  /** Name of the resource class. */
  readonly type: string;
  /** `mac0@eth0` */
  readonly label: string;
  readonly link?: LinkId;
  readonly outcome: Outcome;
  /** All of them, those from before the reboot too. */
  readonly differences: readonly ReportedDifference[];
  /** What stands in the way of making it again, such as a parent that is missing. */
  readonly problems: readonly string[];
  readonly notes: readonly string[];
  readonly checks?: readonly ProvenCheck[];
  /** What to do about it. */
  readonly advice?: string;
}

/** What a reboot has shown. `--json` prints it as it is. */
export interface Proof {
  /** `project/stack` */
  readonly stack: string;
  /** `ops@node1.example` */
  readonly host: string;
  readonly bootId: string;
  /** From the reboot until the host could be read again. */
  readonly seconds: number;
  /** Notes on the host as a whole. */
  readonly notes: readonly string[];
  readonly links: readonly ProvenLink[];
}

/** The kernel's ID of the running boot. */
export function bootIdOf({ facts }: Observation): string {
  return facts.machine.split(" ")[0] ?? "";
}

/** Whether a link is as the stack describes it. */
function isFine({ action, problems }: ReportedLink): boolean {
  return action === "keep" && problems.length === 0;
}

/** The links of a stack on a host, as a report has compared them with it. */
export interface Compared {
  readonly state: HostState;
  /** The same host more than once if the stack has several ways to it. */
  readonly hosts: readonly ReportedHost[];
}

/** Whether all links are as described. */
export function allFine({ hosts }: Compared): boolean {
  return hosts.every(({ links }) => links.every(isFine));
}

/** What came of each link. Both sides have the same links in the same order. */
export function judgeLinks(links: readonly StackLink[], before: Compared, after: Compared): ProvenLink[] {
  const was = before.hosts.flatMap((host) => host.links);
  return after.hosts
    .flatMap((host) => host.links)
    .map((now, i): ProvenLink => {
      const old = was[i] ?? now;
      const { resource, type, label, link, differences, problems, notes } = now;
      const isLost = !isThere(link, after.state) && isThere(link, before.state);
      const result = outcomeOf(old, now, isLost);
      const own = links.find((one) => one.resource === resource && one.kind.type === type);
      const advice = result === "lost" ? adviceFor(own, now) : undefined;
      const failed = (old.checks ?? []).filter(({ passed }) => passed === false);
      return {
        ...{ resource, type, label, ...(link === undefined ? {} : { link }), outcome: result },
        ...{ differences, problems, notes },
        ...(now.checks === undefined
          ? {}
          : { checks: now.checks.map((check) => withHistory(check, failed)) }),
        ...(advice === undefined ? {} : { advice }),
      };
    });
}

function withHistory(check: CheckedResult, failed: readonly CheckedResult[]): ProvenCheck {
  const before = failed.some((one) => one.property === check.property && one.check === check.check);
  return check.passed === false && before ? { ...check, failedBefore: true } : check;
}

function outcomeOf(before: ReportedLink, after: ReportedLink, isLost: boolean): Outcome {
  if (isFine(after)) return "back";
  if (isLost) return "lost";
  const known = new Set([...before.differences.map(textOf), ...before.problems]);
  const isNew = [...after.differences.map(textOf), ...after.problems].some((text) => !known.has(text));
  return isNew || isFine(before) ? "changed" : "as before";
}

function textOf({ property, found, wanted }: ReportedDifference): string {
  return JSON.stringify([property, found, wanted]);
}

function isThere(link: LinkId | undefined, state: HostState): boolean {
  if (link === undefined) return false;
  return findLink(state, { name: kernelName(state, link), netns: link.netns }) !== undefined;
}

function adviceFor(link: StackLink | undefined, { differences }: ReportedLink): string {
  if (link?.after?.["persist"] !== true) return "nothing makes it at boot; persist: true would";
  return differences.some(({ property }) => property === "persist")
    ? 'what makes it at boot is missing or not as it should be; "pulumi up" writes it'
    : "its boot script did not make it; see the log of the init system (journalctl -b -u 'pulumi-macvlan-*')";
}

/** Whether all is as the stack describes it, and all checks that could be run have passed. */
export function isProven({ links }: Proof): boolean {
  return links.every(
    ({ outcome, checks = [] }) => outcome === "back" && checks.every(({ passed }) => passed !== false),
  );
}
