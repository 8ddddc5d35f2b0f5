/** Ranges of IP addresses, as integers per family. Pure. */
import ipaddr from "ipaddr.js";
import { canonicalCidr, canonicalIp, subnetOf } from "../model/addresses";

/** Addresses of one family from `first` to `last`, both included. */
export interface AddressRange {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

/** One address as a number of its family. */
export interface AddressNumber {
  readonly family: 4 | 6;
  readonly value: bigint;
}

const BITS = { 4: 32, 6: 128 } as const;

/** Undefined if the text is not an IP address. */
export function numberOf(ip: string): AddressNumber | undefined {
  if (canonicalIp(ip) === undefined) return undefined;
  const bytes = ipaddr.parse(ip).toByteArray();
  return {
    family: bytes.length === 4 ? 4 : 6,
    value: bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n),
  };
}

/** The address for a number, in canonical form. */
export function ipOf({ family, value }: AddressNumber): string {
  const bytes = Array.from({ length: BITS[family] / 8 }, (_, i) =>
    Number((value >> BigInt(BITS[family] - 8 * (i + 1))) & 0xffn),
  );
  const text = ipaddr.fromByteArray(bytes).toString();
  return canonicalIp(text) ?? text;
}

/** All addresses that begin with the CIDR's prefix: `192.0.2.10/24` → 192.0.2.0 to 192.0.2.255. */
export function rangeOfCidr(cidr: string): AddressRange {
  const [ip = "", prefix = ""] = subnetOf(cidr).split("/");
  const first = numberOf(ip);
  if (first === undefined) throw new TypeError(`not a CIDR: ${cidr}`);
  const size = 1n << BigInt(BITS[first.family] - Number(prefix));
  return { family: first.family, first: first.value, last: first.value + size - 1n };
}

/**
 * Parses an address, a CIDR without host bits, or `192.0.2.100-192.0.2.199`; returns a string with the reason if it is
 * none of these.
 */
export function parseRange(text: string): AddressRange | string {
  const one = numberOf(text);
  if (one !== undefined) return { family: one.family, first: one.value, last: one.value };
  if (canonicalCidr(text) !== undefined) {
    const subnet = subnetOf(text);
    return subnet === canonicalCidr(text)
      ? rangeOfCidr(text)
      : `has bits set behind its prefix; write ${subnet}, or the address alone`;
  }
  const [from, to, ...more] = text.split("-").map((end) => numberOf(end.trim()));
  if (from === undefined || to === undefined || more.length > 0) {
    return "is not an address, CIDR (192.0.2.64/26) or range (192.0.2.100-192.0.2.199)";
  }
  if (from.family !== to.family) return "begins and ends in different address families";
  if (from.value > to.value) return "ends before it begins";
  return { family: from.family, first: from.value, last: to.value };
}

/** The host addresses of a subnet: all except the network and the broadcast address, if it has them. */
export function hostsOfCidr(cidr: string): AddressRange {
  const range = rangeOfCidr(cidr);
  const size = range.last - range.first + 1n;
  if (size <= 2n) return range; // RFC 3021 and RFC 6164: both ends of a point-to-point link
  // RFC 4291, 2.6.1: the first of an IPv6 subnet is its routers' anycast address
  return { ...range, first: range.first + 1n, last: range.family === 4 ? range.last - 1n : range.last };
}

export function contains(range: AddressRange, address: AddressNumber): boolean {
  return range.family === address.family && range.first <= address.value && address.value <= range.last;
}

/** The common part of two ranges; undefined if there is none. */
export function intersection(a: AddressRange, b: AddressRange): AddressRange | undefined {
  if (a.family !== b.family) return undefined;
  const first = a.first > b.first ? a.first : b.first;
  const last = a.last < b.last ? a.last : b.last;
  return first <= last ? { family: a.family, first, last } : undefined;
}
