/** `create`, `update` and `delete`: bring the host to the state that the inputs describe, or remove the link. */
import type { AnyKind } from "../kinds";
import { withKernelNames } from "../kinds/altnames";
import type { ManagedHost } from "../host/managed-host";
import { type CommonInputs, type Json, type PlanContext, linkId, resourceName } from "../kinds/kind";
import { oneEachConflicts } from "../kinds/lan/one-each";
import { ownMark } from "../kinds/ownership";
import type { CheckOutcome } from "../model/checks";
import { type Issue, MacvlanError, describeIssues } from "../model/error";
import { type LinkId, findLink, recordOf } from "../model/host";
import type { Observation } from "../model/observation";
import { describeOwner, isOwn } from "../model/owner";
import type { DesiredPlan } from "../plan/plan";
import { checkOutputs, failureLines, proofOf } from "./checks";
import type { ProviderContext } from "./context";
import {
  type ProbeContext,
  describeDuplicates,
  duplicatesAfter,
  duplicatesBefore,
} from "./duplicate-addresses";
import { describeHarm, whyHarmful } from "./harm";
import { sameHost } from "./inputs";
import { clean, managedInputs, outputsOf } from "./outputs";
import { knownInputs, planContextOf, planLink, planNothing, planRemoval, problemsOf } from "./planning";

/** Brings the host to the state that the inputs describe, and returns the outputs of the result. */
export async function apply(
  context: ProviderContext,
  kind: AnyKind,
  inputs: Json,
  before: Json | undefined,
): Promise<Json> {
  const { say } = context.diagnostics;
  const known = knownInputs(inputs, []);
  const managedHost = context.fleet.managedHost(known.host);
  const name = resourceName(kind.type, String(inputs["__resource"]));
  const { duplicateAddressDetection: detection = "off" } = known;
  const probe: ProbeContext = {
    resource: name,
    managedHost,
    known,
    lan: kind.lan(known, (await managedHost.observe()).state),
    isOwnMac: (mac) => context.claims.hasMac(mac),
    othersAreChecked: () => context.links.othersAreChecked(),
  };
  if (detection !== "off") {
    const found = await duplicatesBefore(probe, say);
    const text = describeDuplicates(probe, found);
    if (found.length > 0 && detection === "error")
      throw duplicateAddress(probe, `${text}. Nothing was touched.`);
    if (found.length > 0) say(`${text}.`);
  }
  await assertOwnClaims(context, name, known, managedHost);
  const created = context.stack.newMaking();
  const checked = { known, inputs, path: "", previous: previousPlace(known, before) };
  let outcomes: readonly CheckOutcome[] = [];
  const proof = proofOf(context, [checked], (all) => {
    outcomes = all;
  });
  const planOn = (now: Observation): DesiredPlan => {
    const making = before === undefined ? created : keptMaking(context, inputs, known, now, before, created);
    const planContext = planContextOf(context, inputs, known, now, before, { making });
    // this also runs after the change, when the link is at its new place and gone from its previous one
    assertNoIssues(problemsOf(kind, known, planContext), name, managedHost);
    const planned = planLink(kind, known, planContext);
    assertHarmless(planned, now, known.force === true, `${name} on ${managedHost.label}`);
    return planned;
  };
  const after = await managedHost.change(name, planOn, proof);
  for (const line of failureLines(name, managedHost.label, outcomes)) say(line);
  const found = detection === "off" ? [] : await duplicatesAfter(probe);
  const made = makingOf(context, inputs, known, after, before);
  const holdsSecret = (text: string): boolean => context.redactor.redact(text) !== text;
  const results = known.checks === undefined ? {} : { checks: checkOutputs(checked, outcomes) };
  const outs = clean(outputsOf(kind, { ...inputs, __making: made }, known, after, holdsSecret, results));
  if (found.length === 0) return outs;
  const text = describeDuplicates(probe, found);
  if (detection === "error") {
    await managedHost.change(name, (now) => previousPlan(context, kind, inputs, known, now, before));
    throw duplicateAddress(probe, `${text}. The change was rolled back.`);
  }
  say(`${text}.`);
  return outs;
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
  kind: AnyKind,
  inputs: Json,
  known: CommonInputs,
  now: Observation,
  before: Json | undefined,
): DesiredPlan {
  if (before !== undefined) {
    return planLink(
      kind,
      knownInputs(managedInputs(before), []),
      planContextOf(context, before, known, now, inputs),
    );
  }
  return planRemoval(kind, known, planContextOf(context, inputs, known, now, undefined));
}

