/** A link of others that is adopted, changed, and given back: the host is then as it was before, side effects included. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { kernelOf } from "../../../provider/kinds";
import { bond } from "../../../provider/kinds/bond";
import { bridge } from "../../../provider/kinds/bridge";
import type { CommonInputs, Kind, PlanContext } from "../../../provider/kinds/kind";
import { macvlan } from "../../../provider/kinds/macvlan";
import { desiredRemoval } from "../../../provider/kinds/ownership";
import { type HostState, type LinkState, findLink } from "../../../provider/model/host";
import { outcome, plan } from "../../../provider/plan/plan";
import { withoutLosses, withSideEffects } from "../../../provider/plan/losses";
import { contextOn } from "../../support/contexts";
import { BARE, observationOf } from "../../support/hosts";
import { bondInputs, bridgeInputs, macvlanInputs } from "../../support/inputs";

const KERNEL = kernelOf("6.1.0");

function viewOn(state: HostState, previous?: CommonInputs): PlanContext {
  const place = previous && { previous: { name: previous.name, netns: previous.netns ?? "" } };
  return contextOn(observationOf(state), { resource: "web", ...place });
}

/** What has to be as it was; what the kernel gives by chance (`""` in the model) is not compared. */
function comparable(state: HostState, before: HostState): unknown {
  return state.links.map((link) => {
    const was = findLink(before, link);
    const isByChance = (l: LinkState | undefined, key: string): boolean =>
      ["link.address", "link.mtu"].includes(key) && l?.settings[key as "link.mtu"] === "";
    return {
      ...{ name: link.name, netns: link.netns, kind: link.kind, parent: link.parent, up: link.up },
      settings: Object.fromEntries(
        Object.entries(link.settings)
          .filter(([key]) => !isByChance(link, key) && !isByChance(was, key))
          .toSorted(([a], [b]) => (a < b ? -1 : 1)),
      ),
      addresses: link.addresses.map((a) => a.cidr).toSorted(),
      routes: link.routes.map((r) => JSON.stringify(r)).toSorted(),
    };
  });
}

function assertGivenBack<I extends CommonInputs>(kind: Kind<I>, theirs: I, ours: I): void {
  const made = outcome(BARE, plan(BARE, kind.desired(theirs, viewOn(BARE)), KERNEL));
  // another owner made it
  const before: HostState = {
    ...made,
    records: [],
    netns: made.netns.map(({ name }) => ({ name })),
  };
  const { netns: _, ...rest } = ours;
  const place = theirs.netns === undefined ? {} : { netns: theirs.netns };
  const inputs = { ...rest, ...place, name: theirs.name, adopt: true } as unknown as I;
  const desired = withSideEffects(before, kind.desired(inputs, viewOn(before)), KERNEL);
  const adopted = outcome(before, plan(before, desired, KERNEL));
  const removal = withoutLosses(adopted, desiredRemoval(inputs, viewOn(adopted, inputs)), KERNEL);
  const after = outcome(adopted, plan(adopted, removal, KERNEL));
  assert.deepEqual(comparable(after, before), comparable(before, before));
}

const runs = { numRuns: 60 };

describe("a link that is adopted and given back", function () {
  this.timeout(240_000);

  it("is as it was: a bond, with its ports", () => {
    fc.assert(
      fc.property(bondInputs, bondInputs, (a, b) => {
        assertGivenBack(bond, a, b);
      }),
      runs,
    );
  });

  it("is as it was: a bridge, with its ports", () => {
    fc.assert(
      fc.property(bridgeInputs, bridgeInputs, (a, b) => {
        assertGivenBack(bridge, a, b);
      }),
      runs,
    );
  });

  it("is as it was: a macvlan", () => {
    fc.assert(
      fc.property(macvlanInputs, macvlanInputs, (a, b) => {
        const crosses = (a.mode === "passthru") !== (b.mode === "passthru");
        fc.pre(!crosses && a.parent === b.parent);
        assertGivenBack(macvlan, a, b);
      }),
      runs,
    );
  });
});
