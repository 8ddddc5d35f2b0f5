import assert from "node:assert/strict";
import fc from "fast-check";
import { openClaims } from "../../../../provider/kinds/lan/claims";
import { type Claim, conflictsOf } from "../../../../provider/kinds/lan/conflicts";

/** A few of everything, so that claims often have something in common. */
const anyClaim = fc.record({
  resource: fc.constantFrom("a", "b", "c", "d", "e"),
  host: fc.constantFrom("node1", "node2"),
  lan: fc.constantFrom("eth0", "br0"),
  addresses: fc.array(fc.constantFrom("192.0.2.1/24", "192.0.2.1/32", "192.0.2.2/24", "2001:db8::1/64")),
  macAddress: fc.option(fc.constantFrom("02:00:00:00:00:01", "02:00:00:00:00:02"), { nil: undefined }),
});

describe("the claims of a run", () => {
  it("are found by what they share, as if each were compared with all that were made before it", () => {
    fc.assert(
      fc.property(fc.array(anyClaim), (list) => {
        const claims = openClaims();
        const all = new Map<string, Claim>();
        for (const { macAddress, ...rest } of list) {
          const claim: Claim = {
            ...{ name: rest.resource, netns: "", hostLabel: rest.host, ...rest },
            ...(macAddress === undefined ? {} : { macAddress }),
          };
          claims.put(claim);
          all.set(claim.resource, claim);
          const others = [...all.values()];
          const texts = (of: readonly Claim[]): string[] => {
            const { issues, warnings } = conflictsOf(claim, of);
            return [...issues.map((i) => i.property + i.reason), ...warnings.map((w) => w.text)].toSorted();
          };
          assert.deepEqual(texts(claims.withSame(claim)), texts(others));
          const onHost = others.filter((c) => c.host === claim.host);
          assert.deepEqual(new Set(claims.onHostOf(claim)), new Set(onHost));
        }
        for (const mac of ["02:00:00:00:00:01", "02:00:00:00:00:02"])
          assert.equal(
            claims.hasMac(mac),
            [...all.values()].some((c) => c.macAddress === mac),
          );
      }),
    );
  });
});
