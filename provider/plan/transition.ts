/**
 * The ordered steps from the observed to the desired state. Pure.
 *
 * The order keeps traffic flowing while addresses move between links: additions come before removals, and a link gets its
 * addresses before it comes up, so that the kernel announces them.
 */
import { isIPv6Cidr, withoutPrefix } from "../model/addresses";
import {
  type HostState,
  type LinkId,
  type LinkState,
  type Route,
  type SettingKey,
  type Settings,
  type Desired,
  type DesiredLink,
  type DesiredSetting,
  findLink,
  portKindOf,
  recordOf,
  sameLink,
} from "../model/host";
import { type Owner, type OwnerMark, isOwn, sameMark } from "../model/owner";
import type { Step } from "../model/steps";
import { bootStep } from "./boot";
import { formerLink, sameRecord } from "./differences";
import { presentLinks } from "./disruption";
import { PRIMARY, bondNeeds, portsOf } from "./kernel/bond";
import { allRoutes, sameRoute, sameRouteKey } from "./kernel/routes";
import { isSysctl } from "./kernel/sysctls";
import { hasAddress, hasUsableAddress, simulate } from "./kernel/simulate";

/** What differs between kernels, as far as steps depend on it. */
export interface KernelTraits {
  /** A link can be renamed while it is up (Linux 6.2, commit bd039b5ea2a9). */
  readonly liveRename: boolean;
  /** Links of a group can be deleted at once (Linux 4.1, net/core/rtnetlink.c, rtnl_group_dellink). */
  readonly deletesGroups: boolean;
  /** The kernel defaults of a new link, by iproute2's word for its kind. */
  readonly newLink: (kind: string) => Settings;
}

/** A walk through the model: each step is kept, and the state follows it. */
interface Walk {
  state: HostState;
  readonly steps: Step[];
  take(step: Step): void;
}

function walkFrom(state: HostState): Walk {
  const steps: Step[] = [];
  return {
    state,
    steps,
    take(step) {
      steps.push(step);
      this.state = simulate(this.state, step);
    },
  };
}

/** `explicit`: desired values are set even if the model has them already. */
export function transition(
  state: HostState,
  desired: Desired,
  kernel: KernelTraits,
  explicit = false,
): Step[] {
  return walkTo(state, desired, kernel, explicit).steps;
}

/** The same steps, with the host after them. */
export function walkTo(
  state: HostState,
  desired: Desired,
  kernel: KernelTraits,
  explicit = false,
): { readonly steps: Step[]; readonly state: HostState } {
  const walk = walkFrom(state);
  const present = presentLinks(state, desired, explicit);
  // first: if its files cannot be written, no link is touched, and after a power cut the host boots to the old or the
  // new state
  const files = bootStep(state, desired);
  if (files) walk.take(files);
  prepareNetns(walk, desired);
  if (!explicit) displace(walk, desired, kernel);
  bring(walk, present, desired, kernel, state, explicit);
  for (const link of desired.links) if (!link.exists) removeLink(walk, link, desired, kernel);
  keepRecord(walk, desired);
  removeNetns(walk, state, desired);
  return walk;
}

/** Other links of the stack give up what the resource gets. A renamed one keeps its record: its resource finds it by that. */
function displace(walk: Walk, { displaced = [], ...desired }: Desired, kernel: KernelTraits): void {
  if (displaced.length === 0) return;
  const before = walk.state;
  const records = displaced.flatMap(({ previous, name }) => {
    const record = previous && recordOf(before, previous);
    if (!record) return [];
    const restore = record.restore.map((l) => (sameLink(l, previous) ? { ...l, name } : l));
    return [{ ...record, name, restore }];
  });
  const present = displaced.filter(({ exists }) => exists);
  bring(walk, present, { ...desired, links: displaced }, kernel, before, false);
  for (const { ifIndex: _, ...record } of records) walk.take({ do: "record", record });
  for (const link of displaced) if (!link.exists) removeLink(walk, link, desired, kernel);
}

