/**
 * The effect of a step on a host, including side effects. The planner simulates its steps, so that a plan restores what
 * the kernel removes along with a change (the secondaries of a primary address, the routes of a link that goes down).
 * test/lab/model.test.ts compares this with a real kernel.
 */
import { isIPv6Cidr, isLinkLocal, isOfIp, subnetOf, withoutPrefix } from "../../model/addresses";
import {
  type Address,
  type BootFile,
  type HostState,
  type LinkId,
  type LinkState,
  type PortKind,
  type Route,
  type SettingKey,
  type Settings,
  changeLink,
  changeLinks,
  findLink,
  hasVlans,
  portKindOf,
  sameLink,
  withLinks,
  withNewLink,
  withRecord,
  withoutRecord,
} from "../../model/host";
import { defaultVlans, withDefaultPvid } from "../../model/vlans";
import { propagateToVlans, setDown } from "./vlan";
import { joinBond, leaveBond, newBond, portsFollow, released, withBondOption } from "./bond";
import { PORT_DEFAULTS } from "./defaults";
import { initialSysctls, isSysctl, withIPv6ByMtu } from "./sysctls";
import type { Step } from "../../model/steps";
import { sameRoute, sameRouteKey, withoutRoute, withoutRoutes } from "./routes";

/** The state of the host after a step that succeeded. */
export function simulate(state: HostState, step: Step): HostState {
  const after = simulateAlone(state, step);
  if (after === state || !hasFollowers(step)) return after;
  // most hosts have no VLANs, and some have thousands of links
  const followed = hasVlans(state) ? propagateToVlans(state, after) : after;
  // the state alone changes no MTU
  const isState = step.do === "up" || step.do === "down";
  return isState && followed === after ? after : withIPv6ByMtu(state, followed);
}

/** Whether other links may follow a step, or the link itself may lose IPv6 by it. */
function hasFollowers(step: Step): boolean {
  if (step.do === "set") return !isSysctl(step.key) && step.key !== "link.alias";
  return step.do === "deleteLink" || step.do === "up" || step.do === "down";
}

function simulateAlone(state: HostState, step: Step): HostState {
  switch (step.do) {
    case "addNetns":
      return { ...state, netns: [...state.netns, { name: step.name, mark: step.mark }] };
    case "deleteNetns":
      return {
        ...state,
        netns: state.netns.filter((n) => n.name !== step.name),
        links: state.links.filter((l) => l.netns !== step.name),
      };
    case "recordNetns":
      return {
        ...state,
        netns: state.netns.map((n) => (n.name === step.name ? { ...n, mark: step.mark } : n)),
      };
    case "addLink":
      return addLink(state, newLink(state, step));
    case "deleteLink":
      return deleteLink(state, step.link);
    case "moveLink":
      return changeLink(state, step.link, (l) => ({
        ...withoutRoutes(l),
        netns: step.netns,
        ifIndex: movedIndex(state, step.link, step.netns),
        up: false,
        addresses: [],
        settings: {
          ...withoutPort(l.settings),
          "link.master": "",
          ...initialSysctls(state, l.settings["link.mtu"]),
        },
      }));
    case "renameLink":
      return renameLink(state, step.link, step.name);
    case "set":
      return set(state, step.link, step.key, step.value);
    case "up":
      return changeLink(state, step.link, (l) => ({ ...l, up: true }));
    case "down":
      return changeLink(state, step.link, setDown);
    case "addAddress":
      return changeLink(state, step.link, (l) => addAddress(l, step.address));
    case "deleteAddress":
      return deleteAddress(state, step.link, step.address);
    case "addRoute":
      return addRoute(state, step.link, step.route, step.replace);
    case "deleteRoute":
      return changeLink(state, step.link, (l) => withoutRoute(l, (r) => sameRoute(r, step.route)));
    case "announce":
      return state;
    case "record": {
      const link = findLink(state, step.record);
      return withRecord(state, { ...step.record, ifIndex: link?.ifIndex ?? 0 });
    }
    case "forget":
      return withoutRecord(state, step.link);
    case "setBootFiles": {
      const paths = [...step.remove, ...step.write].map((f) => f.path);
      return withBootFiles(
        state,
        paths,
        step.write.map(({ content, ...file }) => file),
      );
    }
    case "restoreBootFiles":
      return withBootFiles(state, step.paths, step.files);
  }
}

