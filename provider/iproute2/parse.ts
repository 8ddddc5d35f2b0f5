/**
 * Parses the links, addresses and routes that `ip -j` prints into a host's state. Pure and tolerant: links and routes
 * that cannot be parsed are reported, and the rest is read.
 */
import { canonicalIp } from "../model/addresses";
import type { Address, LinkState, Route, SettingKey, Settings } from "../model/host";
import { groupBy } from "../model/lists";
import type { Holder, Unreadable } from "../model/observation";
import { Fields, type Printed, plainText } from "./fields";
import { readElements, readObjects } from "./lenient-json";
import { ROUTE_START, type ReadRoute, linkName, readRoute } from "./routes";
import { canonicalBridgeId } from "./sysfs";
import { type PrintedVlans, parseBridgeVlans } from "./vlans";
import { READ_WHOLE, bondDetails, bondPortDetails, typeSettings } from "./type-settings";

/** The parts of `ip -j -d address show` that are used. */
interface IpLink {
  readonly ifindex: number;
  readonly ifname: string;
  readonly altNames: readonly string[];
  readonly link: string | undefined;
  readonly link_index: number | undefined;
  readonly flags: readonly string[];
  readonly mtu: number | undefined;
  readonly operstate: string | undefined;
  readonly master: string | undefined;
  readonly txqlen: number | undefined;
  readonly address: string | undefined;
  readonly promiscuity: number | undefined;
  readonly group: string | undefined;
  readonly ifalias: string | undefined;
  readonly kind: string;
  readonly data: Printed;
  readonly slaveKind: string | undefined;
  readonly slaveData: Printed;
  readonly addresses: readonly IpAddress[];
}

interface IpAddress {
  readonly family: string | undefined;
  readonly local: string;
  readonly prefixlen: number;
  readonly broadcast: string | undefined;
  readonly scope: string | undefined;
  /** From a DHCP client or a router. */
  readonly isDynamic: boolean;
  readonly dadFailed: boolean;
}

/** The raw data of a namespace. */
interface RawNamespace {
  readonly netns: string;
  readonly iproute2: string;
  readonly links: readonly IpLink[];
  readonly routes: readonly ReadRoute[];
  /** Of bridges and their ports, if that was asked and told. */
  readonly vlans: PrintedVlans | undefined;
  /** By link. */
  readonly sysctls: ReadonlyMap<string, Readonly<Record<string, string>>>;
  readonly unreadable: readonly Unreadable[];
}

