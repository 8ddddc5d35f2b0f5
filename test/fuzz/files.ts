import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { type Seen, seenKey } from "../../provider/cli/look";
import { plain } from "../../provider/cli/paint";
import { compareStack } from "../../provider/cli/report/compare";
import { reportMarkdown } from "../../provider/cli/report/markdown";
import { reportText } from "../../provider/cli/report/text";
import { type StackReading, readStack } from "../../provider/cli/stack";
import { readInventory } from "../../provider/inventory";
import { hostSchema } from "../../provider/ssh/address";
import { macvlan, observed } from "../support/hosts";
import { inputsOf, step } from "../unit/cli/previews";
import { assertHarmless } from "./harmless";
import { mutate, mutations } from "./mutate";
import type { FuzzTarget } from "./target";

/** Milliseconds of CPU that no file of this size takes. */
const SLOW = 2000;

function inTime<T>(work: () => T): T {
  const began = process.cpuUsage();
  const result = work();
  const took = process.cpuUsage(began).user / 1000;
  assert.ok(took < SLOW, `took ${took} ms of CPU`);
  return result;
}

const INVENTORY = `
vars: &all
  parent: eth0
hosts:
  node1: { host: ops@node1.example, vars: { mtu: 1500 } }
  node2: 192.0.2.2
  node3: { host: { address: "2001:db8::3", port: 2222, jump: bastion } }
groups:
  web: { hosts: [node1, node2], vars: { <<: *all, children: [a, b] } }
  edge: { hosts: ["node*", "!node1"], groups: [web] }
  all: { groups: [web, edge] }
`;
const line = fc
  .tuple(
    fc.constantFrom("", "  ", "    ", "- "),
    fc.constantFrom(
      "hosts",
      "groups",
      "vars",
      "node1",
      "constructor",
      "__proto__",
      "toString",
      "<<",
      "&a",
      "*a",
      "!!js",
    ),
    fc.constantFrom(":", ": [", ": {", ": &a", ": *a", ": |", ": ops@x:22", ": *all", ":\t", ": ]"),
  )
  .map((parts) => parts.join(""));
const inventoryText = fc
  .tuple(mutations, fc.array(line, { maxLength: 6 }), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([changes, lines, at]) => {
    const text = INVENTORY.split("\n");
    return mutate(text.toSpliced(Math.floor(at * text.length), 0, ...lines).join("\n"), changes);
  });

/** An inventory of any text: hosts that can be connected to, or an error that names the file. */
export function inventories(read: typeof readInventory = readInventory): FuzzTarget {
  return {
    name: "inventory",
    about:
      "an inventory of any lines: hosts that can be used, or an error that names the file or says what is wrong",
    property: fc.property(inventoryText, (text) => {
      // other files of this machine are not what is tried
      fc.pre(!/sshConfig/i.test(text));
      const dir = mkdtempSync(join(tmpdir(), "macvlan-fuzz-"));
      try {
        const path = join(dir, "hosts.yaml");
        writeFileSync(path, text);
        const inventory = inTime(() => read(path));
        const all = inventory.hosts();
        assert.equal(new Set(all.map(({ name }) => name)).size, all.length);
        for (const { name, host, vars } of all) {
          assert.ok(name !== "" && hostSchema.safeParse(host).success, name);
          assert.equal(typeof vars, "object");
        }
      } catch (error) {
        assert.ok(error instanceof Error && error.constructor.name === "RunError", String(error));
        assertHarmless(error.message);
      } finally {
        rmSync(dir, { recursive: true });
      }
    }),
  };
}

const WEB = inputsOf("web", { mtu: 1500, addresses: ["192.0.2.10/24"] });
const SECRET = "hunter2hunter2";
const preview = {
  steps: [
    step("same", "web", { before: WEB, after: { ...WEB, drift: { mtu: "found 1400, wanted 1500" } } }),
    step("create", "new", { after: inputsOf("new", { netns: "blue", alias: "[secret]" }) }),
    step("replace", "old", { before: inputsOf("old", {}), after: inputsOf("old", { parent: "eth1" }) }),
    step("delete", "gone", { before: inputsOf("gone", {}) }),
    {
      op: "create",
      urn: "urn:pulumi:dev::fleet::random:index:Pet::x",
      newState: { type: "random:index:Pet" },
    },
  ],
  diagnostics: [{ severity: "error", message: "error: web: property mtu value {secret} has a problem: no" }],
};
const stackExport = {
  version: 3,
  deployment: {
    resources: [
      { urn: "urn:pulumi:dev::fleet::pulumi:pulumi:Stack::fleet-dev", type: "pulumi:pulumi:Stack" },
      {
        urn: "urn:pulumi:dev::fleet::pulumi-nodejs:dynamic/macvlan:MacvlanInterface::web",
        type: "pulumi-nodejs:dynamic/macvlan:MacvlanInterface",
        inputs: { ...WEB, alias: { "4dabf18193072939515e22adb298388d": "1b47", ciphertext: SECRET } },
        outputs: WEB,
      },
    ],
  },
};
const SEEN: Seen = {
  label: "node1",
  observation: observed([macvlan("web", { settings: { "link.mtu": "1400" } }), macvlan("gone")]),
};

/** A file of the engine with any change: a report on each host, or an error that names the file. */
export function stackFiles(read: typeof readStack = readStack): FuzzTarget {
  return {
    name: "stack-file",
    about:
      "a preview or an export with any change: a report, or an error that names the file; no secret in either",
    property: fc.property(fc.constantFrom(preview, stackExport), mutations, (file, changes) => {
      const text = mutate(JSON.stringify(file), changes);
      let stack: StackReading;
      try {
        stack = inTime(() => read(text, "it"));
      } catch (error) {
        assert.match(String(error), /^Error: it (?:is|has) /);
        return;
      }
      const hosts = stack.links.flatMap(({ host }) =>
        host === undefined ? [] : [[seenKey(host), SEEN] as const],
      );
      const report = inTime(() => compareStack(stack, new Map(hosts)));
      for (const shown of [reportMarkdown(report), reportText(report, plain)]) {
        assertHarmless(shown.replaceAll(/^(?=:--)/gm, ""));
        assert.ok(!shown.includes(SECRET), "a secret is shown");
      }
      for (const { error } of report.hosts) assert.equal(error, undefined);
    }),
  };
}
