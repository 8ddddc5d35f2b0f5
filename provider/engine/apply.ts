/** `create`, `update` and `delete`: bring the host to the state that the inputs describe, or remove the link. */
import { withKernelNames } from "../kinds/altnames";
import type { ManagedHost } from "../host/managed-host";
import { type GivingWay, givingWay } from "../kinds/displaced";
import { type CommonInputs, type Json, type PlanContext, linkId, resourceName } from "../kinds/kind";
import { conflictsInRun } from "../kinds/lan/claims";
import { ownMark } from "../kinds/ownership";
import type { CheckOutcome } from "../model/checks";
import { type Issue, MacvlanError, describeIssues, issue } from "../model/error";
import { type LinkId, findLink, nameAndPlace, recordOf } from "../model/host";
import type { Observation } from "../model/observation";
import { describeOwner, isOwn } from "../model/owner";
import type { DesiredPlan } from "../plan/plan";
import type { HostAddress } from "../ssh/address";
import { type CheckedLink, checkOutputs, failureLines, proofOf } from "./checks";
import type { ProviderContext } from "./context";
import {
  type ProbeContext,
  describeDuplicates,
  duplicatesAfter,
  duplicatesBefore,
} from "./duplicate-addresses";
import { whyHarmful, whyNotSelected } from "./harm";
import { sameHost } from "./inputs";
import { clean, managedInputs, outputsOf, resourceOutputs } from "./outputs";
import { knownInputs, planContextOf, planLeaving, planNothing } from "./planning";
import { type Member, type ResourceType, claimPath, matchMembers, placeOf, samePlace } from "./resource-type";
import type { RunLinks } from "./run-links";
import {
  type DesiredMember,
  type LeavingMember,
  type Transaction,
  issuesOf,
  planTransaction,
} from "./transaction";

/**
 * It is not known yet whether the host completes or undoes a new resource's change. The state has to have it, so that a
 * deletion finds its links.
 */
export class CreatedMaybe extends MacvlanError {
  /** @param outputs what the state is to have of the resource */
  constructor(
    why: MacvlanError,
    readonly outputs: Json,
  ) {
    const { code, text, host, resource } = why;
    const details = {
      ...(host === undefined ? {} : { host }),
      ...(resource === undefined ? {} : { resource }),
    };
    super(code, text, details, { cause: why });
  }
}

/** Brings the host to the state that the inputs describe, and returns the outputs of the result. */
export async function apply(
  context: ProviderContext,
  type: ResourceType,
  inputs: Json,
  before: Json | undefined,
): Promise<Json> {
  const { say } = context.diagnostics;
  const managedHost = context.fleet.managedHost(inputs["host"] as HostAddress);
  const name = resourceName(type.type, String(inputs["__resource"]));
  const members = type.members(inputs);
  const { previousOf, leaving } = matchMembers(before === undefined ? [] : type.members(before), members);
  const observed = await managedHost.observe();
  const { state } = observed;
  const probes = members.map((member) => probeOf(context, name, managedHost, member, state));
  for (const probe of probes) await assertNoDuplicates(probe, say);
  // a new host, or one with the links of this resource alone, has no others: most are such, and may have thousands
  const hasOthers = state.records.some(({ resource }) => resource !== String(inputs["__resource"]));
  const givesWay = (hasOthers ? members : []).flatMap((member) => {
    const { kind, props } = member;
    const known = knownInputs(props, []);
    const planContext = planContextOf(context, props, known, observed, previousOf(member));
    return givingWay(kind.desired(known, planContext), planContext);
  });
  await assertOwnClaims(context, name, members, observed, managedHost, givesWay);
  const gone = await leftToOthers(context, leaving, members);
  const created = context.stack.newMaking();
  const checked = members.map((member) => checkedLink(member, previousOf(member)));
  let outcomes: readonly CheckOutcome[] = [];
  const proof = proofOf(context, checked, (all) => {
    outcomes = all;
  });
  const planOn = (now: Observation): DesiredPlan => {
    const transaction = planTransaction(
      members.map((member) => desiredMember(context, member, previousOf(member), created)),
      gone.map((member) => leavingMember(context, member)),
      now,
    );
    // this also runs after the change, when a link is at its new place and gone from its previous one
    assertNoIssues(issuesOf(transaction.parts), name, managedHost);
    assertHarmless(transaction, `${name} on ${managedHost.label}`);
    return transaction.plan;
  };
  const holdsSecret = (text: string): boolean => context.redactor.redact(text) !== text;
  const after = await managedHost.change(name, planOn, proof).catch((error: unknown) => {
    if (before !== undefined || !(error instanceof MacvlanError) || error.code !== "change-unknown")
      throw error;
    const half = members.map((member): Member => {
      const own = { ...member.props, __making: created };
      const known = knownInputs(member.props, []);
      return { ...member, props: outputsOf(member.kind, own, known, observed, holdsSecret) };
    });
    throw new CreatedMaybe(error, clean(resourceOutputs(type, inputs, half)));
  });
  for (const line of failureLines(name, managedHost.label, outcomes)) say(line);
  const outputs = checked.map(({ member, ...link }): Member => {
    const { known, inputs: own } = link;
    const making = makingOf(context, own, known, after, previousOf(member));
    const results = known.checks === undefined ? {} : { checks: checkOutputs(link, outcomes) };
    const props = outputsOf(member.kind, { ...own, __making: making }, known, after, holdsSecret, results);
    return { ...member, props };
  });
  const outs = clean(resourceOutputs(type, inputs, outputs));
  for (const probe of probes) {
    if (probe.detection === "off") continue;
    const found = await duplicatesAfter(probe);
    if (found.length === 0) continue;
    const text = describeDuplicates(probe, found);
    if (probe.detection === "error") {
      await managedHost.change(name, (now) => previousPlan(context, type, inputs, before, now));
      throw duplicateAddress(probe, `${text}. The change was rolled back.`);
    }
    say(`${text}.`);
  }
  return outs;
}

