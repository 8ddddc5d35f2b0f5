import type { LinkArgs, LinkOutputs, RouteArgs } from "./link";

export interface ShimArgs extends LinkArgs {
  /** The link that the children are on, by its name. */
  parent: string;
  /** With `bridge`, children and shim talk directly. Default: `bridge`. */
  mode?: "bridge" | "vepa";
  /** The children that the host reaches through the shim. A string is a destination: `192.0.2.10/32`. */
  routes?: (string | RouteArgs)[];
  /**
   * `exclusive` (default): on the LAN only the parent answers ARP for the host's own addresses; the children still
   * get answers from the shim (arp_filter on the shim). `kernel`: the sysctls are left alone.
   */
  arp?: "exclusive" | "kernel";
  /**
   * How many MAC addresses the parent may have in all, its own included. A shim that exceeds it is refused at
   * preview.
   */
  maxMacs?: number;
}

export interface ShimOutputs extends LinkOutputs {
  /** The link below. */
  parent: string;
  /** As `ip -d link` shows it. */
  mode: "bridge" | "vepa";
  /** As given, or the default. */
  arp: "exclusive" | "kernel";
  /** The static routes through the shim. */
  routes: RouteArgs[];
  /** MAC address of the link below. */
  parentMacAddress: string;
  /**
   * How many MAC addresses the parent has towards its switch: its own and those of its macvlans, in whatever namespace.
   */
  parentMacs: number;
}
