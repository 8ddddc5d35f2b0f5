/** What moves from one resource to another in one update, in whichever order the engine updates them. */
import assert from "node:assert/strict";
import { planContextFrom, planLink, planRemoval, problemsOf } from "../../../provider/engine/planning";
import { KINDS } from "../../../provider/kinds";
import type { AnyKind } from "../../../provider/kinds";
import type { CommonInputs, Json, PlanContext } from "../../../provider/kinds/kind";
import { type HostState, findLink, recordOf } from "../../../provider/model/host";
import { outcome } from "../../../provider/plan/plan";
import { BARE, HOST, observationOf } from "../../support/hosts";

/** A resource of a program, by its name. */
interface Resource {
  readonly type: string;
  readonly resource: string;
  readonly inputs: Json;
}

type Program = readonly Resource[];

const of =
  (type: string, defaults: Json) =>
  (resource: string, more: Json = {}): Resource => ({
    type,
    resource,
    inputs: { host: { address: "node1" }, name: resource, up: true, ...defaults, ...more },
  });
const macvlan = of("MacvlanInterface", { parent: "eth1", mode: "bridge" });
const shim = of("HostShim", { parent: "eth1", mode: "bridge", arp: "exclusive" });
const ipvlan = of("IpvlanInterface", { parent: "eth1", mode: "l2", flag: "bridge" });
const vlan = of("VlanInterface", { parent: "eth1", protocol: "802.1Q", vlanId: 10 });
const bond = (resource: string, ports: string[], more: Json = {}): Resource =>
  of("Bond", { mode: "active-backup" })(resource, { ports: ports.map((name) => ({ name })), ...more });
const bridge = (resource: string, ports: string[], more: Json = {}): Resource =>
  of("HairpinBridge", {})(resource, { ports: ports.map((name) => ({ name, hairpin: true })), ...more });

/** The hidden properties of a resource. */
const hidden = ({ resource }: Resource, making?: string): Json => ({
  __owner: "fleet/test",
  __resource: resource,
  ...(making === undefined ? {} : { __making: making }),
});

const kindOf = ({ type }: Resource): AnyKind => {
  const kind = KINDS[type];
  assert.ok(kind);
  return kind;
};

const known = ({ inputs }: Resource): CommonInputs => inputs as unknown as CommonInputs;

/** A run: each link with its making, as the engine has it in the state. */
class Run {
  private count = 0;
  constructor(
    public host: HostState,
    private readonly makings: Map<string, string> = new Map(),
  ) {}

  private context(
    of: Resource,
    before?: Resource,
    more: Partial<PlanContext["stack"] & object> = {},
  ): PlanContext {
    const making = before && this.makings.get(before.resource);
    const context = planContextFrom(
      { ...of.inputs, ...hidden(of) },
      observationOf(this.host),
      before && { ...before.inputs, ...hidden(before, making) },
      () => false,
    );
    return { ...context, stack: { ...context.stack, ...more } };
  }

  private key({ type, resource }: Resource): string {
    return `${type} ${resource}`;
  }

  bring(to: Resource, before?: Resource): void {
    const making = (before && this.makings.get(before.resource)) ?? `making${++this.count}`;
    const context = this.context(to, before, { making });
    assert.deepEqual(problemsOf(kindOf(to), known(to), context), [], this.key(to));
    this.host = outcome(this.host, planLink(kindOf(to), known(to), context));
    this.makings.set(to.resource, making);
  }

  remove(of: Resource): void {
    const making = this.makings.get(of.resource) ?? "";
    const removal = this.context(of, undefined, { removes: { making } });
    const { previous } = this.context(of, of, { removes: { making } });
    const context = { ...removal, ...(previous ? { previous } : {}) };
    this.host = outcome(this.host, planRemoval(kindOf(of), known(of), context));
  }

  preview(to: Resource, before?: Resource): void {
    assert.deepEqual(problemsOf(kindOf(to), known(to), this.context(to, before)), [], this.key(to));
  }

  isSettled(to: Resource): boolean {
    return planLink(kindOf(to), known(to), this.context(to, to)).steps.length === 0;
  }

  copy(): Run {
    const copy = new Run(this.host, new Map(this.makings));
    copy.count = this.count;
    return copy;
  }
}

