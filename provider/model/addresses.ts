/** Canonical forms of IP addresses, CIDRs and MAC addresses. Pure. */
import { isIPv6 } from "node:net";
import ipaddr from "ipaddr.js";

/** An address and its prefix length. */
interface Cidr {
  readonly address: ipaddr.IPv4 | ipaddr.IPv6;
  readonly prefix: number;
}

/**
 * An IPv4 address whose text is its only one. Most addresses and routes of a host are such, and the library takes
 * 20 times as long for them.
 */
const CANONICAL_IPV4 = /^(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!$)|$)){4}$/;

/** The number of such an address. */
function ipv4Number(text: string): number {
  return text.split(".").reduce((number, byte) => number * 256 + Number(byte), 0);
}

function ipv4Text(number: number): string {
  return [24, 16, 8, 0].map((bits) => (number >>> bits) & 0xff).join(".");
}

function parseCidr(text: string): Cidr | undefined {
  const match = /^([0-9A-Fa-f:.]+)\/([0-9]{1,3})$/.exec(text);
  const [, host, bits] = match ?? [];
  if (host === undefined || bits === undefined) return undefined;
  const address = parseIp(host);
  const prefix = Number(bits);
  if (!address || prefix > (address.kind() === "ipv4" ? 32 : 128)) return undefined;
  return { address, prefix };
}

function parseIp(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  // the library takes ::192.0.2.1 for ::ffff:192.0.2.1, so it gets the canonical text
  if (text.includes(":")) return isPlainIPv6(text) ? ipaddr.IPv6.parse(canonicalIPv6(text)) : undefined;
  // only four decimal parts: other tools read inet_aton's short and octal forms as other addresses
  return ipaddr.IPv4.isValidFourPartDecimal(text) ? ipaddr.IPv4.parse(text) : undefined;
}

/** A zone (fe80::1%eth0) names a link: it is not part of an address on a link, and iproute2 accepts none. */
function isPlainIPv6(text: string): boolean {
  return !text.includes("%") && isIPv6(text);
}

/** RFC 5952 text of an address, as iproute2 prints it (inet_ntop); undefined for anything else. */
export function canonicalIp(text: string): string | undefined {
  if (CANONICAL_IPV4.test(text)) return text;
  if (text.includes(":")) return isPlainIPv6(text) ? canonicalIPv6(text) : undefined;
  return parseIp(text)?.toString();
}

/** URLs have the same text, but for one form, and Node.js reads it ten times as fast as the library. */
function canonicalIPv6(text: string): string {
  const shortest = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(shortest) ?? [];
  if (high === undefined || low === undefined) return shortest;
  return `::ffff:${ipv4Text(Number.parseInt(high, 16) * 0x10000 + Number.parseInt(low, 16))}`;
}

/** `2001:DB8::1/64` → `2001:db8::1/64`; undefined for anything else. */
export function canonicalCidr(text: string): string | undefined {
  const [host = "", bits = "", ...more] = text.split("/", 3);
  if (more.length > 0 || !/^[0-9]{1,3}$/.test(bits)) return undefined;
  const prefix = Number(bits);
  const address = prefix > (host.includes(":") ? 128 : 32) ? undefined : canonicalIp(host);
  return address === undefined ? undefined : `${address}/${prefix}`;
}

/** The network of an address in CIDR form: `192.0.2.10/24` → `192.0.2.0/24`. */
export function subnetOf(cidr: string): string {
  const text = canonicalCidr(cidr);
  if (text === undefined) throw new TypeError(`not a CIDR: ${cidr}`);
  const prefix = prefixOf(text);
  const address = withoutPrefix(text);
  if (!isIPv6Cidr(text)) return `${ipv4Text(networkNumber(ipv4Number(address), prefix))}/${prefix}`;
  if (prefix === 128) return text;
  const groups = ipaddr.IPv6.parse(address).parts.map((group, i) => {
    const host = Math.min(16, Math.max(0, 16 * (i + 1) - prefix));
    return ((group >>> host) << host).toString(16);
  });
  return `${canonicalIPv6(groups.join(":"))}/${prefix}`;
}

function networkNumber(address: number, prefix: number): number {
  const size = 2 ** (32 - prefix);
  return Math.floor(address / size) * size;
}

