/** Ownership of links: adoption, the record on the host, and what deletion leaves. Pure. */
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
  ofAnyMaking,
} from "../model/owner";
import { type CommonInputs, type PlanContext, linkId } from "./kind";

/**
 * Without the previous place if a link is there that is not this stack's: the one that the last run left was deleted,
 * and another program or stack has made one of that name. It must neither be moved, nor changed, nor deleted.
 */
export function withOwnPrevious(context: PlanContext): PlanContext {
  const { previous, observation, ...rest } = context;
  if (previous === undefined || !findLink(observation.state, previous)) return context;
  const record = recordOf(observation.state, previous);
  return record && isOwn(record, context) ? context : { ...rest, observation };
}

/** Where the last run left a link that is not there any more: its record and its boot files may be. */
export function formerPlaces(context: PlanContext): LinkId[] {
  const { previous, previousInputs, observation } = context;
  if (previous !== undefined || previousInputs === undefined) return [];
  const { name, netns } = previousInputs;
  if (typeof name !== "string") return [];
  const place = { name, netns: typeof netns === "string" ? netns : "" };
  // another resource of this stack may have it by now, with its record and its boot files
  const record = recordOf(observation.state, place);
  return record && isOwn(record, ofAnyMaking(ownerOf(context))) ? [] : [place];
}

/** The link's previous place, if it is another one. */
export function previousPlace(inputs: CommonInputs, context: PlanContext): Pick<DesiredLink, "previous"> {
  return context.previous && !sameLink(context.previous, linkId(inputs))
    ? { previous: context.previous }
    : {};
}

/** The link's previous and its desired place. As long as it is at the first, what is at the second is another one. */
function placesOf(inputs: CommonInputs, { previous }: PlanContext): readonly LinkId[] {
  return [...(previous ? [previous] : []), linkId(inputs)];
}

/** This stack's record of the resource's link, at its present or its previous place. */
export function ownRecord(inputs: CommonInputs, context: PlanContext): LinkRecord | undefined {
  const { state } = context.observation;
  for (const id of placesOf(inputs, context)) {
    const record = recordOf(state, id);
    if (record && isOwn(record, context)) return record;
  }
  return undefined;
}

/** The mark that shows this stack as the link's owner: from the link's record, or after a boot from its boot files. */
export function ownMark(inputs: CommonInputs, context: PlanContext): OwnerMark | undefined {
  const record = ownRecord(inputs, context);
  if (record) return markOf(record);
  const names = placesOf(inputs, context).map(bootName);
  return context.observation.state.bootFiles.find(
    ({ bootName: name, mark }) => names.includes(name) && mark !== undefined && isOwn(mark, context),
  )?.mark;
}

/** Says who owns something that this stack cannot have, and what to do about it. */
export function describeForeign(
  what: string,
  mark: OwnerMark & { readonly resource?: string },
  context: PlanContext,
): string {
  const resource = mark.resource === undefined ? "" : ` (resource ${mark.resource})`;
  if (!isNamesake(mark, context)) {
    return `${what} belongs to the stack ${describeOwner(mark)}${resource}; choose another name`;
  }
  // a preview does not know which identity this stack will have
  const isOpen = context.stack?.identities?.length === 0;
  const replacing = isOpen
    ? `. If this is a preview that replaces the resource stack-identity as well, as with --replace '**', name the links alone`
    : "";
  return (
    `${what} belongs to another stack called ${describeOwner(mark)}${resource}, whose state is kept elsewhere; choose ` +
    `another name, or, if that state is lost for good, run once with MACVLAN_RECLAIM=${describeOwner(mark)}${replacing}`
  );
}

/** The owner for which a plan is made. */
export function ownerOf({ owner, stack }: PlanContext): Owner {
  return { owner, ...(stack === undefined ? {} : { stack }) };
}

/**
 * Whether the link is an adopted one, from this run or an earlier one. If an adopted link has disappeared, a new one is
 * made, and counts as made: nothing has to be restored on deletion.
 */
export function adopts(inputs: CommonInputs, context: PlanContext): boolean {
  const record = ownRecord(inputs, context);
  if (record) return !record.made;
  if (inputs.adopt !== true) return false;
  const { state } = context.observation;
  return context.previous === undefined || placesOf(inputs, context).some((id) => findLink(state, id));
}

/** The record for the host: the link's owner, and what to restore on deletion. */
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
 * How a link was before this resource touched it, as far as the resource manages it: from an earlier record and, for
 * what is managed from now on, from the observation.
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
    // a port loses its options when it leaves its bridge: nothing to restore but that it leaves
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

/** The link-local addresses in the resource's inputs, now or in the last run. Only these are managed. */
export function statedLinkLocal(inputs: CommonInputs, { previousInputs = {} }: PlanContext): string[] {
  const { addresses } = previousInputs;
  const previous = Array.isArray(addresses) ? addresses.map(String) : [];
  return [...new Set([...(inputs.addresses ?? []), ...previous])].filter(isLinkLocal);
}

/**
 * How a port was before another master of this stack took it. If that master hands the port over to this one, the port
 * is later restored to that state.
 */
function fromOtherMaster(
  { name, netns, addresses: taken }: DesiredLink,
  master: string,
  context: PlanContext,
): DesiredLink | undefined {
  const record = master === "" ? undefined : recordOf(context.observation.state, { name: master, netns: "" });
  if (!record || !isOwn(record, context)) return undefined;
  const before = record.restore.find((k) => sameLink(k, { name, netns }));
  if (!before) return undefined;
  // its addresses come along if this master takes them
  const { addresses, routes, ...rest } = before;
  return taken === undefined ? rest : before;
}

/** The desired state after deletion: what the resource made is removed, and everything else is restored. */
export function desiredRemoval(inputs: CommonInputs, context: PlanContext): Desired {
  const record = ownRecord(inputs, context);
  const linkLocal = statedLinkLocal(inputs, context);
  const { state } = context.observation;
  // a link that was deleted by hand or with its parent leaves its record behind, be there another program's link of that name
  // or not, and its namespace
  const forgets = placesOf(inputs, context);
  const leaves = forgets.map(({ netns }) => netns);
  const nothing: Desired = { links: [], netns: "", leaves, forgets, linkLocal, ...ownerOf(context) };
  // without a record, or with that of another making, a link of that name is not the one to delete, and stays
  if (!record) return nothing;
  const there = record.restore.filter((l) => {
    const now = findLink(state, l);
    return now && !hasMovedOn(l, now, record);
  });
  const self: DesiredLink = { ...linkId(record), exists: false, settings: [] };
  const own = record.made ? [self] : [];
  const restored = there.map((point) => withoutLowering(point, context));
  return { ...nothing, links: [...restored, ...own], forgets: [linkId(record)] };
}

/** A port that goes back stays up if it has become the parent of another link of this stack. */
export function withoutLowering(point: DesiredLink, context: PlanContext): DesiredLink {
  const { state } = context.observation;
  const own = ofAnyMaking(ownerOf(context));
  const isParent = state.links.some((l) => {
    const record = l.parent === point.name && point.netns === "" ? recordOf(state, l) : undefined;
    return record !== undefined && isOwn(record, own);
  });
  if (!isParent || point.up !== false) return point;
  const { up: _, ...rest } = point;
  return rest;
}

/** Whether a port has moved to another master, which will restore it. */
function hasMovedOn({ settings }: DesiredLink, now: LinkState, { name }: LinkRecord): boolean {
  const before = settings.find(({ key }) => key === "link.master");
  const master = now.settings["link.master"] ?? "";
  return before !== undefined && !["", name, before.value].includes(master);
}