/** The steps by which links that exist, or are made, become as desired. */
function bring(
  walk: Walk,
  present: readonly DesiredLink[],
  desired: Desired,
  kernel: KernelTraits,
  state: HostState,
  explicit: boolean,
): void {
  for (const link of present) placeLink(walk, link, desired, kernel);
  for (const link of present) makeRoom(walk, link);
  for (const link of present)
    changeSettings(walk, link, (key, value) => !isLate(key) && !startsFilter(key, value), explicit);
  for (const link of present) setNewSysctls(walk, link, state);
  for (const link of present) yieldAddresses(walk, link, present);
  for (const link of present) addAddresses(walk, link);
  for (const link of present) raiseOrLower(walk, link, explicit);
  // an address that moves between links is removed from the old one only when the new one has it, with its routes
  for (const link of present) addRoutes(walk, link, desired);
  for (const link of present) removeAddresses(walk, link);
  for (const link of present) removeRoutes(walk, link);
  // restores what the kernel removed or changed along with the above
  for (const link of present)
    changeSettings(walk, link, (key) => key === "link.mtu" || key === "link.address");
  for (const link of present) addAddresses(walk, link);
  for (const link of present) addRoutes(walk, link, desired);
  for (const link of present) changeSettings(walk, link, isLate, explicit);
  for (const link of present) changeSettings(walk, link, startsFilter, explicit);
}

export function isOfPort(key: SettingKey): boolean {
  return key.startsWith("port.");
}

/** Settings that can be set only after the ports have joined. */
function isLate(key: SettingKey): boolean {
  return isOfPort(key) || key === PRIMARY;
}

/** A bridge filters when it and its ports have their VLANs: until then it would drop what they are to let through. */
function startsFilter(key: SettingKey, value: string): boolean {
  return key === "type.vlan_filtering" && value === "1";
}

/** Takes a bond down and its ports out, if its changes require that. */
function makeRoom(walk: Walk, link: DesiredLink): void {
  const current = findLink(walk.state, link);
  if (current?.kind !== "bond") return;
  const { down, noPorts } = bondNeeds(current, link.settings);
  if (down && current.up) walk.take({ do: "down", link: idOf(link) });
  for (const port of noPorts ? portsOf(walk.state, link.name) : []) {
    walk.take({ do: "set", link: idOf(port), kind: port.kind, key: "link.master", value: "" });
  }
}

function placeLink(walk: Walk, link: DesiredLink, owner: Owner, kernel: KernelTraits): void {
  let current = findLink(walk.state, link);
  const former = formerLink(walk.state, link);
  if (former && link.previous) {
    if (current) {
      // both places are taken: this resource's link under its new name is kept, the other one is deleted
      removeLink(walk, link.previous, owner, kernel);
    } else if (!mustBeReplaced(former, link)) {
      // first, so that its undo comes last: a record is written for an existing link
      forget(walk, link.previous, owner);
      bringHere(walk, former, link, kernel);
      current = findLink(walk.state, link);
    } else {
      removeLink(walk, link.previous, owner, kernel);
    }
  }
  if (current && mustBeReplaced(current, link)) {
    walk.take(deletion(walk.state, link, kernel));
    current = undefined;
  }
  if (!current && link.kind !== undefined) {
    const initial = link.initial ?? [];
    const given = [...initial, ...link.settings].filter((s) => isGivenAtCreation(s.key));
    walk.take({
      do: "addLink",
      link: idOf(link),
      kind: link.kind,
      parent: link.parent ?? "",
      settings: Object.fromEntries(given.map((s) => [s.key, s.value])),
      defaults: kernel.newLink(link.kind),
    });
    const later = initial.filter((s) => !isGivenAtCreation(s.key));
    changeSettings(walk, { ...link, settings: later }, () => true);
  }
}

/** Whether no live change leads from `current` to the desired link (another parent, or to or from passthru). */
export function mustBeReplaced(current: LinkState, desired: DesiredLink): boolean {
  if (desired.kind === undefined) return false;
  if (desired.kind !== current.kind) return true;
  if (desired.parent !== undefined && desired.parent !== current.parent) return true;
  return desired.settings.some((s) => crossesFixed(s, current.settings[s.key] ?? ""));
}

