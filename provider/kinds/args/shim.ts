import type { LinkArgs, LinkOutputs, RouteArgs } from "./link";

export interface ShimArgs extends LinkArgs {
  /** The link that the children sit on, by its name. */
  parent: string;
  /** In `bridge`, children and shim talk directly. Default: `bridge`. */
  mode?: "bridge" | "vepa";
  /** The children that the host reaches through the shim. A string is a destination: `192.0.2.10/32`. */
  routes?: (string | RouteArgs)[];
  /**
   * `exclusive` (default): on the LAN only the parent answers ARP for the host's own addresses, and the children
   * still hear the shim (arp_filter on the shim). `kernel`: the sysctls are left alone.
   */
  arp?: "exclusive" | "kernel";
  /** How many MAC addresses the parent may carry, its own among them; a shim that makes it more is refused. */
  maxMacs?: number;
}

export interface ShimOutputs extends LinkOutputs {
  /** The link below. */
  parent: string;
  /** As `ip -d link` shows it. */
  mode: "bridge" | "vepa";
  /** The static routes through the shim. */
  routes: RouteArgs[];
  /** MAC address of the link below. */
  parentMacAddress: string;
  /** How many MAC addresses the parent carries to its switch: its own and its macvlans', as far as can be seen. */
  parentMacs: number;
}
