import type { LinkArgs, LinkOutputs } from "./link";

/** VLANs that a bridge, or a port of one, lets through (bridge(8), bridge vlan add). */
export interface BridgeVlanArgs {
  /** A number, 1–4094, or a range such as `20-24`. */
  vid: number | string;
  /** Frames that come in without a tag are in it. Not for ranges, and for one VLAN at most. */
  pvid?: boolean;
  /** Its frames leave without a tag. */
  untagged?: boolean;
}

/** A bridge's port and its options (bridge(8), bridge link set). */
export interface PortArgs {
  /** An existing link of the host. */
  name: string;
  /**
   * Send frames back out of the port that they came from, which vepa children behind it need. Default: true. Do not
   * enable it on a port that leads to a switch: the LAN would see every sender twice, and two such bridges cause a
   * broadcast storm.
   */
  hairpin?: boolean;
  /** Talk only to ports that are not isolated. */
  isolated?: boolean;
  /** Learn source addresses. */
  learning?: boolean;
  /** Forward frames to unknown unicast addresses. */
  flood?: boolean;
  /** Forward frames to unknown multicast groups. */
  mcastFlood?: boolean;
  /** STP path cost, 1–65535. */
  cost?: number;
  /** STP port priority, 0–63. */
  priority?: number;
  /** BPDU guard: switch the port off when a BPDU arrives. */
  guard?: boolean;
  /** Never let the port become the root port. */
  rootBlock?: boolean;
  /**
   * The VLANs that pass, with `vlanFiltering`. The list has all of them; others are removed, the default one included. A
   * number, or a range such as `"20-24"`, passes with its tag. If it is left out, the port keeps what it has: a new one
   * has `vlanDefaultPvid`.
   */
  vlans?: (number | string | BridgeVlanArgs)[];
}

export interface BridgeArgs extends LinkArgs {
  /** The managed ports. A string is a name, with hairpin enabled. Other ports are left alone. */
  ports?: (string | PortArgs)[];
  /** Spanning tree protocol. */
  stp?: boolean;
  /** STP bridge priority, 0–65535. */
  priority?: number;
  /** Seconds, 2–30 with STP. */
  forwardDelay?: number;
  /** Seconds, 1–10. */
  helloTime?: number;
  /** Seconds, 6–40. */
  maxAge?: number;
  /** Seconds until a learnt address is forgotten. */
  ageingTime?: number;
  /** Forward by VLAN tag, if the kernel supports it. */
  vlanFiltering?: boolean;
  /**
   * The VLAN that a new bridge and each new port have as PVID and untagged, 0–4094; 0: none. Ports that are there keep
   * their VLANs when it changes. The kernel's default: 1.
   */
  vlanDefaultPvid?: number;
  /**
   * The VLANs of the bridge itself, with `vlanFiltering`: those in which the host takes part. The list has all of them, as
   * that of a port has.
   */
  vlans?: (number | string | BridgeVlanArgs)[];
  /** IGMP and MLD snooping. */
  mcastSnooping?: boolean;
  /**
   * Move the ports' addresses and routes to the bridge in one step, and back when the bridge is deleted. Default:
   * false.
   */
  takeOverAddresses?: boolean;
}

/** A managed port as observed on the host. */
export interface PortOutputs extends PortArgs {
  /** Whether frames go back out of the port that they came from. */
  hairpin: boolean;
  /** The VLANs that pass, if the program states them. */
  vlans?: BridgeVlanArgs[];
  /** `forwarding`, `blocking`, `disabled`, … */
  state: string;
}

export interface BridgeOutputs extends LinkOutputs {
  /** Priority and address: `8000.02:00:5e:00:53:01`. */
  bridgeId: string;
  /** The managed ports, as observed on the host. */
  ports: PortOutputs[];
  /** The tool that sets port options on this host: `bridge`, `ip`, `brctl` or `sysfs`. */
  portTool: "bridge" | "ip" | "brctl" | "sysfs";
}
