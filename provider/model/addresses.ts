/** Canonical forms of IP addresses, CIDRs and MAC addresses. Pure. */
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
  // a zone (fe80::1%eth0) names a link: it is not part of an address on a link, and iproute2 accepts none
  if (text.includes("%")) return undefined;
  // IPv6 by its colon: the library's check for IPv4 would cost an exception per address
  if (text.includes(":")) return ipaddr.IPv6.isValid(text) ? ipaddr.IPv6.parse(text) : undefined;
  // only four decimal parts: other tools read inet_aton's short and octal forms as other addresses
  return ipaddr.IPv4.isValidFourPartDecimal(text) ? ipaddr.IPv4.parse(text) : undefined;
}

/** RFC 5952 text of an address, as iproute2 prints it (inet_ntop); undefined for anything else. */
export function canonicalIp(text: string): string | undefined {
  if (CANONICAL_IPV4.test(text)) return text;
  const address = parseIp(text);
  return address && textOf(address);
}

function textOf(address: ipaddr.IPv4 | ipaddr.IPv6): string {
  if (address.kind() === "ipv6" && (address as ipaddr.IPv6).isIPv4MappedAddress()) {
    return `::ffff:${(address as ipaddr.IPv6).toIPv4Address().toString()}`;
  }
  return address.toString();
}

/** `2001:DB8::1/64` → `2001:db8::1/64`; undefined for anything else. */
export function canonicalCidr(text: string): string | undefined {
  const [host = "", bits = ""] = text.split("/", 2);
  if (/^(?:[0-9]|[12][0-9]|3[0-2])$/.test(bits) && text.length === host.length + bits.length + 1) {
    if (CANONICAL_IPV4.test(host)) return text;
  }
  const cidr = parseCidr(text);
  return cidr && `${textOf(cidr.address)}/${cidr.prefix}`;
}

/** The network of an address in CIDR form: `192.0.2.10/24` → `192.0.2.0/24`. */
export function subnetOf(cidr: string): string {
  const [host = "", bits = ""] = cidr.split("/", 2);
  if (CANONICAL_IPV4.test(host) && /^(?:[0-9]|[12][0-9]|3[0-2])$/.test(bits)) {
    const size = 2 ** (32 - Number(bits));
    const first = Math.floor(ipv4Number(host) / size) * size;
    return `${[24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join(".")}/${bits}`;
  }
  const parsed = parseCidr(cidr);
  if (!parsed) throw new TypeError(`not a CIDR: ${cidr}`);
  const network =
    parsed.address.kind() === "ipv4"
      ? ipaddr.IPv4.networkAddressFromCIDR(cidr)
      : ipaddr.IPv6.networkAddressFromCIDR(cidr);
  return `${textOf(network)}/${parsed.prefix}`;
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
    const size = 2 ** (32 - Number(bits));
    return Math.floor(ipv4Number(base) / size) === Math.floor(ipv4Number(ip) / size);
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
  const parsed = parseCidr(cidr);
  if (parsed?.address.kind() !== "ipv4" || parsed.prefix > 30) return undefined;
  return ipaddr.IPv4.broadcastAddressFromCIDR(cidr).toString();
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
