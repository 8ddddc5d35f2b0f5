/** What a resource needs at the next boot of its host. Pure. */
import { bootFiles } from "../boot/files";
import { bootName } from "../model/boot-names";
import { renderBootScript } from "../boot/script";
import { type AnyKind, kernelOf } from "../kinds";
import { withKernelNames } from "../kinds/altnames";
import { type CommonInputs, type PlanContext, linkId } from "../kinds/kind";
import { formerPlaces, ownerOf } from "../kinds/ownership";
import { afterBoot, bootDifferences } from "../plan/boot";
import type { BootFile, Desired, DesiredBoot } from "../model/host";
import { bootSteps } from "../plan/plan";
import { withSideEffects } from "../plan/losses";
import { markOf } from "../model/owner";
import type { Step } from "../model/steps";

/** The desired state of the host, now and after the next boot. */
export function desiredWithBoot(kind: AnyKind, inputs: CommonInputs, context: PlanContext): Desired {
  const { state, facts } = context.observation;
  const desired = withSideEffects(state, kind.desired(inputs, context), kernelOf(facts.kernel, facts));
  const files = inputs.persist === true ? bootFilesFor(kind, inputs, context, desired) : [];
  return { ...desired, boot: { ...withoutBoot(inputs, context), files } };
}

/** No boot files for the link, neither under its present nor under its previous name. */
export function withoutBoot(inputs: CommonInputs, context: PlanContext): DesiredBoot {
  const places = [linkId(inputs), ...(context.previous ? [context.previous] : []), ...formerPlaces(context)];
  return { bootNames: [...new Set(places.map(bootName))], files: [] };
}

/** Whether the next boot makes the link that these inputs describe. */
export function isPersisted(kind: AnyKind, inputs: CommonInputs, context: PlanContext): boolean {
  const persistent = { ...withKernelNames(inputs, context.observation.state), persist: true };
  return bootDifferences(context.observation.state, desiredWithBoot(kind, persistent, context)).length === 0;
}

function bootFilesFor(
  kind: AnyKind,
  inputs: CommonInputs,
  context: PlanContext,
  desired: Desired,
): BootFile[] {
  const { init, udev, portTool } = context.observation.facts;
  const { record } = desired;
  if (!record || !init) return [];
  const { then, steps } = bootPlan(kind, inputs, context, desired);
  const link = linkId(inputs);
  const mark = { ...markOf(record), resource: context.resource, ...link };
  const ports = then.links.filter((l) => l.kind === undefined).map((l) => l.name);
  const needs = sitsOn(then, record.made);
  const below = [...new Set([...needs, ...ports])];
  const takesAddresses = steps.some((s) => s.do === "deleteAddress");
  const script = renderBootScript({ mark, label: kind.label(inputs), steps, needs, ports, portTool });
  return bootFiles({ link, mark, script, below, takesAddresses, init, udev });
}

/**
 * What a boot does for the resource. It is planned on the host's state after a boot and on the desired state. So it is
 * the same before the link is made, while it exists, and after each boot.
 */
export function bootPlan(
  kind: AnyKind,
  inputs: CommonInputs,
  context: PlanContext,
  desired: Desired,
): { readonly then: Desired; readonly steps: readonly Step[] } {
  const { resource, isExpected: expected } = context;
  const { record } = desired;
  const state = afterBoot(context.observation.state, desired);
  const observation = { ...context.observation, state };
  const adopt = record?.made === false;
  const then = kind.desired(
    { ...inputs, adopt },
    { ...ownerOf(context), resource, isExpected: expected, observation },
  );
  const kernel = kernelOf(observation.facts.kernel, observation.facts);
  return { then, steps: bootSteps(state, record ? { ...then, record } : then, kernel) };
}

/** The links that must exist first: the parent, or the link itself if another program makes it. */
function sitsOn({ links }: Desired, made: boolean): string[] {
  const [link] = links.filter((l) => l.kind !== undefined);
  if (!made && link?.netns === "") return [link.name];
  return link?.parent === undefined || link.parent === "" ? [] : [link.parent];
}
