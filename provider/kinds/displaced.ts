/**
 * What other links of the same stack give up for a resource, so that a name, a parent, a port, a VLAN, a MAC address or an
 * address can move from one resource to another in one update, in whichever order the engine updates them. Pure.
 *
 * That no other resource of the program still claims what moves is checked by the claims of the run (kinds/lan).
 */
import { createHash } from "node:crypto";
import { isIPv6Cidr, withoutPrefix } from "../model/addresses";
import {
  type Desired,
  type DesiredLink,
  type LinkId,
  type LinkRecord,
  type LinkState,
  childrenOf,
  childrenOfOtherPort,
  childrenWithMac,
  findLink,
  nameAndPlace,
  passthruChildrenOf,
  portKindOf,
  recordOf,
  sameLink,
  vlansOn,
} from "../model/host";
import { isOwn } from "../model/owner";
import type { CommonInputs, PlanContext } from "./kind";

/** A resource's own link, as it is to be. */
type OwnLink = LinkId & { readonly kind?: string };

/** This stack's record of a link that another of its resources made; undefined for all other links. */
function recordOfOther(link: LinkState, own: OwnLink, context: PlanContext): LinkRecord | undefined {
  const { observation, previous } = context;
  if ((previous && sameLink(link, previous)) || context.isPlanned?.(link) === true) return undefined;
  // without a link of its own, a resource takes over what has its name and kind
  const hasOwn = previous !== undefined && findLink(observation.state, previous) !== undefined;
  if (sameLink(link, own) && link.kind === own.kind && !hasOwn) return undefined;
  const record = recordOf(observation.state, link);
  return record?.made === true && isOwn(record, context) ? record : undefined;
}

/** Whether another resource of this stack made the link, so that it gives way if no resource claims its place any more. */
export function isDisplaceable(link: LinkState, own: OwnLink, context: PlanContext): boolean {
  return recordOfOther(link, own, context) !== undefined;
}

/** What gives way to a link: what has its name, and what is in its way on its parent. */
export function displacedBy(link: DesiredLink, inputs: CommonInputs, context: PlanContext): DesiredLink[] {
  const { state } = context.observation;
  const parent =
    link.parent === undefined || link.parent === ""
      ? undefined
      : findLink(state, { name: link.parent, netns: "" });
  const beside = parent === undefined ? [] : besideOf(link, parent, context);
  return merged([
    ...atName(link, context),
    ...beside,
    ...(parent === undefined ? [] : outOfMaster(link, parent, context)),
    ...(parent === undefined ? [] : sharedWith(link, inputs, parent, context)),
  ]);
}

/** What gives way to the ports of a bridge or bond: links on them, and addresses that their former master has from them. */
export function displacedByPorts(
  master: DesiredLink,
  ports: readonly string[],
  takesAddresses: boolean,
  context: PlanContext,
): DesiredLink[] {
  const { state } = context.observation;
  const joining = ports.flatMap((name) => {
    const link = findLink(state, { name, netns: "" });
    const now = link?.settings["link.master"] ?? "";
    return link && ![master.name, context.previous?.name].includes(now) ? [link] : [];
  });
  return merged([
    ...atName(master, context),
    ...joining
      .flatMap((port) => inTheWayOfPort(port, master.kind, context))
      .filter((l) => isDisplaceable(l, master, context))
      .map(deleted),
    ...(takesAddresses ? joining.flatMap((port) => givenUp(port, context)) : []),
  ]);
}

/** The links on a link for which it cannot become a port: a bond also takes VLANs down. */
export function inTheWayOfPort(
  port: LinkState,
  master: string | undefined,
  context: PlanContext,
): LinkState[] {
  const { state } = context.observation;
  return [
    ...childrenOf(state, port.name).filter((l) => portKindOf(l.kind) !== undefined),
    ...(master === "bond" ? vlansOn(state, port.name) : []),
  ];
}

/** A link that has the name gets another one until its own resource is updated, unless this resource takes it over. */
function atName(link: DesiredLink, context: PlanContext): DesiredLink[] {
  const { state } = context.observation;
  const holder = findLink(state, link);
  const record = holder && recordOfOther(holder, link, context);
  if (!holder || !record) return [];
  const { name, netns } = holder;
  return [{ name: temporaryName(record), netns, previous: { name, netns }, exists: true, settings: [] }];
}

