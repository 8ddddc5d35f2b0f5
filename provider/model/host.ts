/**
 * The nouns that everything else speaks in: what a host has (`HostState`), as `host/observe.ts` reads it and
 * `plan/simulate.ts` predicts it, and what is wanted of it (`Wanted`), as a kind asks for it. Pure data.
 */
import type { Owner, OwnerMark } from "./owner";

/** An address on a link. `cidr` is canonical: `192.0.2.10/24`, `2001:db8::1/64`. */
export interface Address {
  readonly cidr: string;
  /** IPv4 broadcast address, where one is set. */
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
  /** Who put it there (`static`, `dhcp`, …). Not compared; kept so that an undo puts back what was there. */
  readonly protocol?: string;
  /**
   * By what else the kernel tells it from routes to the same destination, in iproute2's words: `tos 0x10`,
   * `from 2001:db8::/64`. No property asks for it, nor for `foreign`: other people's routes have them.
   */
  readonly selector?: string;
  /** All else that it has, in iproute2's words: `mtu 1300 onlink`, `encap ip id 1 dst 192.0.2.10`. */
  readonly foreign?: string;
}

/**
 * What can be set on a link, by iproute2's own words and values:
 *
 * - `link.mtu`, `link.address`, `link.alias`, `link.txqueuelen`, `link.master` (`""`: none)
 * - `type.WORD`: `ip link set … type KIND WORD VALUE` (`type.mode`, `type.stp_state`, …)
 * - `port.WORD`: a bridge port's options (`port.hairpin`: `on` or `off`, `port.cost`, …)
 * - `sysctl.FAMILY.NAME`: `/proc/sys/net/FAMILY/conf/LINK/NAME`
 */
export type SettingKey = `${"link" | "type" | "port" | "sysctl"}.${string}`;

export type Settings = Readonly<Partial<Record<SettingKey, string>>>;

/** A link is known by its name within a network namespace; `""` is the host's own. */
export interface LinkId {
  readonly name: string;
  readonly netns: string;
}

/** A link as it is on a host. */
export interface LinkState extends LinkId {
  /** `macvlan`, `bridge`, `veth`, …; `""` for physical NICs, which have no kind. */
  readonly kind: string;
  readonly ifIndex: number;
  /** The link below, always one of the host's own namespace; `""` where there is none or it cannot be seen. */
  readonly parent: string;
  /** Administrative state: the flag UP, not `operState`. */
  readonly up: boolean;
  /** RFC 2863 operational state as iproute2 prints it. Not compared. */
  readonly operState: string;
  readonly promiscuity: number;
  readonly settings: Settings;
  /** Other names by which the kernel and `ip` know the link (ip-link(8), altname). */
  readonly altNames?: readonly string[];
  /** What cannot be set and is only told: `bridge_id`, a port's `state`. Not compared. */
  readonly details: Readonly<Record<string, string>>;
  /** Static addresses of global scope, in the kernel's order (a subnet's primary first). */
  readonly addresses: readonly Address[];
  /** Routes that are neither the kernel's own nor learnt by a routing daemon. */
  readonly routes: readonly Route[];
  /**
   * Such routes that no command of ours could put back, or take away without another one: they are left alone, and not
   * compared.
   */
  readonly opaqueRoutes?: readonly Route[];
  /** Simulated only: IPv6 addresses that were just added, so that duplicate detection is not finished (RFC 4862, 5.4). */
  readonly tentative?: readonly string[];
  /** Addresses that no resource manages: dynamic and link-local ones. Not compared; conflicts are looked for in them. */
  readonly otherAddresses?: readonly Address[];
  /** The same of routes: those of the kernel, of DHCP and of routing daemons. */
  readonly otherRoutes?: readonly Route[];
}

/**
 * Who made, or adopted, a link: kept on the host under /run, so that it lives exactly as long as the kernel's own
 * state, and bound to the link's ifindex, so that it never speaks for another link of the same name.
 */
export interface LinkRecord extends LinkId, OwnerMark {
  /** ifindex of the link that it speaks for. */
  readonly ifIndex: number;
  /** The Pulumi resource's name. */
  readonly resource: string;
  /** Made by that stack; otherwise adopted. */
  readonly made: boolean;
  /** What to take the other links that it touched, or the adopted one itself, back to on deletion. */
  readonly restore: readonly DesiredLink[];
}

/** A named network namespace, and whose it is where one of our resources made it. */
export interface Netns {
  readonly name: string;
  /** The stack that made it, while that very namespace lives. */
  readonly mark?: OwnerMark;
  /** The file under /run/netns is there, and no namespace is behind it: it outlived a crash, or links to nothing. */
  readonly isStale?: true;
}

