/**
 * Reading a host: one POSIX shell fragment that prints all that any resource needs, in marked sections, and the
 * parser of what it printed. The parser is pure and forgives what other people's links can do to JSON.
 */
import { OBSERVE_BOOT_FUNCTION, parseBootFiles, parseInit } from "../boot/read";
import { canonicalIp } from "../plan/addresses";
import type { Address, HostState, LinkRecord, LinkState, Netns, Route, SettingKey } from "../plan/model";
import { CLIENT_FUNCTION, type Holder, parseLifeline } from "./lifeline";
import type { HostFacts, Observation } from "./observation";
import { MANAGERS_FUNCTION, parseManagers } from "./managers";
import { SYSFS_FUNCTION, canonicalBridgeId, choosePortTool, parseSysfs } from "./old-userland";
import { sections } from "./shell";

/** Where the host keeps what it has to remember; like the links themselves it does not survive a reboot. */
export const RUN_DIRECTORY = "/run/pulumi-macvlan";

/** The sysctls that are looked at, and set, a link. */
const SYSCTLS = ["ipv4/arp_filter", "ipv4/arp_notify", "ipv6/ndisc_notify"] as const;

/**
 * Defines `pm_observe`. `$M` is the marker. Only reads. `ip -n` and `ip netns exec` are given names that the host
 * itself listed. sysfs is read where iproute2 cannot print JSON, so that such a host is recognised for what it is.
 */
export const OBSERVE_FUNCTION = `${SYSFS_FUNCTION}${CLIENT_FUNCTION}${MANAGERS_FUNCTION}${OBSERVE_BOOT_FUNCTION}
PM_SYSCTLS='grep -H "" ${SYSCTLS.map((s) => `/proc/sys/net/${s.replace("/", "/conf/*/")}`).join(" ")} 2>/dev/null'
pm_section_of() { # NAMESPACE-OR-NOTHING PREFIX...
  s=$1; shift
  echo "$M links$s"; "$@" -j -d address show 2>/dev/null
  echo "$M routes4$s"; "$@" -j -4 route show table main 2>/dev/null
  echo "$M routes6$s"; "$@" -j -6 route show table main 2>/dev/null
}
pm_vlan_filtering() { # a bridge tells; while there is none the kernel's configuration does, where it is to be had
  for b in /sys/class/net/*/bridge; do
    [ -e "$b" ] || continue
    [ -e "$b/vlan_filtering" ] && echo yes || echo no
    return
  done
  c=$({ cat "/boot/config-$(uname -r)" || zcat /proc/config.gz; } 2>/dev/null | grep '^CONFIG_BRIDGE[_=]')
  case $c in *VLAN_FILTERING=y*) echo yes;; *CONFIG_BRIDGE=*) echo no;; esac
}
pm_observe() {
  echo "$M machine"; cat /proc/sys/kernel/random/boot_id; readlink /proc/self/ns/net
  echo "$M kernel"; uname -r
  echo "$M user"; id -u
  echo "$M client"; pm_client
  echo "$M ip"; command -v ip >/dev/null 2>&1 && ip -V 2>&1
  echo "$M tools"
  for t in ip bridge brctl flock systemctl sha256sum; do command -v "$t" >/dev/null 2>&1 && echo "$t"; done
  echo "$M brctl"; command -v brctl >/dev/null 2>&1 && brctl --version 2>&1 | head -n 2
  pm_section_of "" ip
  echo "$M sysctls"; eval "$PM_SYSCTLS"
  for n in /run/netns/* /var/run/netns/*; do
    [ -e "$n" ] || continue
    case $n in /var/run/*) [ -e "/run/netns/\${n##*/}" ] && continue;; esac
    n=\${n##*/}
    # no resource can name others, and what echo and the reader make of these is anybody's guess
    case $n in *[!A-Za-z0-9_.:@+-]*) continue;; esac
    echo "$M netns $n"; ls -di "/run/netns/$n" 2>/dev/null
    pm_section_of " $n" ip -n "$n"
    # sysctl files are of the namespace of the process that lists them
    echo "$M sysctls $n"; ip netns exec "$n" sh -c "$PM_SYSCTLS" </dev/null 2>/dev/null
  done
  echo "$M wireless"
  for w in /sys/class/net/*/phy80211 /sys/class/net/*/wireless; do [ -e "$w" ] && echo "$w"; done
  echo "$M vlanfiltering"; pm_vlan_filtering
  echo "$M managers"; pm_managers
  echo "$M records"; cat ${RUN_DIRECTORY}/links/* 2>/dev/null
  echo "$M namespaces"; cat ${RUN_DIRECTORY}/netns/* 2>/dev/null
  pm_observe_boot
  echo "$M boots"; cat ${RUN_DIRECTORY}/boots 2>/dev/null
  echo "$M interrupted"; ls ${RUN_DIRECTORY}/undo ${RUN_DIRECTORY}/undo.left 2>/dev/null
  echo "$M sysfs"; ip -j link show dev lo >/dev/null 2>&1 || pm_sysfs
  echo "$M end"
}
`;

