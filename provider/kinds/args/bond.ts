import type { LinkArgs, LinkOutputs } from "./link";

/** How a bond distributes frames over its ports (Documentation/networking/bonding.rst, `mode`). */
export type BondMode =
  "balance-rr" | "active-backup" | "balance-xor" | "broadcast" | "802.3ad" | "balance-tlb" | "balance-alb";

export interface BondArgs extends LinkArgs {
  /**
   * `active-backup`, `balance-tlb` and `balance-alb` work with any switch; `802.3ad` needs LACP on the switch's
   * ports, the others a static aggregation. A change takes the bond down for a moment, and its ports out of it.
   */
  mode: BondMode;
  /** The managed ports, by their names. Other ports are left alone. The first one gives the bond its MAC address. */
  ports?: string[];
  /**
   * Move the ports' addresses and routes to the bond in one step, and back when the bond is deleted. Default: false.
   */
  takeOverAddresses?: boolean;
  /**
   * Milliseconds between checks of the ports' carrier; 0: none. Default: 100 when the bond is made, unless
   * `arpInterval` is given (the kernel's own is 0, which never notices a dead port).
   */
  miimon?: number;
  /** Milliseconds for which a port must have a carrier before it is used; a multiple of `miimon`. */
  updelay?: number;
  /** Milliseconds for which a port must have no carrier before it is given up; a multiple of `miimon`. */
  downdelay?: number;
  /**
   * Milliseconds between ARP requests that show whether a port is alive, instead of `miimon`; 0: none. Not in
   * `802.3ad`, `balance-tlb` and `balance-alb`.
   */
  arpInterval?: number;
  /** IPv4 addresses that are probed, at most 16. */
  arpIpTargets?: string[];
  /** Which ARP traffic shows that a port is alive; `none`: any. Needs `arpInterval`. */
  arpValidate?: "none" | "active" | "backup" | "all" | "filter" | "filter_active" | "filter_backup";
  /** Whether `any` or `all` of the targets have to answer. */
  arpAllTargets?: "any" | "all";
  /**
   * The port that is used whenever it is alive; only in `active-backup`, `balance-tlb` and `balance-alb`. `""`:
   * none.
   */
  primary?: string;
  /**
   * When the primary takes over again: `always`, only if it is `better` (speed, duplex), or only after a `failure`.
   */
  primaryReselect?: "always" | "better" | "failure";
  /**
   * What happens to MAC addresses at a failover of `active-backup`: all ports have the same (`none`), the bond takes
   * that of its active port (`active`), or a port takes that of the bond when it becomes active (`follow`). A change
   * takes the ports out for a moment.
   */
  failOverMac?: "none" | "active" | "follow";
  /** Which parts of a frame choose its port (`balance-xor`, `802.3ad`, `balance-tlb`). */
  xmitHashPolicy?: "layer2" | "layer2+3" | "layer3+4" | "encap2+3" | "encap3+4" | "vlan+srcmac";
  /**
   * How often the partner should send LACP frames: every 30 seconds (`slow`) or every second (`fast`). Only in
   * `802.3ad`. A change takes the bond down for a moment.
   */
  lacpRate?: "slow" | "fast";
  /** Which of several aggregators is used (`802.3ad`). A change takes the bond down for a moment. */
  adSelect?: "stable" | "bandwidth" | "count";
  /** How many ports must be alive for the bond to have a carrier (`802.3ad`), 0–255. */
  minLinks?: number;
  /** How many gratuitous ARPs and unsolicited neighbour advertisements follow a failover, 0–255. */
  numPeerNotifications?: number;
  /** Accept frames from inactive ports as well. */
  allPortsActive?: boolean;
}

/** A managed port as observed on the bond. */
export interface BondPortOutputs {
  name: string;
  /** `active` or `backup`. */
  state: string;
  /** The port's state in the bond: `up`, `down`, `going_down` or `going_back`. */
  miiStatus: string;
}

/** What an `802.3ad` bond reports about the aggregator that it uses. */
export interface AggregatorOutputs {
  id: number;
  /** How many ports are in it. */
  ports: number;
  actorKey: number;
  partnerKey: number;
  /** `00:00:00:00:00:00` while no switch answers. */
  partnerMacAddress: string;
}

export interface BondOutputs extends LinkOutputs {
  mode: BondMode;
  /** The managed ports, as observed on the host. */
  ports: BondPortOutputs[];
  /** The port in use, in a mode with one at a time; otherwise empty. */
  activePort: string;
  /** In mode `802.3ad`, as soon as there is a port. */
  aggregator?: AggregatorOutputs;
}
