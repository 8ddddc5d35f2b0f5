/** Arguments and outputs of a network: types only. */
import type { Input, Output } from "@pulumi/pulumi";
import type { HostLinks } from "../program/host-links";
import type { DeepInput, InputArgs, Outputs } from "../program/resource";
import type {
  CheckArgs,
  HostArgs,
  MacvlanArgs,
  MacvlanOutputs,
  ShimArgs,
  ShimOutputs,
  VlanArgs,
  VlanOutputs,
} from "../kinds/args";
import type { HostShim, MacvlanInterface, VlanInterface } from "../program/resources";

/** What is one resource of a network: each link, or all links of a host. */
export type Grain = "link" | "host";

/** A host of a network. Its other properties, such as `vars`, are for the functions of {@link NetworkArgs}. */
export interface NetworkHost {
  /** Part of the keys of its children, of the names of their resources, and of the outputs. Without a slash. */
  readonly name: string;
  /** How to reach it. Default: its name. */
  readonly host?: DeepInput<string | HostArgs>;
}

/** Properties that a network passes on to its children, unless a child has its own. */
export type ChildDefaults = Pick<
  InputArgs<MacvlanArgs>,
  | "mode"
  | "mtu"
  | "up"
  | "persist"
  | "adopt"
  | "txQueueLength"
  | "broadcastQueueLength"
  | "broadcastQueueThreshold"
  | "expectCarrier"
>;

/** A child with the properties of {@link MacvlanInterface}, apart from host and parent, which are the network's. */
export interface ChildArgs extends Omit<InputArgs<MacvlanArgs>, "host" | "parent" | "name"> {
  /** The child's name on its host, in keys (`node1/web`) and outputs. */
  readonly name: string;
  /** The link's name. Default: `name`. */
  readonly linkName?: string;
  /**
   * `static` (default): the child's address is put on the link. `dhcp`: the address is leased, and is in the outputs
   * and on the shim's routes, but a DHCP server assigns it, so none is put on the link. (An address from an earlier
   * run stays: it is the same.)
   */
  readonly addressing?: "static" | "dhcp";
}

/** What a network's children are on: an existing link, by its name, or a VLAN that is made together with them. */
export type NetworkParent = Input<string> | NetworkVlanArgs;

/**
 * The host's own way to its children, with the properties of {@link HostShim}, apart from parent and routes, which
 * are the network's.
 */
export interface NetworkShimArgs extends Omit<InputArgs<ShimArgs>, "host" | "parent" | "name" | "routes"> {
  /** Name of the link, and its part of the key (`node1/shim0`). Default: `shim0`. */
  readonly name?: string;
  /**
   * Source address of what the host sends to its children, one per address family: the host's own. The shim then
   * needs no address, and gets none from the network.
   */
  readonly source?: DeepInput<string | string[]>;
}

/**
 * A VLAN that the network makes for its children, with the properties of {@link VlanInterface}, apart from host and
 * persist, which are the network's.
 */
export interface NetworkVlanArgs extends Omit<InputArgs<VlanArgs>, "host" | "parent" | "name" | "vlanId"> {
  /** The link below, such as `eth0`. */
  readonly parent: string;
  /** The VLAN's number. */
  readonly vlanId: number;
  /** Name of the link. Default: `eth0.10`, from parent and number. */
  readonly name?: string;
}

/**
 * A macvlan network on one host or many.
 *
 * Its structure has to be plain values: hosts, children and their names. All other values may be outputs.
 */
export interface NetworkArgs<
  H extends NetworkHost = NetworkHost,
  G extends Grain = Grain,
