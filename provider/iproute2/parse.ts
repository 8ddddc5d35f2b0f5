/**
 * What `ip -j` prints of links, addresses and routes, as a host's state. Pure, and forgiving: other people's links can
 * do much to JSON.
 */
import { canonicalIp } from "../model/addresses";
import type { Address, LinkState, Route, SettingKey } from "../model/host";
import type { Holder } from "../model/observation";
import { canonicalBridgeId } from "./sysfs";
import { READ_WHOLE, bondDetails, bondPortDetails, typeSettings } from "./type-settings";

/** A link as `ip -j -d address show` prints it, as far as it is read here. */
interface IpLink {
  readonly ifindex?: number;
  readonly ifname?: string;
  readonly link?: string;
  readonly link_index?: number;
  readonly link_netnsid?: number;
  readonly flags?: readonly string[];
  readonly mtu?: number;
  readonly operstate?: string;
  readonly master?: string;
  readonly txqlen?: number;
  readonly address?: string;
  readonly promiscuity?: number;
  readonly ifalias?: string;
  readonly linkinfo?: {
    readonly info_kind?: string;
    readonly info_data?: Readonly<Record<string, unknown>>;
    readonly info_slave_kind?: string;
    readonly info_slave_data?: Readonly<Record<string, unknown>>;
  };
  readonly addr_info?: readonly IpAddress[];
}

interface IpAddress {
  readonly family?: string;
  readonly local?: string;
  readonly prefixlen?: number;
  readonly broadcast?: string;
  readonly scope?: string;
  readonly dynamic?: boolean;
  readonly temporary?: boolean;
  readonly mngtmpaddr?: boolean;
  readonly dadfailed?: boolean;
}

interface IpRoute {
  readonly type?: string;
  readonly dst?: string;
  readonly gateway?: string;
  readonly dev?: string;
  /** Where there are several ways at the same time (ECMP), `dev` is told of each. */
  readonly nexthops?: readonly { readonly dev?: string }[];
  readonly protocol?: string;
  readonly prefsrc?: string;
  readonly metric?: number;
}

/** What a host printed of a namespace. */
interface RawNamespace {
  readonly netns: string;
  readonly links: readonly IpLink[];
  readonly routes: readonly { readonly route: IpRoute; readonly six: boolean }[];
  /** By link. */
  readonly sysctls: ReadonlyMap<string, Readonly<Record<string, string>>>;
}

/**
 * Reads what was printed of a namespace, `""` for the host's own.
 *
 * @param text the sections of an observation: `links` with the IPv4 routes, `routes6`, `sysctls`, each with ` NETNS` for another
 * namespace than the host's own
 */
export function readNamespace(netns: string, text: (name: string) => string): RawNamespace {
  const suffix = netns === "" ? "" : ` ${netns}`;
  const where = suffix === "" ? "" : ` of the namespace${suffix}`;
  const [links, routes4] = linksAndRoutes(text(`links${suffix}`));
  const all = <T>(printed: string, what: string): T[] => jsonArray<T>(printed, what + where);
  return {
    netns,
    sysctls: parseSysctls(text(`sysctls${suffix}`)),
    links: all<IpLink>(links, "links").filter((l) => typeof l.ifname === "string"),
    routes: [
      ...all<IpRoute>(routes4, "IPv4 routes").map((r) => ({ route: r, six: false })),
      ...all<IpRoute>(text(`routes6${suffix}`), "IPv6 routes").map((r) => ({ route: r, six: true })),
    ],
  };
}

/** What one `ip -batch` printed of the links, a line, and of the IPv4 routes, the rest. */
export function linksAndRoutes(printed: string): [links: string, routes4: string] {
  const [links = "", ...routes] = printed.trimStart().split("\n");
  return [links, routes.join("\n")];
}

/** Who has which address, and which link leads where, whoever put it there. */
export function parseHolders({ links, routes }: RawNamespace): { addresses: Holder[]; routes: Holder[] } {
  return {
    addresses: links.flatMap(({ ifname = "", addr_info = [] }) =>
      addr_info.map((a) => ({
        link: ifname,
        cidr: `${canonicalIp(a.local ?? "") ?? ""}/${a.prefixlen ?? ""}`,
      })),
    ),
    routes: routes.flatMap(({ route: { dev, dst, nexthops = [] }, six }) =>
      [dev, ...nexthops.map((hop) => hop.dev)].flatMap((link) =>
        link === undefined || dst === undefined ? [] : [{ link, cidr: destinationOf(dst, six) }],
      ),
    ),
  };
}

/**
 * The links of a namespace with their addresses and routes.
 *
 * @param hostLinks the links of the host's own namespace, where the parents of others' links are
 */
