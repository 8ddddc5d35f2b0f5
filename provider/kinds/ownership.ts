/** Whose a link is: adoption, the record that the host keeps of it, and what deletion leaves. Pure. */
import { type Desired, type DesiredLink, type LinkRecord, findLink, recordOf, sameLink } from "../model/host";
import { type CommonInputs, type PlanContext, linkId } from "./kind";

/** The link's former place, where it had another one. */
export function previousPlace(inputs: CommonInputs, context: PlanContext): Pick<DesiredLink, "previous"> {
  return context.previous && !sameLink(context.previous, linkId(inputs))
    ? { previous: context.previous }
    : {};
}

/** The record that this stack has of the resource's link, at its present or its former place. */
export function ownRecord(inputs: CommonInputs, context: PlanContext): LinkRecord | undefined {
  const { state } = context.observation;
  const places = [linkId(inputs), ...(context.previous ? [context.previous] : [])];
  for (const id of places) {
    const record = recordOf(state, id);
    if (record?.owner === context.owner) return record;
  }
  return undefined;
}

/** Whether the resource takes over a link of somebody else's, now or earlier. */
export function adopts(inputs: CommonInputs, context: PlanContext): boolean {
  const record = ownRecord(inputs, context);
  return record ? !record.made : inputs.adopt === true;
}

/** What the host is to remember: whose the link is, and what to take back on deletion. */
export function recordFor(
  inputs: CommonInputs,
  context: PlanContext,
  links: readonly DesiredLink[],
): NonNullable<Desired["record"]> {
  const kept = ownRecord(inputs, context)?.restore ?? [];
  const adopted = adopts(inputs, context);
  const touched = links.filter((l) => l.exists && (l.kind === undefined || adopted));
  const restore = touched.flatMap((link) => restorePoint(link, kept, context) ?? []);
  return {
    ...linkId(inputs),
    owner: context.owner,
    resource: context.resource,
    made: !adopted,
    restore,
  };
}

/**
 * How a link was before this resource touched it, as far as the resource manages it: what an earlier record says,
 * and for what is managed only since now, what the host has now.
 */
function restorePoint(
  link: DesiredLink,
  kept: readonly DesiredLink[],
  context: PlanContext,
): DesiredLink | undefined {
  const now = findLink(context.observation.state, link);
  const before = kept.find((k) => sameLink(k, link));
  if (!now) return before;
  const master = now.settings["link.master"] ?? "";
  const joins = link.settings.some((s) => s.key === "link.master" && s.value !== master);
  const settings = link.settings
    // what a port has is gone when it leaves its bridge: nothing to take back but its leaving
    .filter((s) => !(joins && s.key.startsWith("port.")))
    .map((s) => ({ key: s.key, value: now.settings[s.key] ?? "", property: s.key }));
  const added = settings.filter((s) => !before?.settings.some((b) => b.key === s.key));
  const leaves = before?.settings.some((s) => s.key === "link.master" && s.value === "") === true;
  const up = before?.up ?? (link.up === undefined ? undefined : now.up);
  const addresses = before?.addresses ?? (link.addresses && now.addresses);
  const routes = before?.routes ?? (link.routes && now.routes);
  return {
    name: link.name,
    netns: link.netns,
    exists: true,
    settings: [...(before?.settings ?? []), ...added.filter((s) => !(leaves && s.key.startsWith("port.")))],
    ...(up === undefined ? {} : { up }),
    ...(addresses === undefined ? {} : { addresses }),
    ...(routes === undefined ? {} : { routes }),
  };
}

/** What deleting the resource wants of its host: nothing of what it made, and everything else as it was. */
export function desiredRemoval(inputs: CommonInputs, context: PlanContext): Desired {
  const record = ownRecord(inputs, context);
  const nothing: Desired = { links: [], netns: "", owner: context.owner };
  // without its record a link of that name is somebody else's: it stays
  if (!record) return nothing;
  const there = record.restore.filter((l) => findLink(context.observation.state, l));
  const self: DesiredLink = { ...linkId(record), exists: false, settings: [] };
  const own = record.made ? [self] : [];
  return { ...nothing, links: [...there, ...own], forgets: [linkId(record)] };
}
