/**
 * Compares a stack's links with observations of their hosts, by the provider's own plans, which are not applied. Pure.
 */
import {
  describeDisruptiveStep,
  driftOf,
  knownInputs,
  planAndIssues,
  planRemoval,
  planContextFrom,
} from "../../engine/planning";
import { describeHarm, whyHarmful } from "../../engine/harm";
import { describeCommand, isNote, shownCommandsOf } from "../../iproute2/commands";
import { isOfLink } from "../../kinds/check-inputs";
import type { CommonInputs, Json, PlanContext } from "../../kinds/kind";
import { withKernelNames } from "../../kinds/altnames";
import { carrierDifferences, carrierFaultOf, describeFault } from "../../kinds/lan/carrier";
import { type LinkId, findLink } from "../../model/host";
import { type Observation, UNFINISHED_CHANGE, type Unfinished } from "../../model/observation";
import { describeLink } from "../../plan/differences";
import { type DesiredPlan, outcome } from "../../plan/plan";
import { hostReach } from "../../ssh/address";
import type { CheckedResult } from "../checks";
import { type Seen, cannotUse, namesOf, seenKey } from "../look";
import type { StackLink, StackReading } from "../stack";
import { oneLine } from "../table";
import type { Report, ReportedDifference, ReportedHost, ReportedLink } from "./model";

/**
 * The report of a stack, from the observations of its hosts (by {@link seenKey}).
 *
 * @param checked what came of the checks of its links, if they were run
 */
export function compareStack(
  stack: StackReading,
  seen: ReadonlyMap<string, Seen>,
  checked: ReadonlyMap<StackLink, readonly CheckedResult[]> = new Map(),
): Report {
  const hosts = new Map<string, OneHost>();
  const names = namesOf(stack.links.flatMap(({ host }) => (host === undefined ? [] : [host])));
  for (const link of stack.links) {
    const key = link.host === undefined ? "" : seenKey(link.host);
    const entry = hosts.get(key) ?? {
      label: names.get(key) ?? "hosts that are not known yet",
      reach: link.host === undefined ? "" : hostReach(link.host),
      seen: seen.get(key),
      links: [],
    };
    entry.links.push(link);
    hosts.set(key, entry);
  }
  const reached = new Map<string, Observation>();
  return {
    stack: stack.name,
    source: stack.source,
    hosts: [...hosts.values()].map((host) =>
      withResults(compareOrError(host, twinsOf(host, [...hosts.values()]), reached), host, checked),
    ),
    errors: stack.errors,
    others: stack.others,
  };
}

/** A host's links with what came of their checks; they are in the order of the stack's. */
function withResults(
  reported: ReportedHost,
  { links }: OneHost,
  checked: ReadonlyMap<StackLink, readonly CheckedResult[]>,
): ReportedHost {
  if (checked.size === 0) return reported;
  return {
    ...reported,
    links: reported.links.map((link, i) => {
      const own = links[i];
      const checks = own && checked.get(own);
      return checks ? { ...link, checks } : link;
    }),
  };
}

interface OneHost {
  readonly label: string;
  readonly reach: string;
  readonly seen: Seen | undefined;
  readonly links: StackLink[];
}

/** Hosts that are reached in another way and report the same machine. */
function twinsOf(host: OneHost, all: readonly OneHost[]): string[] {
  const machine = machineOf(host);
  if (machine === undefined) return [];
  return all
    .filter((other) => other.reach !== host.reach && machineOf(other) === machine)
    .map((other) => other.label);
}

function machineOf({ seen }: OneHost): string | undefined {
  return seen === undefined || "error" in seen ? undefined : seen.observation.facts.machine;
}

/** The same, or why it cannot be: what a host says of itself is no reason for the others to be left out. */
function compareOrError(
  host: OneHost,
  twins: readonly string[],
  reached: Map<string, Observation>,
): ReportedHost {
  try {
    return compareHost(host, twins, reached);
  } catch (error) {
    const seen: Seen = { label: host.label, error: cannotUse(error) };
    return compareHost({ ...host, seen }, twins, reached);
  }
}

/**
 * Plans the links of one host in order, each on the state after the plans before it, so that a child finds its new
 * bridge. `reached` has the states so far, by how hosts are reached, independent of the login. Hosts are not merged by
 * their machine IDs, because a clone has the same one.
 */
