/**
 * The basic types: the state of a host (`HostState`), which `host/observe.ts` reads and `plan/kernel/simulate.ts`
 * predicts, and the desired state (`Desired`), which a kind computes. Pure data.
 */
import { isIPv6Cidr, isLinkLocal, isOfIp, subnetOf, withoutPrefix } from "./addresses";
import { openFollowed } from "./followed";
import { keptPer, keptPerList } from "./lists";
import type { Owner, OwnerMark } from "./owner";

/** An address on a link. `cidr` is canonical: `192.0.2.10/24`, `2001:db8::1/64`. */
export interface Address {
  readonly cidr: string;
  /** IPv4 broadcast address, if one is set. */
  readonly broadcast?: string;
  /** Duplicate address detection found the address in use on the LAN (RFC 4862, 5.4). */
  readonly dadFailed?: boolean;
}

/** A unicast route of the main table through a link. */
export interface Route {
  /** Canonical destination: `192.0.2.10/32`, `2001:db8::/64`, `0.0.0.0/0`. */
  readonly to: string;
  readonly via?: string;
  readonly source?: string;
  /** As iproute2 shows it; IPv6's default of 1024 is left out. */
  readonly metric?: number;
  /** Its origin (`static`, `dhcp`, …). Not compared; kept so that an undo restores the original route. */
  readonly protocol?: string;
  /**
   * Further attributes that distinguish it from routes to the same destination, in iproute2's words: `tos 0x10`, `from
   * 2001:db8::/64`. No property sets it or `foreign`; foreign routes may have them.
   */
  readonly selector?: string;
  /** All other attributes, in iproute2's words: `mtu 1300 onlink`, `encap ip id 1 dst 192.0.2.10`. */
  readonly foreign?: string;
}

/**
 * The settings of a link, in iproute2's words and values:
 *
 * - `link.mtu`, `link.address`, `link.alias`, `link.txqueuelen`, `link.master` (`""`: none)
 * - `type.WORD`: `ip link set … type KIND WORD VALUE` (`type.mode`, `type.stp_state`, …)
 * - `port.WORD`: a bridge port's options (`port.hairpin`: `on` or `off`, `port.cost`, …), and its VLANs (`port.vlans`)
 * - `self.vlans`: the VLANs of a bridge itself, as `model/vlans.ts` writes them
 * - `sysctl.FAMILY.NAME`: `/proc/sys/net/FAMILY/conf/LINK/NAME`
 */
export type SettingKey = `${"link" | "type" | "port" | "self" | "sysctl"}.${string}`;

export type Settings = Readonly<Partial<Record<SettingKey, string>>>;

/** A link is identified by its name and its network namespace; `""` is the host's own. */
export interface LinkId {
  readonly name: string;
  readonly netns: string;
}

/** The observed state of a link. */
export interface LinkState extends LinkId {
  /** `macvlan`, `bridge`, `veth`, …; `""` for physical NICs, which have no kind. */
  readonly kind: string;
  readonly ifIndex: number;
  /** The link below, always one of the host's own namespace; `""` if there is none or it cannot be seen. */
  readonly parent: string;
  /** In a namespace: the link below if that is one of the same namespace, as of a VLAN on a macvlan. It goes with that one. */
  readonly over?: string;
  /** Administrative state: the flag UP, not `operState`. */
  readonly up: boolean;
  /** RFC 2863 operational state as iproute2 prints it. Not compared. */
  readonly operState: string;
  readonly promiscuity: number;
  readonly settings: Settings;
  /**
   * It is in a namespace without a name, such as a container's: `netns` describes it (`container web (docker)`), and has a
   * space in it, as no name has. The link is counted and named, and no command reaches it.
   */
  readonly isOutOfReach?: true;
  /** Other names by which the kernel and `ip` know the link (ip-link(8), altname). */
  readonly altNames?: readonly string[];
  /** Values that cannot be set: `bridge_id`, a port's `state`. Not compared. */
  readonly details: Readonly<Record<string, string>>;
  /** Static addresses of global scope, in the kernel's order (a subnet's primary first). */
  readonly addresses: readonly Address[];
  /** Routes that are neither the kernel's own nor learnt by a routing daemon. */
  readonly routes: readonly Route[];
  /**
   * Such routes that could not be restored, or not removed without removing another one. They are left alone and not
   * compared.
   */
  readonly opaqueRoutes?: readonly Route[];
  /** Simulated only: IPv6 addresses that were just added, so that duplicate detection is not finished (RFC 4862, 5.4). */
  readonly tentative?: readonly string[];
  /** Addresses that no resource manages: dynamic and link-local ones. Not compared, but checked for conflicts. */
  readonly otherAddresses?: readonly Address[];
  /** The same of routes: those of the kernel, of DHCP and of routing daemons. */
  readonly otherRoutes?: readonly Route[];
}