function permutations<T>(items: readonly T[]): T[][] {
  return items.length < 2
    ? [[...items]]
    : items.flatMap((item, i) =>
        permutations([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [item, ...rest]),
      );
}

const same = (a: Resource, b: Resource): boolean => a.type === b.type && a.resource === b.resource;

/** One update, with its replacements (the old link first) and, at the end, its deletions. */
function update(run: Run, before: Program, order: Program): void {
  for (const to of order) {
    const old = before.find((b) => same(b, to));
    const replaces = old && kindOf(to).replaces(old.inputs, to.inputs).length > 0;
    if (replaces) run.remove(old);
    run.bring(to, replaces ? undefined : old);
  }
  for (const old of before) if (!order.some((to) => same(to, old))) run.remove(old);
}

/** What remains on a host, without what the model numbers. A record without its link counts as none. */
function remains(host: HostState): unknown {
  const links = host.links.map(({ ifIndex: _, tentative: __, ...link }) => link);
  return {
    links,
    files: host.bootFiles,
    records: host.records.filter((record) => recordOf(host, record) === record),
  };
}

const MAC = (n: number): Json => ({ macAddress: `02:00:00:00:00:0${n}` });

const MOVES: readonly (readonly [title: string, before: Program, after: Program, start?: HostState])[] = [
  [
    "a bridge's port becomes a macvlan's parent",
    [bridge("br0", ["eth1"])],
    [bridge("br0", []), macvlan("m0")],
  ],
  ["a port of a removed bridge becomes a macvlan's parent", [bridge("br0", ["eth1"])], [macvlan("m0")]],
  [
    "a bond's port becomes an ipvlan's parent",
    [bond("bo0", ["eth0", "eth1"])],
    [bond("bo0", ["eth0"]), ipvlan("i0")],
  ],
  ["a port of a removed bond becomes a VLAN's parent", [bond("bo0", ["eth1"])], [vlan("v0")]],
  [
    "a macvlan's parent becomes a bridge's port, and the bridge the parent",
    [bridge("br0", []), macvlan("m0")],
    [bridge("br0", ["eth1"]), macvlan("m0", { parent: "br0" })],
  ],
  ["the parent of a removed ipvlan becomes a bond's port", [ipvlan("i0")], [bond("bo0", ["eth1"])]],
  [
    "the parent of a VLAN becomes a bond's port",
    [bond("bo0", ["eth0"]), vlan("v0")],
    [bond("bo0", ["eth0", "eth1"]), vlan("v0", { parent: "bo0" })],
  ],
  [
    "a VLAN number moves to a new VLAN",
    [vlan("v0", { vlanId: 10 })],
    [vlan("v0", { vlanId: 30 }), vlan("v1", { vlanId: 10 })],
  ],
  [
    "two VLANs exchange their numbers",
    [vlan("v0", { vlanId: 10 }), vlan("v1", { vlanId: 20 })],
    [vlan("v0", { vlanId: 20 }), vlan("v1", { vlanId: 10 })],
  ],
  ["a VLAN number moves from a removed VLAN", [vlan("v0")], [vlan("v1")]],
  [
    "a passthru child gives way to a bridge child of another resource",
    [macvlan("m0", { mode: "passthru" })],
    [macvlan("m1")],
  ],
  [
    "a bridge child gives way to a passthru child of another resource",
    [macvlan("m0")],
    [macvlan("m1", { mode: "passthru" })],
  ],
  [
    "passthru moves from one resource to another, which both stay",
    [macvlan("m0", { mode: "passthru" }), macvlan("m1", { parent: "eth0" })],
    [macvlan("m0", { parent: "eth0" }), macvlan("m1", { mode: "passthru" })],
  ],
  ["macvlans give way to ipvlans", [macvlan("m0"), shim("s0")], [ipvlan("i0"), ipvlan("i1")]],
  ["ipvlans give way to a macvlan", [ipvlan("i0")], [macvlan("m0")]],
  [
    "two macvlans exchange their names",
    [macvlan("a", { name: "x0", ...MAC(1) }), macvlan("b", { name: "x1", ...MAC(2) })],
    [macvlan("a", { name: "x1", ...MAC(1) }), macvlan("b", { name: "x0", ...MAC(2) })],
  ],
  [
    "two persistent macvlans exchange their names",
    [macvlan("a", { name: "x0", persist: true }), macvlan("b", { name: "x1", persist: true })],
    [macvlan("a", { name: "x1", persist: true }), macvlan("b", { name: "x0", persist: true })],
  ],
  [
    "a macvlan and a VLAN exchange their names",
    [macvlan("a", { name: "x0" }), vlan("b", { name: "x1" })],
    [macvlan("a", { name: "x1" }), vlan("b", { name: "x0" })],
  ],
  [
    "three macvlans pass on their names",
    [macvlan("a", { name: "x0" }), macvlan("b", { name: "x1" }), macvlan("c", { name: "x2" })],
    [macvlan("a", { name: "x1" }), macvlan("b", { name: "x2" }), macvlan("c", { name: "x0" })],
  ],
  ["a name moves to a resource of another kind", [macvlan("a", { name: "x0" })], [vlan("b", { name: "x0" })]],
  [
    "a name moves to a resource that had another name",
    [macvlan("a", { name: "x0" }), macvlan("b", { name: "x1" })],
    [macvlan("b", { name: "x0" })],
  ],
  [
    "a name is given up and gets a new resource",
    [macvlan("a", { name: "x0" })],
    [macvlan("a", { name: "x1" }), macvlan("b", { name: "x0" })],
  ],
  [
    "two macvlans exchange their MAC addresses",
    [macvlan("a", MAC(1)), macvlan("b", MAC(2))],
    [macvlan("a", MAC(2)), macvlan("b", MAC(1))],
  ],
  ["a MAC address moves from a removed macvlan to a shim", [macvlan("a", MAC(1))], [shim("s", MAC(1))]],
  [
    "an IPv6 address moves from a macvlan to a shim",
    [macvlan("a", { addresses: ["2001:db8::5/64"] }), shim("s")],
    [macvlan("a", { addresses: [] }), shim("s", { addresses: ["2001:db8::5/64"] })],
  ],
  [
    "an address moves from a shim to a macvlan",
    [shim("s", { addresses: ["192.0.2.5/32"] }), macvlan("a")],
    [shim("s", { addresses: [] }), macvlan("a", { addresses: ["192.0.2.5/32"] })],
  ],
  [
    "a port moves with its addresses to another bridge",
    [
      bridge("br0", ["eth0", "eth1"], { takeOverAddresses: true }),
      bridge("br1", [], { takeOverAddresses: true }),
    ],
    [
      bridge("br0", ["eth0"], { takeOverAddresses: true }),
      bridge("br1", ["eth1"], { takeOverAddresses: true }),
    ],
    HOST,
  ],
  [
    "a port moves with its addresses from a removed bridge to a bond",
    [bridge("br0", ["eth1"], { takeOverAddresses: true })],
    [bond("bo0", ["eth1"], { takeOverAddresses: true })],
    HOST,
  ],
  [
    "a port leaves a bridge with its addresses",
    [bridge("br0", ["eth0", "eth1"], { takeOverAddresses: true })],
    [bridge("br0", ["eth0"], { takeOverAddresses: true })],
    HOST,
  ],
  [
    "the only port leaves a bridge with its addresses",
    [bridge("br0", ["eth1"], { takeOverAddresses: true })],
    [bridge("br0", [], { takeOverAddresses: true })],
    HOST,
  ],
  [
    "a port leaves a bridge with its addresses, for a macvlan",
    [bridge("br0", ["eth1"], { takeOverAddresses: true })],
    [bridge("br0", [], { takeOverAddresses: true }), macvlan("m0")],
    HOST,
  ],
  [
    "a port leaves a removed bridge with its addresses, for a macvlan",
    [bridge("br0", ["eth1"], { takeOverAddresses: true })],
    [macvlan("m0")],
    HOST,
  ],
];

describe("moves between resources in one update", () => {
  for (const [title, before, after, start = BARE] of MOVES) {
    it(`${title}, in any order and back`, () => {
      for (const [from, to] of [
        [before, after],
        [after, before],
      ] as const) {
        const first = new Run(start);
        update(first, [], from);
        for (const one of to)
          first.preview(
            one,
            from.find((b) => same(b, one)),
          );
        for (const order of permutations(to)) {
          const run = first.copy();
          update(run, from, order);
          const names = order.map(({ resource }) => resource).join(", ");
          for (const one of order) {
            assert.ok(run.isSettled(one), `${names}: ${one.resource} is not settled`);
            const link = { name: known(one).name, netns: "" };
            assert.equal(recordOf(run.host, link)?.resource, one.resource, names);
          }
          const kept = run.host.links.filter((l) => !findLink(start, l)).map((l) => l.name);
          assert.deepEqual(kept.sort(), to.map((one) => known(one).name).sort(), names);
          for (const one of order.toReversed()) run.remove(one);
          assert.deepEqual(remains(run.host), remains(start), names);
        }
      }
    });
  }
});
