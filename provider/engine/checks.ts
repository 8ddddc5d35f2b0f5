/** The checks of a resource's link: as its hosts run them, before a change, after it, and without one. */
import { describeFailure } from "../host/errors";
import type { Proof } from "../host/apply-changes";
import { whyNotRunnable } from "../host/checks";
import type { Elsewhere } from "../host/commit-confirm";
import { withKernelNames } from "../kinds/altnames";
import { adviceFor } from "../kinds/check-advice";
import { secretNamesOf } from "../kinds/check-inputs";
import {
  type LinkCheck,
  describeCheck,
  hostOfTarget,
  otherHostOf,
  probeOf,
  targetsOf,
  withinOf,
} from "../kinds/checks";
import { type CommonInputs, type Json, linkId } from "../kinds/kind";
import { withoutPrefix } from "../model/addresses";
import {
  BEFORE_SECONDS,
  type CheckOutcome,
  type HostCheck,
  OWN_ADDRESSES,
  type Start,
} from "../model/checks";
import { type Issue, issue, reasonOf } from "../model/error";
import { type HostState, type LinkId, type LinkState, findLink, nameAndPlace } from "../model/host";
import type { Observation } from "../model/observation";
import { pathOf } from "../model/property-path";
import { hostLabel } from "../ssh/address";
import type { ProviderContext } from "./context";

/** A link with checks. */
export interface CheckedLink {
  /** Its known inputs. */
  readonly known: CommonInputs;
  /** All of them, with the hidden ones. */
  readonly inputs: Json;
  /** What stands before its properties in messages. */
  readonly path: string;
  /** Its place in the last run, if it was on the same host then. */
  readonly previous?: LinkId | undefined;
}

type Hosts = Pick<ProviderContext, "fleet">;

/** A check with the targets that it has on its host. */
interface Expanded {
  readonly one: LinkCheck;
  readonly path: string;
  readonly isSecret: boolean;
  readonly targets: readonly string[];
}

function expand({ known, inputs, path }: CheckedLink, state: HostState): Expanded[] {
  const isSecret = secretNamesOf(inputs).includes("checks");
  const place = findLink(state, linkId(withKernelNames(known, state)));
  const addresses = known.addresses?.map(withoutPrefix) ?? (place ? addressesOf(place) : []);
  return (known.checks ?? []).map((one: LinkCheck, i) => {
    const { probe, target } = probeOf(one);
    return {
      one,
      path: `${path}${pathOf(["checks", i])}`,
      isSecret,
      targets: targetsOf(probe, target, addresses),
    };
  });
}

/** The checks that the link's own host runs. */
export function checksOn(link: CheckedLink, { state }: Observation): HostCheck[] {
  const known = withKernelNames(link.known, state);
  const id = linkId(known);
  return expand(link, state).flatMap((expanded) => {
    const { from = "link" } = expanded.one;
    if (typeof from === "object") return [];
    const start = from === "link" ? startAt(id) : { netns: "", link: "" };
    return hostChecks(link, expanded, state, start);
  });
}

function hostChecks(
  { known, previous }: CheckedLink,
  { one, path, isSecret, targets }: Expanded,
  state: HostState,
  start: Start,
): HostCheck[] {
  const id = linkId(withKernelNames(known, state));
  const was = linkIn(state, id, previous);
  const { probe, target: given } = probeOf(one);
  const isOwn = hostOfTarget(probe, given) === OWN_ADDRESSES;
  const before = was && (start.link === id.name && start.netns === id.netns ? startAt(was) : start);
  const hadAddress = (target: string): boolean =>
    !isOwn || (was !== undefined && addressesOf(was).includes(hostOfTarget(probe, target)));
  const advice = adviceFor(known, state, probe, targets);
  return targets.map((target) => ({
    path,
    label: describeCheck(targets.length > 1 ? { ...one, [probe]: target } : one, isSecret),
    of: nameAndPlace({ name: id.name, netns: id.netns }),
    probe,
    target,
    within: withinOf(one),
    ...start,
    required: one.required === true,
    ...(before && hadAddress(target) ? { before } : {}),
    isSecret,
    ...(advice === undefined ? {} : { advice }),
  }));
}

