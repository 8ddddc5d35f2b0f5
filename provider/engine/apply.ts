/** `create`, `update` and `delete`: the host is made to have what the inputs say, or nothing of it any more. */
import type { AnyKind } from "../kinds";
import { withKernelNames } from "../kinds/altnames";
import type { ManagedHost } from "../host/managed-host";
import { type CommonInputs, type Json, type PlanContext, linkId, resourceName } from "../kinds/kind";
import { oneEachConflicts } from "../kinds/lan/one-each";
import { ownMark } from "../kinds/ownership";
import { findLink, recordOf } from "../model/host";
import type { Observation } from "../model/observation";
import { describeOwner, isOwn } from "../model/owner";
import type { DesiredPlan } from "../plan/plan";
import type { ProviderContext } from "./context";
import {
  type ProbeContext,
  describeDuplicates,
  duplicatesAfter,
  duplicatesBefore,
} from "./duplicate-addresses";
import { clean, managedInputs, outputsOf } from "./outputs";
import { knownInputs, planContextOf, planLink, planNothing, planRemoval, problemsOf } from "./planning";

/** Makes the host have what the inputs say, and tells what it then has. */
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
    if (found.length > 0 && detection === "error") throw new Error(`${text}. Nothing was touched.`);
    if (found.length > 0) say(`${text}.`);
  }
  await assertOwnClaims(context, name, known, managedHost);
  const created = context.stack.newMaking();
  const after = await managedHost.change(name, (now) => {
    const making = before === undefined ? created : keptMaking(context, inputs, known, now, before, created);
    const planContext = planContextOf(context, inputs, known, now, before, { making });
    // after a change the link is there under its new name, and nothing is left of the former place
    const problems = problemsOf(kind, known, planContext);
    if (problems.length > 0) {
      throw new Error(
        `${name} on ${managedHost.label}: ${problems.map((p) => `${p.property}: ${p.reason}`).join("; ")}. Nothing was touched.`,
      );
    }
    return planLink(kind, known, planContext);
  });
  const found = detection === "off" ? [] : await duplicatesAfter(probe);
  const made = makingOf(context, inputs, known, after, before);
  const outs = clean(outputsOf(kind, { ...inputs, __making: made }, known, after));
  if (found.length === 0) return outs;
  const text = describeDuplicates(probe, found);
  if (detection === "error") {
    await managedHost.change(name, (now) => previousPlan(context, kind, inputs, known, now, before));
    throw new Error(`${text}. The change was taken back.`);
  }
  say(`${text}.`);
  return outs;
}

/**
 * Which making of its link a resource has after an update: the one that the host knows, as the run that made it may have
 * been killed before the state was saved. A link of an earlier version gets its first one.
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

/** The making that the host knows of the resource's link. */
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

/** Back to what the last run wanted, or to nothing where there was none. */
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
  return planRemoval(known, planContextOf(context, inputs, known, now, undefined));
}

/** Takes the resource's link away, or gives an adopted one back. */
export async function remove(context: ProviderContext, kind: AnyKind, props: Json): Promise<void> {
  const known = knownInputs(props, []);
  const managedHost = context.fleet.managedHost(known.host);
  const name = resourceName(kind.type, String(props["__resource"]));
  context.stack.note(props);
  const left = whyLeft(context, props, known, await managedHost.observe());
  const after = await managedHost.change(name, (now) => {
    const planContext = removalContext(context, props, known, now);
    const record = recordOf(now.state, linkId(withKernelNames(known, now.state)));
    // of an earlier version, and renamed in the program without an alias: another resource has made the link its own
    const isTakenOver =
      record !== undefined && record.making === undefined && record.resource !== planContext.resource;
    return isTakenOver ? planNothing(planContext) : planRemoval(known, planContext);
  });
  if (left !== undefined) {
    context.diagnostics.say(`${known.name} on ${managedHost.label}: ${left}; it is left as it is.`);
  }
  const owner = context.stack.owner(props);
  // a stack that is destroyed announces nothing: what it still has here is likely to be next
  if (after.state.records.some((record) => isOwn(record, owner))) managedHost.prestart();
}

/** A host as the removal of one making of a link sees it. */
function removalContext(
  context: ProviderContext,
  props: Json,
  known: CommonInputs,
  now: Observation,
): PlanContext {
  const { __making: making } = props;
  const removes = typeof making === "string" ? { making } : {};
  return planContextOf(context, props, known, now, undefined, { removes });
}

/** Why a link that has the name of the one to delete is another one; undefined if it is that one, or there is none. */
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
  if (!record) return "the host has no record that this stack made the link of that name";
  if (!isOwn(record, stack.owner(props))) {
    return `it belongs to the stack ${describeOwner(record)} (resource ${record.resource}) by now`;
  }
  // the other side of a replacement, or of a resource that got another name
  if (isOwn(record, removalContext(context, props, known, now)) || stack.hasMade(record.making ?? ""))
    return undefined;
  return `another run of this stack has replaced it, for the resource ${record.resource}`;
}

/**
 * A port that another link of this stack has now is taken from it, unless that one lists it as well, which is known when
 * all of the program's resources have been checked.
 *
 * @throws Error before anything is touched
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
  const issues = claim ? oneEachConflicts(claim, claims.onHostOf(claim)) : [];
  if (issues.length === 0) return;
  const why = issues.map(({ property, reason }) => `${property}: ${reason}`).join("; ");
  throw new Error(`${name} on ${managedHost.label}: ${why}. Nothing was touched.`);
}