/** The beginning of an element of the list of links, in all versions. */
const LINK_START = /(?<=[[,])\{"ifindex":/g;

/**
 * Parses the output for a namespace, `""` for the host's own.
 *
 * @param text the sections of an observation: `links` with the IPv4 routes, `routes6`, `sysctls`, each with ` NETNS` for another
 * namespace than the host's own
 * @param iproute2 the version that printed it: what it leaves out is the kernel default, or unknown to it
 * @throws if a list is cut short
 */
export function readNamespace(netns: string, text: (name: string) => string, iproute2: string): RawNamespace {
  const suffix = netns === "" ? "" : ` ${netns}`;
  const [links, routes4] = linksAndRoutes(text(`links${suffix}`));
  const unreadable: Unreadable[] = [];
  const leaveOut = (
    what: Unreadable["what"],
    printed: string,
    reason: string,
    link = linkIn(what, printed),
  ): void => {
    unreadable.push({
      netns,
      what,
      ...(link === undefined ? {} : { link }),
      reason,
      text: printed.slice(0, EXCERPT),
    });
  };
  return {
    netns,
    iproute2,
    vlans: parseBridgeVlans(text(`vlans${suffix}`)),
    sysctls: parseSysctls(text(`sysctls${suffix}`)),
    links: readLinks(),
    routes: [...readRoutes(routes4, "IPv4 route"), ...readRoutes(text(`routes6${suffix}`), "IPv6 route")],
    unreadable,
  };

  function readLinks(): IpLink[] {
    const { elements, leftOut } = whole("links", () => readObjects(links, LINK_START));
    for (const part of leftOut) leaveOut("link", part.text, part.reason);
    return elements.flatMap(({ value, text: printed }) => {
      const fields = new Fields(value as Printed);
      const link = readLink(fields);
      if (fields.faults.length > 0) leaveOut("link", printed, fields.faults.join(", "), link?.ifname);
      return link ?? [];
    });
  }

  function readRoutes(printed: string, what: "IPv4 route" | "IPv6 route"): ReadRoute[] {
    const { elements, leftOut } = whole(`${what}s`, () => readElements(printed, ROUTE_START));
    for (const part of leftOut) leaveOut(what, part.text, part.reason);
    return elements.flatMap(({ value, text: element }) => {
      const route = readRoute(value, what === "IPv6 route");
      if (typeof route !== "string") return route;
      leaveOut(what, element, route);
      return [];
    });
  }

  function whole<T>(what: string, read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      const where = netns === "" ? "" : ` of the namespace ${netns}`;
      throw new Error(`what ip printed of the ${what}${where} is ${error.message}`, { cause: error });
    }
  }
}

/** The most characters that are kept of what cannot be parsed. */
const EXCERPT = 200;

/** The link that a part of the output concerns, from text that is not JSON. */
function linkIn(what: Unreadable["what"], printed: string): string | undefined {
  const key = what === "link" ? "ifname" : "dev";
  const [, name] = new RegExp(`"${key}":"([^"\\\\]{1,15})"`).exec(printed.slice(0, 10_000)) ?? [];
  return name;
}

/** A link, if its index and its name can be read. */
function readLink(link: Fields): IpLink | undefined {
  const [ifindex, ifname] = [link.integer("ifindex"), link.text("ifname")];
  if (ifindex === undefined || ifname === undefined || ifname === "") {
    link.faults.push("it has no index or no name");
    return undefined;
  }
  const info = link.fields("linkinfo");
  return {
    ifindex,
    ifname: linkName(ifname),
    link: linkNameIn(link, "link"),
    link_index: link.integer("link_index"),
    mtu: link.integer("mtu"),
    operstate: link.text("operstate"),
    master: linkNameIn(link, "master"),
    txqlen: link.integer("txqlen"),
    address: link.text("address"),
    promiscuity: link.integer("promiscuity"),
    group: link.text("group"),
    ifalias: link.text("ifalias"),
    slaveKind: info?.text("info_slave_kind"),
    altNames: link.texts("altnames"),
    flags: link.texts("flags"),
    kind: info?.text("info_kind") ?? "",
    data: info?.object("info_data") ?? {},
    slaveData: info?.object("info_slave_data") ?? {},
    addresses: link.list("addr_info").flatMap(readAddress),
  };
}

function readAddress(address: Fields): IpAddress[] {
  const [printed, prefixlen] = [address.text("local"), address.integer("prefixlen")];
  const rest = {
    family: address.text("family"),
    broadcast: address.text("broadcast"),
    scope: address.text("scope"),
    isDynamic: address.flag("dynamic") || address.flag("temporary") || address.flag("mngtmpaddr"),
    dadFailed: address.flag("dadfailed"),
  };
  // an address of another family, such as one of a tunnel's end, has none of the two
  if (printed === undefined || prefixlen === undefined) return [];
  const local = canonicalIp(printed);
  if (local === undefined || prefixlen < 0 || prefixlen > (local.includes(":") ? 128 : 32)) {
    address.faults.push("local is not an IP address, or prefixlen is not a prefix length");
    return [];
  }
  return [{ local, prefixlen, ...rest }];
}

function linkNameIn(fields: Fields, key: string): string | undefined {
  const name = fields.text(key);
  return name === undefined ? undefined : linkName(name);
}

/** The output of one `ip -batch`: the links, and in the last line the IPv4 routes. */
export function linksAndRoutes(printed: string): [links: string, routes4: string] {
  const text = printed.trim();
  const end = text.lastIndexOf("\n[");
  return end < 0 ? [text, ""] : [text.slice(0, end), text.slice(end + 1)];
}

/** All addresses and routes with their links, managed or not. */
export function parseHolders({ links, routes }: RawNamespace): { addresses: Holder[]; routes: Holder[] } {
  return {
    addresses: links.flatMap(({ ifname, addresses }) =>
      addresses.map((a) => ({ link: ifname, cidr: `${a.local}/${a.prefixlen}` })),
    ),
    routes: routes.flatMap(({ links: through, to }) => through.map((link) => ({ link, cidr: to }))),
  };
}

/**
 * The links of a namespace with their addresses and routes.
 *
 * @param hostLinks the links of the host's own namespace, which contains the parents of links in others
 */
export function parseNamespace(raw: RawNamespace, hostLinks: readonly LinkState[]): LinkState[] {
  const routesOf = groupBy(raw.routes, ({ links: [link = ""] }) => link);
  const othersOf = new Map<string, Route[]>();
  for (const { other, links } of raw.routes) {
    // a route without a link, such as a `blackhole`, still occupies its destination
    for (const link of other ? (links.length === 0 ? ["lo"] : links) : []) {
      const list = othersOf.get(link);
      if (list) list.push(other as Route);
      else othersOf.set(link, [other as Route]);
    }
  }
  const parents = parentsIn(raw, hostLinks);
  return raw.links.map((link) => ({
    ...parseLink(link, raw, parents(link), {
      ...manageable(routesOf.get(link.ifname) ?? []),
      ...notEmpty("otherRoutes", othersOf.get(link.ifname) ?? []),
      sysctls: raw.sysctls.get(link.ifname) ?? {},
    }),
    ...overOf(raw, link),
  }));
}

/**
 * The link below one in a namespace, if it is there as well: of one in another namespace `ip` prints the index. Of a
 * macvtap some kernels do not tell where it is.
 */
function overOf({ netns }: RawNamespace, link: IpLink): Pick<LinkState, "over"> {
  if (netns === "" || ["veth", "macvtap"].includes(link.kind) || link.link_index !== undefined) return {};
  const over = link.link ?? lowerOf(link);
  return over === "" ? {} : { over };
}

/** A link's routes, split into those that can be restored and that a command identifies uniquely, and the others. */
function manageable(read: readonly ReadRoute[]): Pick<LinkState, "routes" | "opaqueRoutes"> {
  const all = read.flatMap(({ route, isWhole }) =>
    route ? [{ route, isWhole, meant: meaning(route) }] : [],
  );
  const alike = groupBy(all, ({ meant }) => meant);
  const isOpaque = ({ route, isWhole, meant }: (typeof all)[number]): boolean =>
    !isWhole || (route.foreign !== undefined && (alike.get(meant)?.length ?? 0) > 1);
  const opaque = all.filter(isOpaque).map(({ route }) => route);
  const routes = all.filter((a) => !isOpaque(a)).map(({ route }) => route);
  return opaque.length === 0 ? { routes } : { routes, opaqueRoutes: opaque };
}

/**
 * The links in a namespace without a name that are children of the host's own.
 *
 * @param label what the namespace is: `container web (docker)`
 * @throws if the list is cut short
 */
export function parseUnnamed(
  label: string,
  links: string,
  iproute2: string,
  hostLinks: readonly LinkState[],
): LinkState[] {
  const raw = readNamespace(label, (name) => (name.startsWith("links") ? links : ""), iproute2);
  return parseNamespace(raw, hostLinks)
    .filter(({ parent }) => parent !== "")
    .map((link) => ({ ...link, isOutOfReach: true }));
}

/** The attributes by which a command identifies a route of a link. */
function meaning(named: Route): string {
  return JSON.stringify([named.to, named.via, named.source, named.metric, named.selector, named.protocol]);
}

/** What iproute2 prints but cannot set, or not by that word (`type-settings.ts`). */
const READ_ONLY =
  /^(?:bridge_id|root_id|root_port|root_path_cost|.*_timer|topology_change.*|group_addr|usedbcqueuelen|macaddr_count|macaddr_data|nopromisc|nodst|bridge|private|vepa|mcast_querier_.*|mcast_.*_(?:cnt|intvl)|mcast_hash_elasticity|group_fwd_mask|fdb_n_learned)$/;

const PORT_SETTINGS: readonly string[] = [
  ...["hairpin", "isolated", "learning", "flood", "mcast_flood", "bcast_flood", "cost", "priority", "guard"],
  ...["root_block", "fastleave", "neigh_suppress", "locked", "mcast_to_unicast", "vlan_tunnel"],
];

function parseLink(
  link: IpLink,
  { netns, iproute2, vlans }: Pick<RawNamespace, "netns" | "iproute2" | "vlans">,
  parent: string,
  {
    sysctls,
    ...routes
  }: Pick<LinkState, "routes" | "opaqueRoutes" | "otherRoutes"> & {
    sysctls: Readonly<Record<string, string>>;
  },
): LinkState {
  const { kind, data, slaveData } = link;
  const settings: Partial<Record<SettingKey, string>> = {
    "link.mtu": String(link.mtu ?? ""),
    "link.address": link.address ?? "",
    "link.alias": link.ifalias ?? "",
    "link.txqueuelen": String(link.txqlen ?? ""),
    "link.master": link.master ?? "",
  };
  const details: Record<string, string> = {};
  const dynamic = link.addresses.filter((a) => a.isDynamic && a.family === "inet");
  // set explicitly; `promiscuity` counts all users
  if (link.flags.includes("PROMISC")) details["promisc"] = "on";
  // iproute2's NO-CARRIER follows the operational state, which the kernel may work out later
  if (link.flags.includes("UP") && !link.flags.includes("LOWER_UP")) details["carrier"] = "no";
  if (link.group !== undefined && link.group !== "default") details["group"] = link.group;
  if (dynamic.length > 0) details["dynamic"] = dynamic.map((a) => a.local).join(", ");
  Object.assign(settings, typeSettings(kind, data, iproute2));
  for (const [word, value] of Object.entries(data)) {
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") continue;
    if (word === "bridge_id") details[word] = canonicalBridgeId(String(value));
    else if (READ_WHOLE.has(kind) || READ_ONLY.test(word)) details[word] = String(value);
    else settings[`type.${word}`] = String(value);
  }
  if (kind === "bond") Object.assign(details, bondDetails(data));
  if (link.slaveKind === "bridge") {
    details["port_state"] = plainText(slaveData["state"]);
    for (const word of PORT_SETTINGS) {
      const value = slaveData[word];
      if (value !== undefined) settings[`port.${word}`] = onOff(value);
    }
  }
  const passing = vlans?.of.get(link.ifname) ?? (vlans?.isWhole === true ? "" : undefined);
  if (passing !== undefined && kind === "bridge") settings["self.vlans"] = passing;
  if (passing !== undefined && link.slaveKind === "bridge") settings["port.vlans"] = passing;
  if (link.slaveKind === "bond") Object.assign(details, bondPortDetails(slaveData));
  for (const [key, value] of Object.entries(sysctls)) {
    if (key === DISABLE_IPV6) details["disable_ipv6"] = value;
    else settings[`sysctl.${key}`] = value;
  }
  return {
    name: link.ifname,
    netns,
    kind,
    ifIndex: link.ifindex,
    parent,
    up: link.flags.includes("UP"),
    operState: link.operstate ?? "UNKNOWN",
    promiscuity: link.promiscuity ?? 0,
    settings,
    details,
    addresses: link.addresses.filter((a) => !isOther(a)).map(parseAddress),
    ...routes,
    ...notEmpty("altNames", link.altNames),
    ...notEmpty("otherAddresses", link.addresses.filter(isOther).map(parseAddress)),
  };
}

function onOff(value: unknown): string {
  return value === true ? "on" : value === false ? "off" : plainText(value);
}

/**
 * Finds a link's parent. A peer, such as a veth's other end, is not a parent. In another namespace the parent is
 * identified by its index in the host's own one, where all parents of our links are.
 */
function parentsIn(
  { netns, links }: RawNamespace,
  hostLinks: readonly LinkState[],
): (link: IpLink) => string {
  if (netns === "") return (link) => (link.kind === "veth" ? "" : (link.link ?? lowerOf(link)));
  const nameOf = new Map(hostLinks.map(({ ifIndex, name }) => [ifIndex, name]));
  const own = new Map(links.map((link) => [link.ifname, link]));
  return (link) => {
    if (link.kind === "veth") return "";
    const index = link.link_index ?? (link.kind === "macvtap" ? untoldIndex(link, own) : undefined);
    return index === undefined ? "" : (nameOf.get(index) ?? "");
  };
}

/** Of a VXLAN iproute2 shows the link below among its settings only. The kernel deletes it with that one. */
function lowerOf({ kind, data }: IpLink): string {
  return kind === "vxlan" ? plainText(data["link"]) : "";
}

/**
 * The index of a macvtap's parent if the kernel (such as 5.10) does not report its namespace. `ip` then looks the index
 * up in the macvtap's own namespace: it shows nothing for the macvtap's own index, `if3` for an unused one, and
 * otherwise the name of a wrong link. As a macvlan is never a parent, such a name is recognised; any other name is
 * taken as it is.
 */
function untoldIndex({ ifindex, link }: IpLink, own: ReadonlyMap<string, IpLink>): number | undefined {
  if (link === undefined) return ifindex;
  const [, number] = /^if(\d+)$/.exec(link) ?? [];
  if (number !== undefined) return Number(number);
  const named = own.get(link);
  return ["macvlan", "macvtap"].includes(named?.kind ?? "") ? named?.ifindex : undefined;
}

/** The property, unless the list is empty, as a host may have thousands of links without it. */
function notEmpty<K extends string, T>(property: K, list: readonly T[]): Partial<Record<K, readonly T[]>> {
  return list.length === 0 ? {} : ({ [property]: list } as Partial<Record<K, readonly T[]>>);
}

/** Link-local addresses come from the kernel, dynamic ones from a DHCP client or a router. */
function isOther({ scope, isDynamic }: IpAddress): boolean {
  return scope === "link" || scope === "host" || isDynamic;
}

function parseAddress({ local, prefixlen, broadcast, dadFailed }: IpAddress): Address {
  return {
    cidr: `${local}/${prefixlen}`,
    ...(broadcast === undefined ? {} : { broadcast }),
    ...(dadFailed ? { dadFailed: true } : {}),
  };
}

/** Read from existing and future links, and never set. */
const DISABLE_IPV6 = "ipv6.disable_ipv6";

/** The sysctls that a new link of a namespace gets; undefined if none were printed. */
export function parseNewLinkSysctls({ sysctls }: RawNamespace): Settings | undefined {
  const values = sysctls.get("default");
  return values && Object.fromEntries(Object.entries(values).map(([key, value]) => [`sysctl.${key}`, value]));
}

/** Lines `/proc/sys/net/ipv4/conf/LINK/NAME:VALUE`, as grep prints them. */
function parseSysctls(text: string): Map<string, Record<string, string>> {
  const links = new Map<string, Record<string, string>>();
  for (const line of text.split("\n")) {
    const match = /^\/proc\/sys\/net\/(ipv[46])\/conf\/([^/]+)\/([a-z0-9_]+):(.*)$/.exec(line);
    const [, family, link, name, value] = match ?? [];
    if (link === undefined || value === undefined) continue;
    const values = links.get(link) ?? {};
    values[`${family ?? ""}.${name ?? ""}`] = value;
    links.set(link, values);
  }
  return links;
}