> extends ChildDefaults {
  /** A string is a host's name, and also how to reach it. */
  readonly hosts: readonly string[] | readonly H[];
  /**
   * The link that the children are on, such as `eth0` or `eth0.10`; or a function that returns that of a host; or a
   * VLAN that is to be made: `{ parent: "eth0", vlanId: 10 }`.
   */
  readonly parent: NetworkParent | ((host: H) => NetworkParent);
  /** The children of every host, or a function that returns those of one. A string is a name. */
  readonly children: readonly (string | ChildArgs)[] | ((host: H) => readonly (string | ChildArgs)[]);
  /** The LAN's subnet in CIDR form, or one per address family. Not needed if every child has its own `addresses`. */
  readonly cidr?: DeepInput<string | string[]>;
  /** The part of the subnets that is assigned: CIDRs, or `192.0.2.100-192.0.2.199`. Default: all of it. */
  readonly range?: DeepInput<string | string[]>;
  /**
   * What is not assigned: addresses, CIDRs, or `192.0.2.200-192.0.2.250`. For example a DHCP server's range, and the
   * hosts' own addresses.
   */
  readonly exclude?: DeepInput<string[]>;
  /**
   * The LAN's routers, one per address family. They are not assigned, and are the default route of those children
   * that have a `netns` and an address of the network, and no `routes` of their own.
   */
  readonly gateway?: DeepInput<string | string[]>;
  /**
   * Addresses by key, one per address family: `{ "node1/web": "192.0.2.10" }`. They are kept free if there is no
   * such child.
   */
  readonly reservations?: Readonly<Record<string, DeepInput<string | string[]>>>;
  /**
   * A link through which a host reaches its own children, with routes to exactly them. Those in mode `private` and
   * `passthru` are left out, because no sibling reaches them. Default: one for each host that has a child in mode
   * `bridge`. It has an address of the network, unless it is given `addresses` (which may be empty) or `source`.
   */
  readonly shim?: boolean | NetworkShimArgs | ((host: H) => boolean | NetworkShimArgs);
  /**
   * What has to work for each child that has no `checks` of its own (docs/checks.md): a list, or a function that returns the
   * list of one child of a host.
   */
  readonly checks?: DeepInput<CheckArgs[]> | ((host: H, child: ChildArgs) => DeepInput<CheckArgs[]>);
  /**
   * `link` (default): each link is a resource. `host`: all links of a host are one resource, a `HostLinks`, and one
   * transaction. It can be changed at any time: `pulumi up` moves the links, and does not change the hosts.
   */
  readonly grain?: G;
}

/** A link of a network: a resource, or the same outputs of one of the links of a {@link HostLinks}. */
export type NetworkLink<G extends Grain, Resource, Values> = G extends "host" ? Outputs<Values> : Resource;

/** A child that was made. */
export interface NetworkChild<G extends Grain = "link"> {
  readonly host: string;
  readonly name: string;
  /** All the outputs of the link; with grain `link`, its resource. */
  readonly link: NetworkLink<G, MacvlanInterface, MacvlanOutputs>;
  /** Known at preview, unless the mode is `passthru`. */
  readonly macAddress: Output<string>;
  /** In CIDR form, leased or given. Known at preview. */
  readonly addresses: Output<string[]>;
}

/** What was made on a host. */
export interface NetworkHostOutputs<G extends Grain = "link"> {
  readonly name: string;
  /** By name. */
  readonly children: Readonly<Record<string, NetworkChild<G>>>;
  readonly shim?: NetworkLink<G, HostShim, ShimOutputs>;
  /** The VLAN that the network made, if it was asked to. */
  readonly vlan?: NetworkLink<G, VlanInterface, VlanOutputs>;
  /** With grain `host`, the resource of all of the host's links; for `dependsOn`. */
  readonly resource?: HostLinks;
}

/** One entry for a DHCP server's reservations, for DNS, or for an inventory. */
export interface NetworkLease {
  readonly host: string;
  readonly child: string;
  readonly macAddress: string;
  /** Without a prefix length, IPv4 and IPv6 in their order. */
  readonly addresses: string[];
  /** The first IPv4 address. */
  readonly ipv4?: string;
  /** The first IPv6 address. */
  readonly ipv6?: string;
}
