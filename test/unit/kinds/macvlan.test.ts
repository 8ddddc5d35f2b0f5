/** What macvlans of one parent share with each other. */
import assert from "node:assert/strict";
import { kernelOf } from "../../../provider/kinds";
import type { PlanContext } from "../../../provider/kinds/kind";
import { type MacvlanInputs, macvlan } from "../../../provider/kinds/macvlan";
import { findLink } from "../../../provider/model/host";
import { simulate } from "../../../provider/plan/kernel/simulate";
import { outcome, plan } from "../../../provider/plan/plan";
import { macvlan as linkOf, observed } from "../../support/hosts";

const INPUTS: MacvlanInputs = {
  host: { address: "node1" },
  name: "web",
  parent: "eth0",
  mode: "bridge",
  up: true,
};

const others = [
  linkOf("theirs", { ifIndex: 31, settings: { "type.bclim": "1", "link.address": "02:00:5e:00:53:11" } }),
  linkOf("deep", {
    ...{ ifIndex: 32, netns: "blue" },
    settings: { "type.bclim": "1", "link.address": "02:00:5e:00:53:12" },
  }),
];
const context: PlanContext = {
  ...{ owner: "fleet/test", resource: "web", isExpected: () => false },
  observation: observed(others),
};

describe("broadcastQueueThreshold of a macvlan", () => {
  const { state } = context.observation;
  const thresholds = (now: typeof state): (string | undefined)[] =>
    now.links.filter((l) => l.kind === "macvlan").map((l) => l.settings["type.bclim"]);

  it("is that of all macvlans on the parent, which a warning names", () => {
    const given = { ...INPUTS, broadcastQueueThreshold: 5 };
    const warnings = (inputs: MacvlanInputs): string[] => macvlan.warnings?.(inputs, context) ?? [];
    assert.deepEqual(warnings(given), [
      "broadcastQueueThreshold 5 is that of all macvlans on eth0, and so also of theirs, deep in the namespace blue, for which it is 1 now",
    ]);
    for (const quiet of [INPUTS, { ...given, broadcastQueueThreshold: 1 }, { ...given, parent: "eth1" }])
      assert.deepEqual(warnings(quiet), []);
  });

  it("changes along with one of them, and back when that is rolled back", () => {
    const planned = plan(
      state,
      macvlan.desired({ ...INPUTS, broadcastQueueThreshold: 5 }, context),
      kernelOf("6.12.0", { iproute2: "6.15.0" }),
    );
    const after = outcome(state, planned);
    assert.deepEqual(thresholds(after), ["5", "5", "5"]);
    const back = planned.steps.toReversed().reduce((s, { undo }) => undo.reduce(simulate, s), after);
    // what was made with it is gone, and the threshold of the others is that of the parent now
    assert.equal(findLink(back, { name: "web", netns: "" }), undefined);
    assert.deepEqual(thresholds(back), ["1", "1"]);
  });

  it("of a new one is that of the others if it is not stated, and the kernel's if there are none", () => {
    const on = (parent: string): string | undefined => {
      const now = { ...state, links: state.links.map((l) => ({ ...l, settings: { ...l.settings } })) };
      for (const l of now.links) if (l.kind === "macvlan") Object.assign(l.settings, { "type.bclim": "7" });
      const desired = macvlan.desired(
        { ...INPUTS, parent },
        { ...context, observation: { ...context.observation, state: now } },
      );
      const after = outcome(now, plan(now, desired, kernelOf("6.12.0", { iproute2: "6.15.0" })));
      return findLink(after, { name: "web", netns: "" })?.settings["type.bclim"];
    };
    assert.deepEqual([on("eth0"), on("eth1")], ["7", "1"]);
  });

  it("is not read from an iproute2 that does not know it", () => {
    const links = state.links.map((l) => {
      const { "type.bclim": _, ...settings } = l.settings;
      return { ...l, settings };
    });
    const untold = { ...context, observation: { ...context.observation, state: { ...state, links } } };
    const planned = plan(
      untold.observation.state,
      macvlan.desired(INPUTS, untold),
      kernelOf("6.12.0", { iproute2: "6.1.0" }),
    );
    assert.deepEqual(thresholds(outcome(untold.observation.state, planned)), [
      undefined,
      undefined,
      undefined,
    ]);
    assert.equal(kernelOf("6.12.0", { iproute2: "6.1.0" }).newLink("macvlan")["type.bclim"], undefined);
    assert.equal(kernelOf("6.12.0", { iproute2: "6.4.0" }).newLink("macvlan")["type.bclim"], "1");
    assert.equal(kernelOf("6.12.0", { iproute2: "5.10.0" }).newLink("macvlan")["type.bcqueuelen"], undefined);
  });
});
