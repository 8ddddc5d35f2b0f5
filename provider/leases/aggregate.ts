/** The fewest routes to a set of addresses. Pure. */
import { type AddressNumber, ipOf, numberOf } from "./ranges";

/**
 * The fewest CIDRs that cover exactly these addresses, IPv4 first, each family in ascending order. A run of neighbours
 * is split where its binary prefixes end (RFC 4632, 5.1), which gives the fewest pieces.
 *
 * @param addresses IP addresses; a prefix length is ignored: `192.0.2.10/24` is one host
 * @throws TypeError if one is not an IP address
 * @example aggregateAddresses(["192.0.2.10", "192.0.2.11", "192.0.2.12"]) // ["192.0.2.10/31", "192.0.2.12/32"]
 */
export function aggregateAddresses(addresses: readonly string[]): string[] {
  const numbers = addresses.map((address) => {
    const number = numberOf(address.split("/")[0] ?? "");
    if (number === undefined) throw new TypeError(`not an IP address: ${address}`);
    return number;
  });
  return [
    ...aggregateFamily(
      numbers.filter((n) => n.family === 4),
      32,
    ),
    ...aggregateFamily(
      numbers.filter((n) => n.family === 6),
      128,
    ),
  ];
}

function aggregateFamily(numbers: readonly AddressNumber[], bits: number): string[] {
  const values = [...new Set(numbers.map((n) => n.value))].toSorted((a, b) => (a < b ? -1 : 1));
  const family = bits === 32 ? 4 : 6;
  const cidrs: string[] = [];
  for (let at = 0; at < values.length;) {
    const value = values[at] ?? 0n;
    let length = 0;
    // doubled as long as the block begins at a multiple of its size and all of it is in the run
    while (
      length < bits &&
      value % (1n << BigInt(length + 1)) === 0n &&
      values[at + 2 ** (length + 1) - 1] === value + (1n << BigInt(length + 1)) - 1n
    ) {
      length += 1;
    }
    cidrs.push(`${ipOf({ family, value })}/${bits - length}`);
    at += 2 ** length;
  }
  return cidrs;
}
