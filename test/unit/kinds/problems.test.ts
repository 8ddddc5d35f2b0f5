/** What would fail on parents that the lab's kernel cannot make: told before it is tried. */
import assert from "node:assert/strict";
import type { Observation } from "../../../provider/host/observation";
import type { View } from "../../../provider/kinds/kind";
import { KINDS } from "../../../provider/kinds";
import { bridge } from "../../../provider/kinds/bridge";
import { ipvlan } from "../../../provider/kinds/ipvlan";
import { macvlan } from "../../../provider/kinds/macvlan";
import type { LinkState } from "../../../provider/plan/model";
import { BARE, nic } from "../plan/states";

function viewOn(
  links: readonly LinkState[],
  wireless: readonly string[] = [],
  lacks: readonly string[] = [],
): View {
  const facts = {
    wireless,
    lacks,
    tools: ["ip", "bridge"],
    root: true,
    iproute2: "6.1.0",
    kernel: "6.1.0",
    ipVersionText: "",
  };
  return {
    owner: "fleet/test",
    resource: "web",
    observation: { state: { ...BARE, links }, facts } as unknown as Observation,
    expected: () => false,
  };
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
  it("of a wireless parent name ipvlan as the way", () => {
    const problems = macvlan.problems(on("wlan0"), viewOn([nic("wlan0", 2)], ["wlan0"]));
    assert.equal(problems[0]?.property, "parent");
    assert.match(problems[0].reason, /802\.11.*ipvlan/);
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
    const view = viewOn([nic("eth0", 2), other]);
    assert.deepEqual(
      ipvlan.problems(inputs, view).map((i) => i.property),
      ["mode", "flag", "addresses[1]"],
    );
    const record = {
      ...{ name: "other", netns: "", ifIndex: 3, owner: "fleet/test", resource: "other", made: true },
      restore: [],
    };
    const { observation } = view;
    const owned = {
      ...view,
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
    assert.match(problems[0]?.property ?? "", /^ports\[1\]/);
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

  describe("of an MTU", () => {
    const children: readonly (readonly [type: string, inputs: object])[] = [
      ["MacvlanInterface", { mode: "bridge" }],
      ["HostShim", { mode: "bridge" }],
      ["MacvtapInterface", { mode: "vepa" }],
      ["IpvlanInterface", { mode: "l2", flag: "bridge" }],
      ["VlanInterface", { vlanId: 10, protocol: "802.1Q" }],
    ];
    for (const [type, inputs] of children) {
      const told = (expectedMtu?: View["expectedMtu"], kindBelow = "", isExpected = false): string[] => {
        const kind = KINDS[type];
        assert.ok(kind);
        const view = {
          ...viewOn([{ ...nic("up0", 2), kind: kindBelow }]),
          expected: (name: string) => isExpected && name === "up0",
          ...(expectedMtu ? { expectedMtu } : {}),
        };
        const given = { host, name: "new0", parent: "up0", up: true, mtu: 9000, ...inputs };
        return kind.problems(given, view).map((i) => `${i.property}: ${i.reason}`);
      };

      it(`of a ${type} go by what the parent has, where no other resource sets that`, () => {
        assert.deepEqual(told(), ["mtu: is above that of the parent up0, which is 1500; raise that first"]);
        assert.deepEqual(
          told(() => undefined, "bond", true),
          told(),
        );
      });

      it(`of a ${type} go by what another resource of the run sets it to`, () => {
        const sets = (mtu: number | "unknown") =>
          told((name) => (name === "up0" ? mtu : undefined), "bond", true);
        assert.deepEqual(sets(9000), []);
        assert.deepEqual(sets("unknown"), []);
        assert.match(
          sets(8000).join(),
          /^mtu: is above that of the parent up0, which this program sets to 8000/,
        );
      });

      it(`of a ${type} are none where another resource may give a bridge other ports`, () => {
        assert.deepEqual(
          told(() => undefined, "bridge", true),
          [],
        );
        assert.match(told(() => undefined, "bridge").join(), /which is 1500/);
      });
    }
  });

  const needing: readonly (readonly [kind: string, module: string, links: string, inputs: object])[] = [
    ["MacvlanInterface", "macvlan", "macvlans", { parent: "eth0", mode: "bridge" }],
    ["HostShim", "macvlan", "macvlans", { parent: "eth0", mode: "bridge" }],
    ["MacvtapInterface", "macvtap", "macvtaps", { parent: "eth0", mode: "vepa" }],
    ["IpvlanInterface", "ipvlan", "ipvlans", { parent: "eth0", mode: "l2", flag: "bridge" }],
    ["VlanInterface", "8021q", "VLANs", { parent: "eth0", vlanId: 10, protocol: "802.1Q" }],
    ["Bond", "bonding", "bonds", { mode: "active-backup", ports: [{ name: "eth0" }] }],
    ["HairpinBridge", "bridge", "bridges", { ports: [{ name: "eth0", hairpin: true }] }],
  ];
  for (const [type, module, links, inputs] of needing) {
    it(`of a ${type} name the module that the kernel lacks, unless such links are there`, () => {
      const kind = KINDS[type];
      assert.ok(kind);
      const given = { host, name: "new0", up: true, ...inputs };
      const reasons = (there: readonly LinkState[], lacks: readonly string[]): string[] =>
        kind.problems(given, viewOn([nic("eth0", 2), ...there], [], lacks)).map((i) => i.reason);
      assert.deepEqual(reasons([], []), []);
      const says = new RegExp(
        `kernel 6\\.1\\.0 has no module ${module}, without which there are no ${links}; install`,
      );
      const [first = "", ...others] = reasons([], [module]);
      assert.match(first, says);
      assert.deepEqual(others, []);
      const [wanted] = kind.wanted(given, viewOn([nic("eth0", 2)])).links;
      const one: LinkState = { ...nic("old0", 9), kind: wanted?.kind ?? "" };
      assert.deepEqual(reasons([one], [module]), []);
    });
  }
});