export function parseNamespace(raw: RawNamespace, hostLinks: readonly LinkState[]): LinkState[] {
  const { links, routes, sysctls } = raw;
  const routesOf = new Map<string, Route[]>();
  for (const route of routes) {
    const { dev = "" } = route.route;
    routesOf.set(dev, [...(routesOf.get(dev) ?? []), ...parseRoute(route)]);
  }
  return links.map((l) => {
    const name = l.ifname ?? "";
    return parseLink(l, raw, hostLinks, {
      routes: routesOf.get(name) ?? [],
      sysctls: sysctls.get(name) ?? {},
    });
  });
}

/** What iproute2 prints of a link's own and nobody can set, or not by that word (`type-settings.ts`). */
const READ_ONLY =
  /^(?:bridge_id|root_id|root_port|root_path_cost|.*_timer|topology_change.*|group_addr|usedbcqueuelen|macaddr_count|macaddr_data|nopromisc|nodst|bridge|private|vepa|mcast_querier_.*|mcast_hash_elasticity|group_fwd_mask)$/;

const PORT_SETTINGS: readonly string[] = [
  ...["hairpin", "isolated", "learning", "flood", "mcast_flood", "bcast_flood", "cost", "priority", "guard"],
  ...["root_block", "fastleave", "neigh_suppress", "locked", "mcast_to_unicast", "vlan_tunnel"],
];

function parseLink(
  link: IpLink,
  raw: RawNamespace,
  hostLinks: readonly LinkState[],
  more: { routes: Route[]; sysctls: Record<string, string> },
): LinkState {
  const kind = link.linkinfo?.info_kind ?? "";
  const settings: Partial<Record<SettingKey, string>> = {
    "link.mtu": String(link.mtu ?? ""),
    "link.address": link.address ?? "",
    "link.alias": link.ifalias ?? "",
    "link.txqueuelen": String(link.txqlen ?? ""),
    "link.master": link.master ?? "",
  };
  const details: Record<string, string> = {};
  const dynamic = (link.addr_info ?? []).filter((a) => isDynamic(a) && a.family === "inet");
  // what a person asked for; `promiscuity` counts all who did
  if (link.flags?.includes("PROMISC") === true) details["promisc"] = "on";
  if (dynamic.length > 0) details["dynamic"] = dynamic.map((a) => a.local).join(", ");
  const data = link.linkinfo?.info_data ?? {};
  Object.assign(settings, typeSettings(kind, data));
  for (const [word, value] of Object.entries(data)) {
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") continue;
    if (word === "bridge_id") details[word] = canonicalBridgeId(String(value));
    else if (READ_WHOLE.has(kind) || READ_ONLY.test(word)) details[word] = String(value);
    else settings[`type.${word}`] = String(value);
  }
  if (kind === "bond") Object.assign(details, bondDetails(data));
  if (link.linkinfo?.info_slave_kind === "bridge") {
    const port = link.linkinfo.info_slave_data ?? {};
    details["port_state"] = typeof port["state"] === "string" ? port["state"] : "";
    for (const word of PORT_SETTINGS) {
      const value = port[word];
      if (value !== undefined) settings[`port.${word}`] = onOff(value);
    }
  }
  if (link.linkinfo?.info_slave_kind === "bond") {
    Object.assign(details, bondPortDetails(link.linkinfo.info_slave_data ?? {}));
  }
  for (const [key, value] of Object.entries(more.sysctls)) settings[`sysctl.${key}`] = value;
  return {
    name: link.ifname ?? "",
    netns: raw.netns,
    kind,
    ifIndex: link.ifindex ?? 0,
    parent: parentOf(link, kind, raw, hostLinks),
    up: link.flags?.includes("UP") ?? false,
    operState: link.operstate ?? "UNKNOWN",
    promiscuity: link.promiscuity ?? 0,
    settings,
    details,
    addresses: (link.addr_info ?? []).flatMap(parseAddress),
    routes: more.routes,
  };
}

function onOff(value: unknown): string {
  return value === true ? "on" : value === false ? "off" : String(value);
}

/**
 * The link below. A peer such as a veth's other end is no parent. In another namespace the parent is told by its
 * index in the host's own one, where all parents of our links live.
 */
function parentOf(
  link: IpLink,
  kind: string,
  { netns, links }: RawNamespace,
  hostLinks: readonly LinkState[],
): string {
  if (kind === "veth") return "";
  if (netns === "") return link.link ?? "";
  const index = link.link_index ?? (kind === "macvtap" ? missingIndex(link, links) : undefined);
  return index === undefined ? "" : (hostLinks.find((l) => l.ifIndex === index)?.name ?? "");
}

