import assert from "node:assert/strict";
import fc from "fast-check";
import { hostLinks } from "../../provider/engine/host-links";
import type { CheckedResource } from "../../provider/engine/resource-type";
import { knownInputs, planContextFrom, planOrIssues, problemsOf } from "../../provider/engine/planning";
import { commandsOf, describeCommand } from "../../provider/iproute2/commands";
import { type AnyKind, KINDS, KINDS_BY_WORD } from "../../provider/kinds";
import { checkInputs } from "../../provider/kinds/check-inputs";
import type { Json } from "../../provider/kinds/kind";
import { parsePath } from "../../provider/model/property-path";
import { observed } from "../support/hosts";
import { assertHarmless } from "./harmless";
import type { FuzzTarget } from "./target";

/** Values that properties have, and others of their kinds that none has. */
const VALUES: readonly unknown[] = [
  ...["node1", "ops@node1:22", "[::1]:22", { address: "node1", port: 22 }, { address: "x", jump: "y" }],
  ...["eth0", "eth1", "web", "a/b", "..", "", "lo", "x".repeat(16), "constructor", "__proto__", "toString"],
  ...["192.0.2.1/24", "2001:DB8::1/64", "fe80::1%eth0", "192.0.2.1", "0.0.0.0/0", "default", "::/0", "1e1/8"],
  ...["AA-BB-CC-DD-EE-FF", "02:00:00:00:00:01", "01:00:5e:00:00:01"],
  ...["bridge", "private", "vepa", "source", "passthru", "l2", "l3s", "802.3ad", "active-backup", "802.1Q"],
  ...[0, -0, 1, -1, 5, 67, 68, 1500, 65_535, 65_536, 4094, 4095, 1.5, 1e21, NaN, Infinity],
  ...[true, false, null, undefined, "exclusive", "\u001b[2J\n::error::", "\ud800", "off", "secret"],
];

const leaf = fc.oneof(
  { arbitrary: fc.constantFrom(...VALUES), weight: 8 },
  fc.string({ maxLength: 20, unit: "binary" }),
  fc.integer({ min: -1, max: 70_000 }),
);
const ENTRY_KEYS = [
  ...[
    "to",
    "via",
    "source",
    "metric",
    "name",
    "hairpin",
    "cost",
    "priority",
    "address",
    "port",
    "user",
    "jump",
  ],
  ...["constructor", "__proto__", "toString", "length"],
];
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    { arbitrary: leaf, weight: 6 },
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...ENTRY_KEYS), tie("value"), { maxKeys: 4 }),
  ),
}));

/** Values that suit a property, so that whole resources are right often enough. */
const SUITABLE: ReadonlyMap<string, readonly unknown[]> = new Map(
  Object.entries({
    host: ["node1", { address: "node1", user: "ops" }],
    addresses: [["2001:DB8::1/64", "192.0.2.1/24"], ["192.0.2.9/32"], []],
    routes: [["198.51.100.0/24", { to: "default", via: "192.0.2.254" }], []],
    macAddress: ["AA-BB-CC-DD-EE-FE", "02:00:00:00:00:01"],
    mtu: [1500, 1280],
    netns: ["blue"],
    alias: ["web", ""],
    ports: [["eth1"], [{ name: "eth1", hairpin: true }]],
  }),
);

const given = fc.constantFrom(...Object.keys(KINDS)).chain((type) => {
  const names = [...Object.keys(KINDS[type]?.properties ?? {}), "constructor", "__proto__", "Mtu", "drift"];
  const pair = fc.constantFrom(...names).chain((name) => {
    const suitable = SUITABLE.get(name) ?? [];
    return fc.tuple(
      fc.constant(name),
      suitable.length === 0 ? value : fc.oneof(value, fc.constantFrom(...suitable)),
    );
  });
  return fc.record({
    type: fc.constant(type),
    more: fc.array(pair, { maxLength: 5 }).map((pairs) => Object.fromEntries(pairs)),
    isMinimal: fc.boolean(),
  });
});

/** What makes a resource of a kind complete. */
function minimal(kind: AnyKind): Record<string, unknown> {
  const needed = { host: "node1", parent: "eth0", vlanId: 7, ports: ["eth1"] };
  return Object.fromEntries(
    Object.entries(needed).filter(([key]) => kind.required.includes(key) || key === "host"),
  );
}

/**
 * Inputs of all kinds: an issue on a property, or a canonical form that is its own canonical form, and with which the host
 * can be planned.
 */
