/** Whose a link is: adoption, the record that the host keeps of it, and what deletion leaves. Pure. */
import { bootName } from "../model/boot-names";
import { isLinkLocal } from "../model/addresses";
import {
  type Desired,
  type DesiredLink,
  type LinkId,
  type LinkRecord,
  type LinkState,
  findLink,
  recordOf,
  sameLink,
} from "../model/host";
import {
  type Owner,
  type OwnerMark,
  describeOwner,
  isNamesake,
  isOwn,
  markFor,
  markOf,
} from "../model/owner";
import { type CommonInputs, type PlanContext, linkId } from "./kind";

/** The link's former place, where it had another one. */
export function previousPlace(inputs: CommonInputs, context: PlanContext): Pick<DesiredLink, "previous"> {
  return context.previous && !sameLink(context.previous, linkId(inputs))
    ? { previous: context.previous }
    : {};
}

/** Where the link is to be, and where it was. */
function placesOf(inputs: CommonInputs, { previous }: PlanContext): readonly LinkId[] {
  return [linkId(inputs), ...(previous ? [previous] : [])];
}

/** The record that this stack has of the resource's link, at its present or its former place. */
export function ownRecord(inputs: CommonInputs, context: PlanContext): LinkRecord | undefined {
  const { state } = context.observation;
  for (const id of placesOf(inputs, context)) {
    const record = recordOf(state, id);
    if (record && isOwn(record, context)) return record;
  }
  return undefined;
}

/** The mark by which the host knows this stack's link: that of its record, or after a boot that of its boot files. */
export function ownMark(inputs: CommonInputs, context: PlanContext): OwnerMark | undefined {
  const record = ownRecord(inputs, context);
  if (record) return markOf(record);
  const names = placesOf(inputs, context).map(bootName);
  return context.observation.state.bootFiles.find(
    ({ bootName: name, mark }) => names.includes(name) && mark !== undefined && isOwn(mark, context),
  )?.mark;
}

/** Whose something is that this stack cannot have, and what to do, for people. */
export function describeForeign(
  what: string,
  mark: OwnerMark & { readonly resource?: string },
  context: PlanContext,
): string {
  const resource = mark.resource === undefined ? "" : ` (resource ${mark.resource})`;
  if (!isNamesake(mark, context)) {
    return `${what} belongs to the stack ${describeOwner(mark)}${resource}; choose another name`;
  }
  return (
    `${what} belongs to another stack called ${describeOwner(mark)}${resource}, whose state is kept elsewhere; choose ` +
    `another name, or, if that state is lost for good, run once with MACVLAN_RECLAIM=${describeOwner(mark)}`
  );
}

/** For whom a plan is made, of all that a context says. */
export function ownerOf({ owner, stack }: PlanContext): Owner {
  return { owner, ...(stack === undefined ? {} : { stack }) };
}

/**
 * Whether the resource takes over a link of somebody else's, now or earlier. One that it had taken over and that is gone
 * by now is made: there is nothing to take over, and nobody to give it back to.
 */
export function adopts(inputs: CommonInputs, context: PlanContext): boolean {
  const record = ownRecord(inputs, context);
  if (record) return !record.made;
  if (inputs.adopt !== true) return false;
  const { state } = context.observation;
  return context.previous === undefined || placesOf(inputs, context).some((id) => findLink(state, id));
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
    ...markFor(context, ownMark(inputs, context)),
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
  const master = now?.settings["link.master"] ?? "";
  const before = kept.find((k) => sameLink(k, link)) ?? fromOtherMaster(link, master, context);
  if (!now) return before;
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

/** The link-local addresses that the resource states, or did in the last run: they come and go with it, no others. */
export function statedLinkLocal(inputs: CommonInputs, { previousInputs = {} }: PlanContext): string[] {
  const { addresses } = previousInputs;
  const previous = Array.isArray(addresses) ? addresses.map(String) : [];
  return [...new Set([...(inputs.addresses ?? []), ...previous])].filter(isLinkLocal);
}

/** How a port was before another master of this stack took it, which hands it over: it goes back there, not to that master. */
function fromOtherMaster(
  { name, netns }: DesiredLink,
  master: string,
  context: PlanContext,
): DesiredLink | undefined {
  const record = master === "" ? undefined : recordOf(context.observation.state, { name: master, netns: "" });
  if (!record || !isOwn(record, context)) return undefined;
  const before = record.restore.find((k) => sameLink(k, { name, netns }));
  if (!before) return undefined;
  // its addresses are where they went from there: with the other master
  const { addresses, routes, ...rest } = before;
  return rest;
}

/** What deleting the resource wants of its host: nothing of what it made, and everything else as it was. */
export function desiredRemoval(inputs: CommonInputs, context: PlanContext): Desired {
  const record = ownRecord(inputs, context);
  // a link that was deleted by hand, or went with its parent, leaves its namespace behind
  const leaves = placesOf(inputs, context).map(({ netns }) => netns);
  const linkLocal = statedLinkLocal(inputs, context);
  const nothing: Desired = { links: [], netns: "", leaves, linkLocal, ...ownerOf(context) };
  // without its record, or with that of another making, a link of that name is not the one to delete: it stays
  if (!record) return nothing;
  const there = record.restore.filter((l) => {
    const now = findLink(context.observation.state, l);
    return now && !hasMovedOn(l, now, record);
  });
  const self: DesiredLink = { ...linkId(record), exists: false, settings: [] };
  const own = record.made ? [self] : [];
  return { ...nothing, links: [...there, ...own], forgets: [linkId(record)] };
}

/** Whether a port has gone over to another master, which gives it back. */
function hasMovedOn({ settings }: DesiredLink, now: LinkState, { name }: LinkRecord): boolean {
  const before = settings.find(({ key }) => key === "link.master");
  const master = now.settings["link.master"] ?? "";
  return before !== undefined && !["", name, before.value].includes(master);
}