/** One of the files that have a link made again at boot: a script, what an init system runs it by, or a symbolic link. */
export interface BootFile {
  readonly path: string;
  /** The link that it is for, as `bootName` writes it. */
  readonly bootName: string;
  /** The stack that wrote it, by the mark inside; undefined for symbolic links and for files without the mark. */
  readonly mark?: OwnerMark;
  /** What is compared: `644 SHA256` of a file, `-> TARGET` of a symbolic link. */
  readonly is: string;
  /** What to write; told of wanted files only. */
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

/** One setting as wanted, with the property of the resource that it comes from. */
export interface DesiredSetting {
  readonly key: SettingKey;
  /** iproute2's form. */
  readonly value: string;
  /** Path of the property, for messages: `mtu`, `ports[0].hairpin`. */
  readonly property: string;
  /** How many of iproute2's units make one of the property's (100: centiseconds for seconds). */
  readonly scale?: number;
  /** What iproute2's values are in the property's own words: `{ on: "true", off: "false" }`. */
  readonly words?: Readonly<Record<string, string>>;
  /** Values that no live link can be taken to or from (`passthru`): the link has to be made anew. `*`: any. */
  readonly fixed?: readonly string[];
}

/** What is wanted of one link. What is not named here is left as it is. */
export interface DesiredLink extends LinkId {
  /** `false`: the link has to go. */
  readonly exists: boolean;
  /** Undefined for a link that has to be there already, such as a bridge's port. */
  readonly kind?: string;
  readonly parent?: string;
  /** The link's former place, when the resource was renamed or moved. */
  readonly previous?: LinkId;
  readonly up?: boolean;
  readonly settings: readonly DesiredSetting[];
  /** For a link that is to be made, and never compared: `link.address` of a bridge that takes over a port's. */
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

/** All that one resource wants of its host. */
export interface Desired extends Owner {
  /** In the order in which they depend on each other: a bridge before its ports. */
  readonly links: readonly DesiredLink[];
  /** The namespace that has to be there, `""` for none. */
  readonly netns: string;
  /** What the host is to remember of it; undefined when nothing is to stay. */
  readonly record?: Omit<LinkRecord, "ifIndex">;
  /** The link-local addresses that it states, or has stated: others on its links are nothing to it. */
  readonly linkLocal?: readonly string[];
  /** Namespaces that it may leave without any link: those that the stack made go, too. */
  readonly leaves?: readonly string[];
  /** Links about which it is to remember nothing of this stack any more. */
  readonly forgets?: readonly LinkId[];
  /** What is to be there at the next boot; undefined where that is nobody's business. */
  readonly boot?: DesiredBoot;
  /** What of it is secret. */
  readonly secret?: SecretParts;
}

/** The boot files of a resource. */
export interface DesiredBoot {
  /** The link's `bootName`, and its former one: no other files of this stack are to be there for them. */
  readonly bootNames: readonly string[];
  /** In the order in which they are written; removed in reverse. Empty: the link is not made at boot. */
  readonly files: readonly BootFile[];
}

export function sameLink(a: LinkId, b: LinkId): boolean {
  return a.name === b.name && a.netns === b.netns;
}

export function findLink(state: HostState, id: LinkId): LinkState | undefined {
  return state.links.find((link) => sameLink(link, id));
}

/** The kernel's own name of a link that is given by one of its altnames; any other name is returned as it is. */
export function kernelName(state: HostState, { name, netns }: LinkId): string {
  const ofNamespace = state.links.filter((link) => link.netns === netns);
  if (ofNamespace.some((link) => link.name === name)) return name;
  return ofNamespace.find((link) => link.altNames?.includes(name) === true)?.name ?? name;
}

/** A host on which the link-local addresses that a resource states count as addresses like any other. */
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

/** The record of a link, provided that it speaks for the link that is there now. */
export function recordOf(state: HostState, id: LinkId): LinkRecord | undefined {
  const link = findLink(state, id);
  return link && state.records.find((r) => sameLink(r, id) && r.ifIndex === link.ifIndex);
}

/** What a parent is to its children: the kernel gives a link's frames to macvlans or to ipvlans, never to both. */
export type PortKind = "macvlan" | "ipvlan";

/** What links of a kind need their parent to be; undefined for kinds that take no frames from one. */
export function portKindOf(kind: string): PortKind | undefined {
  if (kind === "macvlan" || kind === "macvtap") return "macvlan";
  return kind === "ipvlan" || kind === "ipvtap" ? "ipvlan" : undefined;
}

/** Links that sit on `parent`: its macvlans (and others of the same make), in every visible namespace. */
export function childrenOf(state: HostState, parent: string): LinkState[] {
  return state.links.filter((link) => link.parent === parent && link.kind !== "vlan");
}

/** Everything that a link is, as a wish: what an undo goes back to. */
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
