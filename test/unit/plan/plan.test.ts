import assert from "node:assert/strict";
import fc from "fast-check";
import { kernelOf } from "../../../provider/kinds";
import { bond } from "../../../provider/kinds/bond";
import { bridge, type BridgeInputs } from "../../../provider/kinds/bridge";
import { desiredRemoval } from "../../../provider/kinds/ownership";
import type { CommonInputs, Kind, PlanContext } from "../../../provider/kinds/kind";
import { ipvlan } from "../../../provider/kinds/ipvlan";
import { macvlan } from "../../../provider/kinds/macvlan";
import { macvtap } from "../../../provider/kinds/macvtap";
import { differences } from "../../../provider/plan/differences";
import {
  type HostState,
  type LinkId,
  type LinkState,
  type Desired,
  findLink,
} from "../../../provider/model/host";
import type { KernelTraits } from "../../../provider/plan/transition";
import { outcome, plan } from "../../../provider/plan/plan";
import { simulate } from "../../../provider/plan/kernel/simulate";
import type { OwnStack } from "../../../provider/model/owner";
import { contextOn } from "../../support/contexts";
import { BARE, nic, observationOf } from "../../support/hosts";
import { bondInputs, bridgeInputs, ipvlanInputs, macvlanInputs } from "../../support/inputs";
import { isSample } from "../../support/extent";
import { assertUndoes, comparable } from "../../support/plans";

const KERNELS = ["6.2.0", "6.1.0"];

/** Fewer if all suites are run: what runs beside them needs the processors as well. */
const RUNS = isSample ? 500 : 2000;

function viewOn(state: HostState, previous?: LinkId): PlanContext {
  return contextOn(observationOf(state), { resource: "web", ...(previous ? { previous } : {}) });
}

function desiredOf<I extends CommonInputs>(kind: Kind<I>, inputs: I, state: HostState, before?: I): Desired {
  const previous = before && { name: before.name, netns: before.netns ?? "" };
  return kind.desired(inputs, viewOn(state, previous));
}

function assertBringsAbout<I extends CommonInputs>(
  kind: Kind<I>,
  from: HostState,
  inputs: I,
  before: I | undefined,
  kernel: KernelTraits,
): HostState {
  const desired = desiredOf(kind, inputs, from, before);
  const planned = plan(from, desired, kernel);
  const after = outcome(from, planned);
  const again = desiredOf(kind, inputs, after, before);
  assert.deepEqual(differences(after, again), []);
  assert.deepEqual(plan(after, again, kernel).steps, []);
  // a plan has steps if and only if something differs
  assert.equal(planned.steps.length > 0, planned.differences.length > 0);
  assertUndoes(from, planned);
  return after;
}

function assertLifeOf<I extends CommonInputs>(kind: Kind<I>, first: I, second: I, release: string): void {
  const kernel = kernelOf(release);
  const made = assertBringsAbout(kind, BARE, first, undefined, kernel);
  const changed = assertBringsAbout(kind, made, second, first, kernel);
  const gone = plan(changed, desiredRemoval(second, viewOn(changed)), kernel);
  assertUndoes(changed, gone);
  assert.deepEqual(comparable(outcome(changed, gone)), comparable(BARE));
}