/** A member whose checks are run. */
function checkedLink(member: Member, before: Json | undefined): CheckedLink & { readonly member: Member } {
  const { props, path } = member;
  const known = knownInputs(props, []);
  return { member, known, inputs: props, path, previous: previousPlace(known, before) };
}

/** A member as `create` or `update` is to make it. */
function desiredMember(
  context: ProviderContext,
  { kind, path, props }: Member,
  previous: Json | undefined,
  created: string,
): DesiredMember {
  const known = knownInputs(props, []);
  return {
    path,
    kind,
    known,
    contextOn: (now, isPlanned) => {
      const making =
        previous === undefined ? created : keptMaking(context, props, known, now, previous, created);
      return planContextOf(context, props, known, now, previous, { making }, isPlanned);
    },
  };
}

type Detecting = ProbeContext & {
  readonly detection: NonNullable<CommonInputs["duplicateAddressDetection"]>;
};

function probeOf(
  context: ProviderContext,
  resource: string,
  managedHost: ManagedHost,
  { kind, props }: Member,
  state: Observation["state"],
): Detecting {
  const known = knownInputs(props, []);
  return {
    resource,
    managedHost,
    known,
    detection: known.duplicateAddressDetection ?? "off",
    lan: kind.lan(known, state),
    isOwnMac: (mac) => context.claims.hasMac(mac),
    othersAreChecked: () => context.links.othersAreChecked(),
  };
}

/** @throws MacvlanError if another machine on the LAN has one of the addresses, and the program asks for an error then */
async function assertNoDuplicates(probe: Detecting, say: (text: string) => void): Promise<void> {
  if (probe.detection === "off") return;
  const found = await duplicatesBefore(probe, say);
  if (found.length === 0) return;
  const text = describeDuplicates(probe, found);
  if (probe.detection === "error") throw duplicateAddress(probe, `${text}. Nothing was touched.`);
  say(`${text}.`);
}

/** The link's place in the last run, if it was on the same host then. */
function previousPlace({ host }: CommonInputs, before: Json | undefined): LinkId | undefined {
  return before !== undefined && sameHost(before["host"], host) ? linkId(knownInputs(before, [])) : undefined;
}

/**
 * The making that a resource's link has after an update. The host's record decides, because the run that made the link
 * may have been killed before the state was saved. A link of an earlier version gets its first making.
 */
function keptMaking(
  context: ProviderContext,
  inputs: Json,
  known: CommonInputs,
  now: Observation,
  before: Json,
  created: string,
): string {
  const { __making: saved } = before;
  return makingOf(context, inputs, known, now, before) ?? (typeof saved === "string" ? saved : created);
}

/** The making that the host has recorded for the resource's link. */
export function makingOf(
  context: ProviderContext,
  inputs: Json,
  known: CommonInputs,
  now: Observation,
  before: Json | undefined,
): string | undefined {
  const link = withKernelNames(known, now.state);
  return ownMark(link, planContextOf(context, inputs, link, now, before))?.making;
}

