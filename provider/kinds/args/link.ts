/** What a program gives and gets back for links of every kind. */
import type { HostArgs } from "../../ssh/address";
import type { CheckArgs, CheckOutput } from "./checks";

export type { Become, HostArgs } from "../../ssh/address";

/** A route of the main table through the link. */
export interface RouteArgs {
  /**
   * Destination in CIDR form, or `default`, which is IPv6's if `via` or `source` is an IPv6 address. An address without a
   * prefix is that one host.
   */
  to: string;
  /** Gateway. Without one, the destination is directly on the link. */
  via?: string;
  /** Source address of packets that take the route. On a shim without an address it is the host's own. */
  source?: string;
  /** The route with the lower metric wins. Default: the kernel's (0 for IPv4, 1024 for IPv6). */
  metric?: number;
}

/** What all links have. A property that is not given stays as it is on the host, and is never drift. */
export interface LinkArgs {
  /** The host: `user@host:port`, an alias of the OpenSSH client configuration, or an object. */
  host: string | HostArgs;
  /** The link's name on the host, 1–15 bytes. Default: the resource's name, if the kernel accepts it. */
  name?: string;
  /** Bytes. A macvlan or VLAN has at most the MTU of its parent. Default: the parent's when the link is made. */
  mtu?: number;
  /**
   * Unicast MAC address, such as `02:00:5e:00:53:01`. Default: for macvlans and shims it is derived from stack, host
   * and name, so that it is known at preview and stays the same when the link is replaced; in mode `passthru` it is
   * the parent's; for a VLAN and a bridge it is the kernel's.
   */
  macAddress?: string;
  /**
   * IPv4 and IPv6 addresses in CIDR form. The list has all static ones; others are removed. Only link-local addresses of
   * IPv6 that the list does not have and has not had are left alone, as the kernel gives one to each link.
   */
  addresses?: string[];
  /** Whether the link is up. Default: true. */
  up?: boolean;
  /** A description of up to 255 bytes that `ip link` and SNMP (ifAlias) show. */
  alias?: string;
  /** Length of the transmit queue, in packets. */
  txQueueLength?: number;
  /**
   * Make the link again at boot, by a script that the host's systemd, OpenRC or ifupdown runs (docs/persistence.md).
   * Default: false.
   */
  persist?: boolean;
  /**
   * Take over an existing link of that name that was made by other means. Deleting the resource reverts what it
   * changed, and leaves the link. Default: false.
   */
  adopt?: boolean;
  /**
   * Replace or delete the link even if links of others are lost with it: macvlans, VLANs and others on top of it are
   * deleted, and ports of a bridge or bond that are not this resource's lose their master. Without it such a change is
   * refused. `destroy` uses the value of the last `up`. Default: false.
   */
  force?: boolean;
  /**
   * What to do if one of the addresses is in use elsewhere.
   *
   * - Not given: an address that another resource of the stack has on the same LAN of the same host is refused; on
   *   another host it is a warning. A duplicate that IPv6's own detection finds later (RFC 4862) is drift.
   * - `warn`, `error`: in addition, IPv4 addresses are probed on the LAN before they are added to the link (RFC 5227,
   *   with the host's arping; about two seconds for all addresses of a link), and the provider waits for the result of
   *   IPv6's detection (up to three seconds). With `error`, a duplicate is refused, also if it is on another host of
   *   the stack, and a change that was already made is undone.
   * - `off`: the duplicate is intended (anycast, hosts on different LANs). Nothing is compared or probed.
   */
  duplicateAddressDetection?: "off" | "warn" | "error";
  /**
   * What has to work once the link is made or changed (docs/checks.md). A check that does not pass undoes the change, unless
   * it failed before the change as well.
   */
  checks?: CheckArgs[];
  /**
   * Call it drift if the link is up and has no carrier: `operState: found lowerlayerdown, wanted up`. No update mends that;
   * a cable does. Without it, a link below that is down or has no carrier is a warning. Default: false.
   */
  expectCarrier?: boolean;
}

/** What the host reports about every link. */
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
  /** The checks with their last results, if any are given. */
  checks?: CheckOutput[];
}