export function hasAddress(link: LinkState, address: Address): boolean {
  return link.addresses.some((a) => a.cidr === address.cidr);
}

function withBootFiles(state: HostState, paths: readonly string[], files: readonly BootFile[]): HostState {
  return { ...state, bootFiles: [...state.bootFiles.filter((f) => !paths.includes(f.path)), ...files] };
}

/** The same address, and usable: the kernel keeps a duplicate on the link without using it (RFC 4862, 5.4.5). */
export function hasUsableAddress(link: LinkState, address: Address): boolean {
  const same = link.addresses.find((a) => a.cidr === address.cidr);
  return same !== undefined && (same.dadFailed !== true || address.dadFailed === true);
}

function newLink(state: HostState, step: Extract<Step, { do: "addLink" }>): LinkState {
  const parent = findLink(state, { name: step.parent, netns: "" });
  const mtu = step.settings["link.mtu"] ?? parent?.settings["link.mtu"] ?? "1500";
  let settings: Partial<Record<SettingKey, string>> = {
    "link.mtu": mtu,
    "link.address": "",
    "link.alias": "",
    "link.txqueuelen": "1000",
    "link.master": "",
    ...step.defaults,
    ...initialSysctls(state, mtu),
    ...step.settings,
  };
  // a macvlan has its parent's threshold unless it is made with one; an ipvlan is always made with mode and flag
  const sibling = state.links.find(
    (l) =>
      l.parent === step.parent && portKindOf(l.kind) === "macvlan" && portKindOf(step.kind) === "macvlan",
  );
  for (const key of sibling ? OF_PORT.macvlan : []) {
    const value = sibling?.settings[key];
    if (step.settings[key] === undefined && value !== undefined) settings[key] = value;
  }
  const pvid = settings["type.vlan_default_pvid"];
  if (step.kind === "bridge" && pvid !== undefined) settings["self.vlans"] = defaultVlans(pvid);
  if (step.kind === "bond") settings = { ...withoutType(settings), ...newBond(settings) };
  // drivers/net/macvlan.c, macvlan_common_newlink: passthru always gets the parent's address, and so does an ipvlan
  if (parent && (settings["type.mode"] === "passthru" || portKindOf(step.kind) === "ipvlan")) {
    settings["link.address"] = parent.settings["link.address"] ?? "";
  }
  // net/8021q/vlan_dev.c, vlan_dev_init
  if (step.kind === "vlan" && settings["link.address"] === "" && parent) {
    settings["link.address"] = parent.settings["link.address"] ?? "";
  }
  return {
    ...step.link,
    kind: step.kind,
    ifIndex: nextIndex(state, step.link.netns),
    parent: step.parent,
    up: false,
    operState: "DOWN",
    promiscuity: 0,
    settings,
    // what macvlan_port_destroy restores when the passthru child is deleted
    details: parent ? { parent_address: parent.settings["link.address"] ?? "" } : {},
    addresses: [],
    routes: [],
  };
}

function withoutType(settings: Settings): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([key]) => !key.startsWith("type.")));
}

/**
 * What the parent has for all of its children: a child that is made or changed changes its siblings. Mode and flag of an
 * ipvlan (drivers/net/ipvlan/ipvlan_main.c), and a macvlan's threshold (drivers/net/macvlan.c, update_port_bc_cutoff).
 */
const OF_PORT: Readonly<Record<PortKind, readonly SettingKey[]>> = {
  ipvlan: ["type.mode", "type.flag"],
  macvlan: ["type.bclim"],
};

function isOfPort(kind: string, key: SettingKey): boolean {
  const port = portKindOf(kind);
  return port !== undefined && OF_PORT[port].includes(key);
}

function addLink(state: HostState, link: LinkState): HostState {
  const added = withNewLink(state, link);
  const port = portKindOf(link.kind);
  return port === undefined
    ? added
    : OF_PORT[port].reduce<HostState>((s, key) => {
        const value = link.settings[key];
        return value === undefined ? s : setOnPort(s, link, key, value);
      }, added);
}

function setOnPort(state: HostState, child: LinkState, key: SettingKey, value: string): HostState {
  const { parent, kind } = child;
  return changeLinks(
    state,
    (l) => l.parent === parent && l.settings[key] !== value && portKindOf(l.kind) === portKindOf(kind),
    (l) => ({ ...l, settings: { ...l.settings, [key]: value } }),
  );
}