describe("plan", () => {
  it("sets the source of an IPv6 route again if that address moves from one link to another", () => {
    const route = { to: "2001:db8:1::/48", source: "2001:db8::5", protocol: "static" };
    const address = { cidr: "2001:db8::5/64" };
    const state: HostState = {
      ...BARE,
      links: BARE.links.map((l) => (l.name === "eth0" ? { ...l, addresses: [address], routes: [route] } : l)),
    };
    const kernel = kernelOf("6.1.0");
    const ports = [{ name: "eth0", hairpin: true }];
    const inputs = { host: { address: "node1" }, name: "br0", up: true, takeOverAddresses: true, ports };
    const desired = desiredOf<BridgeInputs>(bridge, inputs, state);
    const planned = plan(state, desired, kernel);
    const steps = planned.steps.map(({ step }) => step);
    const gone = steps.findIndex((s) => s.do === "deleteAddress");
    const again = steps.findLastIndex(
      (s) => s.do === "addRoute" && s.replace && s.route.source !== undefined,
    );
    assert.ok(gone >= 0 && again > gone, JSON.stringify(steps.map((s) => s.do)));
    assertUndoes(state, planned);
  });

  it("changes any macvlan to any other, and back", () => {
    fc.assert(
      fc.property(macvlanInputs, macvlanInputs, fc.constantFrom(...KERNELS), (a, b, release) => {
        assertLifeOf(macvlan, a, b, release);
      }),
      { numRuns: RUNS },
    );
  });

  it("changes any macvtap to any other, and back", () => {
    fc.assert(
      fc.property(macvlanInputs, macvlanInputs, fc.constantFrom(...KERNELS), (a, b, release) => {
        assertLifeOf(macvtap, a, b, release);
      }),
      { numRuns: 500 },
    );
  });

  it("changes any ipvlan to any other, and back, and siblings along with it", () => {
    fc.assert(
      fc.property(
        fc.array(ipvlanInputs, { minLength: 2, maxLength: 2 }),
        fc.boolean(),
        fc.constantFrom(...KERNELS),
        ([a, b], hasSibling, release) => {
          assert.ok(a && b);
          assertLifeOf(ipvlan, a, b, release);
          if (!hasSibling) return;
          // an undo gives siblings back the mode that they had
          const other: LinkState = {
            ...nic("other", 9),
            ...{ kind: "ipvlan", parent: a.parent },
            settings: { "type.mode": "l3", "type.flag": "vepa" },
          };
          const from = { ...BARE, links: [...BARE.links, other] };
          const after = assertBringsAbout(ipvlan, from, a, undefined, kernelOf(release));
          const sibling = findLink(after, { name: "other", netns: "" });
          assert.deepEqual(sibling?.settings, { "type.mode": a.mode, "type.flag": a.flag });
        },
      ),
      { numRuns: RUNS },
    );
  });

  it("does not announce an address by setting an ipvlan's MAC address, as it cannot have its own", () => {
    const inputs = { host: { address: "node1" }, name: "ipv0", parent: "eth0", up: true };
    const settings = { mode: "l2", flag: "bridge" } as const;
    const kernel = kernelOf("6.2.0");
    const made = outcome(BARE, plan(BARE, desiredOf(ipvlan, { ...inputs, ...settings }, BARE), kernel));
    const more = { ...inputs, ...settings, addresses: ["192.0.2.10/24"] };
    const { steps } = plan(made, desiredOf(ipvlan, more, made), kernel);
    assert.deepEqual(
      steps.map(({ step }) => step.do),
      ["addAddress"],
    );
  });

  it("adds a link-local address that is stated, removes it when it is no longer stated, and leaves the kernel's own alone", () => {
    const inputs = {
      ...{ host: { address: "node1" }, name: "m", parent: "eth0" },
      mode: "bridge",
      up: true,
    } as const;
    const kernel = kernelOf("6.2.0");
    const stated = { ...inputs, addresses: ["192.0.2.9/24", "fe80::1/64"] };
    const made = outcome(BARE, plan(BARE, desiredOf(macvlan, stated, BARE), kernel));
    // as the host shows it: with the one that the kernel gave
    const shown: HostState = {
      ...made,
      links: made.links.map((l) =>
        l.name === "m"
          ? {
              ...l,
              addresses: [{ cidr: "192.0.2.9/24", broadcast: "192.0.2.255" }],
              otherAddresses: [{ cidr: "fe80::1/64" }, { cidr: "fe80::77/64" }],
            }
          : l,
      ),
    };
    assert.deepEqual(differences(shown, desiredOf(macvlan, stated, shown, stated)), []);
    assert.deepEqual(plan(shown, desiredOf(macvlan, stated, shown, stated), kernel).steps, []);
    const without = { ...inputs, addresses: ["192.0.2.9/24"] };
    assert.deepEqual(plan(shown, desiredOf(macvlan, without, shown), kernel).steps, []);
    const context = { ...viewOn(shown, { name: "m", netns: "" }), previousInputs: stated };
    const planned = plan(shown, macvlan.desired(without, context), kernel);
    assert.deepEqual(
      planned.steps.map(({ step, undo }) => [step, undo]),
      [
        [
          { do: "deleteAddress", link: { name: "m", netns: "" }, address: { cidr: "fe80::1/64" } },
          [{ do: "addAddress", link: { name: "m", netns: "" }, address: { cidr: "fe80::1/64" } }],
        ],
      ],
    );
    assert.deepEqual(differences(outcome(shown, planned), macvlan.desired(without, context)), []);
  });

  it("removes a link's record, and a namespace that the stack made, if the link was deleted by hand", () => {
    const inputs = {
      ...{ host: { address: "node1" }, name: "m", netns: "made", parent: "eth0" },
      mode: "bridge",
      up: true,
    } as const;
    const kernel = kernelOf("6.2.0");
    const made = outcome(BARE, plan(BARE, desiredOf(macvlan, inputs, BARE), kernel));
    const deleted = simulate(made, { do: "deleteLink", link: { name: "m", netns: "made" } });
    const { steps } = plan(deleted, desiredRemoval(inputs, viewOn(deleted)), kernel);
    assert.deepEqual(
      steps.map(({ step }) => step),
      [
        { do: "forget", link: { name: "m", netns: "made" } },
        { do: "deleteNetns", name: "made" },
      ],
    );
    const others = { ...made, netns: made.netns.map(({ name }) => ({ name })) };
    const left = simulate(others, { do: "deleteLink", link: { name: "m", netns: "made" } });
    const { steps: forgetting } = plan(left, desiredRemoval(inputs, viewOn(left)), kernel);
    assert.deepEqual(
      forgetting.map(({ step }) => step.do),
      ["forget"],
    );
  });

  it("takes over the namespace of a stack whose state was lost together with the link in it", () => {
    const inputs = {
      ...{ host: { address: "node1" }, name: "m", netns: "made", parent: "eth0" },
      mode: "bridge",
      up: true,
    } as const;
    const kernel = kernelOf("6.2.0");
    const owned = (state: HostState, stack: OwnStack): Desired =>
      macvlan.desired(inputs, { ...viewOn(state), stack });
    const lost = { identities: ["1057"], making: "a" };
    const made = outcome(BARE, plan(BARE, owned(BARE, lost), kernel));
    const other = plan(made, owned(made, { identities: ["5eed"], making: "b" }), kernel);
    assert.deepEqual(outcome(made, other).netns, made.netns, "a namesake's stays what it is");
    const reclaiming = { identities: ["5eed"], making: "b", reclaims: "fleet/test" };
    const taken = outcome(made, plan(made, owned(made, reclaiming), kernel));
    const { mark } = taken.netns.find(({ name }) => name === "made") ?? {};
    assert.deepEqual(mark, { owner: "fleet/test", stack: "5eed" });
  });

  it("changes any bridge with its ports to any other, and back", () => {
    fc.assert(
      fc.property(bridgeInputs, bridgeInputs, fc.constantFrom(...KERNELS), (a, b, release) => {
        assertLifeOf<BridgeInputs>(bridge, a, b, release);
      }),
      { numRuns: RUNS },
    );
  });

  it("changes any bond with its ports to any other, and back", () => {
    fc.assert(
      fc.property(bondInputs, bondInputs, fc.constantFrom(...KERNELS), (a, b, release) => {
        assertLifeOf(bond, a, b, release);
      }),
      { numRuns: 500 },
    );
  });

  it("writes a new record for a link that was deleted by hand and is re-created", () => {
    const inputs = {
      host: { address: "node1" },
      name: "mac0",
      parent: "eth0",
      up: true,
      mode: "bridge" as const,
    };
    const desired = (state: HostState): Desired => desiredOf(macvlan, inputs, state);
    const kernel = kernelOf("6.2.0");
    const made = outcome(BARE, plan(BARE, desired(BARE), kernel));
    const deleted = simulate(made, { do: "deleteLink", link: { name: "mac0", netns: "" } });
    const { steps } = plan(deleted, desired(deleted), kernel);
    assert.equal(steps.filter(({ step }) => step.do === "record").length, 1);
  });
});
