/** What a boot does, on the model of the kernel: the desired state before it exists again after it. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { bootPlan, desiredWithBoot, withoutBoot } from "../../../provider/engine/persist";
import { desiredRemoval } from "../../../provider/kinds/ownership";
import type { AnyKind } from "../../../provider/kinds";
import type { CommonInputs } from "../../../provider/kinds/kind";
import { differences } from "../../../provider/plan/differences";
import { type HostState, type SettingKey, findLink } from "../../../provider/model/host";
import { outcome, plan } from "../../../provider/plan/plan";
import { sameRoute } from "../../../provider/plan/kernel/routes";
import { simulate } from "../../../provider/plan/kernel/simulate";
import type { Step } from "../../../provider/model/steps";
import { bridgeInputs, macvlanInputs } from "../../support/inputs";
import { HOST } from "../../support/hosts";
import { KERNEL, kindOf, reboot, upOn, viewOn, desiredOn } from "../../support/plans";

/** What the boot script does to a host, in the model's words: it adds only what is missing. */
function bootOn(state: HostState, made: HostState, kind: AnyKind, inputs: CommonInputs): HostState {
  const desired = desiredOn(kind, inputs, made);
  const isThere = (now: HostState, step: Step): boolean =>
    (step.do === "addLink" && findLink(now, step.link) !== undefined) ||
    (step.do === "addNetns" && now.netns.some((n) => n.name === step.name)) ||
    (step.do === "addRoute" &&
      findLink(now, step.link)?.routes.some((r) => sameRoute(r, step.route)) === true);
  const { steps } = bootPlan(kind, inputs, viewOn(made), desired);
  return steps.reduce((now, step) => (isThere(now, step) ? now : simulate(now, step)), state);
}

function assertSurvives(kind: AnyKind, inputs: CommonInputs): void {
  const made = upOn(kind, inputs, HOST);
  assert.deepEqual(differences(made, desiredOn(kind, inputs, made)), []);
  assert.ok(made.bootFiles.length > 0);
  const booted = bootOn(reboot(made), made, kind, inputs);
  assert.deepEqual(differences(booted, desiredOn(kind, inputs, booted)), [], "after a boot");
  const twice = bootOn(booted, made, kind, inputs);
  assert.deepEqual(differences(twice, desiredOn(kind, inputs, twice)), [], "after the script has run twice");
  const context = viewOn(twice);
  const gone = outcome(
    twice,
    plan(twice, { ...desiredRemoval(inputs, context), boot: withoutBoot(inputs, context) }, KERNEL),
  );
  const names = (state: HostState): string[] => state.links.map((l) => `${l.netns}:${l.name}`).toSorted();
  assert.deepEqual(names(gone), names(HOST));
  assert.deepEqual(gone.bootFiles, []);
}

