import assert from "node:assert/strict";
import { planContextFrom, planLink, planRemoval } from "../../../provider/engine/planning";
import { KINDS } from "../../../provider/kinds";
import { asInputs, checkInputs } from "../../../provider/kinds/check-inputs";
import type { CommonInputs, Json, PlanContext } from "../../../provider/kinds/kind";
import { type HostState, findLink, recordOf } from "../../../provider/model/host";
import type { OwnStack } from "../../../provider/model/owner";
import { outcome } from "../../../provider/plan/plan";
import { HOST, observationOf } from "../../support/hosts";
import { kindOf, viewOn } from "../../support/plans";

/** What each kind needs beside host and name. */
const ARGS: Readonly<Record<string, Json>> = {
  Bond: { mode: "active-backup" },
  HairpinBridge: {},
  HostShim: { parent: "eth0" },
  IpvlanInterface: { parent: "eth1" },
  MacvlanInterface: { parent: "eth0" },
  MacvtapInterface: { parent: "eth0" },
  VlanInterface: { parent: "eth0", vlanId: 10 },
};

const HIDDEN = { __owner: "fleet/test", __resource: "it" };
const PLACE = { name: "link0", netns: "" };

function inputsOf(type: string, more: Json = {}): CommonInputs {
  const given = { ...HIDDEN, host: "node1", name: "link0", ...ARGS[type], ...more };
  const { inputs, issues } = checkInputs(kindOf(type), given, undefined);
  assert.deepEqual(issues, []);
  const { __owner, __resource, __derived, label, ...known } = inputs;
  return asInputs(known);
}

/** A host as the resource sees it, with what is known of its stack. */
function contextOn(state: HostState, stack: OwnStack, more: Partial<PlanContext> = {}): PlanContext {
  return { ...viewOn(state), stack, ...more };
}

/** The host after the plan of a create or an update, which has to be complete. */
function upOn(type: string, inputs: CommonInputs, context: PlanContext): HostState {
  const kind = kindOf(type);
  assert.deepEqual(kind.problems(inputs, context), []);
  const state = outcome(context.observation.state, planLink(kind, inputs, context));
  const after = { ...context, observation: { ...context.observation, state } };
  assert.deepEqual(planLink(kind, inputs, after).differences, []);
  return state;
}

