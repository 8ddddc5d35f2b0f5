/** `vlans` of a bridge and its ports: what a program gives, what is refused, and which commands follow. */
import assert from "node:assert/strict";
import { commandsOf, describeCommand, shownCommandsOf } from "../../../provider/iproute2/commands";
import { KINDS, kernelOf } from "../../../provider/kinds";
import { checkInputs } from "../../../provider/kinds/check-inputs";
import type { CommonInputs, Json, PlanContext } from "../../../provider/kinds/kind";
import { findLink } from "../../../provider/model/host";
import type { HostFacts } from "../../../provider/model/observation";
import type { Step } from "../../../provider/model/steps";
import { outcome, plan } from "../../../provider/plan/plan";
import { link, nic, observed } from "../../support/hosts";

const [kind] = Object.values(KINDS).filter(({ type }) => type === "HairpinBridge");
assert.ok(kind);

const PORT = { ...nic("p1", 5), settings: { ...nic("p1", 5).settings, "link.master": "br0" } };
const WITH_VLANS = {
  "type.vlan_filtering": "0",
  "type.vlan_default_pvid": "1",
  "self.vlans": "1 pvid untagged",
};

function contextOn(vlans: string, facts: Partial<HostFacts> = {}): PlanContext {
  const now = observed([
    link("br0", "bridge", { settings: WITH_VLANS }),
    { ...PORT, settings: { ...PORT.settings, "port.hairpin": "on", "port.vlans": vlans } },
  ]);
  return {
    ...{ owner: "fleet/test", resource: "br0", isExpected: () => false },
    previous: { name: "br0", netns: "" },
    observation: { ...now, facts: { ...now.facts, ...facts } },
  };
}

const check = (given: Json): ReturnType<typeof checkInputs> =>
  checkInputs(kind, { host: "node1", name: "br0", ...given, __owner: "x", __resource: "br0" }, undefined);

/** The reasons why a value is refused, on their paths. */
const refused = (vlans: unknown): string[] =>
  check({ ports: [{ name: "p1", vlans }] }).issues.map((i) => `${i.property}: ${i.reason}`);

/** The commands of a change to these inputs. */
function commands(given: Json, context: PlanContext): string[] {
  const { inputs, issues } = check(given);
  assert.deepEqual(issues, []);
  const desired = kind?.desired(inputs as Json & CommonInputs, context);
  assert.ok(desired);
  const { state, facts } = context.observation;
  const planned = plan(state, desired, kernelOf(facts.kernel, facts));
  const again = plan(outcome(state, planned), desired, kernelOf(facts.kernel, facts));
  assert.deepEqual(again.differences, []);
  return planned.steps
    .flatMap(({ step }) => commandsOf(step, "bridge"))
    .filter(({ run }) => run === "program" || run === "ip")
    .map(describeCommand);
}

