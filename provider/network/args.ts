/** What a program gives a network and gets back: types only. */
import type { Input, Output } from "@pulumi/pulumi";
import type { DeepInput, InputArgs } from "../program/resource";
import type { HostArgs, MacvlanArgs, ShimArgs, VlanArgs } from "../kinds/args";
import type { HostShim, MacvlanInterface, VlanInterface } from "../program/resources";

/** A host of a network. Whatever else it has is there for the functions of {@link NetworkArgs}: `vars`, say. */
export interface NetworkHost {
  /** Part of the keys of its children, of their resources' names and of the outputs. Without a slash. */
  readonly name: string;
  /** How to reach it. Default: its name. */
  readonly host?: DeepInput<string | HostArgs>;
}

/** Properties of links that a network hands on to its children, where a child does not have its own. */
export type ChildDefaults = Pick<
  InputArgs<MacvlanArgs>,
  "mode" | "mtu" | "up" | "persist" | "adopt" | "txQueueLength" | "broadcastQueueLength"
>;

/** A child as {@link MacvlanInterface} has it; host and parent are the network's. */
export interface ChildArgs extends Omit<InputArgs<MacvlanArgs>, "host" | "parent" | "name"> {
  /** What it is called on its host, in keys (`node1/web`) and outputs. */
  readonly name: string;
  /** The link's name. Default: `name`. */
  readonly linkName?: string;
  /**
   * `static` (default): its address is put on the link. `dhcp`: the address is leased, is in the outputs and on the
   * shim's routes, and it is a DHCP server that gives it, so that none is put on the link. (What an earlier run put
   * there stays: it is the same address.)
   */
  readonly addressing?: "static" | "dhcp";
}

/** What a network's children sit on: a link that is there, by its name, or a VLAN that is made along with them. */
export type NetworkParent = Input<string> | NetworkVlanArgs;

/** The host's own way to its children, as {@link HostShim} has it; parent and routes are the network's. */
export interface NetworkShimArgs extends Omit<InputArgs<ShimArgs>, "host" | "parent" | "name" | "routes"> {
  /** Name of the link, and its part of the key (`node1/shim0`). Default: `shim0`. */
  readonly name?: string;
  /**
   * Source address of what the host sends to its children, one a family: the host's own. The shim then needs no
   * address, and gets none from the network.
   */
  readonly source?: DeepInput<string | string[]>;
}

/** A VLAN that the network makes for its children, as {@link VlanInterface} has it; host and persist are the network's. */
export interface NetworkVlanArgs extends Omit<InputArgs<VlanArgs>, "host" | "parent" | "name" | "vlanId"> {
  /** The link below, such as `eth0`. */
  readonly parent: string;
  /** The VLAN's number. */
  readonly vlanId: number;
  /** Name of the link. Default: `eth0.10`, of parent and number. */
  readonly name?: string;
}

/**
 * A macvlan network over one host or many.
 *
 * What the network consists of has to be plain: hosts, children and their names. Values of leaves may be outputs.
 */
export interface NetworkArgs<H extends NetworkHost = NetworkHost> extends ChildDefaults {
  /** A text is a host's name, and the way to reach it. */
  readonly hosts: readonly string[] | readonly H[];
  /**
   * The link that the children sit on, such as `eth0` or `eth0.10`, or that of a host; or a VLAN that is to be made:
   * `{ parent: "eth0", vlanId: 10 }`.
   */
  readonly parent: NetworkParent | ((host: H) => NetworkParent);
  /** The children of every host, or those of one. A text is a name. */
  readonly children: readonly (string | ChildArgs)[] | ((host: H) => readonly (string | ChildArgs)[]);
  /** The LAN's subnet in CIDR form, or one a family. Not needed where every child has its own `addresses`. */
  readonly cidr?: DeepInput<string | string[]>;
  /** What of the subnets is given: CIDRs, or `192.0.2.100-192.0.2.199`. Default: all of it. */
  readonly range?: DeepInput<string | string[]>;
  /** What is not given: addresses, CIDRs, or `192.0.2.200-192.0.2.250`. A DHCP server's range, the hosts' own. */
  readonly exclude?: DeepInput<string[]>;
  /**
   * The LAN's routers, one a family: not given to anybody, and the default route of those children that have a `netns`
   * and an address of the network, and no `routes` of their own.
   */
  readonly gateway?: DeepInput<string | string[]>;
  /** Addresses by key, one a family: `{ "node1/web": "192.0.2.10" }`. Kept free where there is no such child. */
  readonly reservations?: Readonly<Record<string, DeepInput<string | string[]>>>;
  /**
   * A link by which a host reaches its own children, with routes to exactly them, those in mode `private` and
   * `passthru` left out, as no sibling reaches these. Default: one for each host that has a child in mode `bridge`.
   * It has an address of the network, unless it is given `addresses` (which may be empty) or `source`.
   */
  readonly shim?: boolean | NetworkShimArgs | ((host: H) => boolean | NetworkShimArgs);
}

/** A child that was made. */
export interface NetworkChild {
  readonly host: string;
  readonly name: string;
  /** All the outputs of the link. */
  readonly link: MacvlanInterface;
  /** Known at preview, unless the mode is passthru. */
  readonly macAddress: Output<string>;
  /** In CIDR form, leased or given. Known at preview. */
  readonly addresses: Output<string[]>;
}

/** What was made on a host. */
export interface NetworkHostOutputs {
  readonly name: string;
  /** By name. */
  readonly children: Readonly<Record<string, NetworkChild>>;
  readonly shim?: HostShim;
  /** The VLAN that the network has made, where it was to. */
  readonly vlan?: VlanInterface;
}

/** One line of a DHCP server's reservations, of DNS, of an inventory. */
export interface NetworkLease {
  readonly host: string;
  readonly child: string;
  readonly macAddress: string;
  /** Without a prefix length, IPv4 and IPv6 as they come. */
  readonly addresses: string[];
  /** The first IPv4 address. */
  readonly ipv4?: string;
  /** The first IPv6 address. */
  readonly ipv6?: string;
}