/**
 * The stack that made or adopted a link. The record is under /run on the host, so that it lasts exactly as long as the
 * kernel's state, and contains the link's index, so that it never applies to another link of the same name.
 */
export interface LinkRecord extends LinkId, OwnerMark {
  /** Index of the link that it belongs to. */
  readonly ifIndex: number;
  /** The Pulumi resource's name. */
  readonly resource: string;
  /** Made by that stack; otherwise adopted. */
  readonly made: boolean;
  /** The state to restore on deletion: of other links that it changed, or of the adopted link itself. */
  readonly restore: readonly DesiredLink[];
}

/** A named network namespace, with its owner if a resource made it. */
export interface Netns {
  readonly name: string;
  /** The stack that made it; absent for a later namespace of the same name. */
  readonly mark?: OwnerMark;
  /** The file under /run/netns exists, but there is no namespace behind it (left by a crash, or a dangling link). */
  readonly isStale?: true;
}

/** A file that makes a link at boot: a script, a unit or hook that runs it, or a symbolic link. */
export interface BootFile {
  readonly path: string;
  /** The link that it is for, as `bootName` writes it. */
  readonly bootName: string;
  /** The stack that wrote it, by the mark inside; undefined for symbolic links and for files without the mark. */
  readonly mark?: OwnerMark;
  /** The compared value: `644 SHA256` for a file, `-> TARGET` for a symbolic link. */
  readonly is: string;
  /** What to write; only for desired files. */
  readonly content?: { readonly mode: string; readonly text: string } | { readonly target: string };
}

export interface HostState {
  readonly links: readonly LinkState[];
  readonly netns: readonly Netns[];
  readonly records: readonly LinkRecord[];
  readonly bootFiles: readonly BootFile[];
  /** The sysctls that a new link has, by namespace: those of `conf/default`. */
  readonly newLinkSysctls?: Readonly<Record<string, Settings>>;
}

/** A desired setting, with the resource's property that it comes from. */
export interface DesiredSetting {
  readonly key: SettingKey;
  /** iproute2's form. */
  readonly value: string;
  /** Path of the property, for messages: `mtu`, `ports[0].hairpin`. */
  readonly property: string;
  /** How many units of iproute2 are one unit of the property (100: centiseconds for seconds). */
  readonly scale?: number;
  /** The property's words for iproute2's values: `{ on: "true", off: "false" }`. */
  readonly words?: Readonly<Record<string, string>>;
  /** Values whose change to or from requires a new link (`passthru`). `*`: any. */
  readonly fixed?: readonly string[];
}

/** The desired state of a link. What is not given is not changed. */
export interface DesiredLink extends LinkId {
  /** `false`: the link must not exist. */
  readonly exists: boolean;
  /** Undefined for a link that must already exist, such as a bridge's port. */
  readonly kind?: string;
  readonly parent?: string;
  /** The link's previous place, if the resource was renamed or moved. */
  readonly previous?: LinkId;
  readonly up?: boolean;
  readonly settings: readonly DesiredSetting[];
  /** Only for a new link, and never compared: `link.address` of a bridge that takes over a port's. */
  readonly initial?: readonly DesiredSetting[];
  readonly addresses?: readonly Address[];
  readonly routes?: readonly Route[];
  /** Prefix of property paths in messages about `up`, `addresses` and `routes`: `ports[0].`. */
  readonly path?: string;
}

