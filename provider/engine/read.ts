/** `read`: the observed state of a resource. */
import type { dynamic } from "@pulumi/pulumi";
import { describeSteps } from "../iproute2/commands";
import type { AnyKind } from "../kinds";
import { withKernelNames } from "../kinds/altnames";
import { asInputs } from "../kinds/check-inputs";
import { type CommonInputs, type Json, linkId } from "../kinds/kind";
import { findLink, nameAndPlace, recordOf } from "../model/host";
import type { Observation } from "../model/observation";
import { isOwn } from "../model/owner";
import type { HostAddress } from "../ssh/address";
import { makingOf, removalContext } from "./apply";
import type { ProviderContext } from "./context";
import { clean, hiddenOf, managedInputs, outputsOf, resourceOutputs } from "./outputs";
import { isPersisted } from "./persist";
import { planContextOf, planRemoval } from "./planning";
import type { Member, ResourceType } from "./resource-type";

/** Reads the resource's links. The result is empty if none of them exists and is its own. */
export async function read(
  context: ProviderContext,
  type: ResourceType,
  id: string,
  props: Json,
): Promise<dynamic.ReadResult> {
  const now = await context.fleet.managedHost(props["host"] as HostAddress).observe();
  context.stack.note(props);
  const members = type.members(props);
  const links = members.flatMap((member) => readLink(context, member, now) ?? []);
  if (links.length === 0 && members.length > 0) return {};
  const inputs = type.join(
    { host: props["host"], ...hiddenOf(props) },
    links.map(({ member, inputs: props }) => ({ ...member, props })),
  );
  const outputs = links.map(({ member, outputs: props }) => ({ ...member, props }));
  return { id, inputs: clean(inputs), props: clean(resourceOutputs(type, inputs, outputs)) };
}

/** A link as the host has it. */
interface ReadLink {
  readonly member: Member;
  readonly inputs: Json;
  readonly outputs: Json;
}

/** Undefined if the link is not there, or not the resource's any more. */
function readLink(context: ProviderContext, member: Member, now: Observation): ReadLink | undefined {
  const { kind, props } = member;
  const given = managedInputs(props);
  const known = asInputs(given);
  const place = linkId(withKernelNames(known, now.state));
  const link = findLink(now.state, place);
  const record = recordOf(now.state, place);
  const planContext = planContextOf(context, props, known, now, undefined);
  // one without a record was made by another program, after the resource's own was deleted, unless it is only imported yet
  const isTaken = record === undefined ? props["__imported"] !== true : !isOwn(record, planContext);
  if (!link && leavesSomething(context, kind, props, known, now)) {
    const { label = kind.label(given) } = props;
    return { member, inputs: { ...given, label, ...hiddenWithout(props) }, outputs: props };
  }
  if (!link || isTaken || link.kind !== kindWord(context, kind, known, now, props)) return undefined;
  const observed = {
    ...given,
    ...kind.readInputs(known, now),
    ...(known.persist === undefined ? {} : { persist: isPersisted(kind, known, planContext) }),
  };
  const label = kind.label(observed);
  const { __making: saved } = props;
  const inputs = { ...observed, label, ...hiddenWithout(props) };
  const __making = makingOf(context, props, known, now, undefined) ?? saved;
  const holdsSecret = (text: string): boolean => context.redactor.redact(text) !== text;
  // a refresh runs no checks
  const results = props["checks"] === undefined ? {} : { checks: props["checks"] };
  const outputs = outputsOf(kind, { ...inputs, __making }, asInputs(observed), now, holdsSecret, results);
  return { member, inputs, outputs };
}

/** The hidden inputs: of what the state keeps besides, the making of the link is none. */
function hiddenWithout(props: Json): Json {
  const { __making: _, ...hidden } = hiddenOf(props);
  return hidden;
}

/**
 * Whether a link that is gone has left something on the host: the namespace that was made for it, or files that make it
 * again at boot. A resource that a refresh dropped would leave them for good, so it stays until its deletion.
 */
function leavesSomething(
  context: ProviderContext,
  kind: AnyKind,
  props: Json,
  known: CommonInputs,
  now: Observation,
): boolean {
  const { steps } = planRemoval(kind, known, removalContext(context, props, known, now));
  // a record without its link is no reason to keep the resource: it is in a folder that no boot keeps, and does nothing
  if (steps.every(({ step }) => step.do === "forget")) return false;
  const what = describeSteps(steps, now.facts.portTool).join("; ");
  const { label } = context.fleet.managedHost(known.host);
  context.diagnostics.say(
    `${nameAndPlace(linkId(known))} on ${label} is gone, but not what was made for it: the resource stays in the state, and its deletion does ` +
      `this: ${what}.`,
  );
  return true;
}

/** The link's desired kind in iproute2's word. */
function kindWord(
  context: ProviderContext,
  kind: AnyKind,
  known: CommonInputs,
  now: Observation,
  props: Json,
): string {
  const desired = kind.desired(known, planContextOf(context, props, known, now, props));
  return desired.links.find((l) => l.kind !== undefined)?.kind ?? "";
}
