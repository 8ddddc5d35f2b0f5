import type { LinkArgs, LinkOutputs, RouteArgs } from "./link";

/** How the macvlans of one parent see each other (ip-link(8), macvlan). */
export type MacvlanMode = "bridge" | "vepa" | "private" | "passthru" | "source";

export interface MacvlanArgs extends LinkArgs {
  /** The link below: a NIC, VLAN, bond or bridge of the host, by its name. */
  parent: string;
  /** How the children of the parent reach each other (docs/modes.md). Default: `bridge`. */
  mode?: MacvlanMode;
  /** Mode `source` only: the senders whose frames the link takes. */
  sourceMacAddresses?: string[];
  /** Mode `passthru` only: leave the parent out of promiscuous mode. Cannot be changed on a live link. */
  noPromisc?: boolean;
  /** Mode `source` only: do not match on the destination address (Linux and iproute2 5.14). */
  nodst?: boolean;
  /** Frames that the queue for broadcast and multicast holds (Linux and iproute2 5.11). */
  broadcastQueueLength?: number;
  /**
   * How many MAC addresses the parent may carry, its own among them: what the switch's port or the NIC's filter takes.
   * A link that makes it more is refused at preview.
   */
  maxMacs?: number;
  /** A named namespace of the host to place the link in; made when it is missing, and then removed with it. */
  netns?: string;
  /** Routes through the link: all static ones that it is to have. A string is a destination. */
  routes?: (string | RouteArgs)[];
}

export interface MacvlanOutputs extends LinkOutputs {
  /** The link below. */
  parent: string;
  /** As `ip -d link` shows it. */
  mode: MacvlanMode;
  /** MAC address of the link below. */
  parentMacAddress: string;
  /** How many users keep the parent in promiscuous mode. */
  parentPromiscuity: number;
  /** How many macvlans share the parent, this one among them, as far as the host's own and named namespaces show. */
  siblings: number;
  /** How many MAC addresses the parent carries to its switch: its own and its macvlans', as far as can be seen. */
  parentMacs: number;
}