/**
 * Each namespace numbers its links by itself (net/core/dev.c, dev_index_reserve), so links of two namespaces may have
 * the same index. A new index is also above those of deleted links, as no index is used twice and a record may still
 * contain one. The first is that of lo.
 */
function nextIndex({ links, records }: HostState, netns: string): number {
  let last = 1;
  for (const link of links) if (link.ifIndex > last && link.netns === netns) last = link.ifIndex;
  for (const record of records) if (record.ifIndex > last && record.netns === netns) last = record.ifIndex;
  return last + 1;
}

/** A link keeps its index in another namespace if it is free there (net/core/dev.c, __dev_change_net_namespace). */
function movedIndex(state: HostState, id: LinkId, netns: string): number {
  const index = findLink(state, id)?.ifIndex ?? 0;
  const isTaken = state.links.some((l) => l.netns === netns && l.ifIndex === index);
  return isTaken ? nextIndex(state, netns) : index;
}

/** The name of a link of the host's own namespace, with those of the links on it there, and on these. */
function withAllOn({ links }: HostState, name: string): Set<string> {
  const names = new Set([name]);
  for (let before = 0; before < names.size;) {
    before = names.size;
    for (const link of links) {
      if (link.parent !== "" && link.netns === "" && names.has(link.parent)) names.add(link.name);
    }
  }
  return names;
}

/** The links that go with others of their own namespace, which are not the host's. */
function withThoseOver(state: HostState, isGone: (l: LinkState) => boolean): Set<LinkState> {
  const over = state.links.filter((l) => l.over !== undefined);
  const gone = new Set<LinkState>();
  if (over.length === 0) return gone;
  const isBelowGone = ({ netns, over: name = "" }: LinkState): boolean => {
    const below = findLink(state, { netns, name });
    return below !== undefined && (isGone(below) || gone.has(below));
  };
  for (let before = -1; before < gone.size;) {
    before = gone.size;
    for (const link of over) if (!gone.has(link) && isBelowGone(link)) gone.add(link);
  }
  return gone;
}

function deleteLink(state: HostState, id: LinkId): HostState {
  const inHost = id.netns === "";
  const link = findLink(state, id);
  // the parent gets its own address back, which is not visible before (drivers/net/macvlan.c, macvlan_port_destroy)
  const lent =
    link?.settings["type.mode"] === "passthru" ? (link.details["parent_address"] ?? "") : undefined;
  const lost = inHost ? withAllOn(state, id.name) : new Set<string>();
  const isGone = (l: LinkState): boolean => sameLink(l, id) || (l.parent !== "" && lost.has(l.parent));
  const over = withThoseOver(state, isGone);
  const gone = (l: LinkState): boolean => isGone(l) || over.has(l);
  const change = (l: LinkState): LinkState => {
    if (
      lent !== undefined &&
      l.netns === "" &&
      l.name === link?.parent &&
      l.settings["link.address"] !== lent
    )
      return { ...l, settings: { ...l.settings, "link.address": lent } };
    if (!inHost || l.settings["link.master"] !== id.name || l.netns !== "") return l;
    return link?.kind === "bond"
      ? released(l)
      : { ...l, settings: { ...withoutPort(l.settings), "link.master": "" } };
  };
  const links: LinkState[] = [];
  for (const l of state.links) if (!gone(l)) links.push(change(l));
  return withLinks(state, links);
}

function renameLink(state: HostState, id: LinkId, name: string): HostState {
  return {
    ...state,
    links: state.links.map((l) => {
      if (sameLink(l, id)) return { ...l, name };
      if (id.netns !== "") return l.netns === id.netns && l.over === id.name ? { ...l, over: name } : l;
      const renamed = l.parent === id.name ? { ...l, parent: name } : l;
      return renamed.netns === "" && renamed.settings["link.master"] === id.name
        ? { ...renamed, settings: { ...renamed.settings, "link.master": name } }
        : renamed;
    }),
  };
}

