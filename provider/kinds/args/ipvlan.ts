import type { LinkArgs, LinkOutputs, RouteArgs } from "./link";

/**
 * How an ipvlan handles frames before the parent sends them (ip-link(8), ipvlan): `l2` as a switch, `l3` and `l3s`
 * as a router.
 */
export type IpvlanMode = "l2" | "l3" | "l3s";

/** How the ipvlans of one parent see each other (ip-link(8), ipvlan). */
export type IpvlanFlag = "bridge" | "private" | "vepa";

export interface IpvlanArgs extends Omit<LinkArgs, "macAddress"> {
  /** The link below, by its name. It may be a Wi-Fi link. */
  parent: string;
  /**
   * `l2`: the links are on the parent's LAN. `l3`: they are behind their host, and the LAN needs a route to them.
   * `l3s`: the same, through the host's netfilter (docs/modes.md). All ipvlans of a parent have the same mode.
   * Default: `l2`.
   */
  mode?: IpvlanMode;
  /**
   * How the ipvlans of the parent reach each other: directly (`bridge`), never (`private`), or through the network
   * outside (`vepa`). All ipvlans of a parent have the same flag. Default: `bridge`.
   */
  flag?: IpvlanFlag;
  /**
   * A named namespace of the host for the link. It is made if it is missing, and then removed together with the
   * link.
   */
  netns?: string;
  /** Routes through the link. The list has all static ones; others are removed. A string is a destination. */
  routes?: (string | RouteArgs)[];
}

export interface IpvlanOutputs extends LinkOutputs {
  /** The link below. */
  parent: string;
  /** As `ip -d link` shows it. */
  mode: IpvlanMode;
  /** As `ip -d link` shows it. */
  flag: IpvlanFlag;
  /** How many ipvlans share the parent, this one included, in whatever namespace. */
  siblings: number;
}
