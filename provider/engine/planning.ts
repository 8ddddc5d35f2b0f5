/**
 * From a resource's inputs, as the engine keeps them, and an observation of its host to the plan that the provider
 * applies and a report shows. Pure.
 */
import { describeStep } from "../iproute2/commands";
import { type AnyKind, kernelOf } from "../kinds";
import { withKernelNames } from "../kinds/altnames";
import { asInputs, secretNamesOf, visibleInputs } from "../kinds/check-inputs";
import { isTemporaryName, isTemporaryPlace } from "../kinds/displaced";
import { desiredRemoval, formerPlaces, ownerOf, withOwnPrevious } from "../kinds/ownership";
import { tooNewFor } from "../kinds/iproute2-support";
import { type CommonInputs, type Identity, type Json, type PlanContext, linkId } from "../kinds/kind";
import { unreadableIssues } from "../kinds/unreadable";
import type { Difference } from "../model/difference";
import { type Issue, MacvlanError, issue } from "../model/error";
import {
  type LinkId,
  type LinkRecord,
  type Desired,
  findLink,
  kernelName,
  recordOf,
  sameLink,
} from "../model/host";
import { keptPer } from "../model/lists";
import type { Observation } from "../model/observation";
import { type OwnStack, type Owner, isOwn, ofAnyMaking } from "../model/owner";
import { isUnknown } from "../model/unknown";
import { differences } from "../plan/differences";
import { disruptiveStep } from "../plan/management-path";
import { plan, type DesiredPlan } from "../plan/plan";
import { withoutLosses } from "../plan/losses";
import { DEFAULT_CONFIRM_TIMEOUT, hostIdentity } from "../ssh/address";
import type { ProviderContext } from "./context";
import { digest } from "./inputs";
import { desiredWithBoot, withoutBoot } from "./persist";
import { openStackMemory } from "./stack-identity";

/** The plan that brings a link to its inputs. */
export function planLink(kind: AnyKind, given: CommonInputs, context: PlanContext): DesiredPlan {
  const inputs = withKernelNames(given, context.observation.state);
  const desired = desiredWithBoot(kind, inputs, context);
  const { force = false } = inputs;
  const left = formerPlaces(context).filter((place) => !sameLink(place, linkId(inputs)));
  const forgets = [...(desired.forgets ?? []), ...left];
  return planDesired({ ...desired, forgets, force, ...secretOf(kind, inputs, context) }, context.observation);
}

/** The plan for a link, or the property that no plan can bring to its desired value. */
export function planOrIssues(
  kind: AnyKind,
  inputs: CommonInputs,
  context: PlanContext,
): DesiredPlan | readonly Issue[] {
  try {
    return planLink(kind, inputs, context);
  } catch (error) {
    if (!(error instanceof MacvlanError && error.code === "no-plan")) throw error;
    return [issue(error.code, error.remaining?.[0]?.property ?? "name", error.text)];
  }
}

/**
 * Why a link cannot be made on a host: what its kernel, tools and other links do not allow, and what cannot be read.
 */
export function problemsOf(kind: AnyKind, inputs: CommonInputs, context: PlanContext): Issue[] {
  const { observation } = context;
  const desired = kind.desired(inputs, context);
  return [
    ...unreadableIssues(desired, observation),
    ...kind.problems(inputs, context),
    ...tooNewFor(observation.facts, desired),
  ];
}

/** The plan for a link and all that prevents it, for those who show both. Without a plan, it leaves the host as it is. */
export function planAndIssues(
  kind: AnyKind,
  inputs: CommonInputs,
  context: PlanContext,
): { readonly plan: DesiredPlan; readonly issues: readonly Issue[] } {
  const planned = planOrIssues(kind, inputs, context);
  const own = problemsOf(kind, inputs, context);
  return "steps" in planned
    ? { plan: planned, issues: own }
    : { plan: planNothing(context), issues: [...own, ...planned] };
}

/**
 * The plan that removes a resource's link, or restores an adopted one.
 *
 * @param keeps network namespaces that are not deleted, even if they are empty
 */