export function inputs(check: typeof checkInputs = checkInputs): FuzzTarget {
  const host = observed();
  return {
    name: "inputs",
    about: "inputs of all kinds: an issue, or a canonical form that stays the same and can be planned",
    property: fc.property(given, ({ type, more, isMinimal }) => {
      const kind = KINDS[type];
      assert.ok(kind);
      const hidden = { __owner: "fleet/test", __resource: "web" };
      const all = { ...(isMinimal ? minimal(kind) : {}), ...more, ...hidden };
      const checked = check(kind, all, undefined);
      for (const { property, reason } of checked.issues) {
        assert.ok(property !== "" && reason !== "", "an issue says nothing");
        assertHarmless(`${property}: ${reason}`);
      }
      if (checked.issues.length > 0) return;
      // what the provider adds is none of the program's
      const added = ["label", ...((checked.inputs["__derived"] ?? []) as string[])];
      const canonical = Object.fromEntries(
        Object.entries(checked.inputs).filter(([key]) => !added.includes(key)),
      );
      const again = check(kind, canonical, checked.inputs);
      assert.deepEqual(again.issues, []);
      assert.deepEqual(again.inputs, checked.inputs);
      // and all of it is what the engine gives again for what is ignored
      assert.deepEqual(check(kind, checked.inputs, checked.inputs), { ...again, unknown: checked.unknown });
      const known = knownInputs(checked.inputs, checked.unknown);
      const context = planContextFrom(checked.inputs, host, undefined, () => false);
      if (problemsOf(kind, known, context).length > 0) return;
      const plan = planOrIssues(kind, known, context);
      if (!("steps" in plan)) return;
      for (const { step, undo } of plan.steps) {
        for (const s of [step, ...undo]) commandsOf(s, host.facts.portTool).forEach(describeCommand);
      }
    }),
  };
}

/** Keys of links: names, and others that a path has to quote. */
const LINK_KEYS = ["web", "eth0.10", "b c", 'q"', "a[0]", "constructor", "x".repeat(16)];

const linkMap = fc.dictionary(
  fc.constantFrom(...LINK_KEYS),
  fc.tuple(fc.constantFrom(...Object.keys(KINDS_BY_WORD)), fc.boolean()).chain(([word, isMinimal]) => {
    const kind = KINDS_BY_WORD[word];
    const names = [...Object.keys(kind?.properties ?? {}), "constructor", "Mtu"].filter((n) => n !== "host");
    const { host: _, ...needed } = kind && isMinimal ? minimal(kind) : {};
    return fc
      .dictionary(fc.constantFrom(...names), value, { maxKeys: 3 })
      .map((more): Json => ({ kind: word, ...needed, ...more }));
  }),
  { maxKeys: 4 },
);

/** Links of a `HostLinks`: issues at paths of the links that they are of, or a canonical form that stays the same. */
export function linksOfHost(
  check: (given: Json, before: Json | undefined) => CheckedResource = (given, before) =>
    hostLinks.check(given, before),
): FuzzTarget {
  return {
    name: "host-links",
    about: "the links of a HostLinks: an issue at its path, or a canonical form that stays the same",
    property: fc.property(linkMap, fc.constantFrom({}, { mtu: 1400 }, { mtu: "x" }), (links, shared) => {
      const hidden = { __owner: "fleet/test", __resource: "node1" };
      const { inputs: checked, issues } = check({ host: "node1", links, ...shared, ...hidden }, undefined);
      for (const { property, reason } of issues) {
        assert.notEqual(reason, "", "an issue says nothing");
        assertHarmless(`${property}: ${reason}`);
        const [first, key] = parsePath(property) ?? [];
        const isShared = first !== undefined && Object.hasOwn(shared, first);
        assert.ok(isShared || (first === "links" && Object.hasOwn(links, String(key))), `at ${property}`);
      }
      if (issues.length > 0) return;
      const derived = checked["__derived"] as Record<string, readonly string[]> | undefined;
      const derivedOf = (key: string): readonly string[] =>
        derived && Object.hasOwn(derived, key) ? (derived[key] ?? []) : [];
      const canonical = Object.entries(checked["links"] as Record<string, Json>).map(([key, link]) => [
        key,
        Object.fromEntries(
          Object.entries(link).filter(([name]) => name !== "label" && !derivedOf(key).includes(name)),
        ),
      ]);
      const again = check({ ...checked, links: Object.fromEntries(canonical) as Json }, checked);
      assert.deepEqual(again, { inputs: checked, issues: [] });
      assert.deepEqual(check(checked, checked), { inputs: checked, issues: [] });
    }),
  };
}