/** The checks that other hosts run, by host; undefined if there are none. */
async function elsewhereOn(
  context: Hosts,
  link: CheckedLink,
  before: Observation,
): Promise<Elsewhere | undefined> {
  const own = (link.known.checks ?? []).filter((one: LinkCheck) => otherHostOf(one) !== undefined);
  if (own.length === 0) return undefined;
  const tried = await runElsewhere(context, link, before, (check) =>
    check.before && !check.required ? { ...check, within: BEFORE_SECONDS } : undefined,
  );
  const failed = tried.filter(({ passed }) => !passed);
  const isBefore = ({ check }: CheckOutcome): boolean =>
    failed.some((other) => other.check.path === check.path && other.check.target === check.target);
  return {
    seconds: Math.max(...own.map(withinOf)) + CONNECTING_SECONDS,
    run: async (after) => {
      const outcomes = await runElsewhere(context, link, after, (check) => check);
      return outcomes.map((outcome) => ({ ...outcome, failedBefore: isBefore(outcome) }));
    },
  };
}

/** Seconds that the other hosts may take to be connected to, beside those of the checks. */
const CONNECTING_SECONDS = 15;

/** The link at its place, or at the one of the last run. */
function linkIn(state: HostState, id: LinkId, previous: LinkId | undefined): LinkState | undefined {
  return findLink(state, id) ?? (previous && findLink(state, previous));
}

function startAt({ name, netns }: LinkId): Start {
  return { netns, link: name };
}

/** Its addresses without prefixes, of whatever origin. */
function addressesOf({ addresses, otherAddresses = [] }: LinkState): string[] {
  return [...addresses, ...otherAddresses].map(({ cidr }) => withoutPrefix(cidr));
}

/** Runs the checks of other hosts on them. One that cannot be run has not passed. */
async function runElsewhere(
  { fleet }: Hosts,
  link: CheckedLink,
  now: Observation,
  adapt: (check: HostCheck) => HostCheck | undefined,
): Promise<CheckOutcome[]> {
  const outcomes = expand(link, now.state).map(async (expanded) => {
    const other = otherHostOf(expanded.one);
    if (!other) return [];
    const wanted = (start: Start): HostCheck[] =>
      hostChecks(link, expanded, now.state, start).flatMap((check) => adapt(check) ?? []);
    try {
      const managedHost = fleet.managedHost(other.host);
      const start =
        other.link === undefined
          ? { netns: "", link: "" }
          : startOn(other.link, (await managedHost.observe()).state, hostLabel(other.host));
      const checks = wanted(start);
      return checks.length === 0 ? [] : await managedHost.runChecks(checks);
    } catch (error) {
      return wanted({ netns: "", link: "" }).map((check) => failedAs(check, reasonOf(error)));
    }
  });
  return (await Promise.all(outcomes)).flat();
}

function failedAs(check: HostCheck, answer: string): CheckOutcome {
  return { check, passed: false, tries: 1, answer, failedBefore: false };
}

/** @throws Error if the host has no such link, or several */
function startOn(name: string, state: HostState, label: string): Start {
  const found = state.links.filter(
    (l) => l.isOutOfReach !== true && (l.name === name || l.altNames?.includes(name) === true),
  );
  const link = found.find(({ netns }) => netns === "") ?? (found.length === 1 ? found[0] : undefined);
  if (link) return startAt(link);
  throw new Error(
    found.length === 0
      ? `${label} has no link ${name}`
      : `${label} has the link ${name} in ${found.map(({ netns }) => `the namespace ${netns}`).join(" and ")}`,
  );
}

/** What a change of a link depends on; undefined without checks. */
export function proofOf(
  context: Hosts,
  links: readonly CheckedLink[],
  done: (outcomes: readonly CheckOutcome[]) => void,
): Proof | undefined {
  const checked = links.filter(({ known }) => (known.checks?.length ?? 0) > 0);
  if (checked.length === 0) return undefined;
  return {
    checksOn: (before) => checked.flatMap((link) => checksOn(link, before)),
    async elsewhereOn(before) {
      const all = (await Promise.all(checked.map((link) => elsewhereOn(context, link, before)))).flatMap(
        (one) => one ?? [],
      );
      if (all.length === 0) return undefined;
      return {
        seconds: Math.max(...all.map(({ seconds }) => seconds)),
        run: async (after) => (await Promise.all(all.map(({ run }) => run(after)))).flat(),
      };
    },
    done,
  };
}