function crossesFixed(setting: DesiredSetting, from: string): boolean {
  if (setting.fixed === undefined || setting.value === from) return false;
  return setting.fixed.some((v) => v === "*" || v === setting.value || v === from);
}

/** `ip link add` takes these directly. It would ignore the alias, and lists come after the mode. */
function isGivenAtCreation(key: SettingKey): boolean {
  return (
    key === "link.address" ||
    key === "link.mtu" ||
    key === "link.txqueuelen" ||
    (key.startsWith("type.") && key !== "type.macaddr" && key !== PRIMARY && key !== "type.vlan_filtering")
  );
}

function bringHere(walk: Walk, from: LinkState, to: LinkId, kernel: KernelTraits): void {
  let at = idOf(from);
  const move = (): void => {
    if (at.netns === to.netns) return;
    walk.take({ do: "moveLink", link: at, netns: to.netns });
    at = { ...at, netns: to.netns };
  };
  const rename = (): void => {
    if (at.name === to.name) return;
    const isUp = findLink(walk.state, at)?.up === true;
    if (isUp && !kernel.liveRename) walk.take({ do: "down", link: at });
    walk.take({ do: "renameLink", link: at, name: to.name });
    at = { ...at, name: to.name };
  };
  // on the way it must not have the place of another link
  if (findLink(walk.state, { name: at.name, netns: to.netns }) && at.netns !== to.netns) {
    rename();
    move();
  } else {
    move();
    rename();
  }
}

function changeSettings(
  walk: Walk,
  link: DesiredLink,
  which: (key: SettingKey, value: string) => boolean,
  explicit = false,
): void {
  for (const setting of inOrder(link.settings)) {
    const current = findLink(walk.state, link);
    if (!current || !which(setting.key, setting.value)) continue;
    // what a link does not have is as good as empty: an option of another mode of a bond
    if (!explicit && (current.settings[setting.key] ?? "") === setting.value) continue;
    const isOptional = isSysctl(setting.key) || current.kind === "bond";
    if (!explicit && isOptional && current.settings[setting.key] === undefined) continue;
    // settings that never change are given when the link is made
    if (setting.fixed?.includes("*") === true) continue;
    if (setting.key === "link.master") closeForBond(walk, current, setting.value, explicit);
    const mode = setting.key === "type.flags" ? current.settings["type.mode"] : undefined;
    const bridge = isOfPort(setting.key) ? current.settings["link.master"] : undefined;
    // at boot the VLANs of an existing bridge are unknown
    const isKept = setting.key.endsWith("-qos-map") || (setting.key.endsWith(".vlans") && !explicit);
    const was = isKept ? current.settings[setting.key] : undefined;
    walk.take({
      do: "set",
      link: idOf(link),
      kind: current.kind,
      key: setting.key,
      value: setting.value,
      ...(mode === undefined ? {} : { mode }),
      ...(bridge === undefined ? {} : { bridge }),
      ...(was === undefined ? {} : { was }),
    });
  }
}

/** A link that has regained IPv6, because its MTU allows it again, has the kernel defaults, as when it was made. */
function setNewSysctls(walk: Walk, link: DesiredLink, before: HostState): void {
  const previous = findLink(before, link);
  if (!previous) return;
  const isNew = (key: SettingKey): boolean => isSysctl(key) && previous.settings[key] === undefined;
  changeSettings(walk, { ...link, settings: link.initial ?? [] }, isNew);
}

/** A bond accepts no link that is up (bond_main.c, bond_enslave), and opens it itself. */
function closeForBond(walk: Walk, port: LinkState, master: string, explicit: boolean): void {
  const isBond = findLink(walk.state, { name: master, netns: "" })?.kind === "bond";
  if (isBond && (explicit || port.up)) walk.take({ do: "down", link: idOf(port) });
}

/**
 * STP is switched off before the timers are set and on after them, as it limits the forward delay
 * (net/bridge/br_stp.c).
 */
function inOrder(settings: readonly DesiredSetting[]): DesiredSetting[] {
  const isFirst = (s: DesiredSetting): boolean => s.key === "type.stp_state" && s.value === "0";
  return [...settings.filter(isFirst), ...settings.filter((s) => !isFirst(s))];
}