/** The secrets of a resource. */
export interface SecretParts {
  /** The properties. */
  readonly properties: readonly string[];
  /** The link, by its present and its previous name. */
  readonly links: readonly LinkId[];
  /** What these properties are of the link: settings, `addresses`, `routes`. */
  readonly keys: readonly string[];
}

/** The desired state of a resource on its host. */
export interface Desired extends Owner {
  /** In the order in which they depend on each other: a bridge before its ports. */
  readonly links: readonly DesiredLink[];
  /** Links of the same stack that have what this resource gets, without it: they give it up first. */
  readonly displaced?: readonly DesiredLink[];
  /** The namespace that must exist, `""` for none. */
  readonly netns: string;
  /** The record to keep on the host; undefined if none. */
  readonly record?: Omit<LinkRecord, "ifIndex">;
  /** The link-local addresses that the resource states or stated; others on its links are ignored. */
  readonly linkLocal?: readonly string[];
  /** Namespaces that may become empty. They are deleted if the stack made them. */
  readonly leaves?: readonly string[];
  /** Those of them that are not deleted, because another link of the transaction is to be there. */
  readonly keeps?: readonly string[];
  /** Links whose records of this stack are removed. */
  readonly forgets?: readonly LinkId[];
  /** The desired boot files; undefined if they are not managed. */
  readonly boot?: DesiredBoot;
  /** What of it is secret. */
  readonly secret?: SecretParts;
  /** Links are deleted even if links of others go with them. */
  readonly force?: boolean;
}

/** The boot files of a resource. */
export interface DesiredBoot {
  /** The link's `bootName`, and its previous one: other files of this stack for them are removed. */
  readonly bootNames: readonly string[];
  /** In the order in which they are written; removed in reverse. Empty: the link is not made at boot. */
  readonly files: readonly BootFile[];
}

export function sameLink(a: LinkId, b: LinkId): boolean {
  return a.name === b.name && a.netns === b.netns;
}

/** Lists that are shorter are looked through faster than an index of them is made. */
const INDEXED = 64;

/**
 * Where each key is in lists that were searched: what is done for each link of a host must not look through all of them.
 * Lists of which one has grown from the other share an index. So the index may have more than a list: what is beyond its
 * end, or is another item there.
 */
const linkIndexes: Indexes<LinkState> = new WeakMap();
const recordIndexes: Indexes<LinkRecord> = new WeakMap();

type Indexes<T> = WeakMap<readonly T[], Map<string, number>>;

export function findLink({ links }: HostState, id: LinkId): LinkState | undefined {
  return links[placeIn(links, id)];
}

/** Where a link is in the list; -1 if it is not. */
function placeIn(links: readonly LinkState[], id: LinkId): number {
  if (links.length < INDEXED) return links.findIndex((link) => sameLink(link, id));
  const at = indexOf(links, linkIndexes, linkKey).get(linkKey(id)) ?? -1;
  const link = links[at];
  return link && sameLink(link, id) ? at : -1;
}

/** The host with a link changed; the same host if there is no such link. */
export function changeLink(state: HostState, id: LinkId, how: (link: LinkState) => LinkState): HostState {
  const at = placeIn(state.links, id);
  const link = state.links[at];
  if (!link) return state;
  const links = [...state.links];
  links[at] = how(link);
  return withChanged(state, links, [at]);
}

/** The host with all links that are to be changed; the same host if there is none. */
export function changeLinks(
  state: HostState,
  isMeant: (link: LinkState) => boolean,
  how: (link: LinkState) => LinkState,
): HostState {
  const places: number[] = [];
  let at = 0;
  for (const link of state.links) {
    if (isMeant(link)) places.push(at);
    at++;
  }
  if (places.length === 0) return state;
  const links = [...state.links];
  for (const place of places) {
    const link = links[place];
    if (link) links[place] = how(link);
  }
  return withChanged(state, links, places);
}

/** @param places where the list has other links than the host */
function withChanged(state: HostState, links: readonly LinkState[], places: readonly number[]): HostState {
  const index = linkIndexes.get(state.links);
  const isSame = (at: number): boolean => {
    const [was, is] = [state.links[at], links[at]];
    return was !== undefined && is !== undefined && sameLink(was, is);
  };
  if (index && places.every(isSame)) linkIndexes.set(links, index);
  followed.follow(state.links, links, places);
  return { ...state, links };
}

