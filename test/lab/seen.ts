/** What a host's own `ip` shows of its links: what tests go by, whatever the provider says. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Lab } from "./fleet";

export interface SeenLink {
  readonly ifindex: number;
  readonly ifname: string;
  readonly link?: string;
  readonly flags: readonly string[];
  readonly operstate: string;
  readonly mtu: number;
  readonly master?: string;
  readonly txqlen: number;
  readonly address: string;
  readonly promiscuity: number;
  readonly ifalias?: string;
  readonly linkinfo?: {
    readonly info_kind?: string;
    readonly info_data?: Readonly<Record<string, unknown>>;
    readonly info_slave_data?: Readonly<Record<string, unknown>>;
  };
  readonly addr_info: readonly {
    readonly local: string;
    readonly prefixlen: number;
    readonly scope: string;
  }[];
}

/** A link of a host, or undefined if there is none of that name. */
export async function seenLink(
  lab: Lab,
  host: string,
  name: string,
  netns = "",
): Promise<SeenLink | undefined> {
  const links = await lab.ipJson<SeenLink[]>(host, [...inNetns(netns), "-d", "address", "show"]);
  return links.find((link) => link.ifname === name);
}

/** The same for a link that has to be there. */
export async function linkOf(lab: Lab, host: string, name: string, netns = ""): Promise<SeenLink> {
  const link = await seenLink(lab, host, name, netns);
  if (!link) throw new Error(`${host} has no link ${name}`);
  return link;
}

/** Its addresses of global scope, as `192.0.2.1/24`. */
export function addressesOf(link: SeenLink): string[] {
  return link.addr_info.filter((a) => a.scope === "global").map((a) => `${a.local}/${a.prefixlen}`);
}

/** Static routes through a link, as `ip route` writes them. */
export async function routesOf(lab: Lab, host: string, name: string, netns = ""): Promise<string[]> {
  const within = netns === "" ? "" : `-n ${netns} `;
  const families = ["-4", "-6"].map((f) => `ip ${within}${f} route show dev ${name} proto static`);
  const lines = await lab.sh(host, families.join("; "));
  return lines
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
}

/** Everything that can be set on the host's network, and the provider's records. */
export async function snapshot(lab: Lab, host: string): Promise<string> {
  const script = `show() { ip "$@" -d -o address show; ip "$@" -d -o link show; ip "$@" route show table all; }
show; ip netns list; for n in $(ip netns list | cut -d" " -f1); do show -n "$n"; done
bridge -d link; cat /run/pulumi-macvlan/links/* /run/pulumi-macvlan/netns/* 2>/dev/null
grep -H "" /proc/sys/net/ipv4/conf/*/arp_* /proc/sys/net/ipv6/conf/*/ndisc_notify; true`;
  // the kernel's own routes to an IPv6 address come when its duplicate detection has ended
  const isLasting = (line: string): boolean => !/^(?:local|anycast|multicast) .*table local/.test(line);
  const withoutClocks = (line: string): string =>
    line
      .replace(/ tentative|(?:valid_lft|preferred_lft|expires) \S+|_timer +\S+|^402653\d{4}(?= \{)/g, "")
      .trim();
  const lines = (await lab.sh(host, script)).split("\n");
  return lines.filter(isLasting).map(withoutClocks).toSorted().join("\n");
}

/** A text without the marks that each making of a link, and each stack, has at random. */
export function withoutMakings(text: string): string {
  return text.replace(/"(?:making|stack)":"[0-9a-f]+",?/g, "");
}

/**
 * Without the indexes of links and namespaces, which the kernel counts up, also those of the other ends of a host's cables,
 * and without {@link withoutMakings}.
 */
export function withoutNumbers(text: string): string {
  const one = (line: string): string =>
    line
      .replace(/^[0-9]+:? /, "")
      .replace(/^(mgmt0|eth[01])@\S+:/, "$1:")
      // the kernel counts how many listen to all groups, and does so some time after a link has gone
      .replace(/ \(id: [0-9]+\)|@if[0-9]+|link-netnsid [0-9]+|allmulti [0-9]+/g, "");
  return withoutMakings(text).split("\n").map(one).toSorted().join("\n");
}

/**
 * All of a host that can be compared, as soon as the kernel has done what it does by itself: carrier, link-local addresses. Of
 * a link that is up, it says UNKNOWN or UP, as its driver has told it of the carrier yet or not.
 */
export async function settledState(lab: Lab, host: string): Promise<string> {
  let last = "";
  for (;;) {
    const now = withoutNumbers(await snapshot(lab, host))
      .replaceAll(" state UNKNOWN ", " state UP ")
      // a passthru child has its parent's address: which of the two is a duplicate is up to chance
      .replaceAll(/( inet6 fe80:\S+ scope link) dadfailed/g, "$1");
    if (now === last) return now;
    last = now;
    await sleep(300);
  }
}

/** The lines that only one of two states has: `+` now, `-` before. Empty if they are the same. */
export function differenceOf(before: string, now: string): string {
  const [gone, come] = [before.split("\n"), now.split("\n")];
  const only = (mark: string, of: readonly string[], but: readonly string[]): string[] =>
    of.filter((line) => !but.includes(line)).map((line) => `${mark} ${line}`);
  return [...only("-", gone, come), ...only("+", come, gone)].join("\n");
}

function inNetns(netns: string): string[] {
  return netns === "" ? [] : ["-n", netns];
}