function compareHost(
  { label: host, reach, seen, links }: OneHost,
  twins: readonly string[],
  reached: Map<string, Observation>,
): ReportedHost {
  if (seen === undefined || "error" in seen) {
    const error = seen === undefined ? {} : { error: seen.error };
    return { host, ...error, notes: [], links: links.map((link) => unseenLink(link, seen !== undefined)) };
  }
  const names = new Set(links.filter((l) => l.action !== "delete").map((l) => nameOf(l)));
  const { unfinished } = seen.observation;
  return {
    host,
    notes: [
      ...(unfinished ? [UNFINISHED_NOTES[unfinished]] : []),
      ...(twins.length === 0
        ? []
        : [`has the same machine ID as ${twins.join(", ")}: it is one host with two addresses, or a clone`]),
      ...faultNotes(links, seen.observation),
    ],
    links: links.map((link) => {
      const now = reached.get(reach) ?? seen.observation;
      const { reported, after } = compareLink(link, now, (name) => names.has(name));
      reached.set(reach, after);
      return reported;
    }),
  };
}

/** A note for each link below the stack's links that is down or has no carrier. */
function faultNotes(links: readonly StackLink[], { state }: Observation): string[] {
  const above = new Map<string, string[]>();
  for (const link of links) {
    if (link.after === undefined || link.action === "delete" || !isOfLink(link.after)) continue;
    const fault = carrierFaultOf(withKernelNames(knownInputs(link.after, []), state), state);
    if (fault) above.set(describeFault(fault), [...(above.get(describeFault(fault)) ?? []), labelOf(link)]);
  }
  return [...above].map(([fault, labels]) => `${fault}: nothing arrives at ${labels.join(", ")}`);
}

const UNFINISHED_NOTES: Readonly<Record<Unfinished, string>> = {
  interrupted: `there is ${UNFINISHED_CHANGE["interrupted"]}: it is rolled back before the next change`,
  "in progress": `there is ${UNFINISHED_CHANGE["in progress"]}: what is found here is temporary, so run the report again when it has ended`,
};

function compareLink(
  link: StackLink,
  now: Observation,
  expected: PlanContext["isExpected"],
): { reported: ReportedLink; after: Observation } {
  const { kind, before, after } = link;
  if ([before, after].some((inputs) => inputs !== undefined && !isOfLink(inputs))) {
    const problems = ["its inputs in the stack's file have no host or no name"];
    return { reported: { ...reported(link, link.action, [], []), problems }, after: now };
  }
  const removes = before !== undefined && (link.action === "delete" || link.action === "replace");
  const removal = removes
    ? planRemoval(kind, knownInputs(before, []), planContextFrom(before, now, undefined, expected))
    : undefined;
  const emptied = removal === undefined ? now : leftBy(removal, now);
  if (after === undefined || link.action === "delete") {
    const differences = before === undefined ? [] : goingAway(before, now);
    const base = reported(link, "delete", differences, commands(removal, now));
    return { reported: { ...base, problems: harmProblems(removal, now, before) }, after: emptied };
  }
  const known = knownInputs(after, []);
  const stays = removes ? undefined : before;
  const context = planContextFrom(after, emptied, stays, expected);
  const missing = kind.identifying.filter((p) => link.unknown.includes(p) || link.secret.includes(p));
  if (missing.length > 0) return { reported: reported(link, link.action, [], []), after: now };
  const { plan, issues } = planAndIssues(kind, known, context);
  const problems = [
    ...issues.map((p) => `${p.property}: ${p.reason}`),
    ...harmProblems(removal, now, after),
    ...harmProblems(plan, emptied, after),
  ];
  const drift = stays === undefined ? [] : driftOf(kind, stays, known, context, plan);
  const differences = plan.differences.map((d): ReportedDifference => ({
    ...d,
    cause: drift.some((other) => other.property === d.property) ? "drift" : "program",
  }));
  const fallen =
    stays === undefined ? [] : carrierDifferences(withKernelNames(known, emptied.state), emptied.state);
  differences.push(...fallen.map((d): ReportedDifference => ({ ...d, cause: "drift" })));
  const run = [...commands(removal, now), ...commands(plan, now)];
  // the state may be outdated although the host is not: an update then only changes the state
  const isWhole = link.secret.length === 0 && link.unknown.length === 0;
  const hasChanges = plan.steps.length > 0 || fallen.length > 0;
  const nothing = !hasChanges && removal === undefined && link.action !== "create" && isWhole;
  const action = link.action === "keep" && hasChanges ? "update" : nothing ? "keep" : link.action;
  const cut = describeDisruptiveStep(known, emptied, plan);
  const base = reported(link, action, differences, run);
  return {
    reported: { ...base, problems, notes: [...base.notes, ...(cut === undefined ? [] : [cut])] },
    after: leftBy(plan, emptied),
  };
}

