/** Links that a host's kernel cannot make, or that another resource is to make room for: told at preview, or not yet. */
import assert from "node:assert/strict";
import { KINDS } from "../../../provider/kinds";
import type { CommonInputs, View } from "../../../provider/kinds/kind";
import { macvlan } from "../../../provider/kinds/macvlan";
import type { LinkState } from "../../../provider/plan/model";
import { link, observed } from "../cli/states";

const host = { address: "node1" };

function viewOn(lacks: readonly string[], links: readonly LinkState[] = [], expected = ""): View {
  const observation = observed(links);
  return {
    ...{ owner: "fleet/dev", resource: "r" },
    observation: { ...observation, facts: { ...observation.facts, lacks } },
    expected: (name) => name === expected,
  };
}

/** Each kind's inputs beside its host and name, its module, and iproute2's word for it. */
const NEEDS: readonly (readonly [string, object, module: string, word: string])[] = [
  ["MacvlanInterface", { parent: "eth0", mode: "bridge" }, "macvlan", "macvlan"],
  ["MacvtapInterface", { parent: "eth0", mode: "bridge" }, "macvtap", "macvtap"],
  ["HostShim", { parent: "eth0", routes: [] }, "macvlan", "macvlan"],
  ["IpvlanInterface", { parent: "eth0", mode: "l2", flag: "bridge" }, "ipvlan", "ipvlan"],
  ["VlanInterface", { parent: "eth0", vlanId: 10, protocol: "802.1Q" }, "8021q", "vlan"],
  ["HairpinBridge", {}, "bridge", "bridge"],
  ["Bond", { mode: "active-backup" }, "bonding", "bond"],
];

describe("a kernel without the module of", () => {
  for (const [type, more, module, word] of NEEDS) {
    const inputs = { host, name: "it", up: true, ...more } as CommonInputs;
    const told = (view: View): string[] =>
      (KINDS[type]?.problems(inputs, view) ?? []).map((i) => `${i.property}: ${i.reason}`);

    it(`${type} is told at preview, and no other one`, () => {
      assert.match(told(viewOn([module])).join(), new RegExp(`^host: .*no module ${module}, .*install all`));
      const others = ["macvlan", "macvtap", "ipvlan", "8021q", "bridge", "bonding"].filter(
        (m) => m !== module,
      );
      assert.deepEqual(told(viewOn(others)), []);
    });

    it(`${type} is taken to have it where there is such a link`, () => {
      assert.deepEqual(told(viewOn([module], [link("other", word, { parent: "eth7" })])), []);
    });
  }
});

describe("an MTU above the parent's", () => {
  const inputs = { host, name: "it", parent: "eth0", mode: "bridge", up: true, mtu: 9000 } as const;

  it("is refused where the parent is as it is", () => {
    const [problem] = macvlan.problems(inputs, viewOn([]));
    assert.match(`${problem?.property}: ${problem?.reason}`, /^mtu: is above that of the parent eth0/);
  });

  it("is left to the update where another resource of the run has the parent, and may raise it", () => {
    assert.deepEqual(macvlan.problems(inputs, viewOn([], [], "eth0")), []);
  });
});