function set(state: HostState, id: LinkId, key: SettingKey, value: string): HostState {
  const before = findLink(state, id);
  if (!before) return state;
  if (isOfPort(before.kind, key)) return setOnPort(state, before, key, value);
  const after = changeLink(state, id, (l) => ({ ...l, settings: { ...l.settings, [key]: value } }));
  switch (key) {
    case "link.master":
      return moveToMaster(after, before, value);
    case "link.mtu":
      // macvlan_device_event, NETDEV_CHANGEMTU: children's MTUs are lowered too, and never raised again;
      // ipvlan_device_event: they follow both ways
      return id.netns !== ""
        ? after
        : adjustMtu(
            takeAlong(
              before.kind === "bond" ? portsFollow(after, before, key, value) : after,
              id.name,
              value,
            ),
            before.settings["link.master"],
          );
    case "link.address": {
      const followed = before.kind === "bond" ? portsFollow(after, before, key, value) : after;
      // passthru shares one address with its parent, whichever of the two is set; ipvlans use their parent's
      const passthru = before.settings["type.mode"] === "passthru";
      const shares = (l: LinkState): boolean =>
        (passthru && l.netns === "" && l.name === before.parent) ||
        (id.netns === "" &&
          l.parent === id.name &&
          (l.settings["type.mode"] === "passthru" || portKindOf(l.kind) === "ipvlan"));
      return changeLinks(followed, shares, (l) => ({
        ...l,
        settings: { ...l.settings, "link.address": value },
      }));
    }
    case "type.mode":
    case "type.miimon":
    case "type.arp_interval":
      if (before.kind === "bond") {
        return changeLink(state, id, (l) => withBondOption(l, key, value));
      }
      // macvlan_changelink: leaving source mode flushes the list of addresses
      return key === "type.mode" && before.settings["type.mode"] === "source" && value !== "source"
        ? changeLink(after, id, (l) => ({ ...l, settings: { ...l.settings, "type.macaddr": "" } }))
        : after;
    case "type.vlan_default_pvid":
      return changeDefaultPvid(after, before, value);
    case "type.stp_state":
      // br_stp_start raises a forward delay that STP does not allow
      return value === "1" && Number(before.settings["type.forward_delay"]) < 200
        ? changeLink(after, id, (l) => ({ ...l, settings: { ...l.settings, "type.forward_delay": "200" } }))
        : after;
    default:
      return after;
  }
}

/** net/bridge/br_vlan.c, __br_vlan_set_default_pvid: the bridge's own VLANs and those of its ports follow. */
function changeDefaultPvid(after: HostState, bridge: LinkState, value: string): HostState {
  const old = bridge.settings["type.vlan_default_pvid"] ?? "0";
  const follow = (link: LinkState, key: SettingKey): LinkState => {
    const text = link.settings[key];
    const next = text === undefined ? undefined : withDefaultPvid(text, old, value);
    return next === undefined || next === text
      ? link
      : { ...link, settings: { ...link.settings, [key]: next } };
  };
  return {
    ...after,
    links: after.links.map((l) => {
      if (sameLink(l, bridge)) return follow(l, "self.vlans");
      const isPort = l.netns === bridge.netns && l.settings["link.master"] === bridge.name;
      return isPort ? follow(l, "port.vlans") : l;
    }),
  };
}

/** What a bridge gives a new port. */
function newPort({ settings }: LinkState): Settings {
  const pvid = settings["type.vlan_default_pvid"];
  return pvid === undefined ? PORT_DEFAULTS : { ...PORT_DEFAULTS, "port.vlans": defaultVlans(pvid) };
}

function moveToMaster(after: HostState, before: LinkState, value: string): HostState {
  const from = findLink(after, { name: before.settings["link.master"] ?? "", netns: "" });
  const to = findLink(after, { name: value, netns: "" });
  const moved = changeLink(after, before, (l) => ({
    ...l,
    settings: {
      ...withoutPort(l.settings),
      "link.master": value,
      ...(value === "" || to?.kind === "bond" ? {} : to ? newPort(to) : PORT_DEFAULTS),
    },
  }));
  const left = from?.kind === "bond" ? leaveBond(moved, before, from.name) : moved;
  const joined = to?.kind === "bond" ? joinBond(left, before, to) : left;
  return [from?.name ?? "", value].reduce(adjustMtu, joined);
}

function takeAlong(state: HostState, parent: string, mtu: string): HostState {
  const follows = (l: LinkState): boolean =>
    l.parent === parent && (portKindOf(l.kind) === "ipvlan" || Number(l.settings["link.mtu"]) > Number(mtu));
  return changeLinks(state, follows, (l) => ({ ...l, settings: { ...l.settings, "link.mtu": mtu } }));
}

/**
 * A bridge's MTU is that of its smallest port (net/bridge/br_if.c, br_mtu_auto_adjust), unless it was set by hand.
 * Whether it was cannot be observed, and setting it again does no harm.
 */
