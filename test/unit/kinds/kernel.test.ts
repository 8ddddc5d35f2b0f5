/**
 * Links that a host's kernel cannot make, or that depend on another resource of the run: reported at preview, or not
 * yet.
 */
import assert from "node:assert/strict";
import { KINDS } from "../../../provider/kinds";
import type { CommonInputs, PlanContext } from "../../../provider/kinds/kind";
import type { LinkState } from "../../../provider/model/host";
import { contextOn } from "../../support/contexts";
import { link, observationOf, observed } from "../../support/hosts";

const host = { address: "node1" };

function viewOn(lacks: readonly string[], links: readonly LinkState[] = [], expected = ""): PlanContext {
  return contextOn(observationOf(observed(links).state, { lacks }), {
    isExpected: (name) => name === expected,
  });
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

const SMALL = { settings: { "link.mtu": "1200" } };

describe("a kernel without the module of", () => {
  for (const [type, more, module, word] of NEEDS) {
    const inputs = { host, name: "it", up: true, ...more } as CommonInputs;
    const told = (context: PlanContext): string[] =>
      (KINDS[type]?.problems(inputs, context) ?? []).map((i) => `${i.property} ${i.code}`);

    it(`${type} is reported at preview, and no other one`, () => {
      assert.deepEqual(told(viewOn([module])), ["host host-unsupported"]);
      const others = ["macvlan", "macvtap", "ipvlan", "8021q", "bridge", "bonding"].filter(
        (m) => m !== module,
      );
      assert.deepEqual(told(viewOn(others)), []);
    });

    it(`${type} is taken to have it if there is such a link`, () => {
      assert.deepEqual(told(viewOn([module], [link("other", word, { parent: "eth7" })])), []);
    });
  }
});

describe("an MTU above the parent's", () => {
  const CHILDREN = NEEDS.filter(([, inputs]) => "parent" in inputs);

  /** The issues if another resource of the run has eth0, and gives it an MTU or not. */
  function told(type: string, more: object, context: PlanContext): string[] {
    const inputs = { host, name: "it", up: true, ...more, mtu: 9000 } as CommonInputs;
    return (KINDS[type]?.problems(inputs, context) ?? []).map((i) => `${i.property}: ${i.reason}`);
  }
  const sets = (mtu: number | "unknown" | undefined): PlanContext => ({
    ...viewOn([], [], "eth0"),
    expectedMtu: (name) => (name === "eth0" ? mtu : undefined),
  });

  for (const [type, more, , word] of CHILDREN) {
    it(`is refused for a ${type} unless a resource gives the parent another one`, () => {
      const says = ["mtu: is above the MTU of the parent eth0, which is 1500; raise that first"];
      assert.deepEqual(told(type, more, viewOn([])), says);
      assert.deepEqual(told(type, more, sets(undefined)), says);
    });

    it(`of a ${type} goes by what another resource of the run gives the parent`, () => {
      assert.deepEqual(told(type, more, sets(9000)), []);
      assert.deepEqual(told(type, more, sets("unknown")), []);
      assert.match(
        told(type, more, sets(8000)).join(),
        /^mtu: is above .* eth0, which this program sets to 8000/,
      );
    });

    it(`of the parent or the ${type} itself is reported on an IPv6 address if it is too small for that`, () => {
      const inputs = { host, name: "it", up: true, ...more, addresses: ["192.0.2.9/24", "2001:db8::9/64"] };
      const paths = (context: PlanContext): string[] =>
        (KINDS[type]?.problems(inputs as CommonInputs, context) ?? []).map(({ property }) => property);
      assert.deepEqual(paths(sets(1280)), []);
      assert.deepEqual(paths(sets(1279)), ["addresses[1]"]);
      // adopted, so that no owner stands in its way: it has its own MTU, whatever the parent's is by now
      const adopting = { ...inputs, adopt: true } as CommonInputs;
      const there = link("it", word, { parent: "eth0", settings: { "link.mtu": "1200" } });
      const found = KINDS[type]?.problems(adopting, viewOn([], [there])) ?? [];
      assert.ok(found.some(({ property }) => property === "addresses[1]"));
    });

    it(`of a ${type} is left to the update if a bridge of the run may get other ports`, () => {
      const onBridge = { ...more, parent: "br0" };
      const bridge = link("br0", "bridge");
      assert.deepEqual(told(type, onBridge, viewOn([], [bridge], "br0")), []);
      assert.match(told(type, onBridge, viewOn([], [bridge])).join(), /^mtu: .* br0, which is 1500/);
    });
  }

  for (const [type, title, ports, there, expected] of [
    ["HairpinBridge", "a new one with a small port", ["eth0", "v0"], [], ["addresses[1]"]],
    ["HairpinBridge", "a new one without ports", [], [], []],
    ["HairpinBridge", "one that gets a small port", ["v0"], [link("it", "bridge")], ["addresses[1]"]],
    ["HairpinBridge", "one that loses its small port", ["eth0"], [link("it", "bridge", SMALL)], []],
    ["HairpinBridge", "one that is small", undefined, [link("it", "bridge", SMALL)], ["addresses[1]"]],
    ["Bond", "a new one with a small port", ["v0"], [], []],
    ["Bond", "one that is small", ["v0"], [link("it", "bond", SMALL)], ["addresses[1]"]],
  ] as const) {
    it(`of a ${type} counts for an IPv6 address: ${title}`, () => {
      const inputs = {
        ...{
          host,
          name: "it",
          up: true,
          addresses: ["192.0.2.9/24", "2001:db8::9/64"],
          adopt: there.length > 0,
        },
        ...(type === "Bond" ? { mode: "active-backup" } : {}),
        ...(ports ? { ports: ports.map((name) => ({ name, hairpin: true })) } : {}),
      } as unknown as CommonInputs;
      const context = viewOn([], [...there, link("v0", "veth", SMALL)]);
      const found = KINDS[type]?.problems(inputs, context) ?? [];
      assert.deepEqual(
        found.map(({ property }) => property),
        expected,
      );
    });
  }
});