/** The host's answer has no end: its shell was killed, or the connection went away under it. */
export class CutShort extends Error {}

/** Parses what `pm_observe` printed. @throws CutShort */
export function parseObservation(output: string, marker: string): Observation {
  const all = sections(output, marker);
  if (!all.some((s) => s.name === "end")) {
    throw new CutShort("the host's answer was cut short before its end");
  }
  const text = (name: string): string => all.find((s) => s.name === name)?.text ?? "";
  const namespaces = all.filter((s) => s.name.startsWith("netns ")).map((s) => s.name.slice("netns ".length));
  const records = jsonLines(text("records")).flatMap(({ id, value }) => parseRecord(id, value));
  const own = parseNamespace("", text, []);
  const facts = parseFacts(text, (index) => own.find((l) => l.ifIndex === index)?.name);
  const links = [own, ...namespaces.map((n) => parseNamespace(n, text, own))].flat();
  const state: HostState = {
    links: facts.iproute2 === undefined ? parseSysfs(text("sysfs")) : links,
    netns: namespaces.map((n) => parseNetns(n, text)),
    records,
    bootFiles: parseBootFiles(all),
  };
  const raw = rawNamespace(text, "");
  return {
    facts,
    state,
    lifeline: parseLifeline(text("client"), state.links, addressHolders(raw.links), routeHolders(raw.routes)),
    interrupted: text("interrupted").includes("/undo"),
    boots: text("boots").trim(),
  };
}

function parseFacts(
  text: (name: string) => string,
  nameOf: (ifIndex: number) => string | undefined,
): HostFacts {
  const ipText = text("ip").trim();
  const tools = text("tools").split("\n").filter(Boolean);
  const iproute2 = usableIproute2(ipText, text("links"));
  const vlan = text("vlanfiltering").trim();
  return {
    machine: text("machine").trim().replace("\n", " "),
    kernel: text("kernel").trim(),
    iproute2,
    ipVersionText: ipText.split("\n")[0] ?? "",
    root: text("user").trim() === "0",
    tools,
    wireless: [
      ...new Set(
        text("wireless")
          .split("\n")
          .flatMap((l) => l.split("/")[4] ?? []),
      ),
    ],
    vlanFiltering: vlan === "" ? undefined : vlan === "yes",
    portTool: choosePortTool(ipText, tools, text("brctl")),
    ...parseInit(text("init")),
    managers: parseManagers(text("managers"), nameOf),
  };
}

/** The version, provided that it prints links as JSON: since 4.14 by iproute2's tags, and never by busybox. */
function usableIproute2(ipText: string, links: string): string | undefined {
  if (!/iproute2/.test(ipText) || !links.trimStart().startsWith("[")) return undefined;
  return /iproute2-(?:ss)?([0-9][0-9.]*)/.exec(ipText)?.[1] ?? "unknown";
}

/** Lines `NUMBER JSON`, as our records are kept; a line that is not one is nobody's. */
function jsonLines(text: string): { id: number; value: unknown }[] {
  return text.split("\n").flatMap((line) => {
    const match = /^([0-9]+) (.*)$/.exec(line);
    if (!match) return [];
    try {
      return [{ id: Number(match[1]), value: JSON.parse(match[2] ?? "") as unknown }];
    } catch {
      return []; // cut off while it was written; the change that wrote it has been undone
    }
  });
}

function parseRecord(ifIndex: number, value: unknown): LinkRecord[] {
  const r = value as Partial<LinkRecord> | null;
  if (typeof r?.name !== "string" || typeof r.netns !== "string" || typeof r.owner !== "string") return [];
  return [
    {
      name: r.name,
      netns: r.netns,
      ifIndex,
      owner: r.owner,
      resource: typeof r.resource === "string" ? r.resource : "",
      made: r.made === true,
      restore: Array.isArray(r.restore) ? r.restore : [],
    },
  ];
}

function parseNetns(name: string, text: (name: string) => string): Netns {
  const inode = Number(/^\s*([0-9]+)/.exec(text(`netns ${name}`))?.[1]);
  const made = jsonLines(text("namespaces")).find(
    ({ id, value }) => id === inode && (value as { name?: unknown } | null)?.name === name,
  );
  const owner = (made?.value as { owner?: unknown } | undefined)?.owner;
  return typeof owner === "string" ? { name, owner } : { name };
}

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
  readonly protocol?: string;
  readonly prefsrc?: string;
  readonly metric?: number;
}

/** What iproute2 printed of a namespace. */
interface RawNamespace {
  readonly links: readonly IpLink[];
  readonly routes: readonly { readonly route: IpRoute; readonly six: boolean }[];
}

