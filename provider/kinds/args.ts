/** What a program gives and gets back, kind by kind: types only, so that a program loads nothing for them. */
import type { HostArgs } from "../host/address";

export type { HostArgs } from "../host/address";

/** How the macvlans of one parent see each other (ip-link(8), macvlan). */
export type MacvlanMode = "bridge" | "vepa" | "private" | "passthru" | "source";

/** A route of the main table through the link. */
export interface RouteArgs {
  /** Destination in CIDR form, or `default`. A bare address is that one host. */
  to: string;
  /** Gateway; without one the destination is on the link. */
  via?: string;
  /** Source address for packets that take the route: the host's own, on an unnumbered shim. */
  source?: string;
  /** Lower wins. Default: the kernel's (0 for IPv4, 1024 for IPv6). */
  metric?: number;
}

/** What all links have. A property that is not given is left as the host has it, and is never called drift. */
export interface LinkArgs {
  /** The host: `user@host:port`, an alias of the OpenSSH client configuration, or an object. */
  host: string | HostArgs;
  /** The link's name on the host, 1–15 bytes. Default: the resource's name, where the kernel takes it. */
  name?: string;
  /** Bytes. A macvlan's is at most its parent's. Default: the parent's when the link is made. */
  mtu?: number;
  /** Unicast MAC address, such as `02:00:5e:00:53:01`. */
  macAddress?: string;
  /** Addresses in CIDR form, IPv4 and IPv6; the list is all static ones that the link is to have. */
  addresses?: string[];
  /** Administrative state. Default: true. */
  up?: boolean;
  /** A text of up to 255 bytes that `ip link` and SNMP (ifAlias) show. */
  alias?: string;
  /** Length of the transmit queue, in packets. */
  txQueueLength?: number;
  /**
   * Also have the host make the link again at boot, by a script that its systemd, OpenRC or ifupdown runs
   * (docs/persistence.md). Default: false.
   */
  persist?: boolean;
  /**
   * Take over a link of that name that somebody else has made. It has to be there. Deleting the resource takes back
   * what the resource changed, and leaves the link. Default: false.
   */
  adopt?: boolean;
  /**
   * What to do where somebody else has one of the addresses.
   *
   * - Not given: an address that another resource of the stack has on the same LAN of the same host is refused, one on
   *   another host is a warning. What IPv6's own detection found later (RFC 4862) is drift.
   * - `warn`, `error`: besides, before an address is put on the link the LAN is asked for it (IPv4: RFC 5227, with the
   *   host's arping; about two seconds for all of a link), and IPv6's detection is waited for (up to three seconds).
   *   With `error`, a duplicate is refused, on another host of the stack too, and nothing is left of the change.
   * - `off`: it is meant to be so (anycast, hosts on different LANs): nothing is compared, asked or waited for.
   */
  duplicateAddressDetection?: "off" | "warn" | "error";
}

/** What the host tells of every link. */
export interface LinkOutputs {
  /** The link's name on the host. */
  name: string;
  /** The host in canonical form. */
  host: HostArgs;
  /** The kernel's index of the link. */
  ifIndex: number;
  macAddress: string;
  /** Bytes. */
  mtu: number;
  /** `UP`, `DOWN`, `LOWERLAYERDOWN`, `UNKNOWN`, … (RFC 2863). */
  operState: string;
  /** Static addresses in CIDR form. */
  addresses: string[];
  /** `mac0@eth0`, as `ip link` shows it. Known at preview. */
  label: string;
  up: boolean;
}

export interface MacvlanArgs extends LinkArgs {
  /** The link below: a NIC, VLAN, bond or bridge of the host, by its name. */
  parent: string;
  /** Default: `bridge`. */
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
  parent: string;
  mode: MacvlanMode;
  parentMacAddress: string;
  /** How many users keep the parent in promiscuous mode. */
  parentPromiscuity: number;
  /** How many macvlans share the parent, this one among them, as far as the host's own and named namespaces show. */
  siblings: number;
  /** How many MAC addresses the parent carries to its switch: its own and its macvlans', as far as can be seen. */
  parentMacs: number;
}

export interface ShimArgs extends LinkArgs {
  /** The link that the children sit on, by its name. */
  parent: string;
  /** Default: `bridge`, in which children and shim talk directly. */
  mode?: "bridge" | "vepa";
  /** The children that the host reaches through the shim. A string is a destination: `192.0.2.10/32`. */
  routes?: (string | RouteArgs)[];
  /**
   * `exclusive` (default): on the LAN only the parent answers ARP for the host's own addresses, and the children
   * still hear the shim (arp_filter on the shim). `kernel`: the sysctls are left alone.
   */
  arp?: "exclusive" | "kernel";
  /** How many MAC addresses the parent may carry, its own among them; a shim that makes it more is refused. */
  maxMacs?: number;
}

export interface ShimOutputs extends LinkOutputs {
  parent: string;
  mode: "bridge" | "vepa";
  routes: RouteArgs[];
  parentMacAddress: string;
  /** How many MAC addresses the parent carries to its switch: its own and its macvlans', as far as can be seen. */
  parentMacs: number;
}

/** A bridge's port and its options (bridge(8), bridge link set). */
export interface PortArgs {
  /** An existing link of the host. */
  name: string;
  /**
   * Send frames back out of the port that they came in by: what vepa children behind it need. Default: true. Not for a
   * port that a switch is behind: it would hear every sender twice, and with two such bridges endlessly.
   */
  hairpin?: boolean;
  /** Talks to ports that are not isolated only. */
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
  /** The ports that are managed; a string is a name, with hairpin on. Other ports are left alone. */
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
  /** Forward by VLAN tag, where the kernel has it. */
  vlanFiltering?: boolean;
  /** IGMP and MLD snooping. */
  mcastSnooping?: boolean;
  /** Move the ports' addresses and routes to the bridge in one step, and back on deletion. Default: false. */
  takeOverAddresses?: boolean;
}

/** A managed port as the host has it. */
export interface PortOutputs extends PortArgs {
  hairpin: boolean;
  /** `forwarding`, `blocking`, `disabled`, … */
  state: string;
}

export interface BridgeOutputs extends LinkOutputs {
  /** Priority and address: `8000.02:00:5e:00:53:01`. */
  bridgeId: string;
  ports: PortOutputs[];
  /** What sets the ports' options on this host: `bridge`, `ip`, `brctl` or `sysfs`. */
  portTool: "bridge" | "ip" | "brctl" | "sysfs";
}