/** Removes the resource's link, or restores it if it was adopted. */
export async function remove(context: ProviderContext, kind: AnyKind, props: Json): Promise<void> {
  const known = knownInputs(props, []);
  const managedHost = context.fleet.managedHost(known.host);
  const name = resourceName(kind.type, String(props["__resource"]));
  context.stack.note(props);
  const left = whyLeft(context, props, known, await managedHost.observe());
  const after = await managedHost.change(name, (now) => {
    const planContext = removalContext(context, props, known, now);
    const record = recordOf(now.state, linkId(withKernelNames(known, now.state)));
    // made by an earlier version and renamed in the program without an alias: another resource has taken the link over
    const isTakenOver =
      record !== undefined && record.making === undefined && record.resource !== planContext.resource;
    if (isTakenOver) return planNothing(planContext);
    const isForced = known.force === true || context.links.isForced(known.host, linkId(known));
    const planned = planRemoval(kind, { ...known, force: isForced }, planContext);
    assertHarmless(planned, now, isForced, `${name} on ${managedHost.label}`, REMOVAL_ADVICE);
    return planned;
  });
  if (left !== undefined) {
    context.diagnostics.say(`${known.name} on ${managedHost.label}: ${left}. It was not deleted.`);
  }
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
function assertHarmless(
  planned: DesiredPlan,
  now: Observation,
  isForced: boolean,
  what: string,
  advice = "",
): void {
  const harm = isForced ? undefined : describeHarm(planned, now);
  if (harm === undefined) return;
  throw new MacvlanError("harms-others", `${what}: ${whyHarmful(harm)}${advice}. Nothing was touched.`);
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
  return planContextOf(context, props, known, now, undefined, { removes });
}

/** Why a link with the name of the one to delete is not that link; undefined if it is, or if there is none. */
function whyLeft(
  context: ProviderContext,
  props: Json,
  known: CommonInputs,
  now: Observation,
): string | undefined {
  const { stack } = context;
  const place = linkId(withKernelNames(known, now.state));
  if (!findLink(now.state, place)) return undefined;
  const record = recordOf(now.state, place);
  if (!record) return "the host has no record that this stack made this link";
  if (!isOwn(record, stack.owner(props))) {
    return `it now belongs to the stack ${describeOwner(record)} (resource ${record.resource})`;
  }
  // the new link of a replacement, or of a renamed resource
  if (isOwn(record, removalContext(context, props, known, now)) || stack.hasMade(record.making ?? ""))
    return undefined;
  return `another run of this stack has replaced it for the resource ${record.resource}`;
}

/**
 * A port may move here from another link of this stack, unless that link still lists it. This is known only when all of
 * the program's resources have been checked.
 *
 * @throws MacvlanError before anything is touched
 */
async function assertOwnClaims(
  { claims, links }: ProviderContext,
  name: string,
  known: CommonInputs,
  managedHost: ManagedHost,
): Promise<void> {
  const ports = claims.of(name)?.ports ?? [];
  if (ports.length === 0) return;
  const { state } = await managedHost.observe();
  const isElsewhere = ports.some((port) => {
    const master = findLink(state, { name: port.name, netns: "" })?.settings["link.master"] ?? "";
    return master !== "" && master !== known.name;
  });
  if (!isElsewhere) return;
  await links.othersAreChecked();
  const claim = claims.of(name);
  assertNoIssues(claim ? oneEachConflicts(claim, claims.onHostOf(claim)) : [], name, managedHost);
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
