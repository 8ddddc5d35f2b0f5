import assert from "node:assert/strict";
import type { ParentUse } from "../../../../provider/kinds/kind";
import type { Claim } from "../../../../provider/kinds/lan/conflicts";
import { parentUseConflicts } from "../../../../provider/kinds/lan/parent-use";

const claim = (name: string, port: ParentUse | undefined, more: Partial<Claim> = {}): Claim => ({
  ...{ name, netns: "", resource: `resource "${name}"`, host: "node1:22", hostLabel: "node1" },
  ...{ lan: "eth0", addresses: [] },
  ...(port ? { parentUse: port } : {}),
  ...more,
});

const L2: ParentUse = { kind: "ipvlan", mode: "l2", flag: "bridge" };

describe("what resources of one run need of their parent", () => {
  it("is macvlans or ipvlans, whichever is looked at", () => {
    const [mac, ip] = [claim("mac", { kind: "macvlan" }), claim("ip", L2)];
    for (const [one, other] of [
      [mac, "ip"],
      [ip, "mac"],
    ] as const) {
      const [conflict] = parentUseConflicts(one, [mac, ip]);
      assert.deepEqual([conflict?.property, conflict?.code], ["parent", "program-conflict"]);
      assert.match(conflict?.reason ?? "", new RegExp(`^resource "${other}" `));
    }
    for (const elsewhere of [{ lan: "eth1" }, { host: "node2:22" }])
      assert.deepEqual(parentUseConflicts(ip, [claim("mac", { kind: "macvlan" }, elsewhere)]), []);
    assert.deepEqual(
      parentUseConflicts(mac, [claim("other", { kind: "macvlan" }), claim("bridge", undefined)]),
      [],
    );
  });

  it("is one mode and one flag for all ipvlans", () => {
    const [a, b] = [claim("a", L2), claim("b", { ...L2, mode: "l3", flag: "vepa" })];
    assert.deepEqual(
      parentUseConflicts(a, [a, b]).map((i) => i.property),
      ["mode", "flag"],
    );
    assert.deepEqual(parentUseConflicts(a, [claim("c", L2)]), []);
  });

  it("is one threshold for all macvlans that state one", () => {
    const of = (name: string, threshold?: number): Claim =>
      claim(name, {
        kind: "macvlan",
        ...(threshold === undefined ? {} : { broadcastQueueThreshold: threshold }),
      });
    assert.deepEqual(parentUseConflicts(of("a", 5), [of("b", 7), of("c"), of("d", 5)]), [
      {
        code: "program-conflict",
        property: "broadcastQueueThreshold",
        reason: 'is 5, but resource "b" of this stack has 7; all macvlans of a parent share one threshold',
      },
    ]);
    assert.deepEqual(parentUseConflicts(of("c"), [of("b", 7)]), []);
  });

  it("is an address on one ipvlan only, even if the program accepts duplicates", () => {
    const addresses = ["192.0.2.8/24", "192.0.2.9/24"];
    const a = claim("a", L2, { addresses, detection: "off" });
    const b = claim("b", L2, { addresses: ["192.0.2.9/32"] });
    assert.deepEqual(
      [parentUseConflicts(a, [b]), parentUseConflicts(b, [a])].map((issues) => issues.map((i) => i.property)),
      [["addresses[1]"], ["addresses[0]"]],
    );
  });
});