/**
 * The index of a macvtap's parent where the kernel (5.10, for one) does not say whose namespace's it is: `ip` looks it up
 * in the macvtap's own, and shows nothing for its own index, `if3` for one that no link has, and else that link's name. A
 * macvlan is the parent of none, as the kernel takes the link below it: any other link is taken at its word.
 */
function missingIndex({ ifindex, link }: IpLink, own: readonly IpLink[]): number | undefined {
  if (link === undefined) return ifindex;
  const [, number] = /^if(\d+)$/.exec(link) ?? [];
  if (number !== undefined) return Number(number);
  const named = own.find(({ ifname }) => ifname === link);
  return ["macvlan", "macvtap"].includes(named?.linkinfo?.info_kind ?? "") ? named?.ifindex : undefined;
}

function parseAddress(address: IpAddress): Address[] {
  if (address.local === undefined || address.prefixlen === undefined) return [];
  // link-local ones are the kernel's, dynamic ones a DHCP client's or router's
  if (address.scope === "link" || address.scope === "host" || isDynamic(address)) return [];
  return [
    {
      cidr: `${canonicalIp(address.local) ?? address.local}/${address.prefixlen}`,
      ...(address.broadcast === undefined ? {} : { broadcast: address.broadcast }),
      ...(address.dadfailed === true ? { dadFailed: true } : {}),
    },
  ];
}

function isDynamic(address: IpAddress): boolean {
  return address.dynamic === true || address.temporary === true || address.mngtmpaddr === true;
}

/** Protocols of routes that a person or a boot script put there (iproute2's etc/iproute2/rt_protos). */
const STATIC_PROTOCOLS: readonly string[] = ["boot", "static"];

/** IPv6's metric where none was given (include/net/ip6_route.h, IP6_RT_PRIO_USER). */
const DEFAULT_METRIC_6 = 1024;

function parseRoute({ route, six }: { route: IpRoute; six: boolean }): Route[] {
  const { dst, gateway, prefsrc, metric, protocol = "boot" } = route;
  if (dst === undefined || !STATIC_PROTOCOLS.includes(protocol)) return [];
  if (route.type !== undefined && route.type !== "unicast") return [];
  return [
    {
      to: destinationOf(dst, six),
      ...(gateway === undefined ? {} : { via: gateway }),
      ...(prefsrc === undefined ? {} : { source: prefsrc }),
      ...(metric === undefined || (six && metric === DEFAULT_METRIC_6) ? {} : { metric }),
      protocol,
    },
  ];
}

/** iproute2's short forms in full: `default`, and a single address. */
function destinationOf(dst: string, six: boolean): string {
  if (dst === "default") return six ? "::/0" : "0.0.0.0/0";
  return dst.includes("/") ? dst : `${dst}/${six ? 128 : 32}`;
}

/** Lines `/proc/sys/net/ipv4/conf/LINK/NAME:VALUE`, as grep prints them. */
function parseSysctls(text: string): Map<string, Record<string, string>> {
  const links = new Map<string, Record<string, string>>();
  for (const line of text.split("\n")) {
    const match = /^\/proc\/sys\/net\/(ipv[46])\/conf\/([^/]+)\/([a-z_]+):(.*)$/.exec(line);
    const [, family, link, name, value] = match ?? [];
    if (link === undefined || value === undefined) continue;
    links.set(link, { ...links.get(link), [`${family ?? ""}.${name ?? ""}`]: value });
  }
  return links;
}

/**
 * The array that iproute2 printed. Other people's aliases and names can make it print what is no JSON: `\\'`
 * (iproute2 before 6.1) and bare control characters (before 7.0) are mended; `[{}]` and nothing mean no link.
 *
 * @param what for the message: `links of the namespace blue`
 */
function jsonArray<T>(text: string, what: string): T[] {
  const trimmed = text.trim();
  if (trimmed === "" || trimmed === "[") return [];
  let value: unknown;
  try {
    value = JSON.parse(trimmed);
  } catch {
    value = parseMended(trimmed, what);
  }
  return Array.isArray(value) ? (value as T[]) : [];
}

function parseMended(text: string, what: string): unknown {
  const mended = text
    // escapes are taken in pairs: the second backslash of an escaped one begins none
    .replace(/\\([^])/g, (escape, character: string) => (character === "'" ? "'" : escape))
    // eslint-disable-next-line no-control-regex -- these are what has to go
    .replace(/[\u0000-\u001f]/g, (c) =>
      c === "\n" ? " " : `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
  try {
    return JSON.parse(mended) as unknown;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(
      `what ip printed of the ${what} is cut short or no JSON (${why}; ${text.length} characters)`,
      { cause: error },
    );
  }
}
