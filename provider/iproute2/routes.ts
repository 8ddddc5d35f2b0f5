/** Routes as any version of `ip -j route show` prints them, from any origin. Pure. */
import { canonicalCidr, canonicalIp } from "../model/addresses";
import type { Route } from "../model/host";
import { plainText } from "./fields";
import { Members, type Value } from "./lenient-json";

/** A route, and the links through which it leads. */
export interface ReadRoute {
  /** Canonical destination. */
  readonly to: string;
  /** One link; several for several next hops (ECMP); none for a `blackhole` or the like. */
  readonly links: readonly string[];
  /** The route as a resource can manage it; undefined if it cannot. */
  readonly route?: Route;
  /** A route that cannot be managed: the kernel's, a daemon's, one with several next hops, a `blackhole`. */
  readonly other?: Route;
  /** The route's words describe it completely, so it could be restored. */
  readonly isWhole: boolean;
}

/**
 * The beginning of an element of the list: a next hop within one begins with `gateway`, `via`, `encap`, `flow` or
 * `dev`.
 */
export const ROUTE_START = /(?<=[[,])\{(?="(?:type|dst)":|"[^":]*",)/g;

/**
 * @param six whether it is an IPv6 route
 * @returns the route, or why it cannot be read
 */
export function readRoute(members: Members, six: boolean): ReadRoute | string {
  const dst = members.get("dst");
  const to = typeof dst === "string" ? destinationOf(dst, six) : undefined;
  if (to === undefined) return dst === undefined ? "has no destination" : `dst is ${shortText(dst)}`;
  const metric = members.get("metric");
  if (metric !== undefined && !isMetric(metric)) return `metric is ${shortText(metric)}`;
  const hops = hopsOf(members);
  const [via, source] = [addressOf(gatewayOf(members)), addressOf(members.get("prefsrc"))];
  if (via === null || source === null) return "gateway or prefsrc is not an IP address";
  const dev = textOf(members, "dev");
  const links = hops.length > 0 ? hops : dev === undefined ? [] : [linkName(dev)];
  const protocol = textOf(members, "protocol") ?? "boot";
  if (links.length !== 1 || hops.length > 0 || !STATIC_PROTOCOLS.includes(protocol)) {
    const type = textOf(members, "type") ?? "unicast";
    const other: Route = {
      to,
      ...(metric === undefined || (six && metric === DEFAULT_METRIC_6) ? {} : { metric }),
      ...(type === "unicast" ? {} : { foreign: type }),
      protocol,
    };
    return { to, links, isWhole: false, other: withSelector(other, foreignOf(members).selector) };
  }
  const { selector, words, isWhole } = foreignOf(members);
  return {
    to,
    links,
    isWhole,
    route: {
      to,
      ...(via === undefined ? {} : { via }),
      ...(source === undefined ? {} : { source }),
      ...(metric === undefined || (six && metric === DEFAULT_METRIC_6) ? {} : { metric }),
      ...(selector.length === 0 ? {} : { selector: selector.join(" ") }),
      ...(words.length === 0 ? {} : { foreign: words.join(" ") }),
      protocol,
    },
  };
}

function withSelector(route: Route, selector: readonly string[]): Route {
  return selector.length === 0 ? route : { ...route, selector: selector.join(" ") };
}

/**
 * A name as it is on the host. Before 5.3 iproute2 prints a backslash as `\n` (lib/json_writer.c), and no name has white
 * space in it (net/core/dev.c, dev_valid_name).
 */
export function linkName(printed: string): string {
  return printed.includes("\n") ? printed.replaceAll("\n", "\\") : printed;
}

/** Protocols of routes that were added by hand or at boot (iproute2's etc/iproute2/rt_protos). */
const STATIC_PROTOCOLS: readonly string[] = ["boot", "static"];

/** IPv6's metric if none was given (include/net/ip6_route.h, IP6_RT_PRIO_USER). */
const DEFAULT_METRIC_6 = 1024;

function isMetric(value: Value): value is number {
  return Number.isSafeInteger(value);
}

/** iproute2's short forms in full: `default`, and a single address; undefined for anything else. */
function destinationOf(dst: string, six: boolean): string | undefined {
  if (dst === "default") return six ? "::/0" : "0.0.0.0/0";
  const cidr = canonicalCidr(dst.includes("/") ? dst : `${dst}/${six ? 128 : 32}`);
  return cidr?.includes(":") === six ? cidr : undefined;
}

/** The links of several next hops. Before 5.4 they are text: `"gateway":"192.0.2.9"dev eth1 weight 2 ,…`. */
function hopsOf(members: Members): string[] {
  const hops = members.get("nexthops");
  const listed = Array.isArray(hops) ? (hops as readonly Value[]) : [];
  return [
    ...listed.flatMap((hop) => (hop instanceof Members ? (textOf(hop, "dev") ?? []) : [])).map(linkName),
    ...members.entries.flatMap(([key, text]) =>
      key === "" && typeof text === "string"
        ? [...text.matchAll(/(?:^|\s)dev (\S+)/g)].flatMap(([, dev]) => dev ?? [])
        : [],
    ),
  ];
}

/** The gateway; one of the other family is printed as `via` (RFC 5549). */
function gatewayOf(members: Members): Value | undefined {
  const via = members.get("via");
  return via instanceof Members ? via.get("host") : members.get("gateway");
}

/** An address in its canonical form; null for anything else. */
function addressOf(value: Value | undefined): string | null | undefined {
  return value === undefined ? undefined : (typeof value === "string" && canonicalIp(value)) || null;
}

function textOf(members: Members, key: string): string | undefined {
  const value = members.get(key);
  return typeof value === "string" ? value : undefined;
}

/** Attributes of a route that no resource can have. */
interface Foreign {
  /** Attributes that distinguish it from other routes to the same destination. */
  readonly selector: string[];
  /** In the words of `ip route add`. */
  readonly words: string[];
  /** The words describe it completely. */
  readonly isWhole: boolean;
}

/** Members without meaning, that are read elsewhere, or that follow from the link's state. */
const NEUTRAL: ReadonlySet<string> = new Set([
  ...["dst", "gateway", "via", "dev", "protocol", "prefsrc", "metric", "nexthops", "nh_info", "table"],
  ...["users", "used", "age", "deleted"],
]);

/** Options by their names in the list `metrics`; a lock on one is not printed. */
const METRICS: ReadonlySet<string> = new Set(
  "mtu advmss hoplimit initcwnd initrwnd window reordering quickack cwnd ssthresh".split(" "),
);

function foreignOf(members: Members): Foreign {
  const selector: string[] = [];
  const words: string[] = [];
  let isWhole = true;
  const unknown = (key: string, value: Value): void => {
    isWhole = false;
    words.push(key, shortText(value));
  };
  const { tunnel, rest } = splitTunnel(members);
  const seen = new Set<string>();
  for (const [key, value] of rest) {
    // the first value of a duplicate key counts; values without a key may repeat
    if (key !== "" && seen.has(key)) continue;
    seen.add(key);
    if (NEUTRAL.has(key)) continue;
    const known = knownWords(key, value);
    if (known === undefined) unknown(key, value);
    else (key === "tos" || key === "from" ? selector : words).push(...known);
  }
  if (tunnel) {
    const encap = tunnelWords(tunnel);
    words.push(...encap.words);
    isWhole &&= encap.isWhole;
  }
  return { selector, words, isWhole };
}

/** The words for a member; none for a default, undefined if there are no words for it. */
function knownWords(key: string, value: Value): string[] | undefined {
  switch (key) {
    case "":
    case "type":
      return value === "unicast" ? [] : undefined;
    case "tos":
    case "from":
      return typeof value === "string" ? [key, shortText(value)] : undefined;
    case "pref":
      return value === "medium" ? [] : typeof value === "string" ? [key, shortText(value)] : undefined;
    case "scope":
      return value === "global" || value === "link"
        ? []
        : typeof value === "string"
          ? [key, value]
          : undefined;
    case "flags":
      // the other flags are set by the kernel: linkdown, dead, offload, …
      return Array.isArray(value) ? (value.includes("onlink") ? ["onlink"] : []) : undefined;
    case "flow":
      return value instanceof Members ? realms(value) : undefined;
    case "metrics":
      return metricWords(value);
    default:
      return undefined;
  }
}

function realms(flow: Members): string[] | undefined {
  const [from, to] = [textOf(flow, "from"), textOf(flow, "to")];
  if (to === undefined) return undefined;
  return ["realms", shortText(from === undefined ? to : `${from}/${to}`)];
}

function metricWords(value: Value): string[] | undefined {
  const [options, ...more] = Array.isArray(value) ? (value as readonly Value[]) : [];
  if (!(options instanceof Members) || more.length > 0) return undefined;
  const words: string[] = [];
  for (const [key, option] of options.entries) {
    if (METRICS.has(key) && typeof option === "number") words.push(key, String(option));
    else if (key === "ecn") words.push("features", "ecn");
    else if (key === "congestion" && typeof option === "string") words.push("congctl", shortText(option));
    else return undefined;
  }
  return words;
}

/** A lightweight tunnel, without a link of its own: its type and members. */
interface Tunnel {
  readonly type: Value;
  readonly options: Members;
}

/** Before 6.3 a tunnel's members are among the route's, after `encap` and before the next hop. */
function splitTunnel(members: Members): { tunnel?: Tunnel; rest: Members["entries"] } {
  const { entries } = members;
  const at = entries.findIndex(([key]) => key === "encap");
  const encap = entries[at]?.[1];
  if (encap === undefined) return { rest: entries };
  if (encap instanceof Members) {
    const options = new Members(encap.entries.filter(([key]) => key !== "encap_type"));
    return { tunnel: { type: encap.get("encap_type") ?? null, options }, rest: entries.toSpliced(at, 1) };
  }
  // the route's own tos is text: "0x10"
  const ends = ([key, value]: readonly [string, Value]): boolean =>
    ["gateway", "via", "dev", "protocol", "scope", "flags"].includes(key) ||
    (key === "tos" && typeof value === "string");
  const length = entries.slice(at).findIndex(ends);
  const end = length < 0 ? entries.length : at + length;
  return {
    tunnel: { type: encap, options: new Members(entries.slice(at + 1, end)) },
    rest: entries.toSpliced(at, end - at),
  };
}

/** The attributes of tunnels by type, in the order of `ip-route(8)`; those of the fields are written in hexadecimal. */
const IP_TUNNEL = ["id", "src", "dst", "ttl", "tos", "hoplimit", "tc", "key", "csum", "seq"];

function tunnelWords({ type, options }: Tunnel): { words: string[]; isWhole: boolean } {
  const words = ["encap", shortText(type)];
  const known = type === "mpls" ? ["dst", "ttl"] : type === "ip" || type === "ip6" ? IP_TUNNEL : [];
  const isWhole = known.length > 0 && options.entries.every(([key]) => known.includes(key));
  for (const [key, value] of options.entries) {
    // not set
    if (value === 0 || value === "0.0.0.0" || value === "::") continue;
    if (type === "mpls" && key === "dst") words.push(shortText(value));
    else if (value === true) words.push(key);
    else if ((key === "tos" || key === "tc") && typeof value === "number")
      words.push(key, `0x${value.toString(16)}`);
    else words.push(key, shortText(value));
  }
  return { words, isWhole };
}

// eslint-disable-next-line no-control-regex -- these characters are removed
const SPACE_OR_CONTROL = /[\s\u0000-\u001f\u007f-\u009f]+/g;

/** A short form of a value, without white space and control characters. */
function shortText(value: Value): string {
  if (value instanceof Members) return `{${value.entries.map(([k, v]) => `${k}:${shortText(v)}`).join(",")}}`;
  if (Array.isArray(value)) return `[${(value as readonly Value[]).map(shortText).join(",")}]`;
  return (value === null ? "none" : plainText(value)).replace(SPACE_OR_CONTROL, "_");
}