export function planRemoval(
  kind: AnyKind,
  given: CommonInputs,
  context: PlanContext,
  keeps: readonly string[] = [],
): DesiredPlan {
  const inputs = withKernelNames(given, context.observation.state);
  const { state, facts } = context.observation;
  const gone = withoutLosses(state, desiredRemoval(inputs, context), kernelOf(facts.kernel, facts));
  const boot = withoutBoot(inputs, context);
  const { force = false } = inputs;
  const desired = { ...gone, keeps, boot, force, ...secretOf(kind, inputs, context) };
  return planDesired(desired, context.observation);
}

/** The same for a link that its resource has no more; nothing if a link of another kind has taken its place. */
export function planLeaving(
  kind: AnyKind,
  known: CommonInputs,
  context: PlanContext,
  keeps: readonly string[],
): DesiredPlan {
  const { state } = context.observation;
  const place = linkId(withKernelNames(known, state));
  const link = findLink(state, place);
  const isOther = link !== undefined && link.kind !== kind.link.word;
  if (!isOther) return planRemoval(kind, known, context, keeps);
  return planNothing(context, recordOf(state, place) ? [] : [place]);
}

/** The plan that leaves the host as it is, but for records of links that are not there any more. */
export function planNothing(context: PlanContext, forgets: readonly LinkId[] = []): DesiredPlan {
  return planDesired({ links: [], netns: "", forgets, ...ownerOf(context) }, context.observation);
}

/** What of the link is secret: its steps and differences are shown without values. */
function secretOf(
  kind: AnyKind,
  inputs: CommonInputs,
  { secrets: properties = [], previous }: PlanContext,
): Pick<Desired, "secret"> {
  if (properties.length === 0) return {};
  const settings = kind.bindings.filter((b) => b.properties.some(({ name }) => properties.includes(name)));
  const links = [linkId(inputs), ...(previous ? [previous] : [])];
  return { secret: { properties, links, keys: [...properties, ...settings.map(({ key }) => key)] } };
}

function planDesired(desired: Desired, now: Observation): DesiredPlan {
  return { ...plan(now.state, desired, kernelOf(now.facts.kernel, now.facts)), desired: [desired] };
}

/**
 * The desired values that the last run left on the host and that the host does not have any more. What the program
 * itself changes now, and what follows from that, is not drift. `before` are the inputs of the last run, `next` is the
 * plan for the new ones.
 */