/** Whether an address is an IPv6 link-local one (RFC 4291, 2.5.6). */
export function isLinkLocal(cidr: string): boolean {
  return /^fe[89ab][0-9a-f]:/.test(cidr);
}

/** Whether an address is in a network; false for different address families. */
export function containsIp(cidr: string, ip: string): boolean {
  if (isIPv6Cidr(cidr) !== isIPv6Cidr(ip)) return false;
  const [base = "", bits = ""] = cidr.split("/", 2);
  if (CANONICAL_IPV4.test(base) && CANONICAL_IPV4.test(ip) && /^(?:[0-9]|[12][0-9]|3[0-2])$/.test(bits)) {
    const network = (address: string): number => networkNumber(ipv4Number(address), Number(bits));
    return network(base) === network(ip);
  }
  const address = parseIp(ip);
  const network = address && parseCidr(cidr);
  return network !== undefined && address?.kind() === network.address.kind()
    ? address.match([network.address, network.prefix])
    : false;
}

/** The address of a CIDR, without its prefix length. */
export function withoutPrefix(cidr: string): string {
  const end = cidr.indexOf("/");
  return end < 0 ? cidr : cidr.slice(0, end);
}

/** Whether an address in CIDR form is this one, whatever its prefix length: asked of each link of a host. */
export function isOfIp(cidr: string, ip: string): boolean {
  return cidr.startsWith(ip) && (cidr.length === ip.length || cidr[ip.length] === "/");
}

/** The prefix length of an address in CIDR form. */
export function prefixOf(cidr: string): number {
  return Number(cidr.slice(cidr.indexOf("/") + 1));
}

/** The directed broadcast address of an IPv4 subnet, if it has one (RFC 3021: not in a /31). */
export function broadcastOf(cidr: string): string | undefined {
  const text = isIPv6Cidr(cidr) ? undefined : canonicalCidr(cidr);
  if (text === undefined || prefixOf(text) > 30) return undefined;
  const size = 2 ** (32 - prefixOf(text));
  return ipv4Text(networkNumber(ipv4Number(withoutPrefix(text)), prefixOf(text)) + size - 1);
}

export function isIPv6Cidr(cidr: string): boolean {
  return cidr.includes(":");
}

/**
 * Why a link cannot have an address; undefined if it can. The kernel silently accepts multicast and 0.0.0.0/8 addresses
 * (net/ipv4/devinet.c).
 */
export function whyNotHostAddress(cidr: string): string | undefined {
  const parsed = parseCidr(cidr);
  if (!parsed) {
    return "is not an address in CIDR form, such as 192.0.2.10/24 or 2001:db8::10/64";
  }
  const range = parsed.address.range();
  if (range === "multicast") return "is a multicast address, which cannot be an address of a link";
  if (range === "broadcast" || range === "unspecified") return `is the ${range} address`;
  if (cidr.startsWith("0.")) return "is in 0.0.0.0/8, which means 'this network' (RFC 1122)";
  if (range === "loopback") return "is a loopback address, which is never seen on a LAN";
  if (parsed.address.kind() === "ipv4" && parsed.prefix === 0) return "has the prefix length 0";
  if (parsed.address.kind() === "ipv4" && parsed.prefix < 31) {
    const text = parsed.address.toString();
    if (`${text}/${parsed.prefix}` === subnetOf(cidr)) return "is the network's own address, not a host's";
    if (text === broadcastOf(cidr)) return "is the network's broadcast address";
  }
  return undefined;
}

/** `AA-BB-CC-DD-EE-FF` → `aa:bb:cc:dd:ee:ff`; undefined for anything else. */
export function canonicalMac(text: string): string | undefined {
  return /^[0-9A-Fa-f]{2}([:-])[0-9A-Fa-f]{2}(?:\1[0-9A-Fa-f]{2}){4}$/.test(text)
    ? text.toLowerCase().replaceAll("-", ":")
    : undefined;
}

/** Why a MAC address cannot be a link's own (include/linux/etherdevice.h, is_valid_ether_addr). */
export function whyNotLinkMac(mac: string): string | undefined {
  if (mac === "00:00:00:00:00:00") return "is all zeroes, which is not a valid address";
  const first = Number.parseInt(mac.slice(0, 2), 16);
  return first & 1 ? "is a multicast address (its first byte is odd); a link needs a unicast one" : undefined;
}