/** Runs all checks of a link, from its host and from others, and changes nothing. */
export async function runChecks(
  context: Hosts,
  link: CheckedLink,
  now: Observation,
): Promise<readonly CheckOutcome[]> {
  const own = checksOn(link, now);
  const [here, elsewhere] = await Promise.all([
    own.length === 0
      ? []
      : context.fleet
          .managedHost(link.known.host)
          .runChecks(own)
          .catch((error: unknown) => own.map((check) => failedAs(check, reasonOf(error)))),
    runElsewhere(context, link, now, (check) => check),
  ]);
  return [...here, ...elsewhere];
}

/** The output `checks`: what was given, each with what came of it. */
export function checkOutputs(link: CheckedLink, outcomes: readonly CheckOutcome[]): Json[] {
  return (link.known.checks ?? []).map((one: LinkCheck, i): Json => {
    const path = `${link.path}${pathOf(["checks", i])}`;
    const own = outcomes.filter(({ check }) => check.path === path);
    const [first] = own;
    if (!first) return { ...one };
    const passed = own.every((outcome) => outcome.passed);
    const times = own.flatMap(({ ms }) => ms ?? []);
    return {
      ...one,
      passed,
      tries: Math.max(...own.map(({ tries }) => tries)),
      ...(passed && times.length > 0 ? { ms: Math.max(...times) } : {}),
    };
  });
}

/** A line for each check that did not pass and did not keep the change from staying. */
export function failureLines(resource: string, label: string, outcomes: readonly CheckOutcome[]): string[] {
  return outcomes
    .filter(({ passed }) => !passed)
    .map(
      (outcome) =>
        `${resource} on ${label}: ${describeFailure(outcome)}. It failed before as well, so the change stays.`,
    );
}

/** What the checks of a link find at preview, if that is asked for and the link is there: a line for each. */
export async function previewChecks(
  context: Pick<ProviderContext, "fleet" | "checksOnPreview">,
  resource: string,
  link: CheckedLink,
  now: Observation,
): Promise<string[]> {
  const id = linkId(withKernelNames(link.known, now.state));
  if (!context.checksOnPreview || !findLink(now.state, id)) return [];
  const { label } = context.fleet.managedHost(link.known.host);
  return (await runChecks(context, link, now)).map((outcome) =>
    outcome.passed
      ? `${resource} on ${label}: the check "${outcome.check.label}" passed (${outcome.ms ?? 0} ms).`
      : `${resource} on ${label}: ${describeFailure(outcome)}.`,
  );
}

/** Begins to look for the programs for checks on all hosts that need them, while the link's own host is read. */
export function prefetchPrograms({ fleet }: Hosts, links: readonly CommonInputs[]): void {
  for (const { host, checks = [] } of links)
    for (const one of checks as readonly LinkCheck[])
      fleet
        .managedHost(otherHostOf(one)?.host ?? host)
        .programs()
        .catch(() => undefined);
}

/** Why checks cannot be run: a program is missing on the host from which one starts, or the link has no address. */
export async function checkProblems(
  { fleet }: Hosts,
  link: CheckedLink,
  { state }: Observation,
): Promise<Issue[]> {
  const issues = expand(link, state).map(async (expanded): Promise<Issue[]> => {
    const { one, path, targets } = expanded;
    const { probe } = probeOf(one);
    const property = `${path}.${probe}`;
    if (targets.length === 0) {
      const reason = `stands for the addresses of the link, and it has none; give it addresses, or the check another target than "${OWN_ADDRESSES}"`;
      return [issue("invalid-input", property, reason)];
    }
    const other = otherHostOf(one);
    const isOut = other === undefined ? (one.from ?? "link") === "link" : other.link !== undefined;
    const start = { netns: "", link: isOut ? link.known.name : "" };
    const [check] = hostChecks(link, expanded, state, start);
    if (!check) return [];
    try {
      const programs = await fleet.managedHost(other?.host ?? link.known.host).programs();
      const why = whyNotRunnable(check, programs);
      const where = other === undefined ? "" : ` (${hostLabel(other.host)})`;
      return why === undefined ? [] : [issue("host-unsupported", property, `${why}${where}`)];
    } catch {
      // a host that cannot be reached now may be reached when the check is run: it fails then, and says so
      return [];
    }
  });
  return (await Promise.all(issues)).flat();
}
