import type { LinkArgs, LinkOutputs } from "./link";

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