describe("a boot", () => {
  it("brings back any macvlan, which then belongs to this stack and is deleted with all of its files", () => {
    fc.assert(
      fc.property(macvlanInputs, (inputs) => assertSurvives(kindOf("MacvlanInterface"), inputs)),
      { numRuns: 200 },
    );
  });

  it("brings back any bridge, with its ports and the addresses that it took from them", () => {
    fc.assert(
      fc.property(bridgeInputs, (inputs) => assertSurvives(kindOf("HairpinBridge"), inputs)),
      { numRuns: 200 },
    );
  });

  it("brings back a shim with its ARP filter, also after that was switched on and off again", () => {
    const shim = kindOf("HostShim");
    const base = { host: { address: "node1" }, name: "shim0", parent: "eth0", mode: "bridge", up: true };
    for (const arp of ["exclusive", "kernel"]) assertSurvives(shim, { ...base, arp } as CommonInputs);
    const inputs = { ...base, arp: "kernel", persist: true } as CommonInputs;
    const made = upOn(shim, { ...base, arp: "exclusive" } as CommonInputs, HOST);
    const context = { ...viewOn(made), before: { ...base, arp: "exclusive" } };
    const files = desiredWithBoot(shim, inputs, context).boot?.files;
    assert.deepEqual(files, desiredOn(shim, inputs, made).boot?.files);
  });

  it("repairs changes on an existing link", () => {
    const kind = kindOf("MacvlanInterface");
    fc.assert(
      fc.property(
        macvlanInputs,
        fc.constantFrom("link.mtu", "link.alias", "link.txqueuelen"),
        (inputs, key) => {
          const made = upOn(kind, inputs, HOST);
          const changed: HostState = {
            ...made,
            links: made.links.map((l) =>
              l.name === inputs.name ? { ...l, settings: { ...l.settings, [key as SettingKey]: "1290" } } : l,
            ),
          };
          const mended = bootOn(changed, made, kind, inputs);
          assert.deepEqual(differences(mended, desiredOn(kind, inputs, mended)), []);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("does not create an adopted bridge, and makes the stack's changes to it again", () => {
    const kind = kindOf("HairpinBridge");
    const br0 = upOn(kind, { host: { address: "node1" }, name: "br0", up: true }, HOST);
    const foreign: HostState = { ...br0, records: [], bootFiles: [] };
    const inputs = {
      ...{ host: { address: "node1" }, name: "br0", up: true, adopt: true, ageingTime: 30 },
      ports: [{ name: "eth0", hairpin: true }],
    } as CommonInputs;
    const made = upOn(kind, inputs, foreign);
    const desired = desiredOn(kind, inputs, made);
    const { steps } = bootPlan(kind, inputs, viewOn(made), desired);
    assert.deepEqual(
      steps.filter((s) => s.do === "addLink"),
      [],
    );
    const booted = bootOn(reboot(made, foreign), made, kind, inputs);
    assert.deepEqual(differences(booted, desiredOn(kind, inputs, booted)), []);
    const wants = desired.boot?.files.filter((f) => f.path.includes(".wants/")).map((f) => f.path);
    assert.deepEqual(wants, [
      "/etc/systemd/system/sys-subsystem-net-devices-br0.device.wants/pulumi-macvlan-br0@br0.service",
      "/etc/systemd/system/sys-subsystem-net-devices-eth0.device.wants/pulumi-macvlan-br0@eth0.service",
    ]);
  });
});

describe("boot files", () => {
  const kind = kindOf("MacvlanInterface");
  const inputs = {
    ...{ host: { address: "node1" }, name: "mac0", parent: "eth0", mode: "bridge", up: true },
  } as CommonInputs;
  const made = upOn(kind, inputs, HOST);
  const persistOf = (state: HostState, given: Partial<CommonInputs> = { persist: true }): string[] =>
    differences(state, desiredWithBoot(kind, { ...inputs, ...given }, viewOn(state)))
      .filter((d) => d.property === "persist")
      .map((d) => `${d.wanted} ${d.found}`);

  it("that are gone, changed or too many are a difference of persist", () => {
    const [script = HOST.bootFiles[0], ...others] = made.bootFiles;
    assert.ok(script);
    assert.deepEqual(persistOf(made), []);
    assert.deepEqual(persistOf({ ...made, bootFiles: [] }), ["true false"]);
    assert.deepEqual(persistOf({ ...made, bootFiles: others }), ["true missing /etc/pulumi-macvlan/mac0.sh"]);
    assert.deepEqual(persistOf({ ...made, bootFiles: [{ ...script, is: "755 0" }, ...others] }), [
      "true changed /etc/pulumi-macvlan/mac0.sh",
    ]);
    const extra = { path: "/etc/init.d/pulumi-macvlan-mac0", bootName: "mac0", is: "755 0" };
    assert.deepEqual(persistOf({ ...made, bootFiles: [...made.bootFiles, extra] }), [
      "true unexpected /etc/init.d/pulumi-macvlan-mac0",
    ]);
    assert.deepEqual(persistOf(made, {}), ["false true"]);
  });

  it("of another stack, or without a mark, are refused and never touched", () => {
    const foreign = made.bootFiles.map((f) =>
      f.mark === undefined ? f : { ...f, mark: { owner: "other/stack" } },
    );
    const unmarked = made.bootFiles.map(({ mark, ...f }) => f);
    for (const [bootFiles, why] of [
      [
        foreign,
        /\/mac0\.sh, for a link of that name, belongs to the stack other\/stack; choose another name/,
      ],
      [unmarked, /would overwrite \/etc\/pulumi-macvlan\/mac0\.sh, which pulumi-macvlan did not write/],
    ] as const) {
      const state = { ...HOST, bootFiles };
      const [problem] = kind.problems({ ...inputs, persist: true }, viewOn(state));
      assert.equal(problem?.property, "persist");
      assert.match(problem.reason, why);
      assert.deepEqual(kind.problems(inputs, viewOn(state)), []);
      assert.deepEqual(
        plan(state, desiredWithBoot(kind, inputs, viewOn(state)), KERNEL).steps.length > 0,
        true,
      );
      const without = plan(
        state,
        { links: [], netns: "", owner: "fleet/test", boot: withoutBoot(inputs, viewOn(state)) },
        KERNEL,
      );
      assert.deepEqual(without.steps, []);
    }
  });

  it("need an init system or ifupdown on the host that runs them", () => {
    const context = viewOn(HOST, { init: undefined as never, udev: false });
    const [problem] = kind.problems({ ...inputs, persist: true }, context);
    assert.equal(problem?.property, "persist");
    assert.match(problem.reason, /neither systemd.*OpenRC.*nor ifupdown/);
  });

  it("move from the old name to the new one if the link is renamed", () => {
    const context = { ...viewOn(made), previous: { name: "mac0", netns: "" } };
    const renamed = desiredWithBoot(kind, { ...inputs, name: "mac1", persist: true }, context);
    const after = outcome(made, plan(made, renamed, KERNEL));
    assert.deepEqual([...new Set(after.bootFiles.map((f) => f.bootName))], ["mac1"]);
  });
});
