/** What a resource wants of its host's next boot. Pure. */
import { bootFiles } from "../boot/files";
import { bootName } from "../model/boot-names";
import { renderBootScript } from "../boot/script";
import type { AnyKind } from "../kinds";
import { linkId } from "../kinds/common";
import type { CommonInputs, View } from "../kinds/kind";
import { afterBoot, bootDifferences } from "../plan/boot";
import type { BootFile, Wanted, WantedBoot } from "../model/host";
import { bootSteps } from "../plan/plan";
import type { Step } from "../model/steps";
import { kernelTraits } from "../plan/kernel/traits";

/** What the resource wants of its host, now and at the next boot. */
export function wantedWithBoot(kind: AnyKind, inputs: CommonInputs, view: View): Wanted {
  const wanted = kind.wanted(inputs, view);
  const files = inputs.persist === true ? bootFilesFor(kind, inputs, view, wanted) : [];
  return { ...wanted, boot: { ...withoutBoot(inputs, view), files } };
}

/** That no boot makes the link, under its present or its former name. */
export function withoutBoot(inputs: CommonInputs, view: View): WantedBoot {
  const places = [linkId(inputs), ...(view.previous ? [view.previous] : [])];
  return { bootNames: [...new Set(places.map(bootName))], files: [] };
}

/** Whether the next boot makes the link as these inputs say. */
export function isPersisted(kind: AnyKind, inputs: CommonInputs, view: View): boolean {
  const persistent = { ...inputs, persist: true };
  return bootDifferences(view.observation.state, wantedWithBoot(kind, persistent, view)).length === 0;
}

function bootFilesFor(kind: AnyKind, inputs: CommonInputs, view: View, wanted: Wanted): BootFile[] {
  const { init, udev, portTool } = view.observation.facts;
  const { record } = wanted;
  if (!record || !init) return [];
  const { then, steps } = bootPlan(kind, inputs, view, wanted);
  const link = linkId(inputs);
  const mark = { owner: view.owner, resource: view.resource, ...link };
  const ports = then.links.filter((l) => l.kind === undefined).map((l) => l.name);
  const needs = sitsOn(then, record.made);
  const below = [...new Set([...needs, ...ports])];
  const takesAddresses = steps.some((s) => s.do === "deleteAddress");
  const script = renderBootScript({ mark, label: kind.label(inputs), steps, needs, ports, portTool });
  return bootFiles({ link, mark, script, below, takesAddresses, init, udev });
}

/**
 * What a boot does for the resource. It is planned on the host as a boot leaves it, and from what is wanted there: so it
 * is the same before the link is made, while it is there, and after each boot.
 */
export function bootPlan(
  kind: AnyKind,
  inputs: CommonInputs,
  view: View,
  wanted: Wanted,
): { readonly then: Wanted; readonly steps: readonly Step[] } {
  const { owner, resource, expected } = view;
  const { record } = wanted;
  const state = afterBoot(view.observation.state, wanted);
  const observation = { ...view.observation, state };
  const adopt = record?.made === false;
  const then = kind.wanted({ ...inputs, adopt }, { owner, resource, expected, observation });
  const kernel = kernelTraits(observation.facts.kernel);
  return { then, steps: bootSteps(state, record ? { ...then, record } : then, kernel) };
}

/** What has to be there first: the parent, or the link itself where somebody else makes it. */
function sitsOn({ links }: Wanted, made: boolean): string[] {
  const [link] = links.filter((l) => l.kind !== undefined);
  if (!made && link?.netns === "") return [link.name];
  return link?.parent === undefined || link.parent === "" ? [] : [link.parent];
}
