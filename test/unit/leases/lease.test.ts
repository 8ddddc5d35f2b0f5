import assert from "node:assert/strict";
import fc from "fast-check";
import { type Leases, type PoolInputs, leaseAddresses, poolSchema } from "../../../provider/leases/lease";
import { numberOf } from "../../../provider/leases/ranges";

const POOL = { cidr: ["192.0.2.0/24"], exclude: ["192.0.2.1"] };

/** The leases of a pool without problems. */
function lease(pool: PoolInputs, before: Leases = {}): Record<string, string> {
  const { leases, problems } = leaseAddresses(pool, before);
  assert.deepEqual(problems, []);
  return Object.fromEntries(Object.entries(leases).map(([key, addresses]) => [key, addresses.join(" ")]));
}

function problems(pool: PoolInputs, before: Leases = {}): string[] {
  return leaseAddresses(pool, before).problems.map((p) => `${p.property} ${p.reason}`);
}

describe("leases of addresses", () => {
  it("are the lowest free ones in the order of the keys, without the subnet's own and excluded ones", () => {
    assert.deepEqual(lease({ ...POOL, keys: ["b/web", "a/web"] }), {
      "b/web": "192.0.2.2/24",
      "a/web": "192.0.2.3/24",
    });
    assert.deepEqual(lease({ cidr: ["192.0.2.8/31"], keys: ["a", "b"] }), {
      a: "192.0.2.8/31",
      b: "192.0.2.9/31",
    });
  });

  it("are one of each family", () => {
    assert.deepEqual(lease({ cidr: ["192.0.2.0/24", "2001:db8::/64"], keys: ["a"] }), {
      a: "192.0.2.1/24 2001:db8::1/64",
    });
  });

  it("come from the ranges if some are given, merged and without what is excluded", () => {
    const range = ["192.0.2.20-192.0.2.22", "192.0.2.16/30", "192.0.2.18-192.0.2.20"];
    const pool = { cidr: ["192.0.2.0/24"], range, exclude: ["192.0.2.17", "192.0.2.19-192.0.2.20"] };
    const keys = ["a", "b", "c", "d"];
    assert.deepEqual(Object.values(lease({ ...pool, keys })), [
      "192.0.2.16/24",
      "192.0.2.18/24",
      "192.0.2.21/24",
      "192.0.2.22/24",
    ]);
    const [problem = ""] = problems({ ...pool, keys: [...keys, "e", "f"] });
    assert.match(
      problem,
      /^range has 4 addresses of 192\.0\.2\.0\/24, but 6 are needed; none is left for e, f\./,
    );
  });

  it("stay when keys come and go before and between them", () => {
    const before = leaseAddresses({ ...POOL, keys: ["a", "b", "c"] }, {}).leases;
    assert.deepEqual(lease({ ...POOL, keys: ["new", "c", "a"] }, before), {
      new: "192.0.2.5/24",
      c: "192.0.2.4/24",
      a: "192.0.2.2/24",
    });
  });

  it("are given again one run after they became free, not in the same one", () => {
    const small = { cidr: ["192.0.2.0/30"] };
    const before = leaseAddresses({ ...small, keys: ["a", "b"] }, {}).leases;
    const [problem = ""] = problems({ ...small, keys: ["a", "c"] }, before);
    assert.match(
      problem,
      /none is left for c\. To solve this, 1 more is free after the removals of this run/,
    );
    const between = leaseAddresses({ ...small, keys: ["a"] }, before).leases;
    assert.deepEqual(lease({ ...small, keys: ["c", "a"] }, between), {
      c: "192.0.2.2/30",
      a: "192.0.2.1/30",
    });
  });

  it("are what is reserved, even outside of the range; no other key gets that, and one that had it moves", () => {
    const before = leaseAddresses({ ...POOL, keys: ["a", "b"] }, {}).leases;
    const reservations = { b: ["192.0.2.2"], c: ["192.0.2.200"], gone: ["192.0.2.4"] };
    assert.deepEqual(
      lease({ ...POOL, range: ["192.0.2.0/28"], reservations, keys: ["a", "b", "c"] }, before),
      {
        a: "192.0.2.5/24", // .3 was b's until this run, .4 is kept for who is not there
        b: "192.0.2.2/24",
        c: "192.0.2.200/24",
      },
    );
  });

  it("move only if the pool does not have them any more, and take a new prefix length in place", () => {
    const before = { a: ["192.0.2.2/24"], b: ["192.0.2.3/24"] };
    assert.deepEqual(lease({ ...POOL, exclude: ["192.0.2.3"], keys: ["a", "b"] }, before), {
      a: "192.0.2.2/24",
      b: "192.0.2.1/24",
    });
    assert.deepEqual(lease({ cidr: ["192.0.2.0/25"], keys: ["a", "b"] }, before), {
      a: "192.0.2.2/25",
      b: "192.0.2.3/25",
    });
  });

  it("report problems on the path of what is wrong", () => {
    const reservations = {
      a: ["198.51.100.1"],
      b: ["192.0.2.255"],
      c: ["192.0.2.1"],
      d: ["192.0.2.9", "192.0.2.10"],
      e: ["192.0.2.9"],
      f: ["2001:db8::1"],
    };
    assert.deepEqual(problems({ ...POOL, range: ["198.51.100.0/24"], reservations, keys: [] }), [
      "range[0] 198.51.100.0/24 is not in 192.0.2.0/24",
      'reservations["f"] 2001:db8::1 is not in 192.0.2.0/24',
      'reservations["a"] 198.51.100.1 is not in 192.0.2.0/24',
      'reservations["b"] 192.0.2.255 is the network\'s broadcast address',
      'reservations["c"] 192.0.2.1 is excluded, or used by the gateway or a child with addresses of its own',
      'reservations["d"] 192.0.2.10 is a second address of its family',
      'reservations["e"] 192.0.2.9 is reserved for d as well',
    ]);
  });

  it("are asked for by inputs that a schema checks", () => {
    const reasons = (inputs: object): string[] =>
      (poolSchema.safeParse({ keys: [], ...inputs }).error?.issues ?? []).map(
        (issue) => `${issue.path.join(".")} ${issue.message}`,
      );
    assert.deepEqual(reasons({ cidr: ["192.0.2.0/24", "2001:db8::/64"], exclude: ["192.0.2.1"] }), []);
    assert.deepEqual(reasons({ cidr: ["192.0.2.10/24"] }), [
      "cidr.0 has bits set behind its prefix; write 192.0.2.0/24",
    ]);
    assert.deepEqual(reasons({ cidr: ["192.0.2.0/24", "198.51.100.0/24"] }), [
      "cidr has two subnets of one family; a network is one LAN",
    ]);
    assert.deepEqual(
      reasons({
        cidr: ["lan"],
        range: ["192.0.2.9-192.0.2.1", "192.0.2.1-2001:db8::1", "192.0.2.5/24", "1-2-3"],
        reservations: { a: ["192.0.2.1/24"] },
      }),
      [
        "cidr.0 is not a CIDR, such as 192.0.2.0/24 or 2001:db8::/64",
        "range.0 ends before it begins",
        "range.1 begins and ends in different address families",
        "range.2 has bits set behind its prefix; write 192.0.2.0/24, or the address alone",
        "range.3 is not an address, CIDR (192.0.2.64/26) or range (192.0.2.100-192.0.2.199)",
        "reservations.a.0 is not an IP address without a prefix",
      ],
    );
  });

  const KEYS = fc.uniqueArray(fc.constantFrom(...Array.from("abcdefghijklmnopqrst")), { maxLength: 20 });
  const subnets = [
    { cidr: ["192.0.2.0/27"], exclude: ["192.0.2.1", "192.0.2.8/30"] },
    { cidr: ["192.0.2.0/27", "2001:db8::/122"], range: ["192.0.2.3-192.0.2.30", "2001:db8::8-2001:db8::38"] },
  ];
  for (const pool of subnets) {
    it(`stay over any history of keys that come and go in any order, no two alike: ${pool.cidr.join(" ")}`, () => {
      fc.assert(
        fc.property(fc.array(KEYS, { minLength: 2, maxLength: 8 }), (history) => {
          let before: Leases = {};
          for (const keys of history) {
            const leased = leaseAddresses({ ...pool, keys }, before);
            if (leased.problems.length > 0) break; // full: the run stops here, and keeps what it had
            const { leases } = leased;
            for (const key of keys) {
              if (before[key] !== undefined) assert.deepEqual(leases[key], before[key], `${key} moved`);
            }
            const addresses = Object.values(leases).flat();
            assert.equal(new Set(addresses).size, addresses.length, "two alike");
            assert.equal(addresses.length, keys.length * pool.cidr.length);
            const released = Object.entries(before).filter(([key]) => !keys.includes(key));
            assert.ok(
              !released.some(([, old]) => old.some((a) => addresses.includes(a))),
              "given again at once",
            );
            before = leases;
          }
        }),
      );
    });
  }

  it("honour any reservations, and move only what is in their way", () => {
    const reserved = fc.dictionary(
      fc.constantFrom(...Array.from("abcdefgh")),
      fc.integer({ min: 2, max: 30 }),
    );
    fc.assert(
      fc.property(KEYS, reserved, (keys, numbers) => {
        const distinct = new Set(Object.values(numbers)).size === Object.keys(numbers).length;
        fc.pre(distinct);
        const pool = { cidr: ["192.0.2.0/26"], exclude: ["192.0.2.1"] };
        const before = leaseAddresses({ ...pool, keys }, {}).leases;
        const reservations = Object.fromEntries(
          Object.entries(numbers).map(([key, n]) => [key, [`192.0.2.${n}`]]),
        );
        const { leases, problems } = leaseAddresses({ ...pool, keys, reservations }, before);
        assert.deepEqual(problems, []);
        for (const key of keys) {
          const [own] = reservations[key] ?? [];
          const [had = ""] = before[key] ?? [];
          const isWanted = Object.values(reservations)
            .flat()
            .includes(had.split("/")[0] ?? "");
          if (own !== undefined) assert.deepEqual(leases[key], [`${own}/26`]);
          else if (!isWanted) assert.deepEqual(leases[key], before[key]);
        }
      }),
    );
  });

  it("take a second of CPU for 2,000 children at most", () => {
    const keys = Array.from({ length: 2000 }, (_, i) => `node${i % 50}/c${i}`);
    const before = process.cpuUsage();
    const leases = lease({ cidr: ["10.0.0.0/16", "2001:db8::/64"], keys });
    assert.equal(numberOf(leases[keys.at(-1) ?? ""]?.split("/")[0] ?? "")?.value, 0x0a0007d0n);
    const { user } = process.cpuUsage(before);
    assert.ok(user < 1_000_000, `${user} µs of CPU`);
  });
});