/** The host with one more link. */
export function withNewLink(state: HostState, link: LinkState): HostState {
  const links = grown(state.links, link, linkIndexes, linkKey);
  followed.follow(state.links, links, [state.links.length]);
  return { ...state, links };
}

/** The host with a link's record, in the place of its previous one. */
export function withRecord(state: HostState, record: LinkRecord): HostState {
  const { records } = state;
  const others = records.filter((r) => !sameLink(r, record));
  const isNew = others.length === records.length;
  return { ...state, records: grown(isNew ? records : others, record, recordIndexes, recordKey) };
}

/** The host with some of its links; the rest is gone. */
export function withLinks(state: HostState, links: readonly LinkState[]): HostState {
  if (keepIndex(state.links, links, linkIndexes)) followed.follow(state.links, links, []);
  return { ...state, links };
}

/** The host without the record of a link. */
export function withoutRecord(state: HostState, id: LinkId): HostState {
  const records = state.records.filter((r) => !sameLink(r, id));
  keepIndex(state.records, records, recordIndexes);
  return { ...state, records };
}

/**
 * A list that another one begins with has its index: links are deleted in the opposite order.
 *
 * @returns whether the other one begins with it
 */
function keepIndex<T>(before: readonly T[], after: readonly T[], indexes: Indexes<T>): boolean {
  if (!after.every((item, i) => item === before[i])) return false;
  const index = indexes.get(before);
  if (index) indexes.set(after, index);
  return true;
}

/** The list with one more item, and its index. */
function grown<T>(
  list: readonly T[],
  item: T,
  indexes: Indexes<T>,
  keyIn: (item: T) => string,
): readonly T[] {
  const longer = [...list, item];
  const index = indexes.get(list);
  const key = keyIn(item);
  // elsewhere: it is in the list already, or in another one that has grown from it
  if (index && (index.get(key) ?? list.length) === list.length)
    indexes.set(longer, index.set(key, list.length));
  return longer;
}