for (const type of Object.keys(KINDS)) {
  describe(`whose a link of ${type} is`, () => {
    const inputs = inputsOf(type, { persist: true });
    const mine: OwnStack = { identities: ["a1"], name: "fleet/test", fullName: "acme/fleet/test" };
    const made = (): HostState => upOn(type, inputs, contextOn(HOST, { ...mine, making: "m1" }));

    it("is known by its record, not by its name: one that another program has made meanwhile stays", () => {
      const state = made();
      const now = findLink(state, PLACE);
      assert.ok(now);
      const theirs = { ...now, ifIndex: 99, alias: "theirs" };
      const links = state.links.map((link) => (link === now ? theirs : link));
      const view = (given: CommonInputs): PlanContext =>
        planContextFrom(
          { ...HIDDEN, ...given },
          observationOf({ ...state, links }),
          { ...HIDDEN, ...inputs },
          () => false,
        );
      const kind = kindOf(type);
      const codes = kind.problems(inputs, view(inputs)).map(({ code }) => code);
      assert.deepEqual(codes, ["name-taken"]);
      const renamed = inputsOf(type, { name: "link1", persist: true });
      const context = view(renamed);
      const after = outcome(context.observation.state, planLink(kind, renamed, context));
      assert.deepEqual(findLink(after, PLACE), theirs);
      assert.ok(findLink(after, { name: "link1", netns: "" }));
      // nor is anything of ours left at its name
      assert.deepEqual(
        [
          after.records.map(({ name }) => name),
          after.bootFiles.filter(({ bootName }) => bootName === "link0"),
        ],
        [["link1"], []],
      );
    });

    it("is in its record and in its boot files", () => {
      const mark = { owner: "fleet/test", stack: "a1", making: "m1", stackName: "acme/fleet/test" };
      const state = made();
      const { owner, stack, making, stackName } = recordOf(state, PLACE) ?? { owner: "none" };
      assert.deepEqual({ owner, stack, making, stackName }, mark);
      const marks = state.bootFiles.flatMap((file) => file.mark ?? []);
      assert.ok(marks.length > 0);
      for (const one of marks) assert.deepEqual(one, mark);
    });

    it("is no drift for a stack that was renamed, and follows at the next change", () => {
      const state = made();
      const renamed = { ...mine, name: "works/prod", fullName: "acme/works/prod" };
      const context = contextOn(state, renamed, { previous: PLACE });
      assert.deepEqual(planLink(kindOf(type), inputs, context).steps, []);
      const after = upOn(type, inputs, contextOn(state, { ...renamed, making: "m1" }, { previous: PLACE }));
      assert.equal(recordOf(after, PLACE)?.stackName, "acme/works/prod");
    });

    it("is no drift if an earlier version made it, and follows at the next change", () => {
      const old = upOn(type, inputs, contextOn(HOST, {}));
      assert.deepEqual(
        Object.keys(recordOf(old, PLACE) ?? {}).filter((k) => ["stack", "making"].includes(k)),
        [],
      );
      const context = contextOn(old, mine, { previous: PLACE });
      assert.deepEqual(planLink(kindOf(type), inputs, context).steps, []);
      const after = upOn(type, inputs, contextOn(old, { ...mine, making: "m1" }, { previous: PLACE }));
      assert.equal(recordOf(after, PLACE)?.stack, "a1");
    });

    it("goes with the making that is deleted, along with its boot files", () => {
      const state = made();
      const gone = planRemoval(
        kindOf(type),
        inputs,
        contextOn(state, { ...mine, removes: { making: "m1" } }),
      );
      const after = outcome(state, gone);
      assert.equal(findLink(after, PLACE), undefined);
      assert.deepEqual([after.records, after.bootFiles], [[], []]);
    });

    it("stays, with its boot files, if another making is deleted", () => {
      const state = made();
      for (const removes of [{ making: "m0" }, {}]) {
        assert.deepEqual(planRemoval(kindOf(type), inputs, contextOn(state, { ...mine, removes })).steps, []);
        // a boot that has not made the link yet
        const booted = { ...HOST, bootFiles: state.bootFiles };
        assert.deepEqual(
          planRemoval(kindOf(type), inputs, contextOn(booted, { ...mine, removes })).steps,
          [],
        );
      }
    });

    it("is taken over by a new making, as it is", () => {
      const state = made();
      const after = upOn(type, inputs, contextOn(state, { ...mine, making: "m2" }));
      assert.equal(findLink(after, PLACE)?.ifIndex, findLink(state, PLACE)?.ifIndex);
      assert.equal(recordOf(after, PLACE)?.making, "m2");
    });

    it("keeps out a stack of the same name, with a hint for a lost state", () => {
      const state = made();
      for (const identities of [["b2"], []]) {
        const theirs = contextOn(state, { ...mine, identities });
        const [problem] = kindOf(type).problems(inputs, theirs);
        assert.deepEqual([problem?.property, problem?.code], ["name", "foreign-owner"]);
        assert.match(
          problem?.reason ?? "",
          /^link0 belongs to another stack called acme\/fleet\/test \(resource it\), .* MACVLAN_RECLAIM=acme\/fleet\/test\b/,
        );
        // a preview that replaces the identity does not know it
        assert.equal(problem?.reason.includes("--replace '**'"), identities.length === 0);
        assert.deepEqual(
          planRemoval(kindOf(type), inputs, { ...theirs, stack: { ...mine, identities, removes: {} } }).steps,
          [],
        );
      }
      const lost = { ...mine, identities: ["b2"], reclaims: "acme/fleet/test", making: "m2" };
      const after = upOn(type, inputs, contextOn(state, lost));
      assert.deepEqual([recordOf(after, PLACE)?.stack, recordOf(after, PLACE)?.made], ["b2", true]);
    });

    it("is made by the next up if it was adopted and has gone, and is the stack's own then", () => {
      const adopting = inputsOf(type, { adopt: true });
      const [problem] = kindOf(type).problems(adopting, contextOn(HOST, mine));
      assert.equal(problem?.code, "cannot-adopt");
      const context = contextOn(HOST, { ...mine, making: "m2" }, { previous: PLACE });
      const after = upOn(type, adopting, context);
      assert.equal(recordOf(after, PLACE)?.made, true);
      assert.deepEqual(
        outcome(
          after,
          planRemoval(kindOf(type), adopting, contextOn(after, { ...mine, removes: { making: "m2" } })),
        ).records,
        [],
      );
    });
  });
}