export function driftOf(
  kind: AnyKind,
  before: Json,
  known: CommonInputs,
  context: PlanContext,
  next: DesiredPlan,
): Difference[] {
  if (next.differences.length === 0) return [];
  const changed = (d: Difference): boolean => {
    const property = d.property.split(/[.[]/)[0] ?? "";
    const inputs: Json = known;
    const given = inputs[property];
    return given !== undefined && digest({ given }) !== digest({ given: before[property] });
  };
  const previous = desiredWithBoot(kind, knownInputs(before, []), context);
  const left = differences(context.observation.state, previous);
  return next.differences.filter((d) => left.some((l) => l.property === d.property) && !changed(d));
}

/** Describes the step of a plan that must be confirmed over a new connection; undefined if there is none. */
export function describeDisruptiveStep(
  known: Pick<CommonInputs, "host">,
  now: Observation,
  next: DesiredPlan,
): string | undefined {
  const steps = next.steps.map(({ step }) => step);
  const disruptive = disruptiveStep(now.state, now.managementPath, steps);
  if (!disruptive) return undefined;
  const { confirmTimeout = DEFAULT_CONFIRM_TIMEOUT } = known.host;
  return (
    `"${describeStep(disruptive.step, now.facts.portTool)}" changes ${disruptive.link}, which carries the SSH connection: the host ` +
    `rolls the change back unless a new connection confirms it within ${confirmTimeout} s.`
  );
}

/**
 * The plan context of the link with these inputs during a run.
 *
 * @param isPlanned whether a link belongs to the same transaction and is in the observation: no other resource makes it
 */
export function planContextOf(
  { links, claims, stack }: Pick<ProviderContext, "links" | "claims" | "stack">,
  inputs: Json,
  { host, name: own, netns: ownNetns }: CommonInputs,
  observation: Observation,
  before: Json | undefined,
  making?: Pick<OwnStack, "making" | "removes">,
  isPlanned: (name: string) => boolean = (name) => name === own && ownNetns === undefined,
): PlanContext {
  const owner = stack.owner(inputs, making);
  return planContextFrom(
    inputs,
    observation,
    before,
    (name) => links.isDeclared(host, { name, netns: "" }) && !isPlanned(name),
    (name) => (isPlanned(name) ? undefined : links.declaredMtu(host, { name, netns: "" })),
    (ip, netns) => claims.hasAddress(hostIdentity(host), netns, ip),
    { ...owner, resource: String(inputs["__resource"]) },
  );
}

/**
 * The plan context of the resource with these inputs. `isExpected` says which links other resources of the run will
 * make, and `expectedMtu` which MTU they give them.
 */
export function planContextFrom(
  inputs: Json,
  observation: Observation,
  before: Json | undefined,
  isExpected: PlanContext["isExpected"],
  expectedMtu?: PlanContext["expectedMtu"],
  isExpectedAddress?: PlanContext["isExpectedAddress"],
  identity: Identity = identityOf(inputs),
): PlanContext {
  const secrets = [...new Set([inputs, before ?? {}].flatMap(secretNamesOf))];
  return withOwnPrevious({
    ...identity,
    observation,
    ...(secrets.length === 0 ? {} : { secrets }),
    ...placeIn(before, identity.resource, observation, identity),
    ...(before === undefined ? {} : { previousInputs: before }),
    ignored: Array.isArray(inputs["__ignored"]) ? inputs["__ignored"].map(String) : [],
    isExpected,
    ...(expectedMtu ? { expectedMtu } : {}),
    ...(isExpectedAddress ? { isExpectedAddress } : {}),
  });
}

function identityOf(inputs: Json): Identity {
  return { ...openStackMemory().owner(inputs), resource: String(inputs["__resource"]) };
}

/**
 * Where the link of a resource is, as far as the state and the records on the host tell. Another resource of the stack may
 * have got its name in this run. The link then either has a temporary one, or the other resource has taken it over.
 */
function placeIn(
  before: Json | undefined,
  resource: string,
  { state }: Observation,
  owner: Owner,
): Pick<PlanContext, "previous"> {
  if (before === undefined) return {};
  const netns = typeof before["netns"] === "string" ? before["netns"] : "";
  const place: LinkId = { name: kernelName(state, { name: String(before["name"]), netns }), netns };
  const displaced = temporaryRecords(state.records).find(
    (r) => isTemporaryPlace(r, place) && isOwn(r, owner),
  );
  if (displaced && findLink(state, displaced)) return { previous: { name: displaced.name, netns } };
  const record = recordOf(state, place);
  const { __resource: known, __making: making } = before;
  const isOther =
    record?.making !== undefined &&
    isOwn(record, ofAnyMaking(owner)) &&
    record.making !== making &&
    ![known, resource].includes(record.resource);
  return isOther ? {} : { previous: place };
}

/** A host may have thousands of records, hardly any of which has such a name. */
const temporaryRecords = keptPer((records: readonly LinkRecord[]) =>
  records.filter(({ name }) => isTemporaryName(name)),
);

/** The inputs that are known, for the kind: checked, and without the properties that we and the engine add. */
export function knownInputs(inputs: Json, unknown: readonly string[]): CommonInputs {
  return unknown.length === 0 ? allKnown(inputs) : knownOf(inputs, unknown);
}

/** Asked for several times in each operation. */
const allKnown = keptPer((inputs: Json) => knownOf(inputs, []));

function knownOf(inputs: Json, unknown: readonly string[]): CommonInputs {
  const known = Object.entries(visibleInputs(inputs)).filter(
    ([key, value]) => !unknown.includes(key) && !isUnknown(value) && key !== "label",
  );
  return asInputs(Object.fromEntries(known));
}