/** The plan that leads back to the inputs of the last run, or to no link if there was none. */
function previousPlan(
  context: ProviderContext,
  type: ResourceType,
  inputs: Json,
  before: Json | undefined,
  now: Observation,
): DesiredPlan {
  const made = type.members(inputs);
  const old = before === undefined ? [] : type.members(before);
  const { previousOf, leaving } = matchMembers(made, old);
  const members = old.map(({ kind, path, props }): DesiredMember => {
    const known = knownInputs(managedInputs(props), []);
    const given = previousOf({ key: "", kind, path, props });
    return {
      kind,
      path,
      known,
      contextOn: (seen, isPlanned) => planContextOf(context, props, known, seen, given, undefined, isPlanned),
    };
  });
  const gone = leaving.map((member) => anyMakingOf(context, member));
  return planTransaction(members, gone, now, () => []).plan;
}

/** Removes the resource's links, or restores those that were adopted. */
export async function remove(context: ProviderContext, type: ResourceType, props: Json): Promise<void> {
  const managedHost = context.fleet.managedHost(props["host"] as HostAddress);
  const name = resourceName(type.type, String(props["__resource"]));
  context.stack.note(props);
  const held = context.links.heldBack(name);
  if (held) {
    const text = `${name} stays on ${managedHost.label}, as it cannot be made on its new host: ${held.text}`;
    throw new MacvlanError(held.code, text, { host: managedHost.label, resource: name });
  }
  const members = type.members(props);
  const before = await managedHost.observe();
  const left = members.flatMap((member) => {
    const known = knownInputs(member.props, []);
    const why = whyLeft(context, member.props, known, before);
    return why === undefined
      ? []
      : [`${nameAndPlace(linkId(known))} on ${managedHost.label}: ${why}. It was not deleted.`];
  });
  const leaving = members.map((member) => leavingMember(context, member));
  const after = await managedHost.change(name, (now) => {
    const transaction = planTransaction([], leaving, now);
    assertHarmless(transaction, `${name} on ${managedHost.label}`);
    return transaction.plan;
  });
  for (const line of left) context.diagnostics.say(line);
  const owner = context.stack.owner(props);
  // a destroy announces nothing, but the stack's other links on this host are probably next
  if (after.state.records.some((record) => isOwn(record, owner))) managedHost.prestart();
}

/** A deletion goes by what the state has. */
const REMOVAL_ADVICE = ` in the program and run "pulumi up" before`;

/**
 * Links of others do not go along with a link in silence. The host may have got them after the preview.
 *
 * @throws MacvlanError before anything is touched
 */
function assertHarmless({ removals, parts }: Transaction, what: string): void {
  const lost = [
    ...removals.map((removal) => ({ ...removal, advice: REMOVAL_ADVICE })),
    ...parts.map((part) => ({ ...part, advice: "" })),
  ];
  for (const { known, harm, advice } of lost) {
    if (harm === undefined || known.force === true) continue;
    throw new MacvlanError("harms-others", `${what}: ${whyHarmful(harm)}${advice}. Nothing was touched.`);
  }
}

/** A member that is to be removed, whichever making of it the host has. */
export function anyMakingOf(context: ProviderContext, { kind, props }: Member): LeavingMember {
  const known = forced(context, knownInputs(props, []));
  return {
    known,
    planOn: (now, keeps) =>
      planLeaving(kind, known, planContextOf(context, props, known, now, undefined), keeps),
  };
}

/** A member that is to be removed, in the making that the state has. */
function leavingMember(context: ProviderContext, { kind, props }: Member): LeavingMember {
  const known = forced(context, knownInputs(props, []));
  return {
    known,
    planOn(now, keeps) {
      const planContext = removalContext(context, props, known, now);
      const place = planContext.previous ?? linkId(withKernelNames(known, now.state));
      const record = recordOf(now.state, place);
      // made by an earlier version and renamed in the program without an alias: another resource has taken the link over
      const isAnothers =
        record !== undefined && record.making === undefined && record.resource !== planContext.resource;
      return isAnothers ? planNothing(planContext) : planLeaving(kind, known, planContext, keeps);
    },
  };
}

/** The inputs of a link that is to be removed, with what this run's program says of it. */
function forced({ links }: ProviderContext, known: CommonInputs): CommonInputs {
  return links.isForced(known.host, linkId(known)) ? { ...known, force: true } : known;
}

