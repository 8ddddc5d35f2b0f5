/** What moves between links of a stack in one update, and what two of its resources cannot share. */
import assert from "node:assert/strict";
import { KINDS, kernelOf } from "../../../../provider/kinds";
import type { CommonInputs, Json, PlanContext } from "../../../../provider/kinds/kind";
import type { Claim } from "../../../../provider/kinds/lan/conflicts";
import { oneEachConflicts } from "../../../../provider/kinds/lan/one-each";
import { desiredRemoval } from "../../../../provider/kinds/ownership";
import { type HostState, findLink, recordOf } from "../../../../provider/model/host";
import { outcome, plan } from "../../../../provider/plan/plan";
import { contextOn } from "../../../support/contexts";
import { BARE, observationOf } from "../../../support/hosts";

const KERNEL = kernelOf("6.1.0");
const HOST = { address: "node1" };

interface Resource {
  readonly type: string;
  readonly inputs: Json;
}

function viewOn(state: HostState, resource: string, inputs: Json, isNew: boolean): PlanContext {
  const place = isNew ? {} : { previous: { name: String(inputs["name"]), netns: "" } };
  return contextOn(observationOf(state), { resource, ...place });
}

/** The host after the resource was made or updated there; throws what keeps it from that. */
function applied(state: HostState, { type, inputs }: Resource): HostState {
  const kind = KINDS[type];
  const given = { host: HOST, up: true, ...inputs } as unknown as CommonInputs;
  const context = viewOn(state, given.name, inputs, !findLink(state, { name: given.name, netns: "" }));
  const problems = kind?.problems(given, context) ?? [];
  assert.deepEqual(problems, []);
  const desired = kind?.desired(given, context);
  assert.ok(desired);
  return outcome(state, plan(state, desired, KERNEL));
}

function removed(state: HostState, { inputs }: Resource): HostState {
  const given = { host: HOST, up: true, ...inputs } as unknown as CommonInputs;
  const desired = desiredRemoval(given, viewOn(state, given.name, inputs, false));
  return outcome(state, plan(state, desired, KERNEL));
}

const bond = (name: string, ...ports: string[]): Resource => ({
  type: "Bond",
  inputs: { name, mode: "active-backup", ports: ports.map((port) => ({ name: port })) },
});
const bridge = (name: string, ...ports: string[]): Resource => ({
  type: "HairpinBridge",
  inputs: { name, ports: ports.map((port) => ({ name: port, hairpin: true })) },
});
const child = (type: string, name: string, more: Json): Resource => ({
  type,
  inputs: { name, parent: "eth0", ...more },
});
const ipvlan = (name: string, ...addresses: string[]): Resource =>
  child("IpvlanInterface", name, { mode: "l2", flag: "bridge", addresses });
const shim = (name: string, ...routes: string[]): Resource =>
  child("HostShim", name, { mode: "bridge", routes: routes.map((to) => ({ to })) });

const masterOf = (state: HostState, name: string): string | undefined =>
  findLink(state, { name, netns: "" })?.settings["link.master"];

/** All that a program has, applied one after another. */
const run = (state: HostState, ...resources: Resource[]): HostState => resources.reduce(applied, state);

