/** What would fail on parents that the lab's kernel cannot make, found before it is tried. */
import assert from "node:assert/strict";
import type { PlanContext } from "../../../provider/kinds/kind";
import { bridge } from "../../../provider/kinds/bridge";
import { ipvlan } from "../../../provider/kinds/ipvlan";
import { macvlan } from "../../../provider/kinds/macvlan";
import type { LinkState } from "../../../provider/model/host";
import { contextOn } from "../../support/contexts";
import { BARE, nic, observationOf } from "../../support/hosts";

function viewOn(links: readonly LinkState[], wireless: readonly string[] = []): PlanContext {
  return contextOn(observationOf({ ...BARE, links }, { wireless }));
}

const host = { address: "node1" };
const on = (parent: string): Parameters<typeof macvlan.problems>[0] => ({
  host,
  name: "mac0",
  parent,
  mode: "bridge",
  up: true,
});

describe("problems", () => {
  it("of a link to adopt that is not there are reported, even if the run expects a link of that name", () => {
    const context = { ...viewOn([nic("eth0", 2)]), isExpected: () => true };
    const [problem] = macvlan.problems({ ...on("eth0"), adopt: true }, context);
    assert.equal(problem?.code, "cannot-adopt");
  });

  it("of a wireless parent name ipvlan as the way", () => {
    const problems = macvlan.problems(on("wlan0"), viewOn([nic("wlan0", 2)], ["wlan0"]));
    assert.deepEqual([problems[0]?.property, problems[0]?.code], ["parent", "unsuitable-link"]);
    assert.match(problems[0]?.reason ?? "", /IpvlanInterface/);
  });

  it("of a wireless parent are none for an ipvlan", () => {
    const inputs = { ...on("wlan0"), mode: "l2", flag: "bridge" } as const;
    assert.deepEqual(ipvlan.problems(inputs, viewOn([nic("wlan0", 2)], ["wlan0"])), []);
  });

  it("of ipvlans that others have on the parent name mode, flag and address; this stack's own are no problem", () => {
    const inputs = {
      ...on("eth0"),
      ...({ mode: "l2", flag: "bridge", addresses: ["192.0.2.9/24", "192.0.2.10/24"] } as const),
    };
    const other: LinkState = {
      ...nic("other", 3),
      ...{ kind: "ipvlan", parent: "eth0", addresses: [{ cidr: "192.0.2.10/32" }] },
      settings: { "type.mode": "l3", "type.flag": "private" },
    };
    const context = viewOn([nic("eth0", 2), other]);
    assert.deepEqual(
      ipvlan.problems(inputs, context).map((i) => `${i.property} ${i.code}`),
      ["mode taken-on-host", "flag taken-on-host", "addresses[1] taken-on-host"],
    );
    const record = {
      ...{ name: "other", netns: "", ifIndex: 3, owner: "fleet/test", resource: "other", made: true },
      restore: [],
    };
    const { observation } = context;
    const owned = {
      ...context,
      observation: { ...observation, state: { ...observation.state, records: [record] } },
    };
    assert.deepEqual(ipvlan.problems(inputs, owned), []);
  });

  it("of a wireless port name the port's place in the list", () => {
    const inputs = {
      host,
      name: "br0",
      up: true,
      ports: [
        { name: "eth0", hairpin: true },
        { name: "wlan0", hairpin: true },
      ],
    };
    const problems = bridge.problems(inputs, viewOn([nic("eth0", 2), nic("wlan0", 3)], ["wlan0"]));
    assert.deepEqual([problems[0]?.property, problems[0]?.code], ["ports[1].name", "unsuitable-link"]);
  });

  it("of a bond's slave name the bond", () => {
    const bond = { ...nic("bond0", 2), kind: "bond" };
    const eth0 = nic("eth0", 3);
    const slave = { ...eth0, settings: { ...eth0.settings, "link.master": "bond0" } };
    assert.match(macvlan.problems(on("eth0"), viewOn([bond, slave]))[0]?.reason ?? "", /bond0/);
  });

  it("are none for a VLAN or a bond as the parent", () => {
    for (const kind of ["vlan", "bond"]) {
      assert.deepEqual(macvlan.problems(on("up0"), viewOn([{ ...nic("up0", 2), kind }])), []);
    }
  });

  it("of a parent with an ipvlan name it", () => {
    const ipvlan = { ...nic("ipvl0", 3), kind: "ipvlan", parent: "eth0" };
    assert.match(macvlan.problems(on("eth0"), viewOn([nic("eth0", 2), ipvlan]))[0]?.reason ?? "", /ipvl0/);
  });
});
