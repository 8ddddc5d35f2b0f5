import assert from "node:assert/strict";
import fc from "fast-check";
import { openClaims } from "../../../../provider/kinds/lan/claims";
import { type Claim, conflictsOf } from "../../../../provider/kinds/lan/conflicts";
import { oneEachConflicts } from "../../../../provider/kinds/lan/one-each";
import { parentUseConflicts } from "../../../../provider/kinds/lan/parent-use";

/** A few of everything, so that claims often have something in common. */
const anyClaim = fc.record({
  resource: fc.constantFrom("a", "b", "c", "d", "e"),
  host: fc.constantFrom("node1", "node2"),
  lan: fc.constantFrom("eth0", "br0"),
  addresses: fc.array(fc.constantFrom("192.0.2.1/24", "192.0.2.1/32", "192.0.2.2/24", "2001:db8::1/64")),
  macAddress: fc.option(fc.constantFrom("02:00:00:00:00:01", "02:00:00:00:00:02"), { nil: undefined }),
  once: fc.constantFrom<Partial<Claim>>(
    ...[{}, { routes: [] }, { maxMacs: 1 }, { parentUse: { kind: "macvlan" } as const }],
    { parentUse: { kind: "macvlan", isPassthru: true } },
    { parentUse: { kind: "macvlan", broadcastQueueThreshold: 1 } },
    { parentUse: { kind: "macvlan", broadcastQueueThreshold: 2 } },
    { parentUse: { kind: "macvlan" }, routes: [{ to: "192.0.2.1/32" }] },
    { parentUse: { kind: "ipvlan", mode: "l2", flag: "bridge" } },
    { parentUse: { kind: "ipvlan", mode: "l3", flag: "bridge" }, detection: "off" },
    { kind: "bond", ports: [{ name: "eth0", property: "ports[0].name" }] },
    {
      kind: "bridge",
      ports: [{ name: "eth0", property: "ports[0].name" }],
      routes: [{ to: "192.0.2.1/32" }],
    },
    { kind: "vlan", exclusiveUse: { property: "vlanId", what: "VLAN 10", of: "eth0" } },
  ),
});

describe("the claims of a run", () => {
  it("are found by what they share, as if each were compared with all earlier ones", () => {
    fc.assert(
      fc.property(fc.array(anyClaim), (list) => {
        const claims = openClaims();
        const all = new Map<string, Claim>();
        for (const { macAddress, once, ...rest } of list) {
          const claim: Claim = {
            ...{ name: rest.resource, netns: "", hostLabel: rest.host, ...rest, ...once },
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
          const beside = (of: readonly Claim[]): string[] =>
            [...oneEachConflicts(claim, of), ...parentUseConflicts(claim, of)]
              .map((i) => i.property + i.reason)
              .toSorted();
          assert.deepEqual(beside(claims.besideOf(claim)), beside(others));
          assert.equal(
            claims.limitsMacs(claim),
            onHost.some((c) => c.maxMacs !== undefined),
          );
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
