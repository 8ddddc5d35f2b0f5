import type { LinkArgs, LinkOutputs } from "./link";

/** How a bond spreads frames over its ports (Documentation/networking/bonding.rst, `mode`). */
export type BondMode =
  "balance-rr" | "active-backup" | "balance-xor" | "broadcast" | "802.3ad" | "balance-tlb" | "balance-alb";

export interface BondArgs extends LinkArgs {
  /**
   * `active-backup` goes with any switch, and so do `balance-tlb` and `balance-alb`; `802.3ad` needs LACP on the
   * switch's ports, the others a static aggregation. A change takes the bond down for a moment, and its ports out.
   */
  mode: BondMode;
  /** The ports that are managed, by their names; other ports are left alone. The first one gives the bond its MAC address. */
  ports?: string[];
  /** Move the ports' addresses and routes to the bond in one step, and back on deletion. Default: false. */
  takeOverAddresses?: boolean;
  /**
   * Milliseconds between looks at the ports' carrier; 0: none. Default: 100 when the bond is made, unless `arpInterval`
   * is given (the kernel's own is 0, with which a dead port is never noticed).
   */
  miimon?: number;
  /** Milliseconds that a port's carrier has to be there before the port is used; a multiple of `miimon`. */
  updelay?: number;
  /** Milliseconds that a port's carrier has to be gone before the port is given up; a multiple of `miimon`. */
  downdelay?: number;
  /**
   * Milliseconds between ARP requests that tell whether a port is alive, in place of `miimon`; 0: none. Not in `802.3ad`,
   * `balance-tlb` and `balance-alb`.
   */
  arpInterval?: number;
  /** IPv4 addresses that are asked for, at most 16. */
  arpIpTargets?: string[];
  /** Whose ARP traffic says that a port is alive; `none`: any at all. Needs `arpInterval`. */
  arpValidate?: "none" | "active" | "backup" | "all" | "filter" | "filter_active" | "filter_backup";
  /** Whether `any` or `all` of the targets have to answer. */
  arpAllTargets?: "any" | "all";
  /** The port that is used whenever it is alive: `active-backup`, `balance-tlb` and `balance-alb` only. `""`: none. */
  primary?: string;
  /** When the primary takes over again: `always`, where it is `better` (speed, duplex), or only upon a `failure`. */
  primaryReselect?: "always" | "better" | "failure";
  /**
   * What becomes of MAC addresses at a failover of `active-backup`: all ports have one (`none`), the bond takes its active
   * port's (`active`), or a port takes the bond's when it becomes active (`follow`). A change takes the ports out for a moment.
   */
  failOverMac?: "none" | "active" | "follow";
  /** What of a frame chooses its port (`balance-xor`, `802.3ad`, `balance-tlb`). */
  xmitHashPolicy?: "layer2" | "layer2+3" | "layer3+4" | "encap2+3" | "encap3+4" | "vlan+srcmac";
  /** How often the partner is asked to send LACP frames: every 30 seconds, or every second. `802.3ad` only. A change takes the bond down for a moment. */
  lacpRate?: "slow" | "fast";
  /** Which of several aggregators is used (`802.3ad`). A change takes the bond down for a moment. */
  adSelect?: "stable" | "bandwidth" | "count";
  /** How many ports have to be alive for the bond to have a carrier (`802.3ad`), 0–255. */
  minLinks?: number;
  /** How many gratuitous ARPs and unsolicited neighbour advertisements follow a failover, 0–255. */
  numPeerNotifications?: number;
  /** Take in frames from inactive ports, too. */
  allPortsActive?: boolean;
}

/** A managed port as the bond has it. */
export interface BondPortOutputs {
  name: string;
  /** `active` or `backup`. */
  state: string;
  /** Whether the bond takes it to be alive: `up`, `down`, `going_down`, `going_back`. */
  miiStatus: string;
}

/** What an `802.3ad` bond tells of the aggregator that it uses. */
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
  /** The managed ports, as the host has them. */
  ports: BondPortOutputs[];
  /** The port that is used, in a mode with one at a time; else empty. */
  activePort: string;
  /** In mode `802.3ad`, once there is a port. */
  aggregator?: AggregatorOutputs;
}