/** The name that a link has until its own resource is updated. */
function temporaryName({
  netns,
  name,
  resource,
  making = "",
}: Omit<LinkRecord, "ifIndex" | "restore" | "made">): string {
  return `${TEMPORARY}${hash([netns, name, resource, making]).slice(0, 10)}`;
}

/** Whether a link has a temporary name because another one has got its name. */
export function isTemporaryPlace(record: LinkRecord, { name, netns }: LinkId): boolean {
  return record.netns === netns && record.name === temporaryName({ ...record, name });
}

/** Whether a link may have a temporary name. */
export function isTemporaryName(name: string): boolean {
  return name.startsWith(TEMPORARY);
}

/** What temporary names begin with. */
const TEMPORARY = "pm";

function hash(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** Children that exclude the link: of another kind, or either of them in mode passthru; and the same VLAN. */
function besideOf(link: DesiredLink, parent: LinkState, context: PlanContext): DesiredLink[] {
  const { state } = context.observation;
  // a parent may have thousands of links, and whose they are is asked only of those that are in the way
  const displaced = (inTheWay: readonly LinkState[]): DesiredLink[] =>
    inTheWay.filter((l) => isDisplaceable(l, link, context)).map(deleted);
  if (link.kind === "vlan") {
    const keys = ["type.id", "type.protocol"] as const;
    return displaced(
      vlansOn(state, parent.name).filter((l) => keys.every((key) => l.settings[key] === valueOf(link, key))),
    );
  }
  const port = portKindOf(link.kind ?? "");
  if (valueOf(link, "type.mode") === "passthru") {
    return displaced(childrenOf(state, parent.name).filter((l) => portKindOf(l.kind) !== undefined));
  }
  const others = childrenOfOtherPort(state, parent.name, port ?? "");
  return displaced([...others, ...passthruChildrenOf(state, parent.name).filter((l) => !others.includes(l))]);
}

function deleted({ name, netns }: LinkId): DesiredLink {
  return { name, netns, exists: false, settings: [] };
}

function valueOf(link: DesiredLink, key: DesiredLink["settings"][number]["key"]): string | undefined {
  return link.settings.find((s) => s.key === key)?.value;
}

/**
 * Whether a bridge or bond of this stack gives a port up: it took the port, and the port was in no master before.
 *
 * @returns how the port was before
 */
export function pointOfPort(port: LinkState, context: PlanContext): DesiredLink | undefined {
  const { state } = context.observation;
  const name = port.settings["link.master"] ?? "";
  const record = name === "" ? undefined : recordOf(state, { name, netns: "" });
  if (!record || !isOwn(record, context)) return undefined;
  const point = record.restore.find((l) => sameLink(l, port));
  return point?.settings.some((s) => s.key === "link.master" && s.value === "") === true ? point : undefined;
}

/** A parent leaves its bridge or bond, with the addresses that went there. A VLAN may stay on the port of a bridge. */
function outOfMaster(link: DesiredLink, parent: LinkState, context: PlanContext): DesiredLink[] {
  const { state } = context.observation;
  const master = findLink(state, { name: parent.settings["link.master"] ?? "", netns: "" });
  if (!master || (link.kind === "vlan" && master.kind !== "bond")) return [];
  const point = pointOfPort(parent, context);
  // a parent that is down carries nothing
  return point ? [{ ...point, up: parent.up }, ...givenUp(parent, context)] : [];
}

/** The former master of a port without the addresses and routes that it has from the port. */
function givenUp(port: LinkState, context: PlanContext): DesiredLink[] {
  const { state } = context.observation;
  const point = pointOfPort(port, context);
  const master = findLink(state, { name: port.settings["link.master"] ?? "", netns: "" });
  if (!point || !master || (point.addresses ?? []).length + (point.routes ?? []).length === 0) return [];
  const { addresses = [], routes = [] } = point;
  const { name, netns } = master;
  return [
    {
      ...{ name, netns, exists: true, settings: [] },
      addresses: master.addresses.filter((a) => !addresses.some(({ cidr }) => cidr === a.cidr)),
      routes: master.routes.filter((r) => !routes.some(({ to, via }) => to === r.to && via === r.via)),
    },
  ];
}

/**
 * What siblings have that this link gets: its MAC address, as the kernel allows each one once per parent, and IPv6
 * addresses, which duplicate address detection would find there.
 */
function sharedWith(
  link: DesiredLink,
  { duplicateAddressDetection }: CommonInputs,
  parent: LinkState,
  context: PlanContext,
): DesiredLink[] {
  const { state } = context.observation;
  if (portKindOf(link.kind ?? "") !== "macvlan") return [];
  const mac = valueOf(link, "link.address");
  const six = new Set(
    duplicateAddressDetection === "off"
      ? []
      : (link.addresses ?? [])
          .map(({ cidr }) => cidr)
          .filter(isIPv6Cidr)
          .map(withoutPrefix),
  );
  const hasMac = ({ settings }: LinkState): boolean =>
    mac !== undefined && settings["link.address"] === mac && settings["type.mode"] !== "passthru";
  const siblings =
    six.size > 0 ? childrenOf(state, parent.name) : childrenWithMac(state, parent.name, mac ?? "");
  return siblings.flatMap((sibling): DesiredLink[] => {
    const { name, netns, addresses } = sibling;
    const isSameMac = hasMac(sibling);
    const stay = addresses.filter(({ cidr }) => !six.has(withoutPrefix(cidr)));
    if (!isSameMac && stay.length === addresses.length) return [];
    if (!isDisplaceable(sibling, link, context)) return [];
    const property = "macAddress";
    return [
      {
        ...{ name, netns, exists: true },
        settings: isSameMac ? [{ key: "link.address", value: temporaryMac(name, mac ?? ""), property }] : [],
        ...(stay.length === addresses.length ? {} : { addresses: stay }),
      },
    ];
  });
}

/** A locally administered unicast address. */
function temporaryMac(name: string, mac: string): string {
  const bytes = hash([name, mac]).slice(0, 10).match(/../g) ?? [];
  return ["02", ...bytes].join(":");
}

/** Each link once, with all that it gives up. */
function merged(links: readonly DesiredLink[]): DesiredLink[] {
  const byPlace = new Map<string, DesiredLink>();
  for (const link of links) {
    const { name, netns } = link.previous ?? link;
    const place = JSON.stringify([netns, name]);
    const known = byPlace.get(place);
    byPlace.set(place, known ? both(known, link) : link);
  }
  return [...byPlace.values()];
}

/** What is said of one link at two places, the new name first. */
function both(a: DesiredLink, b: DesiredLink): DesiredLink {
  if (!a.exists || !b.exists) return a.exists ? b : a;
  const { name, netns, previous } = a;
  return {
    ...a,
    ...b,
    name,
    netns,
    ...(previous ? { previous } : {}),
    settings: [...a.settings, ...b.settings],
  };
}

/** A link that gives something up, and the resource that it belongs to. */
export interface GivingWay {
  readonly link: LinkId;
  readonly resource: string;
}

/** Whose links give something up: those in the way, and bridges and bonds whose ports go elsewhere. */
export function givingWay(
  { links, displaced = [] }: Pick<Desired, "links" | "displaced">,
  context: PlanContext,
): GivingWay[] {
  const { state } = context.observation;
  const masterOf = (link: LinkId): LinkId => ({
    name: findLink(state, link)?.settings["link.master"] ?? "",
    netns: "",
  });
  const moved = links.filter((link) => {
    const master = valueOf(link, "link.master");
    return master !== undefined && ![master, context.previous?.name, ""].includes(masterOf(link).name);
  });
  const givers = [
    // a port that leaves its master gives up nothing else
    ...displaced.map(({ previous, name, netns }) => {
      const link = previous ?? { name, netns };
      return recordOf(state, link) ? link : masterOf(link);
    }),
    ...moved.map(masterOf),
  ];
  return givers.flatMap((link) => {
    const record = recordOf(state, link);
    if (!record || !isOwn(record, context) || record.resource === context.resource) return [];
    return [{ link, resource: record.resource }];
  });
}

/** What a preview says of links that are deleted to make room, though their own resources are still to be updated. */
export function displacedLines(displaced: readonly DesiredLink[], { observation }: PlanContext): string[] {
  return displaced
    .filter(({ exists }) => !exists)
    .map((link) => {
      const { resource = "" } = recordOf(observation.state, link) ?? {};
      return `${nameAndPlace(link)} (resource ${resource}) is deleted first, as it is in the way`;
    });
}
