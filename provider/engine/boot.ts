/** What a resource wants of its host's next boot. Pure. */
import { type Boot, bootFiles } from "../boot/files";
import { bootName } from "../boot/names";
import { renderBootScript } from "../boot/script";
import type { AnyKind } from "../kinds";
import { linkId } from "../kinds/common";
import type { CommonInputs, View } from "../kinds/kind";
import { bootDifferences, afterBoot } from "../plan/boot";
import type { BootFile, Wanted, WantedBoot } from "../plan/model";
import { bootSteps } from "../plan/plan";
import { kernelTraits } from "./kernel";

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

/**
 * The files are made from the host as a boot leaves it, and from what is wanted then: so they are the same before the
 * link is made, while it is there, and after each boot.
 */
function bootFilesFor(kind: AnyKind, inputs: CommonInputs, view: View, wanted: Wanted): BootFile[] {
  const { owner, resource, expected, observation } = view;
  const { init, udev, kernel, portTool } = observation.facts;
  const { record } = wanted;
  if (!record || !init) return [];
  const state = afterBoot(observation.state, wanted);
  const then = kind.wanted(
    { ...inputs, adopt: !record.made },
    { owner, resource, expected, observation: { ...observation, state } },
  );
  const link = linkId(inputs);
  const mark = { owner, resource, ...link };
  const steps = bootSteps(state, { ...then, record }, kernelTraits(kernel));
  const ports = then.links.filter((l) => l.kind === undefined).map((l) => l.name);
  const boot: Omit<Boot, "script"> = {
    link,
    mark,
    below: [...new Set([...sitsOn(then, record.made), ...ports])],
    takesAddresses: steps.some((s) => s.do === "deleteAddress"),
    init,
    udev,
  };
  const script = renderBootScript({ mark, label: kind.label(inputs), steps, ports, portTool });
  return bootFiles({ ...boot, script });
}

/** What has to be there first: the parent, or the link itself where somebody else makes it. */
function sitsOn({ links }: Wanted, made: boolean): string[] {
  const [link] = links.filter((l) => l.kind !== undefined);
  if (!made && link?.netns === "") return [link.name];
  return link?.parent === undefined || link.parent === "" ? [] : [link.parent];
}