describe("vlans of a bridge and its ports", () => {
  it("are numbers, ranges, or objects with iproute2's words; the canonical form is sorted and short", () => {
    const { inputs, issues } = check({
      vlans: ["30", 5],
      ports: [
        { name: "p1", vlans: ["22-24", 20, { vid: 10, pvid: true, untagged: true }, { vid: 21 }] },
        { name: "p2", vlans: [] },
      ],
    });
    assert.deepEqual(issues, []);
    assert.deepEqual(inputs["vlans"], [{ vid: 5 }, { vid: 30 }]);
    assert.deepEqual(inputs["ports"], [
      { name: "p1", hairpin: true, vlans: [{ vid: 10, pvid: true, untagged: true }, { vid: "20-24" }] },
      { name: "p2", hairpin: true, vlans: [] },
    ]);
  });

  it("are refused on the path of what is wrong with them", () => {
    assert.deepEqual(refused("20"), ["ports[0].vlans: must be a list"]);
    for (const [value, path] of [
      [0, "ports[0].vlans[0]"],
      [4095, "ports[0].vlans[0]"],
      ["24-20", "ports[0].vlans[0]"],
      ["20-", "ports[0].vlans[0]"],
      [1.5, "ports[0].vlans[0]"],
      [{ vid: "x" }, "ports[0].vlans[0].vid"],
      [{ vid: null }, "ports[0].vlans[0].vid"],
      [null, "ports[0].vlans[0]"],
    ] as const)
      assert.match(
        refused([value]).join(),
        new RegExp(`^${path.replace(/[[\]]/g, "\\$&")}: must be a VLAN's number`),
      );
    assert.deepEqual(refused(["10-20", 5, { vid: 15, untagged: true }]), [
      "ports[0].vlans[2].vid: has a VLAN that [0] has, too",
    ]);
    assert.deepEqual(
      refused([
        { vid: 1, pvid: true },
        { vid: 2, pvid: true },
      ]),
      ["ports[0].vlans[1].pvid: is that of [0] already: frames without a tag are in one VLAN"],
    );
    assert.match(
      refused([{ vid: "1-3", pvid: true }]).join(),
      /^ports\[0\]\.vlans\[0\]\.pvid: cannot be that of a range/,
    );
  });

  it("are set exactly, the filter last, and each only if it differs", () => {
    const context = contextOn("1 pvid untagged, 30");
    assert.deepEqual(
      commands(
        {
          vlanFiltering: true,
          vlans: [{ vid: 10 }],
          ports: [{ name: "p1", vlans: ["20-24", { vid: 10, pvid: true, untagged: true }] }],
        },
        context,
      ),
      [
        "bridge vlan add dev br0 vid 10 self",
        "bridge vlan delete dev br0 vid 1 self",
        "bridge vlan add dev p1 vid 10 pvid untagged",
        "bridge vlan add dev p1 vid 20-24",
        "bridge vlan delete dev p1 vid 1",
        "bridge vlan delete dev p1 vid 30",
        "ip link set dev br0 type bridge vlan_filtering 1",
      ],
    );
    assert.deepEqual(
      commands({ ports: [{ name: "p1", vlans: ["30", { vid: 1, pvid: true, untagged: true }] }] }, context),
      [],
    );
    assert.deepEqual(commands({ ports: ["p1"] }, context), [], "what is not stated is left alone");
  });

  it("stay as they are when the default PVID changes, which is for new ports", () => {
    const context = contextOn("1 pvid untagged");
    const wanted = [
      "ip link set dev br0 type bridge vlan_default_pvid 7",
      "bridge vlan add dev br0 vid 1 self pvid untagged",
      "bridge vlan delete dev br0 vid 7 self",
      "bridge vlan add dev p1 vid 1 pvid untagged",
      "bridge vlan delete dev p1 vid 7",
    ];
    assert.deepEqual(commands({ vlanDefaultPvid: 7 }, context), wanted);
    assert.deepEqual(commands({ vlanDefaultPvid: 7, ports: ["p1"] }, context), wanted);
  });

  it("that are secret are shown by as many commands, without their numbers", () => {
    const step: Step = {
      do: "set",
      link: { name: "br0", netns: "" },
      kind: "bridge",
      key: "self.vlans",
      value: "10 pvid untagged, 20-24",
      was: "1 pvid untagged",
      secret: ["self.vlans"],
    };
    const shown = shownCommandsOf(step, "bridge").map(describeCommand);
    assert.equal(shown.length, commandsOf(step, "bridge").length);
    assert.deepEqual(
      shown.filter((line) => /[0-9]{2}/.test(line) || !line.startsWith("bridge vlan ")),
      [],
    );
  });

  it("that differ are reported by path, in iproute2's words", () => {
    const context = contextOn("30");
    const { inputs } = check({ ports: [{ name: "p1", vlans: [5] }], vlans: [] });
    const desired = kind.desired(inputs as Json & CommonInputs, context);
    const { differences } = plan(context.observation.state, desired, kernelOf("6.1.0"));
    assert.deepEqual(
      differences.filter(({ property }) => property.endsWith("vlans")),
      [
        { property: "vlans", wanted: "none", found: "1 pvid untagged" },
        { property: "ports[0].vlans", wanted: "5", found: "30" },
      ],
    );
  });

  it("are left as they are if the program ignores them", () => {
    const context = contextOn("30");
    const { inputs } = check({ ports: [{ name: "p1", vlans: [5] }] });
    for (const ignored of ["ports[0].vlans", "ports[*].vlans", "ports"]) {
      const desired = kind.desired(inputs as Json & CommonInputs, { ...context, ignored: [ignored] });
      const { differences } = plan(context.observation.state, desired, kernelOf("6.1.0"));
      assert.deepEqual(
        differences.filter(({ property }) => property.startsWith("ports")),
        [],
        ignored,
      );
    }
  });

  it("are recorded for a bridge that is adopted, and for its ports", () => {
    const context = contextOn("30");
    const { inputs } = check({
      adopt: true,
      vlanDefaultPvid: 7,
      vlans: [5],
      ports: [{ name: "p1", vlans: [5] }],
    });
    const { previous: _, ...first } = context;
    const restore = kind.desired(inputs as Json & CommonInputs, first).record?.restore ?? [];
    const kept = restore.map(({ name, settings }) => [
      name,
      settings.filter(({ key }) => /vlan/.test(key)).map(({ key, value }) => `${key}=${value}`),
    ]);
    assert.deepEqual(kept, [
      ["br0", ["type.vlan_default_pvid=1", "self.vlans=1 pvid untagged"]],
      ["p1", ["port.vlans=30"]],
    ]);
  });

  it("are refused if the host cannot have them, with what to do", () => {
    const problems = (facts: Partial<HostFacts>): string[] => {
      const { inputs } = check({ vlans: [5], vlanDefaultPvid: 2, ports: [{ name: "p1", vlans: [5] }] });
      return kind
        .problems(inputs as Json & CommonInputs, contextOn("30", facts))
        .filter(({ property }) => property !== "name")
        .map(({ property, reason }) => `${property}: ${reason}`);
    };
    const own = { ...contextOn("30"), owner: "fleet/test" };
    assert.ok(findLink(own.observation.state, { name: "br0", netns: "" }));
    assert.deepEqual(problems({}), []);
    assert.deepEqual(
      problems({ portTool: "ip" }).map((line) => line.split(",")[0]),
      ["vlans: needs the command bridge of iproute2", "ports[0].vlans: needs the command bridge of iproute2"],
    );
    assert.match(problems({ portTool: "ip" })[0] ?? "", /install it/);
    assert.deepEqual(
      problems({ vlanFiltering: false }).map((line) => line.split(":")[0]),
      ["vlanDefaultPvid", "vlans", "ports[0].vlans"],
    );
  });

  it("without the filter cause a warning", () => {
    const warnings = (given: Json): string[] =>
      kind.warnings?.(check(given).inputs as Json & CommonInputs, contextOn("30")) ?? [];
    assert.deepEqual(warnings({ vlans: [5], ports: [{ name: "p1", vlans: [5] }] }), [
      "vlans, ports[0].vlans of br0 have no effect until vlanFiltering is true",
    ]);
    assert.deepEqual(warnings({ vlans: [5], vlanFiltering: true }), []);
    assert.deepEqual(warnings({ ports: ["p1"] }), []);
  });
});
