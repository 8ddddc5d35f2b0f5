import assert from "node:assert/strict";
import { asSecret, outputsOf } from "../../../provider/engine/outputs";
import { planContextFrom, planLink, planRemoval } from "../../../provider/engine/planning";
import { secretsOf, withNamingIssues } from "../../../provider/engine/secrets";
import { applyScript } from "../../../provider/host/change-script";
import { describeStep, describeSteps } from "../../../provider/iproute2/commands";
import { asInputs, checkInputs, secretNamesOf, visibleInputs } from "../../../provider/kinds/check-inputs";
import type { Json } from "../../../provider/kinds/kind";
import { issue } from "../../../provider/model/error";
import { describeDifference } from "../../../provider/model/secret-parts";
import { hasSecret } from "../../../provider/model/steps";
import { outcome } from "../../../provider/plan/plan";
import { HOST } from "../../support/hosts";
import { kindOf, viewOn } from "../../support/plans";

/** For each kind secrets of each form, by property, and how iproute2 writes them. */
const CASES: readonly (readonly [type: string, given: Json, secrets: Json, words: readonly string[]])[] = [
  [
    "MacvlanInterface",
    { parent: "eth0" },
    {
      ...{ mtu: 1477, txQueueLength: 643, macAddress: "02-00-5E-AB-CD-EF", alias: "x§ y", mode: "vepa" },
      ...{ addresses: ["192.0.2.77/24"], routes: ["203.0.113.64/26"] },
    },
    ["1477", "643", "02:00:5e:ab:cd:ef", "x§", "vepa", "192.0.2.77", "192.0.2.255", "203.0.113.64"],
  ],
  ["HostShim", { parent: "eth0" }, { routes: ["203.0.113.64/26"], mtu: 1477 }, ["203.0.113.64", "1477"]],
  [
    "HairpinBridge",
    {},
    { forwardDelay: 13, priority: 4444, macAddress: "02:00:5e:ab:cd:01" },
    ["1300", "4444", "02:00:5e:ab:cd:01"],
  ],
  ["Bond", {}, { mode: "balance-xor", miimon: 137 }, ["balance-xor", "137"]],
  ["VlanInterface", { parent: "eth0" }, { vlanId: 3077, alias: "x§" }, ["3077", "x§"]],
  ["IpvlanInterface", { parent: "eth1" }, { mode: "l3s", txQueueLength: 643 }, ["l3s", "643"]],
  ["MacvtapInterface", { parent: "eth0" }, { mtu: 1477, alias: "x§" }, ["1477", "x§"]],
];

for (const [type, given, secrets, words] of CASES) {
  describe(`secret properties of ${type}`, () => {
    const kind = kindOf(type);
    const hidden = { __owner: "fleet/test", __resource: "it", __secrets: Object.keys(secrets) };
    const canonical = (more: Json): Json =>
      checkInputs(kind, { host: "node1", name: "link0", ...given, ...hidden, ...more }, undefined).inputs;
    const inputs = canonical(secrets);
    const known = asInputs(visibleInputs(inputs));
    const context = planContextFrom(inputs, viewOn(HOST).observation, undefined, () => false);
    const made = planLink(kind, known, context);
    const after = viewOn(outcome(HOST, made)).observation;
    const gone = planRemoval(
      kind,
      known,
      planContextFrom(inputs, after, undefined, () => false),
    );
    const assertNone = (text: string): void => {
      for (const word of words) assert.ok(!text.includes(word), `${word} in: ${text}`);
    };

    it("are known by their names in the inputs that the state keeps", () => {
      assert.deepEqual(secretNamesOf(inputs), Object.keys(secrets).toSorted());
      assert.equal(canonical({ ...secrets, __secrets: [] })["__secretNames"], undefined);
    });

    it("are on the host, and in no command, difference or undo that is shown", () => {
      const from = { state: HOST, boots: "", facts: { machine: "boot netns" } };
      const script = applyScript(made.steps, "ip", "M", { commandTimeout: 60 }, from);
      for (const word of words) assert.ok(script.includes(word), word);
      assert.ok(hasSecret(made.steps));
      assertNone(describeSteps(made.steps, "ip").join("\n"));
      for (const { step, undo } of [...made.steps, ...gone.steps])
        assertNone([step, ...undo].map((s) => describeStep(s, "ip")).join("\n"));
      const changed = planLink(
        kind,
        known,
        planContextFrom(inputs, drifted(), undefined, () => false),
      );
      const texts = changed.differences.map(describeDifference);
      assert.ok(texts.includes("differs"), texts.join());
      assertNone(texts.join());
      assertNone(changed.differences.map((d) => d.wanted + d.found).join());
      assertNone(describeSteps(changed.steps, "ip").join("\n"));
    });

    it("are marked in the outputs, with what follows from them and the digest", () => {
      const outputs = outputsOf(kind, inputs, known, after);
      for (const name of [...Object.keys(secrets), "__inputs"])
        assert.deepEqual(outputs[name], asSecret((outputs[name] as Json)["value"]), name);
      const plain = Object.entries(outputs).filter(
        ([, value]) => !JSON.stringify(value).includes("4dabf18193"),
      );
      assertNone(JSON.stringify(Object.fromEntries(plain)));
    });

    /** The host with other values of everything. */
    function drifted(): typeof after {
      const { keys = [] } = made.desired[0]?.secret ?? {};
      const links = after.state.links.map((link) =>
        link.name === "link0"
          ? {
              ...link,
              addresses: [],
              routes: [],
              settings: Object.fromEntries(
                Object.entries(link.settings).map(([key, value]) => [key, keys.includes(key) ? "1" : value]),
              ),
            }
          : link,
      );
      return { ...after, state: { ...after.state, links } };
    }
  });
}

describe("secret properties", () => {
  it("cannot be those that identify a link", () => {
    const names = ["host", "name", "netns", "parent", "ports", "mtu"];
    const quoting = issue("invalid-input", "host.address", 'must be a name, not "hush"');
    const issues = withNamingIssues([quoting], secretsOf({ __secrets: names, mtu: 1477 }));
    assert.deepEqual(
      issues.map(({ reason }) => reason.split(" ")[0]),
      ["host", "name", "netns", "parent", "ports"],
    );
    assert.ok(issues.every(({ property }) => property === ""));
  });
});
