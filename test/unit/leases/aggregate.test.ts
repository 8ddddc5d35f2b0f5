import assert from "node:assert/strict";
import fc from "fast-check";
import { aggregateAddresses } from "../../../provider/leases/aggregate";
import { ipOf, rangeOfCidr } from "../../../provider/leases/ranges";

/** All addresses of a CIDR, one by one. */
function expand(cidr: string): string[] {
  const { family, first, last } = rangeOfCidr(cidr);
  return Array.from({ length: Number(last - first) + 1 }, (_, i) =>
    ipOf({ family, value: first + BigInt(i) }),
  );
}

/** The fewest blocks by definition: a block that is all there is one, else what its halves need. */
function fewest(numbers: ReadonlySet<number>, first: number, bits: number): number {
  const size = 2 ** bits;
  const there = Array.from({ length: size }, (_, i) => first + i).filter((n) => numbers.has(n)).length;
  if (there === 0) return 0;
  if (there === size) return 1;
  return fewest(numbers, first, bits - 1) + fewest(numbers, first + size / 2, bits - 1);
}

describe("aggregation of routes", () => {
  it("joins neighbours whose prefix is one, and no others", () => {
    assert.deepEqual(aggregateAddresses([]), []);
    assert.deepEqual(aggregateAddresses(["192.0.2.10/24"]), ["192.0.2.10/32"]);
    assert.deepEqual(aggregateAddresses(["192.0.2.11", "192.0.2.10", "192.0.2.10"]), ["192.0.2.10/31"]);
    assert.deepEqual(aggregateAddresses(["192.0.2.11", "192.0.2.12"]), ["192.0.2.11/32", "192.0.2.12/32"]);
    assert.deepEqual(aggregateAddresses(["2001:db8::2", "192.0.2.1", "2001:DB8:0::3"]), [
      "192.0.2.1/32",
      "2001:db8::2/127",
    ]);
  });

  it("takes the ends of the address space, and a whole subnet", () => {
    assert.deepEqual(aggregateAddresses(["255.255.255.255", "255.255.255.254"]), ["255.255.255.254/31"]);
    assert.deepEqual(aggregateAddresses(["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]), [
      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
    ]);
    assert.deepEqual(aggregateAddresses(expand("198.51.100.0/22")), ["198.51.100.0/22"]);
  });

  it("refuses what is no address", () => {
    assert.throws(() => aggregateAddresses(["192.0.2"]), /not an IP address: 192\.0\.2/);
  });

  for (const subnet of ["192.0.2.64/26", "2001:db8::40/122"]) {
    it(`covers exactly the addresses, once each, by the fewest CIDRs: any of ${subnet}`, () => {
      const all = expand(subnet);
      fc.assert(
        fc.property(fc.uniqueArray(fc.nat(63), { maxLength: 64 }), (numbers) => {
          const addresses = numbers.map((n) => all[n] ?? "");
          const cidrs = aggregateAddresses(addresses);
          assert.deepEqual(cidrs.flatMap(expand).toSorted(), addresses.toSorted());
          assert.equal(cidrs.length, fewest(new Set(numbers), 0, 6));
        }),
      );
    });
  }
});
