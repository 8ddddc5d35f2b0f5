import assert from "node:assert/strict";
import { type Claim, conflictsOf, macsOn, tooManyMacs } from "../../../../provider/kinds/lan/conflicts";
import type { HostState, LinkState } from "../../../../provider/model/host";
import { type HostAddress, hostIdentity } from "../../../../provider/ssh/address";
import { nic } from "../../../support/hosts";

const claim = (name: string, more: Partial<Claim> = {}): Claim => ({
  ...{ name, netns: "", resource: `MacvlanInterface "${name}"`, host: "node1:22", hostLabel: "node1" },
  ...{ lan: "eth0", addresses: [] },
  ...more,
});

const macvlan = (name: string, address: string): LinkState => ({
  ...nic(name, 9),
  kind: "macvlan",
  parent: "eth0",
  settings: { "link.address": address, "type.mode": "bridge" },
});

describe("conflicts of claims", () => {
  const web = claim("web", { addresses: ["192.0.2.9/24", "192.0.2.10/24"], macAddress: "02:00:00:00:00:01" });

  it("on one LAN of a host name the property and the other resource, whatever the prefix", () => {
    const other = claim("db", { addresses: ["192.0.2.10/32"] });
    const { issues, warnings } = conflictsOf(web, [web, other]);
    assert.deepEqual(
      issues.map((i) => [i.property, i.code]),
      [["addresses[1]", "program-conflict"]],
    );
    assert.match(issues[0]?.reason ?? "", /MacvlanInterface "db".*on the same LAN \(eth0\)/);
    assert.deepEqual(warnings, []);
    const mac = conflictsOf(web, [claim("db", { macAddress: "02:00:00:00:00:01" })]);
    assert.deepEqual(
      mac.issues.map((i) => i.property),
      ["macAddress"],
    );
  });

  it("on other hosts and LANs are reported, refused if that is asked for, and accepted if they are intended", () => {
    for (const elsewhere of [{ host: "node2:22", hostLabel: "node2" }, { lan: "eth1" }]) {
      const other = claim("db", { addresses: ["192.0.2.9/24"], ...elsewhere });
      assert.deepEqual(conflictsOf(web, [other]).issues, []);
      assert.match(
        conflictsOf(web, [other]).warnings[0]?.text ?? "",
        /MacvlanInterface "web" on node1: 192\.0\.2\.9/,
      );
      assert.equal(conflictsOf({ ...web, detection: "error" }, [other]).issues[0]?.property, "addresses[0]");
      for (const [a, b] of [
        [{ ...web, detection: "off" as const }, other],
        [web, { ...other, detection: "off" as const }],
      ] as const)
        assert.deepEqual(conflictsOf(a, [b]), { issues: [], warnings: [] });
    }
  });

  it("are none between hosts behind different jump hosts, and exist on one host whichever user logs in", () => {
    const use = { of: "eth0", what: "VLAN 10", property: "vlanId" };
    const at = (name: string, host: HostAddress): Claim =>
      claim(name, { host: hostIdentity(host), addresses: ["192.0.2.9/24"], exclusiveUse: use });
    const address = "10.0.0.1";
    const north = at("web", { address, jump: { address: "north.example" } });
    const south = at("db", { address, jump: { address: "south.example" } });
    assert.deepEqual(conflictsOf(north, [south]).issues, []);
    assert.equal(conflictsOf(north, [south]).warnings.length, 1);
    const again = at("db", {
      address: "10.0.0.1",
      user: "ops",
      port: 22,
      jump: { address: "NORTH.example." },
    });
    assert.deepEqual(
      conflictsOf(north, [again]).issues.map(({ property }) => property),
      ["vlanId", "addresses[0]"],
    );
  });

  it("are none with what the same resource claimed before", () => {
    assert.deepEqual(conflictsOf(web, [{ ...web, addresses: ["192.0.2.9/24"] }]), {
      issues: [],
      warnings: [],
    });
  });
});

describe("MAC addresses of a parent", () => {
  const state: HostState = {
    links: [nic("eth0", 2), macvlan("web", "02:00:00:00:00:01"), macvlan("db", "02:00:00:00:00:02")],
    ...{ netns: [], records: [], bootFiles: [] },
  };

  it("are its own and its macvlans', each once, with what is claimed in the place of what is there", () => {
    assert.equal(macsOn(state, "eth0").length, 3);
    const moved = claim("web", { macAddress: "02:00:00:00:00:07" });
    assert.deepEqual(macsOn(state, "eth0", [moved]).toSorted(), [
      "02:00:00:00:00:02",
      "02:00:00:00:00:07",
      "02:77:00:00:00:02",
    ]);
  });

  it("are refused above maxMacs, those that are to be made in the same run among them", () => {
    const more = [
      claim("a", { macAddress: "02:00:00:00:00:0a" }),
      claim("b", { macAddress: "02:00:00:00:00:0b" }),
    ];
    const last = claim("c", { macAddress: "02:00:00:00:00:0c" });
    assert.deepEqual(tooManyMacs(state, { ...last, maxMacs: 6 }, more), []);
    const [tooMany] = tooManyMacs(state, { ...last, maxMacs: 5 }, more);
    assert.deepEqual([tooMany?.property, tooMany?.code], ["maxMacs", "too-many-macs"]);
    assert.match(tooMany?.reason ?? "", /is 5, .*eth0 would carry 6 MAC addresses/);
    assert.deepEqual(tooManyMacs(state, last, more), []);
    // whichever of them says so
    const [first = last, second = last] = more;
    const issues = tooManyMacs(state, last, [{ ...first, maxMacs: 5 }, second]);
    assert.equal(issues[0]?.property, "parent");
    assert.match(issues[0].reason, /has a limit, maxMacs of MacvlanInterface "a", which is 5/);
    const elsewhere = more.map((c) => ({ ...c, host: "node2:22" }));
    assert.deepEqual(tooManyMacs(state, { ...last, maxMacs: 4 }, elsewhere), []);
  });
});