/**
 * An address that moves between ipvlans of the same parent is removed first: the parent's port has each address once
 * (drivers/net/ipvlan/ipvlan_main.c, ipvlan_addr4_validator_event).
 */
function yieldAddresses(walk: Walk, link: DesiredLink, present: readonly DesiredLink[]): void {
  const current = findLink(walk.state, link);
  if (!current || !link.addresses || portKindOf(current.kind) !== "ipvlan") return;
  const keeps = new Set(link.addresses.map((a) => withoutPrefix(a.cidr)));
  const siblings = present.filter(
    (l) => !sameLink(l, link) && findLink(walk.state, l)?.parent === current.parent,
  );
  const taken = new Set(siblings.flatMap((l) => (l.addresses ?? []).map((a) => withoutPrefix(a.cidr))));
  for (const address of current.addresses) {
    const ip = withoutPrefix(address.cidr);
    if (taken.has(ip) && !keeps.has(ip)) walk.take({ do: "deleteAddress", link: idOf(link), address });
  }
}

function addAddresses(walk: Walk, link: DesiredLink): void {
  let added = false;
  for (const address of link.addresses ?? []) {
    const current = findLink(walk.state, link);
    if (!current || hasUsableAddress(current, address)) continue;
    // the kernel tries a duplicate again only after it has been removed; and IPv6 identifies an address without its
    // prefix length, so the old form is removed first
    const duplicate = current.addresses.find(
      (a) => isIPv6Cidr(a.cidr) && withoutPrefix(a.cidr) === withoutPrefix(address.cidr),
    );
    if (duplicate) walk.take({ do: "deleteAddress", link: idOf(link), address: duplicate });
    walk.take({ do: "addAddress", link: idOf(link), address });
    added = true;
  }
  const current = findLink(walk.state, link);
  if (!added || !current?.up || current.settings["sysctl.ipv4.arp_notify"] !== "1") return;
  // an ipvlan uses its parent's MAC address (drivers/net/ipvlan/ipvlan_main.c) and announces itself when it comes up
  if (portKindOf(current.kind) === "ipvlan") return;
  const macAddress = current.settings["link.address"];
  // a link that is already up does not announce its new addresses to the neighbours by itself
  if (macAddress) walk.take({ do: "announce", link: idOf(link), macAddress });
}

function removeAddresses(walk: Walk, link: DesiredLink): void {
  const desired = link.addresses;
  if (!desired) return;
  for (const address of findLink(walk.state, link)?.addresses ?? []) {
    const current = findLink(walk.state, link);
    if (!current || !hasAddress(current, address) || desired.some((a) => a.cidr === address.cidr)) continue;
    walk.take({ do: "deleteAddress", link: idOf(link), address });
  }
}

function raiseOrLower(walk: Walk, link: DesiredLink, explicit: boolean): void {
  const current = findLink(walk.state, link);
  if (!current || link.up === undefined || (!explicit && link.up === current.up)) return;
  walk.take({ do: link.up ? "up" : "down", link: idOf(link) });
  // going down removes the IPv6 addresses, but a link that is down can be given them
  addAddresses(walk, link);
}

function addRoutes(walk: Walk, link: DesiredLink, desired: Desired): void {
  for (const route of link.routes ?? []) {
    const current = findLink(walk.state, link);
    if (!current?.up || current.routes.some((r) => sameRoute(r, route))) continue;
    walk.take({
      do: "addRoute",
      link: idOf(link),
      route,
      replace: takesPlace(walk.state, desired, link, route),
    });
  }
}

/**
 * Whether the route of this key now leads through a link of this plan: another link, from which it moves, or the link
 * itself, if the route has other attributes.
 */
function takesPlace(state: HostState, desired: Desired, link: DesiredLink, route: Route): boolean {
  return desired.links
    .filter((l) => l.netns === link.netns)
    .flatMap((l) => findLink(state, l) ?? [])
    .some((l) => allRoutes(l).some((r) => sameRouteKey(r, route)));
}

