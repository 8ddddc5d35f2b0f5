import type { LinkArgs, LinkOutputs, RouteArgs } from "./link";

/** What an ipvlan does itself (`l2`: as a switch; `l3`, `l3s`: as a router) before the parent sends (ip-link(8), ipvlan). */
export type IpvlanMode = "l2" | "l3" | "l3s";

/** How the ipvlans of one parent see each other (ip-link(8), ipvlan). */
export type IpvlanFlag = "bridge" | "private" | "vepa";

export interface IpvlanArgs extends Omit<LinkArgs, "macAddress"> {
  /** The link below, Wi-Fi too, by its name. */
  parent: string;
  /**
   * Whether the links are on the parent's LAN (`l2`), or behind its host, to which the LAN needs a route (`l3`; `l3s` with
   * the host's netfilter in between), see docs/modes.md. All ipvlans of a parent have the same. Default: `l2`.
   */
  mode?: IpvlanMode;
  /**
   * How the ipvlans of the parent reach each other: directly (`bridge`), never (`private`), or by what is outside (`vepa`).
   * All ipvlans of a parent have the same. Default: `bridge`.
   */
  flag?: IpvlanFlag;
  /** A named namespace of the host to place the link in; made when it is missing, and then removed with it. */
  netns?: string;
  /** Routes through the link: all static ones that it is to have. A string is a destination. */
  routes?: (string | RouteArgs)[];
}

export interface IpvlanOutputs extends LinkOutputs {
  /** The link below. */
  parent: string;
  /** As `ip -d link` shows it. */
  mode: IpvlanMode;
  /** As `ip -d link` shows it. */
  flag: IpvlanFlag;
  /** How many ipvlans share the parent, this one among them, as far as the host's own and named namespaces show. */
  siblings: number;
}
