import type { LinkArgs, LinkOutputs, RouteArgs } from "./link";

/** Which tag the frames have: 802.1Q's (0x8100), or 802.1ad's (0x88a8), a provider's tag around that of a customer. */
export type VlanProtocol = "802.1Q" | "802.1ad";

/** An entry of a VLAN's map between the priority in the tag (802.1p, 0–7) and that of the packet on the host. */
export interface QosMapping {
  /** Of `ingressQosMap` the tag's priority, 0–7; of `egressQosMap` the packet's (SO_PRIORITY, 0–4294967295). */
  from: number;
  /** Of `ingressQosMap` the packet's priority; of `egressQosMap` the tag's. 0 is what holds without an entry. */
  to: number;
}

export interface VlanArgs extends LinkArgs {
  /** The link below, by its name: a NIC, bond or bridge, or another VLAN. A change makes the link anew. */
  parent: string;
  /**
   * The VLAN's number, 1–4094. 0 is no VLAN: the frames that have a tag with a priority alone. A change makes the link
   * anew.
   */
  vlanId: number;
  /** A change makes the link anew. Default: `802.1Q`. */
  protocol?: VlanProtocol;
  /** Take the tag out of what programs on the link see of received frames. The kernel's default: true. */
  reorderHeader?: boolean;
  /** Register the VLAN with the switch by GVRP. The kernel's default: false. */
  gvrp?: boolean;
  /** Register the VLAN with the switch by MVRP. The kernel's default: false. */
  mvrp?: boolean;
  /** Do not go up and down with the parent. The kernel's default: false. */
  looseBinding?: boolean;
  /** On a bridge alone: have a carrier while a port that is in the VLAN has one (Linux and iproute2 5.2). */
  bridgeBinding?: boolean;
  /** Priorities of packets by the tag they came with: all entries that the link is to have. */
  ingressQosMap?: QosMapping[];
  /** Priorities in the tag of what is sent: all entries that the link is to have. */
  egressQosMap?: QosMapping[];
  /** A named namespace of the host to place the link in; made when it is missing, and then removed with it. */
  netns?: string;
  /** Routes through the link: all static ones that it is to have. A string is a destination. */
  routes?: (string | RouteArgs)[];
}

export interface VlanOutputs extends LinkOutputs {
  /** The link below. */
  parent: string;
  /** The VLAN's number. */
  vlanId: number;
  /** `802.1Q` or `802.1ad`. */
  protocol: VlanProtocol;
  /** MAC address of the link below. The VLAN has the same, unless it is given one. */
  parentMacAddress: string;
}
