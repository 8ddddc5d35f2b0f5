/** `create`, `update` and `delete`: the host is made to have what the inputs say, or nothing of it any more. */
import type { AnyKind } from "../kinds";
import { withKernelNames } from "../kinds/altnames";
import { type CommonInputs, type Json, linkId, resourceName } from "../kinds/kind";
import { recordOf } from "../model/host";
import type { Observation } from "../model/observation";
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
  const after = await managedHost.change(name, (now) => {
    const planContext = planContextOf(context, inputs, known, now, before);
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
  if (found.length === 0) return clean(outputsOf(kind, inputs, known, after));
  const text = describeDuplicates(probe, found);
  if (detection === "error") {
    await managedHost.change(name, (now) => previousPlan(context, kind, inputs, known, now, before));
    throw new Error(`${text}. The change was taken back.`);
  }
  say(`${text}.`);
  return clean(outputsOf(kind, inputs, known, after));
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
  const after = await managedHost.change(name, (now) => {
    const planContext = planContextOf(context, props, known, now, undefined);
    const record = recordOf(now.state, linkId(withKernelNames(known, now.state)));
    // renamed in the program, without an alias: another resource has made the link its own meanwhile
    const isTakenOver = record?.owner === planContext.owner && record.resource !== planContext.resource;
    return isTakenOver ? planNothing(planContext) : planRemoval(known, planContext);
  });
  // a stack that is destroyed announces nothing: what it still has here is likely to be next
  if (after.state.records.some(({ owner }) => owner === props["__owner"])) managedHost.prestart();
}