function rawNamespace(text: (name: string) => string, suffix: string): RawNamespace {
  const where = suffix === "" ? "" : ` of the namespace${suffix}`;
  const all = <T>(section: string, what: string): T[] => jsonArray<T>(text(section + suffix), what + where);
  return {
    links: all<IpLink>("links", "links").filter((l) => typeof l.ifname === "string"),
    routes: [
      ...all<IpRoute>("routes4", "IPv4 routes").map((r) => ({ route: r, six: false })),
      ...all<IpRoute>("routes6", "IPv6 routes").map((r) => ({ route: r, six: true })),
    ],
  };
}

function addressHolders(links: readonly IpLink[]): Holder[] {
  return links.flatMap(({ ifname = "", addr_info = [] }) =>
    addr_info.map((a) => ({
      link: ifname,
      cidr: `${canonicalIp(a.local ?? "") ?? ""}/${a.prefixlen ?? ""}`,
    })),
  );
}

function routeHolders(routes: RawNamespace["routes"]): Holder[] {
  return routes.flatMap(({ route: { dev, dst }, six }) =>
    dev === undefined || dst === undefined ? [] : [{ link: dev, cidr: destinationOf(dst, six) }],
  );
}

function parseNamespace(
  netns: string,
  text: (name: string) => string,
  hostLinks: readonly LinkState[],
): LinkState[] {
  const suffix = netns === "" ? "" : ` ${netns}`;
  const { links, routes } = rawNamespace(text, suffix);
  const sysctls = parseSysctls(text(`sysctls${suffix}`));
  const routesOf = new Map<string, Route[]>();
  for (const route of routes) {
    const { dev = "" } = route.route;
    routesOf.set(dev, [...(routesOf.get(dev) ?? []), ...parseRoute(route)]);
  }
  return links.map((l) => {
    const name = l.ifname ?? "";
    return parseLink(l, netns, hostLinks, {
      routes: routesOf.get(name) ?? [],
      sysctls: sysctls.get(name) ?? {},
    });
  });
}

/** Settings of a macvlan or bridge that iproute2 prints and nobody can set. */
const ONLY_TOLD =
  /^(?:bridge_id|root_id|root_port|root_path_cost|.*_timer|topology_change.*|group_addr|usedbcqueuelen|macaddr_count|macaddr_data|nopromisc|nodst|mcast_querier_.*|mcast_hash_elasticity|group_fwd_mask)$/;

const PORT_SETTINGS: readonly string[] = [
  ...["hairpin", "isolated", "learning", "flood", "mcast_flood", "bcast_flood", "cost", "priority", "guard"],
  ...["root_block", "fastleave", "neigh_suppress", "locked", "mcast_to_unicast", "vlan_tunnel"],
];

function parseLink(
  link: IpLink,
  netns: string,
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
  if (kind === "macvlan" || kind === "macvtap") Object.assign(settings, macvlanSettings(data));
  for (const [word, value] of Object.entries(data)) {
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") continue;
    if (word === "bridge_id") details[word] = canonicalBridgeId(String(value));
    else if (ONLY_TOLD.test(word)) details[word] = String(value);
    else settings[`type.${word}`] = String(value);
  }
  if (link.linkinfo?.info_slave_kind === "bridge") {
    const port = link.linkinfo.info_slave_data ?? {};
    details["port_state"] = typeof port["state"] === "string" ? port["state"] : "";
    for (const word of PORT_SETTINGS) {
      const value = port[word];
      if (value !== undefined) settings[`port.${word}`] = onOff(value);
    }
  }
  for (const [key, value] of Object.entries(more.sysctls)) settings[`sysctl.${key}`] = value;
  return {
    name: link.ifname ?? "",
    netns,
    kind,
    ifIndex: link.ifindex ?? 0,
    parent: parentOf(link, kind, netns, hostLinks),
    up: link.flags?.includes("UP") ?? false,
    operState: link.operstate ?? "UNKNOWN",
    promiscuity: link.promiscuity ?? 0,
    settings,
    details,
    addresses: (link.addr_info ?? []).flatMap(parseAddress),
    routes: more.routes,
  };
}

/** iproute2 prints flags only when they are set, and a source list in the kernel's hash order. */
function macvlanSettings(data: Readonly<Record<string, unknown>>): Partial<Record<SettingKey, string>> {
  const list = Array.isArray(data["macaddr_data"]) ? data["macaddr_data"].map(String) : [];
  return {
    "type.mode": typeof data["mode"] === "string" ? data["mode"] : "",
    "type.flags": ["nopromisc", "nodst"].filter((flag) => data[flag] === true).join(" "),
    "type.macaddr": list.toSorted().join(" "),
  };
}

function onOff(value: unknown): string {
  return value === true ? "on" : value === false ? "off" : String(value);
}

/**
 * The link below. A peer such as a veth's other end is no parent. In another namespace the parent is told by its
 * index in the host's own one, where all parents of our links live.
 */
function parentOf(link: IpLink, kind: string, netns: string, hostLinks: readonly LinkState[]): string {
  if (kind === "veth") return "";
  if (link.link !== undefined) return netns === "" ? link.link : "";
  if (netns === "" || link.link_index === undefined) return "";
  return hostLinks.find((l) => l.ifIndex === link.link_index)?.name ?? "";
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