/** That a plan would take links of others along, unless the inputs force it. */
function harmProblems(plan: DesiredPlan | undefined, now: Observation, { force }: Json = {}): string[] {
  const harm = plan === undefined || force === true ? undefined : describeHarm(plan, now);
  return harm === undefined ? [] : [`name: ${whyHarmful(harm)}`];
}

/** The host after a plan. */
function leftBy(plan: DesiredPlan, now: Observation): Observation {
  return { ...now, state: outcome(now.state, plan) };
}

function commands(plan: DesiredPlan | undefined, now: Observation): string[] {
  return (
    (plan?.steps ?? [])
      .flatMap(({ step }) => shownCommandsOf(step, now.facts.portTool))
      .filter((command) => !isNote(command))
      // what is done to files for the next boot is too long to show: a comment, as far as a shell is concerned
      .map((command) =>
        command.run === "bootFile" ? `# ${oneLine(describeCommand(command))}` : describeCommand(command),
      )
  );
}

function goingAway(before: Json, now: Observation): ReportedDifference[] {
  const { name, netns } = knownInputs(before, []);
  const link = findLink(now.state, { name, netns: netns ?? "" });
  return link ? [{ property: "name", wanted: "none", found: describeLink(link), cause: "program" }] : [];
}

/** The result of the preview itself, for a link whose host cannot be read. */
function unseenLink(link: StackLink, wasTried: boolean): ReportedLink {
  const drift = Object.entries((link.after?.["drift"] ?? {}) as Record<string, string>);
  const differences = drift.map(([property, text]): ReportedDifference => {
    const [, found = text, wanted = ""] =
      /^found (.*), wanted (.*)$/s.exec(text) ?? /^found (.*)$/s.exec(text) ?? [];
    return { property, found, wanted, cause: "drift" };
  });
  const reason = wasTried ? "from the preview: the host could not be read again" : undefined;
  const base = reported(link, link.action, differences, []);
  return { ...base, notes: [...(reason === undefined ? [] : [reason]), ...base.notes] };
}

function reported(
  link: StackLink,
  action: ReportedLink["action"],
  differences: readonly ReportedDifference[],
  run: readonly string[],
): ReportedLink {
  // checks are compared with nothing
  const hidden = link.secret.filter((property) => property !== "checks");
  const notes = [
    ...(hidden.length === 0 ? [] : [`not compared because secret: ${hidden.join(", ")}`]),
    ...(link.unknown.length === 0
      ? []
      : [
          `known only after other resources are created: ${link.unknown.filter((p) => p !== "label").join(", ")}`,
        ]),
  ];
  const { kind, resource } = link;
  const id = placeOf(link);
  const parent = (link.after ?? link.before)?.["parent"];
  return {
    resource,
    type: kind.type,
    label: labelOf(link),
    ...(id === undefined ? {} : { link: id }),
    ...(typeof parent === "string" && !link.unknown.includes("parent") ? { parent } : {}),
    action,
    differences,
    commands: run,
    problems: [],
    notes,
    ...(link.secret.length === 0 ? {} : { secret: link.secret }),
  };
}

function labelOf(link: StackLink): string {
  const label = (link.after ?? link.before)?.["label"];
  return typeof label === "string" && !link.unknown.includes("label")
    ? label
    : (nameOf(link) ?? link.resource);
}

function nameOf(link: StackLink): string | undefined {
  return placeOf(link)?.name;
}

function placeOf(link: StackLink): LinkId | undefined {
  const { name, netns = "" } = (link.after ?? link.before ?? {}) as Partial<CommonInputs>;
  const isKnown = !link.unknown.includes("name") && !link.unknown.includes("netns");
  return name !== undefined && isKnown ? { name, netns } : undefined;
}
