import type { LinkArgs, LinkOutputs, RouteArgs } from "./link";

/** How the macvlans of one parent see each other (ip-link(8), macvlan). */
export type MacvlanMode = "bridge" | "vepa" | "private" | "passthru" | "source";

export interface MacvlanArgs extends LinkArgs {
  /** The link below, by its name: a NIC, VLAN, bond or bridge of the host. */
  parent: string;
  /** How the children of the parent reach each other (docs/modes.md). Default: `bridge`. */
  mode?: MacvlanMode;
  /** Mode `source` only: the senders whose frames the link receives. */
  sourceMacAddresses?: string[];
  /** Mode `passthru` only: do not make the parent promiscuous. Cannot be changed on a live link. */
  noPromisc?: boolean;
  /** Mode `source` only: do not compare the destination address (Linux and iproute2 5.14). */
  nodst?: boolean;
  /** How many broadcast and multicast frames the queue holds (Linux and iproute2 5.11). */
  broadcastQueueLength?: number;
  /**
   * Frames to a multicast or broadcast address go through the queue if more macvlans than this listen to the address;
   * frames for fewer are delivered at once. -1: never use the queue. It is the parent's, so that all its macvlans
   * have the same (Linux and iproute2 6.4). The kernel's default: 1.
   */
  broadcastQueueThreshold?: number;
  /**
   * How many MAC addresses the parent may have in all, its own included: as many as the switch port or the NIC's
   * filter allows. A link that exceeds it is refused at preview.
   */
  maxMacs?: number;
  /**
   * A named namespace of the host for the link. It is made if it is missing, and then removed together with the
   * link.
   */
  netns?: string;
  /** Routes through the link. The list has all static ones; others are removed. A string is a destination. */
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
  /** How many macvlans share the parent, this one included, in whatever namespace, a container's as well. */
  siblings: number;
  /**
   * How many MAC addresses the parent has towards its switch: its own and those of its macvlans, in whatever namespace.
   */
  parentMacs: number;
}
