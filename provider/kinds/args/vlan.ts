import type { LinkArgs, LinkOutputs, RouteArgs } from "./link";

/**
 * The tag of the frames: 802.1Q's (0x8100), or 802.1ad's (0x88a8), which is a provider's tag around that of a
 * customer.
 */
export type VlanProtocol = "802.1Q" | "802.1ad";

/**
 * An entry of a VLAN's map between the priority in the tag (802.1p, 0–7) and the priority of the packet on the host.
 */
export interface QosMapping {
  /**
   * In `ingressQosMap` the priority in the tag, 0–7; in `egressQosMap` the priority of the packet (SO_PRIORITY,
   * 0–4294967295).
   */
  from: number;
  /**
   * In `ingressQosMap` the priority of the packet; in `egressQosMap` the priority in the tag. Without an entry it is
   * 0.
   */
  to: number;
}

export interface VlanArgs extends LinkArgs {
  /** The link below, by its name: a NIC, bond or bridge, or another VLAN. A change replaces the link. */
  parent: string;
  /**
   * The VLAN's number, 1–4094. 0 is not a VLAN but the frames whose tag has only a priority. A change replaces the
   * link.
   */
  vlanId: number;
  /** A change replaces the link. Default: `802.1Q`. */
  protocol?: VlanProtocol;
  /** Remove the tag from received frames before programs on the link see them. The kernel's default: true. */
  reorderHeader?: boolean;
  /** Register the VLAN with the switch by GVRP. The kernel's default: false. */
  gvrp?: boolean;
  /** Register the VLAN with the switch by MVRP. The kernel's default: false. */
  mvrp?: boolean;
  /** Do not follow the parent when it goes up or down. The kernel's default: false. */
  looseBinding?: boolean;
  /** Only on a bridge: have a carrier while a port in the VLAN has one (Linux and iproute2 5.2). */
  bridgeBinding?: boolean;
  /** Priorities of received packets by the priority in their tag. The list has all entries; others are removed. */
  ingressQosMap?: QosMapping[];
  /** Priorities in the tag of sent packets. The list has all entries; others are removed. */
  egressQosMap?: QosMapping[];
  /**
   * A named namespace of the host for the link. It is made if it is missing, and then removed together with the
   * link.
   */
  netns?: string;
  /** Routes through the link. The list has all static ones; others are removed. A string is a destination. */
  routes?: (string | RouteArgs)[];
}

export interface VlanOutputs extends LinkOutputs {
  /** The link below. */
  parent: string;
  /** The VLAN's number. */
  vlanId: number;
  /** `802.1Q` or `802.1ad`. */
  protocol: VlanProtocol;
  /** MAC address of the link below. The VLAN has the same, unless you give it one. */
  parentMacAddress: string;
}
