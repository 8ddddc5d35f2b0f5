/** What a program gives and gets back for checks. */
import type { HostArgs } from "../../ssh/address";

/** Another host from which a check starts. */
export interface CheckFromArgs {
  /** The other host. */
  host: string | HostArgs;
  /** A link of that host out of which the check goes. Default: its routes decide. */
  link?: string;
}

/**
 * A check that a link works. Exactly one of `ping`, `arp`, `tcp`, `http`, `dns` and `command` says what is tried. In a check
 * that does not start at the link, `link` stands for the link's own addresses: `{ ping: "link", from: "host" }`.
 */
export interface CheckArgs {
  /** An IP address that must answer a ping. */
  ping?: string;
  /** An IP address of the LAN that must answer ARP, or neighbour discovery if it is an IPv6 address. */
  arp?: string;
  /** `ADDRESS:PORT` that must accept a TCP connection; an IPv6 address is in brackets. */
  tcp?: string;
  /** A URL that must be answered with a status below 400. */
  http?: string;
  /** `NAME@SERVER`: the DNS server must know an address of the name. Without a server, the host's resolver must. */
  dns?: string;
  /**
   * Shell text that must end with exit code 0. It runs as root, with `LINK` and `NETNS` in its environment.
   */
  command?: string;
  /** Seconds within which it must pass; it is tried again until then. Default: 10. */
  within?: number;
  /**
   * Where it starts. `link`: in the link's namespace, out of the link. `host`: in the host's own namespace, by the host's
   * routes. An object: on another host. Default: `link`.
   */
  from?: "link" | "host" | CheckFromArgs;
  /** Undo the change also if the check failed before it. Default: false. */
  required?: boolean;
}

/** A check with its last result. */
export interface CheckOutput extends CheckArgs {
  /** Whether it passed; absent if it has not run since the link was read. */
  passed?: boolean;
  /** Milliseconds that the successful try took. */
  ms?: number;
  /** How often it was tried. */
  tries?: number;
}