function adjustMtu(state: HostState, bridge = ""): HostState {
  const ports = state.links.filter((l) => l.netns === "" && l.settings["link.master"] === bridge);
  const mtu = ports.length === 0 ? 1500 : Math.min(...ports.map((l) => Number(l.settings["link.mtu"])));
  return changeLink(state, { name: bridge, netns: "" }, (l) =>
    l.kind === "bridge" ? { ...l, settings: { ...l.settings, "link.mtu": String(mtu) } } : l,
  );
}

function addAddress(link: LinkState, address: Address): LinkState {
  if (hasAddress(link, address)) return link;
  const added = { ...link, addresses: [...link.addresses, address] };
  return isIPv6Cidr(address.cidr)
    ? { ...added, tentative: [...(link.tentative ?? []), withoutPrefix(address.cidr)] }
    : added;
}

function deleteAddress(state: HostState, id: LinkId, address: Address): HostState {
  const link = findLink(state, id);
  if (!link) return state;
  if (isLinkLocal(address.cidr)) {
    const isLeft = ({ cidr }: Address): boolean => cidr !== address.cidr;
    return changeLink(state, id, (l) => ({
      ...l,
      addresses: l.addresses.filter(isLeft),
      ...(l.otherAddresses ? { otherAddresses: l.otherAddresses.filter(isLeft) } : {}),
    }));
  }
  const index = link.addresses.findIndex((a) => a.cidr === address.cidr);
  if (index < 0) return state;
  const subnet = subnetOf(address.cidr);
  const primary = link.addresses.findIndex((a) => subnetOf(a.cidr) === subnet) === index;
  // net/ipv4/devinet.c, __inet_del_ifa: without promote_secondaries, secondaries are removed with their primary
  const takesAll = primary && !isIPv6Cidr(address.cidr);
  const stays = link.addresses.filter((a, i) => i !== index && !(takesAll && subnetOf(a.cidr) === subnet));
  const lost = link.addresses.filter((a) => !stays.includes(a)).map((a) => withoutPrefix(a.cidr));
  // net/ipv4/fib_frontend.c, fib_inetaddr_event: all IPv4 routes of the link are removed with its last IPv4 address
  const emptied = !isIPv6Cidr(address.cidr) && stays.every((a) => isIPv6Cidr(a.cidr));
  const isLocal = (ip: string): boolean =>
    stays.some((a) => isOfIp(a.cidr, ip)) ||
    state.links.some(
      (l) =>
        l.netns === id.netns &&
        l !== link &&
        l.addresses.some((a) => isOfIp(a.cidr, ip)) &&
        // an IPv6 address that duplicate detection is not finished with does not count (net/ipv6/addrconf.c, ipv6_chk_addr)
        l.tentative?.includes(ip) !== true,
    );
  const hasLostSource = ({ source }: Route): boolean =>
    source !== undefined && lost.includes(source) && !isLocal(source);
  // net/ipv6/route.c, fib6_remove_prefsrc: an IPv6 route stays, without its source
  const withoutLostSource = (route: Route): Route => {
    if (!isIPv6Cidr(route.to) || !hasLostSource(route)) return route;
    const { source, ...rest } = route;
    return rest;
  };
  const orphaned = (l: LinkState, r: Route): boolean =>
    (emptied && l === link && !isIPv6Cidr(r.to)) || (!isIPv6Cidr(r.to) && hasLostSource(r));
  return {
    ...state,
    links: state.links.map((l) => {
      if (l.netns !== id.netns || (l !== link && l.routes.length === 0)) return l;
      const addresses = l === link ? stays : l.addresses;
      const routes = l.routes.filter((r) => !orphaned(l, r)).map(withoutLostSource);
      const isSame = routes.length === l.routes.length && routes.every((r, i) => r === l.routes[i]);
      return addresses === l.addresses && isSame ? l : { ...l, addresses, routes };
    }),
  };
}

function addRoute(state: HostState, id: LinkId, route: Route, replace: boolean): HostState {
  return {
    ...state,
    links: state.links.map((l) => {
      if (l.netns !== id.netns) return l;
      const left = replace ? withoutRoute(l, (r) => sameRouteKey(r, route)) : l;
      return sameLink(l, id) ? { ...left, routes: [...left.routes, route] } : left;
    }),
  };
}

/** A port's settings after it has left its bridge. */
export function withoutPort(settings: Settings): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([key]) => !key.startsWith("port.")));
}
