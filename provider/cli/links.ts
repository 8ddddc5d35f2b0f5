/** What commands tell of links beyond what the host itself says. Pure. */
import type { LinkState } from "../model/host";

/** The host's own macvlan with routes to links: what a person makes to reach the others. */
export function isHostShim(link: LinkState): boolean {
  const mode = link.settings["type.mode"] ?? "";
  const isHosts = link.kind === "macvlan" && link.netns === "" && ["bridge", "vepa"].includes(mode);
  return isHosts && link.routes.some((route) => route.via === undefined);
}

/** Links that sit on a parent and have a MAC address or addresses of their own. */
export function isChild(link: LinkState): boolean {
  return /^(?:macvlan|macvtap|ipvlan|ipvtap)$/.test(link.kind);
}
