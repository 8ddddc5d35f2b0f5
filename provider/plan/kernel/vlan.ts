/**
 * VLAN propagation: how VLANs, and links on them, follow the link below (net/8021q/vlan.c, vlan_device_event). A VLAN
 * on a VLAN follows in turn, and macvlans follow a VLAN like any other parent. Pure.
 */
import { isIPv6Cidr } from "../../model/addresses";
import type { Address, HostState, LinkState } from "../../model/host";
import { withoutRoutes } from "./routes";

/** The host after a step whose effect on VLANs has not been simulated, with that effect. Links keep their names. */
export function propagateToVlans(before: HostState, after: HostState): HostState {
  let [was, now] = [before, after];
  for (;;) {
    const next = followOnce(was, now);
    if (next === now) return now;
    [was, now] = [now, next];
  }
}

/** A parent before and after; undefined if it is gone. */
type Change = readonly [was: LinkState, now: LinkState | undefined];

function followOnce(before: HostState, after: HostState): HostState {
  const stayed = new Set(after.links);
  const ofHost = new Map(after.links.filter((l) => l.netns === "").map((l) => [l.name, l]));
  const changed = new Map<string, Change>(
    before.links
      .filter((l) => l.netns === "" && !stayed.has(l))
      .map((was) => [was.name, [was, ofHost.get(was.name)]]),
  );
  if (changed.size === 0) return after;
  const followed = after.links.map((link) => {
    const change = changed.get(link.parent);
    return change ? follow(link, change) : link;
  });
  const isSame = followed.every((link, i) => link === after.links[i]);
  return isSame ? after : { ...after, links: followed.filter((link) => link !== undefined) };
}

function follow(link: LinkState, [was, now]: Change): LinkState | undefined {
  if (!now) return undefined;
  const lowered = lower(link, now.settings["link.mtu"]);
  if (link.kind !== "vlan") return lowered;
  return bindTo(inherit(lowered, was, now), was, now);
}

function lower(link: LinkState, mtu = ""): LinkState {
  return Number(link.settings["link.mtu"]) > Number(mtu)
    ? { ...link, settings: { ...link.settings, "link.mtu": mtu } }
    : link;
}

/** An address that was never set is that of the link below (vlan_sync_address); an equal one is taken for that. */
function inherit(link: LinkState, was: LinkState, now: LinkState): LinkState {
  const [from = "", to = ""] = [was.settings["link.address"], now.settings["link.address"]];
  return from !== to && link.settings["link.address"] === from
    ? { ...link, settings: { ...link.settings, "link.address": to } }
    : link;
}

function bindTo(link: LinkState, was: LinkState, now: LinkState): LinkState {
  if (was.up === now.up || link.up === now.up || link.settings["type.loose_binding"] === "on") return link;
  return now.up ? { ...link, up: true } : setDown(link);
}

/** net/ipv6/addrconf.c, addrconf_ifdown: IPv6 addresses are removed, unless keep_addr_on_down is set; IPv4 ones stay */
export function setDown(link: LinkState): LinkState {
  const isLeft = ({ cidr }: Address): boolean => !isIPv6Cidr(cidr);
  return {
    ...withoutRoutes(link),
    up: false,
    addresses: link.addresses.filter(isLeft),
    ...(link.otherAddresses ? { otherAddresses: link.otherAddresses.filter(isLeft) } : {}),
  };
}