function removeRoutes(walk: Walk, link: DesiredLink): void {
  const desired = link.routes;
  if (!desired) return;
  const routes = findLink(walk.state, link)?.routes ?? [];
  // one that has lost its source along with an address is replaced, not deleted
  const missing = desired.filter((r) => !routes.some((have) => sameRoute(r, have)));
  for (const route of routes) {
    if (desired.some((r) => sameRoute(r, route)) || missing.some((r) => sameRouteKey(r, route))) continue;
    walk.take({ do: "deleteRoute", link: idOf(link), route });
  }
}

function removeLink(walk: Walk, link: LinkId, owner: Owner, kernel: KernelTraits): void {
  if (findLink(walk.state, link)) walk.take(deletion(walk.state, link, kernel));
  forget(walk, link, owner);
}

/** The deletion of a link, by its present group if others can be deleted with it. */
export function deletion(state: HostState, link: LinkId, { deletesGroups }: KernelTraits): Step {
  const group = findLink(state, link)?.details["group"] ?? "0";
  return { do: "deleteLink", link: idOf(link), ...(deletesGroups ? { group } : {}) };
}

function forget(walk: Walk, link: LinkId, owner: Owner): void {
  const ours = walk.state.records.some((r) => sameLink(r, link) && isOwn(r, owner));
  if (ours) walk.take({ do: "forget", link: idOf(link) });
}

function keepRecord(walk: Walk, desired: Desired): void {
  for (const { previous } of desired.links) {
    if (!previous || desired.links.some((l) => sameLink(l, previous))) continue;
    forget(walk, previous, desired);
  }
  for (const link of desired.forgets ?? []) forget(walk, link, desired);
  const record = desired.record;
  if (!record) return;
  const current = recordOf(walk.state, record);
  if (!current || !sameRecord(current, record)) walk.take({ do: "record", record });
}

/** The owner of a new namespace: the link's stack, without a making, as several links may share the namespace. */
function netnsMark({ owner, record }: Desired): OwnerMark {
  const { owner: name, stack } = record ?? { owner };
  return { owner: name, ...(stack === undefined ? {} : { stack }) };
}

/**
 * Makes the link's namespace. If the stack made it earlier, its mark is brought up to date along with a change: the
 * stack may have lost its state, or changed its name.
 */
function prepareNetns(walk: Walk, desired: Desired): void {
  const { netns: name, stack } = desired;
  if (name === "") return;
  const mark = netnsMark(desired);
  const present = walk.state.netns.find((n) => n.name === name);
  if (!present) {
    walk.take({ do: "addNetns", name, mark });
    return;
  }
  if (stack?.making === undefined || present.mark === undefined) return;
  if (isOwn(present.mark, desired) && !sameMark(present.mark, mark))
    walk.take({ do: "recordNetns", name, mark });
}

/** A namespace that this stack made is deleted with the last link in it. */
function removeNetns(walk: Walk, before: HostState, desired: Desired): void {
  const left = new Set(
    [
      ...desired.links.flatMap((l) => (l.exists ? [l.previous?.netns ?? ""] : [l.netns])),
      ...(desired.leaves ?? []),
    ].filter((n) => n !== ""),
  );
  for (const name of left) {
    if (name === desired.netns || desired.keeps?.includes(name) === true) continue;
    const { mark } = before.netns.find((n) => n.name === name) ?? {};
    const made = mark !== undefined && isOwn(mark, desired);
    const inUse = walk.state.links.some((l) => l.netns === name && !isBuiltIn(l));
    if (made && !inUse) walk.take({ do: "deleteNetns", name });
  }
}

/** Links that every new namespace has: lo, and fallback tunnels if their modules are loaded. `prelude.sh` has the same. */
export const BUILT_IN_LINKS: readonly string[] = [
  ...["lo", "tunl0", "sit0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "ip6tnl0", "ip6gre0"],
];

function isBuiltIn(link: LinkState): boolean {
  return BUILT_IN_LINKS.includes(link.name);
}

export function idOf(link: LinkId): LinkId {
  return { name: link.name, netns: link.netns };
}