describe("moves inside one update", () => {
  for (const [title, from, to] of [
    ["bridge to bridge", bridge("m0", "eth0"), bridge("m1", "eth0")],
    ["bridge to bond", bridge("m0", "eth0"), bond("m1", "eth0")],
    ["bond to bridge", bond("m0", "eth0"), bridge("m1", "eth0")],
  ] as const) {
    it(`take a port from ${title}, in either order, and give it back as it was`, () => {
      const before = run(BARE, from);
      const without = { ...from, inputs: { ...from.inputs, ports: [] } };
      for (const after of [run(before, without, to), run(before, to, without)]) {
        assert.equal(masterOf(after, "eth0"), "m1");
        const gone = removed(after, to);
        assert.equal(masterOf(gone, "eth0"), "");
        assert.equal(findLink(gone, { name: "eth0", netns: "" })?.up, true);
      }
      // the first one is deleted at the end of the run
      assert.equal(masterOf(removed(run(before, to), from), "eth0"), "m1");
    });
  }

  it("exchange the ports of two bonds", () => {
    const before = run(BARE, bond("m0", "eth0"), bond("m1", "eth1"));
    const after = run(before, bond("m0", "eth1"), bond("m1", "eth0"));
    assert.deepEqual([masterOf(after, "eth0"), masterOf(after, "eth1")], ["m1", "m0"]);
    const record = recordOf(after, { name: "m0", netns: "" });
    assert.deepEqual(
      record?.restore.map((r) => [r.name, r.settings.find((s) => s.key === "link.master")?.value]),
      [["eth1", ""]],
    );
  });

  it("leave a port alone that is in a master of others", () => {
    const before = run(BARE, bridge("m0", "eth0"));
    assert.throws(() => run({ ...before, records: [] }, bridge("m1", "eth0")), /is a port of m0 already/);
  });

  it("take an address from an ipvlan before another one of its parent gets it", () => {
    const before = run(BARE, ipvlan("ip0", "192.0.2.10/24"));
    const context = viewOn(before, "ip1", {}, true);
    const inputs = { host: HOST, up: true, ...ipvlan("ip1", "192.0.2.10/24").inputs };
    const desired = KINDS["IpvlanInterface"]?.desired(inputs as unknown as CommonInputs, context);
    assert.ok(desired);
    const steps = plan(before, desired, KERNEL).steps.map(({ step }) => step.do);
    assert.ok(
      steps.indexOf("deleteAddress") >= 0 && steps.indexOf("deleteAddress") < steps.indexOf("addAddress"),
    );
  });

  it("hand a route over from one shim to another without a moment in between", () => {
    const before = run(BARE, shim("s0", "198.51.100.7/32"), shim("s1"));
    const context = viewOn(before, "s1", { name: "s1" }, false);
    const inputs = {
      host: HOST,
      up: true,
      ...shim("s1", "198.51.100.7/32").inputs,
    } as unknown as CommonInputs;
    const kind = KINDS["HostShim"];
    assert.ok(kind);
    assert.deepEqual(kind.problems(inputs, context), []);
    const desired = kind.desired(inputs, context);
    const steps = plan(before, desired, KERNEL).steps.map(({ step }) => step);
    assert.deepEqual(
      steps.filter((s) => s.do.endsWith("Route")).map((s) => s.do === "addRoute" && s.replace),
      [true],
    );
  });
});

const claim = (resource: string, more: Partial<Claim>): Claim => ({
  ...{
    resource,
    name: resource,
    netns: "",
    host: "node1:22",
    hostLabel: "node1",
    lan: resource,
    addresses: [],
  },
  ...more,
});
const port = { ports: [{ name: "eth0", property: "ports[0].name" }] };
const macvlan = { lan: "eth0", parentUse: { kind: "macvlan" } } as const;

describe("what two resources of a program cannot both have", () => {
  for (const [title, first, second, properties] of [
    ["a port", { ...port, kind: "bridge" }, { ...port, kind: "bond" }, ["ports[0].name", "ports[0].name"]],
    ["a port as the parent of a macvlan", { ...port, kind: "bridge" }, macvlan, ["ports[0].name", "parent"]],
    [
      "a bond's port as the parent of a VLAN",
      { ...port, kind: "bond" },
      { exclusiveUse: { property: "vlanId", what: "VLAN 10", of: "eth0" } },
      ["ports[0].name", "parent"],
    ],
    [
      "an address on a link that is a port of the other",
      { name: "eth0", addresses: ["192.0.2.1/24"] },
      { ...port, kind: "bridge" },
      ["addresses", "ports[0].name"],
    ],
    [
      "a parent that one of them uses exclusively",
      { ...macvlan, parentUse: { kind: "macvlan", isPassthru: true } },
      macvlan,
      ["mode", "parent"],
    ],
    [
      "a route",
      { routes: [{ to: "198.51.100.0/24" }] },
      { routes: [{ to: "198.51.100.0/24" }] },
      ["routes[0]", "routes[0]"],
    ],
  ] as const) {
    it(`is ${title}, whichever is checked first`, () => {
      const [a, b] = [claim("a", first), claim("b", second)];
      const found = [oneEachConflicts(a, [a, b]), oneEachConflicts(b, [a, b])];
      assert.deepEqual(
        found.map((issues) => issues.map((i) => [i.property, i.code])),
        properties.map((p) => [[p, "program-conflict"]]),
      );
      assert.match(found[0]?.[0]?.reason ?? "", /\bb of this stack/);
      assert.deepEqual(oneEachConflicts(a, [{ ...b, host: "node2:22" }]), []);
    });
  }

  it("does not include a bridge's port as the parent of a VLAN, which is a warning", () => {
    const vlan = claim("v", { exclusiveUse: { property: "vlanId", what: "VLAN 10", of: "eth0" } });
    assert.deepEqual(oneEachConflicts(vlan, [claim("br0", { ...port, kind: "bridge" })]), []);
  });
});
