/** What a program gives and gets back of links of every kind. */
import type { HostArgs } from "../../ssh/address";

export type { Become, HostArgs } from "../../ssh/address";

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
  /** Bytes. A macvlan's or VLAN's is at most its parent's. Default: the parent's when the link is made. */
  mtu?: number;
  /**
   * Unicast MAC address, such as `02:00:5e:00:53:01`. Default: for macvlans and shims one that is derived from stack,
   * host and name, so that it is known at preview, and the same when the link is made anew; the parent's in mode
   * `passthru`; for a VLAN and a bridge the kernel's.
   */
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
  /** As given or derived, and as the link has it. */
  macAddress: string;
  /** Bytes. */
  mtu: number;
  /** `UP`, `DOWN`, `LOWERLAYERDOWN`, `UNKNOWN`, … (RFC 2863). */
  operState: string;
  /** Static addresses in CIDR form. */
  addresses: string[];
  /** `mac0@eth0`, as `ip link` shows it. Known at preview. */
  label: string;
  /** Administrative state. */
  up: boolean;
}
