/** In which order the steps of a change are run, and how many processes they take. */
import assert from "node:assert/strict";
import { applyScript } from "../../../provider/host/change-script";
import { sideBySide } from "../../../provider/host/step-order";
import type { CommonInputs } from "../../../provider/kinds/kind";
import type { HostState } from "../../../provider/model/host";
import type { PlannedStep, Step } from "../../../provider/model/steps";
import { outcome, plan } from "../../../provider/plan/plan";
import { desiredRemoval } from "../../../provider/kinds/ownership";
import { contextOn } from "../../support/contexts";
import { HOST, observationOf } from "../../support/hosts";
import { KERNEL, desiredOn, kindOf } from "../../support/plans";

const MARKER = "@0123456789abcdef01234567";
const host = { address: "node1" };

/** Makes so many macvlans, each planned as those before it leave the host. */
function makeLinks(count: number): { readonly steps: readonly PlannedStep[]; readonly after: HostState } {
  let after = HOST;
  const steps: PlannedStep[] = [];
  for (let i = 1; i <= count; i++) {
    const inputs = { ...linkInputs(i), addresses: [`198.18.${i >> 8}.${i & 255}/15`] };
    const { boot: _, ...desired } = desiredOn(kindOf("MacvlanInterface"), inputs, after);
    const one = plan(after, desired, KERNEL);
    after = outcome(after, one);
    steps.push(...one.steps);
  }
  return { steps, after };
}

function linkInputs(i: number): CommonInputs & { readonly parent: string; readonly mode: string } {
  return { host, name: `m${i}`, parent: "eth0", mode: "bridge", up: true, mtu: 1400 };
}

/** Deletes them again, the last one first. */
function deleteLinks(count: number): readonly PlannedStep[] {
  let { after } = makeLinks(count);
  const steps: PlannedStep[] = [];
  for (let i = count; i >= 1; i--) {
    const desired = desiredRemoval(linkInputs(i), contextOn(observationOf(after)));
    const one = plan(after, desired, KERNEL);
    after = outcome(after, one);
    steps.push(...one.steps);
  }
  assert.equal(after.links.length, HOST.links.length);
  return steps;
}

function scriptOf(steps: readonly PlannedStep[], state: HostState): string {
  const now = { state, boots: "", facts: { machine: "boot net" } };
  return applyScript(steps, "bridge", MARKER, { commandTimeout: 60 }, now);
}

/** The commands that take a process, after the functions. */
function processesOf(script: string): string[] {
  return script.split("\n").filter((line) => /^pm_(?:try|batch|strict) /.test(line));
}

const named = (step: Step): string =>
  `${step.do} ${"link" in step ? step.link.name : "record" in step ? step.record.name : ""}`;

describe("the steps of a change", () => {
  it("take as many processes for a hundred new links as for two", () => {
    const [few, many] = [2, 100].map((count) => processesOf(scriptOf(makeLinks(count).steps, HOST)));
    assert.deepEqual(many, few);
    assert.equal(many?.length, 2);
  });

  it("take as many processes for the deletion of a hundred links as for that of two", () => {
    const [few, many] = [2, 100].map((count) =>
      processesOf(scriptOf(deleteLinks(count), makeLinks(count).after)),
    );
    assert.equal(many?.length, 2);
    assert.equal(few?.length, 2);
  });

  it("make a script that grows with the number of links, and no faster", () => {
    const [few, some, many] = [10, 60, 310].map((count) => scriptOf(makeLinks(count).steps, HOST).length);
    assert.ok(few !== undefined && some !== undefined && many !== undefined);
    const perLink = (some - few) / 50;
    assert.ok(perLink < 700, `${perLink} bytes per link`);
    assert.ok((many - some) / 250 < 1.1 * perLink, "more per link if there are more");
  });

  it("stay in their order for each link", () => {
    const { steps } = makeLinks(5);
    const ordered = sideBySide(steps, ({ do: what }) => what).map(({ step }) => step);
    const of = (all: readonly Step[], name: string): Step[] =>
      all.filter((step) => named(step).endsWith(` ${name}`));
    for (const name of ["m1", "m3", "m5"])
      assert.deepEqual(
        of(ordered, name),
        of(
          steps.map(({ step }) => step),
          name,
        ),
      );
    assert.equal(ordered.length, steps.length);
    assert.ok(ordered.slice(0, 5).every((step) => step.do === "addLink"));
  });

  it("are not moved past what other links depend on", () => {
    const steps: Step[] = [
      { do: "set", link: { name: "eth0", netns: "" }, kind: "", key: "link.mtu", value: "9000" },
      { do: "addLink", link: { name: "v10", netns: "" }, kind: "vlan", parent: "eth0", settings: {} },
      { do: "up", link: { name: "v10", netns: "" } },
      { do: "forget", link: { name: "old", netns: "" } },
      { do: "addLink", link: { name: "m1", netns: "" }, kind: "macvlan", parent: "v10", settings: {} },
      { do: "addLink", link: { name: "m2", netns: "" }, kind: "macvlan", parent: "eth0", settings: {} },
      { do: "up", link: { name: "m1", netns: "" } },
      { do: "deleteLink", link: { name: "old", netns: "" } },
    ];
    const ordered = sideBySide(
      steps.map((step) => ({ step, undo: [] })),
      ({ do: what }) => (what === "forget" || what === "record" ? "note" : what),
    ).map(({ step }) => named(step));
    const at = (text: string): number => ordered.indexOf(text);
    assert.equal(at("set eth0"), 0);
    assert.ok(at("up v10") < at("addLink m1"), "a VLAN is up before what is on it is made");
    assert.ok(at("addLink m2") < at("up v10"));
    assert.ok(at("forget old") < at("deleteLink old"));
    assert.equal(ordered.at(-1), "deleteLink old");
  });
});
