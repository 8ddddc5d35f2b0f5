/** Classifies links for the commands. Pure. */
import type { LinkState } from "../model/host";

/** A macvlan of the host's own namespace with link routes: a hand-made shim. */
export function isHostShim(link: LinkState): boolean {
  const mode = link.settings["type.mode"] ?? "";
  const isHosts = link.kind === "macvlan" && link.netns === "" && ["bridge", "vepa"].includes(mode);
  return isHosts && link.routes.some((route) => route.via === undefined);
}

/** Links on a parent with a MAC address or IP addresses of their own. */
export function isChild(link: LinkState): boolean {
  return /^(?:macvlan|macvtap|ipvlan|ipvtap)$/.test(link.kind);
}