/** Whether another resource of the program has the link, which takes it over as it is. */
export function isTakenOver(links: RunLinks, one: Member, members: readonly Member[]): boolean {
  const place = placeOf(one.props);
  if (place === undefined || members.some((other) => samePlace(one, other))) return false;
  return links.isAnnounced(one.props["host"] as HostAddress, place);
}

/**
 * The members that are to be removed, without those that other resources take over. This is known only when all of the
 * program's resources have been checked.
 */
async function leftToOthers(
  { links }: ProviderContext,
  leaving: readonly Member[],
  members: readonly Member[],
): Promise<readonly Member[]> {
  if (leaving.length === 0) return [];
  await links.othersAreChecked();
  return leaving.filter((one) => !isTakenOver(links, one, members));
}

/** The plan context for removing one making of a link. */
export function removalContext(
  context: ProviderContext,
  props: Json,
  known: CommonInputs,
  now: Observation,
): PlanContext {
  const { __making: making } = props;
  const removes = typeof making === "string" ? { making } : {};
  const removal = planContextOf(context, props, known, now, undefined, { removes });
  // it may have a temporary name, as another resource has got its name
  const { previous } = planContextOf(context, props, known, now, props, { removes });
  return { ...removal, ...(previous ? { previous } : {}) };
}

/** Why a link with the name of the one to delete is not that link; undefined if it is, or if there is none. */
function whyLeft(
  context: ProviderContext,
  props: Json,
  known: CommonInputs,
  now: Observation,
): string | undefined {
  const { stack } = context;
  const removal = removalContext(context, props, known, now);
  const place = removal.previous ?? linkId(withKernelNames(known, now.state));
  if (!findLink(now.state, place)) return undefined;
  const record = recordOf(now.state, place);
  if (!record) return "the host has no record that this stack made this link";
  if (!isOwn(record, stack.owner(props))) {
    return `it now belongs to the stack ${describeOwner(record)} (resource ${record.resource})`;
  }
  // the new link of a replacement, or of a renamed resource
  if (isOwn(record, removal) || stack.hasMade(record.making ?? "")) return undefined;
  return `another run of this stack has replaced it for the resource ${record.resource}`;
}

/**
 * A port, a name, a VLAN or a parent may move here from another link of this stack, unless its resource still claims it. This
 * is known only when all of the program's resources have been checked.
 *
 * @throws MacvlanError before anything is touched
 */
async function assertOwnClaims(
  { claims, links, stack }: ProviderContext,
  name: string,
  members: readonly Member[],
  { state }: Observation,
  managedHost: ManagedHost,
  givesWay: readonly GivingWay[],
): Promise<void> {
  const isElsewhere = members.some(({ path, props }) =>
    (claims.of(name + claimPath(path))?.ports ?? []).some((port) => {
      const master = findLink(state, { name: port.name, netns: "" })?.settings["link.master"] ?? "";
      return master !== "" && master !== props["name"];
    }),
  );
  if (!isElsewhere && givesWay.length === 0) return;
  // only a run that leaves out the identity has --target: in others, the engine may just be busy with other changes
  const leftOut = stack.isLeftOut() ? await links.leftOut(givesWay.map(({ resource }) => resource)) : [];
  const [one] = givesWay.filter(({ resource }) => leftOut.includes(resource));
  if (one) assertNoIssues([issue("not-selected", "name", whyNotSelected(one))], name, managedHost);
  await links.othersAreChecked();
  const issues = members.flatMap(({ path }) => {
    const claim = claims.of(name + claimPath(path));
    return claim ? conflictsInRun(claim, claims).map((i) => ({ ...i, property: path + i.property })) : [];
  });
  assertNoIssues(issues, name, managedHost);
}

/** @throws MacvlanError with the code of the first issue, as the host has changed since the check; nothing was touched */
function assertNoIssues(issues: readonly Issue[], resource: string, { label: host }: ManagedHost): void {
  const [first] = issues;
  if (!first) return;
  const text = `${resource} on ${host}: ${describeIssues(issues)}. Nothing was touched.`;
  throw new MacvlanError(first.code, text, { host, resource });
}

function duplicateAddress({ resource, managedHost }: ProbeContext, text: string): MacvlanError {
  return new MacvlanError("duplicate-address", text, { host: managedHost.label, resource });
}