/** The links that differ between two lists, most of which are the same objects in the same order. */
export function differingLinks(
  before: readonly LinkState[],
  after: readonly LinkState[],
): { readonly before: readonly LinkState[]; readonly after: readonly LinkState[] } {
  const least = Math.min(before.length, after.length);
  let start = 0;
  while (start < least && before[start] === after[start]) start++;
  let end = 0;
  while (end < least - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  const [was, is] = [before.slice(start, before.length - end), after.slice(start, after.length - end)];
  const [had, has] = [new Set(was), new Set(is)];
  return { before: was.filter((link) => !has.has(link)), after: is.filter((link) => !had.has(link)) };
}

/** The first of each key counts. */
function indexOf<T extends object>(
  list: readonly T[],
  indexes: Indexes<T>,
  keyIn: (item: T) => string,
): Map<string, number> {
  const known = indexes.get(list);
  if (known) return known;
  const index = new Map<string, number>();
  list.forEach((item, i) => {
    const key = keyIn(item);
    if (!index.has(key)) index.set(key, i);
  });
  indexes.set(list, index);
  return index;
}

/** A text for the place of a link, the same for the same place. The name of a namespace is a part of one line. */
export function linkKey({ name, netns }: LinkId): string {
  return `${netns}\n${name}`;
}

function recordKey(record: LinkId & { readonly ifIndex: number }): string {
  return `${record.ifIndex}\n${linkKey(record)}`;
}

/** A link for people: `web`, `web in the namespace blue`, `eth0 in container web (docker)`. */
export function nameAndPlace({
  name,
  netns,
  isOutOfReach,
}: Pick<LinkState, "name" | "netns" | "isOutOfReach">): string {
  if (netns === "") return name;
  return isOutOfReach === true ? `${name} in ${netns}` : `${name} in the namespace ${netns}`;
}

/** The kernel's name of a link that is given by an altname; any other name is returned unchanged. */
export function kernelName(state: HostState, { name, netns }: LinkId): string {
  if (!hasAltNames(state) || findLink(state, { name, netns })) return name;
  const named = withAltNames(state.links).find(
    (link) => link.netns === netns && link.altNames?.includes(name) === true,
  );
  return named?.name ?? name;
}

/** Whether any link has an altname: each of many links asks, and most hosts have none. */
export function hasAltNames({ links }: HostState): boolean {
  return followed.first(links, ANY_ALTNAME, ({ altNames }) => altNames !== undefined) !== undefined;
}

/** Each link that is not there yet is looked for among them. */
const withAltNames = keptPer((links: readonly LinkState[]) =>
  links.filter((link) => link.altNames !== undefined),
);

/** The state in which the link-local addresses that a resource states count as ordinary addresses. */
export function withStatedLinkLocal(state: HostState, { links, linkLocal = [] }: Desired): HostState {
  if (linkLocal.length === 0) return state;
  const isOf = (link: LinkState): boolean =>
    links.some(
      (l) =>
        l.addresses !== undefined &&
        (sameLink(l, link) || (l.previous !== undefined && sameLink(l.previous, link))),
    );
  return {
    ...state,
    links: state.links.map((link) => {
      const stated = (link.otherAddresses ?? []).filter(({ cidr }) => linkLocal.includes(cidr));
      if (stated.length === 0 || !isOf(link)) return link;
      const others = link.addresses.filter(({ cidr }) => !stated.some((a) => a.cidr === cidr));
      return { ...link, addresses: [...others, ...stated] };
    }),
  };
}

/** The record of a link, if it belongs to the link that exists now. */
export function recordOf(state: HostState, id: LinkId): LinkRecord | undefined {
  const link = findLink(state, id);
  if (!link) return undefined;
  const { records } = state;
  if (records.length < INDEXED) {
    return records.find((record) => sameLink(record, id) && record.ifIndex === link.ifIndex);
  }
  const key = recordKey({ ...id, ifIndex: link.ifIndex });
  const record = records[indexOf(records, recordIndexes, recordKey).get(key) ?? -1];
  return record && recordKey(record) === key ? record : undefined;
}

/** The kind of children of a parent: the kernel passes its frames to macvlans or to ipvlans, never to both. */
export type PortKind = "macvlan" | "ipvlan";

/** The port kind that links of a kind need; undefined for kinds that do not share their parent's frames. */
export function portKindOf(kind: string): PortKind | undefined {
  if (kind === "macvlan" || kind === "macvtap") return "macvlan";
  return kind === "ipvlan" || kind === "ipvtap" ? "ipvlan" : undefined;
}

/** The children of `parent`, in every visible namespace. */
export function childrenOf({ links }: HostState, parent: string): readonly LinkState[] {
  return childrenIn(links, parent);
}

const childrenIn = keptPerList((links: readonly LinkState[], parent) =>
  links.filter((link) => link.parent === parent && link.kind !== "vlan"),
);

/** What links are looked for by, beside their place: a host may have thousands, and each of them asks. */
const followed = openFollowed<LinkState>((link) => {
  const { netns, kind, parent, settings } = link;
  const keys =
    kind === "vlan"
      ? [ANY_VLAN]
      : isChildOf(link, parent)
        ? [macKey(parent, settings["link.address"] ?? "")]
        : [];
  const port = portKindOf(kind);
  if (port !== undefined) keys.push(portKey(parent, port));
  if (link.altNames !== undefined) keys.push(ANY_ALTNAME);
  if (isPassthru(link)) keys.push(passthruKey(parent));
  for (const { cidr } of allAddresses(link)) keys.push(ipKey(netns, withoutPrefix(cidr)));
  for (const subnet of subnetsOf(link)) keys.push(subnetKey(netns, subnet));
  return keys;
});

const ANY_VLAN = "vlan";
const ANY_ALTNAME = "altname";
const macKey = (parent: string, mac: string): string => `mac ${mac} ${parent}`;
const portKey = (parent: string, port: PortKind): string => `${port} ${parent}`;
const passthruKey = (parent: string): string => `passthru ${parent}`;
const ipKey = (netns: string, ip: string): string => `ip ${ip} ${netns}`;
const subnetKey = (netns: string, subnet: string): string => `subnet ${subnet} ${netns}`;

function isChildOf(link: LinkState, parent: string): boolean {
  return link.parent === parent && link.kind !== "vlan";
}

function isPassthru({ settings }: LinkState): boolean {
  return settings["type.mode"] === "passthru";
}

/** All addresses of a link, managed or not. */
export function allAddresses({ addresses, otherAddresses = [] }: LinkState): readonly Address[] {
  return [...addresses, ...otherAddresses];
}

/** Whether a link has an address, managed or not, whatever its prefix length. */
export function hasIp({ addresses, otherAddresses = [] }: LinkState, ip: string): boolean {
  for (const { cidr } of addresses) if (isOfIp(cidr, ip)) return true;
  for (const { cidr } of otherAddresses) if (isOfIp(cidr, ip)) return true;
  return false;
}

/** The networks that a link is in by an address that is not alone in it. */
const subnetsOf = keptPer((link: LinkState): readonly string[] =>
  allAddresses(link)
    .map(({ cidr }) => cidr)
    // each link has its own link-local network
    .filter((cidr) => !isAlone(cidr) && !isLinkLocal(cidr))
    .map(subnetOf),
);

/** Whether an address is its whole network: a /32 of IPv4, or a /128 of IPv6. */
export function isAlone(cidr: string): boolean {
  return cidr.endsWith(isIPv6Cidr(cidr) ? "/128" : "/32");
}

/** The children of a parent in mode passthru. */
export function passthruChildrenOf({ links }: HostState, parent: string): readonly LinkState[] {
  return followed.all(links, passthruKey(parent), (link) => isChildOf(link, parent) && isPassthru(link));
}

/** The children of a parent that share its frames in another way than this. */
export function childrenOfOtherPort(
  { links }: HostState,
  parent: string,
  port: PortKind | "",
): readonly LinkState[] {
  return (["macvlan", "ipvlan"] as const)
    .filter((other) => other !== port)
    .flatMap((other) =>
      followed.all(
        links,
        portKey(parent, other),
        (link) => isChildOf(link, parent) && portKindOf(link.kind) === other,
      ),
    );
}

/** The children of a parent with a MAC address. */
export function childrenWithMac({ links }: HostState, parent: string, mac: string): readonly LinkState[] {
  return followed.all(
    links,
    macKey(parent, mac),
    (link) => isChildOf(link, parent) && link.settings["link.address"] === mac,
  );
}

/** The first link of a namespace that has an address, managed or not, whatever its prefix length. */
export function findWithIp(
  { links }: HostState,
  netns: string,
  ip: string,
  isMeant: (link: LinkState) => boolean,
): LinkState | undefined {
  return followed.first(
    links,
    ipKey(netns, ip),
    (link) => link.netns === netns && hasIp(link, ip) && isMeant(link),
  );
}

/** The first link of a namespace that is in a network. */
export function findInSubnet(
  { links }: HostState,
  netns: string,
  subnet: string,
  isMeant: (link: LinkState) => boolean,
): LinkState | undefined {
  return followed.first(
    links,
    subnetKey(netns, subnet),
    (link) => link.netns === netns && subnetsOf(link).includes(subnet) && isMeant(link),
  );
}

/** Whether there is a VLAN at all. */
export function hasVlans({ links }: HostState): boolean {
  return followed.first(links, ANY_VLAN, ({ kind }) => kind === "vlan") !== undefined;
}

/** The VLANs on a parent, in every visible namespace. */
export function vlansOn({ links }: HostState, parent: string): readonly LinkState[] {
  return vlansIn(links, parent);
}

const vlansIn = keptPerList((links: readonly LinkState[], parent) =>
  links.filter((link) => link.parent === parent && link.kind === "vlan"),
);

/** The full state of a link as a desired state, to which an undo returns. */
export function asDesired(link: LinkState): DesiredLink {
  const isBondPort = link.details["perm_hwaddr"] !== undefined;
  const settings = Object.entries(link.settings)
    // its MAC address is its bond's business
    .filter(([key]) => !(isBondPort && key === "link.address"))
    .map(([key, value = ""]) => ({ key: key as SettingKey, value, property: key }));
  return {
    name: link.name,
    netns: link.netns,
    exists: true,
    kind: link.kind,
    parent: link.parent,
    up: link.up,
    settings,
    addresses: link.addresses,
    routes: link.routes,
  };
}
