/**
 * The sysctls of a link. If its MTU is too small for a protocol, the kernel removes the protocol's addresses, routes
 * and sysctls from the link (net/ipv6/addrconf.c and net/ipv4/devinet.c, NETDEV_CHANGEMTU); with `ipv6.disable=1` no
 * link has IPv6.
 */
import { isIPv6Cidr } from "../../model/addresses";
import {
  type HostState,
  type LinkState,
  type SettingKey,
  type Settings,
  differingLinks,
  linkKey,
} from "../../model/host";
import { SYSCTL_DEFAULTS } from "./defaults";

/** RFC 8200, 5 */
export const IPV6_MIN_MTU = 1280;

const IPV6_SYSCTL = "sysctl.ipv6.";

export function isSysctl(key: SettingKey): boolean {
  return key.startsWith("sysctl.");
}

/** Whether the kernel has IPv6 at all: then at least lo has its sysctls. */
export function hasIPv6(state: HostState): boolean {
  return state.links.length === 0 || state.links.some((l) => Object.keys(l.settings).some(isIPv6Sysctl));
}

/** The sysctls of a link that is new, or gets IPv6 again, with this MTU. */
export function initialSysctls(state: HostState, mtu: string | undefined): Settings {
  if (isLarge(mtu) && hasIPv6(state)) return SYSCTL_DEFAULTS;
  return withoutIPv6Sysctls(SYSCTL_DEFAULTS);
}

/**
 * The host after links changed their MTUs: links that are now too small have lost IPv6, and others have regained it.
 */
export function withIPv6ByMtu(before: HostState, after: HostState): HostState {
  const changed = differingLinks(before.links, after.links);
  // a shortcut: most steps change no MTU, and some hosts have thousands of links
  const was = new Map(changed.before.map((l) => [linkKey(l), l.settings["link.mtu"]]));
  const isCrossing = (l: LinkState): boolean =>
    was.has(linkKey(l)) && isLarge(was.get(linkKey(l))) !== isLarge(l.settings["link.mtu"]);
  const crossing = new Set(changed.after.filter(isCrossing));
  if (crossing.size === 0) return after;
  const links = after.links.map((link) => {
    if (!crossing.has(link)) return link;
    const mtu = link.settings["link.mtu"];
    return isLarge(mtu)
      ? { ...link, settings: { ...initialSysctls(before, mtu), ...link.settings } }
      : withoutIPv6(link);
  });
  return { ...after, links };
}

function withoutIPv6(link: LinkState): LinkState {
  return {
    ...link,
    settings: withoutIPv6Sysctls(link.settings),
    addresses: link.addresses.filter((a) => !isIPv6Cidr(a.cidr)),
    routes: link.routes.filter((r) => !isIPv6Cidr(r.to)),
  };
}

function withoutIPv6Sysctls(settings: Settings): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([key]) => !isIPv6Sysctl(key)));
}

function isIPv6Sysctl(key: string): boolean {
  return key.startsWith(IPV6_SYSCTL);
}

/** An unknown MTU is taken for a usual one. */
function isLarge(mtu: string | undefined): boolean {
  return mtu === undefined || mtu === "" || Number(mtu) >= IPV6_MIN_MTU;
}
