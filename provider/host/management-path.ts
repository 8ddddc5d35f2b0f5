/** The links through which a host is reached, from the output of `client.sh`. */
import { canonicalIp, containsIp, prefixOf } from "../model/addresses";
import type { LinkState } from "../model/host";
import type { Holder, ManagementPath } from "../model/observation";
import { linksBelow } from "../plan/management-path";

/** Kinds of links whose packets travel inside others, on a path that the link does not show. */
const TUNNEL =
  /^(?:wireguard|tun|tap|ip6?gre|gre|gretap|ip6gretap|ipip|sit|ip6tnl|vti6?|xfrm|vxlan|geneve|l2tp|ppp)$/;

/**
 * If the whole path cannot be determined (a tunnel, a host that jumps through itself, address translation), any link
 * that is up may be part of it. One confirmation too many costs a second, one too few a walk to the console.
 *
 * @param client what `pm_client` printed
 * @param addresses all addresses of the host's own namespace
 * @param routes all of its routes
 */
export function parseManagementPath(
  client: string,
  links: readonly LinkState[],
  addresses: readonly Holder[],
  routes: readonly Holder[],
): ManagementPath {
  const [from = "", , to = ""] = client.trim().split(" ");
  const [ip, zone] = splitZone(from);
  const [server] = splitZone(to);
  const linkWith = (address: string): string | undefined =>
    addresses.find(({ cidr }) => cidr.startsWith(`${address}/`))?.link;
  // each destination once: every link of a subnet has a route to it
  const destinations = [...new Set(routes.map(({ cidr }) => cidr))];
  const leadBack = new Set(destinations.filter((cidr) => containsIp(cidr, ip)));
  const back = routes.filter(({ cidr }) => leadBack.has(cidr));
  const prefix = Math.max(0, ...back.map(({ cidr }) => prefixOf(cidr)));
  const leading = back.filter(({ cidr }) => prefixOf(cidr) === prefix).map(({ link }) => link);
  const holder = linkWith(server) ?? zone;
  const carriers = linksBelow(links, holder === undefined ? [] : [holder, ...leading]);
  const tunnels = new Set(links.flatMap((l) => (l.netns === "" && TUNNEL.test(l.kind) ? [l.name] : [])));
  const isCertain =
    linkWith(ip) === undefined &&
    carriers.some((name) => name !== "lo") &&
    !carriers.some((name) => tunnels.has(name));
  const up = links.filter((l) => l.netns === "" && l.name !== "lo" && l.up).map((l) => l.name);
  return { client: ip, links: isCertain ? carriers : up, prefix };
}

/** `fe80::1%eth0` → its address in canonical form, and its link. */
function splitZone(text: string): [ip: string, zone: string | undefined] {
  const [ip = "", zone] = text.split("%");
  return [canonicalIp(ip) ?? "", zone];
}
