/** The schema of the native provider, and the classes that it is made from. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { type PackageSpec, type Spec, packageSchema, yamlResources } from "../../../docs/schema";
import { SHARED, hostLinks } from "../../../provider/engine/host-links";
import { KINDS, KINDS_BY_WORD } from "../../../provider/kinds";
import { visibleInputs } from "../../../provider/kinds/check-inputs";
import { KIND_OUTPUTS } from "../../../provider/program/outputs";
import { SETTINGS } from "../../../provider/native/configuration";

describe("the package schema", function () {
  this.timeout(60_000);
  let schema: PackageSpec;
  before(() => (schema = packageSchema()));
  const resource = (type: string): PackageSpec["resources"][string] => {
    const found = schema.resources[`macvlan:index:${type}`];
    assert.ok(found, type);
    return found;
  };

  it("has each kind with exactly the properties that its check accepts", () => {
    assert.deepEqual(
      Object.keys(schema.resources).toSorted(),
      [...Object.keys(KINDS), hostLinks.type, "MacvlanNetwork"]
        .map((type) => `macvlan:index:${type}`)
        .toSorted(),
    );
    for (const [type, kind] of Object.entries(KINDS)) {
      const { inputProperties, requiredInputs } = resource(type);
      assert.deepEqual(Object.keys(inputProperties).toSorted(), Object.keys(kind.schema).toSorted(), type);
      assert.deepEqual([...requiredInputs].toSorted(), [...kind.required].toSorted(), type);
    }
  });

  it("has all links of a host as a resource, with the properties of each kind", () => {
    const { inputProperties } = resource("HostLinks");
    assert.deepEqual(Object.keys(inputProperties).toSorted(), ["host", "links", ...SHARED].toSorted());
    const { discriminator } = inputProperties["links"]?.["additionalProperties"] as {
      discriminator: { mapping: Record<string, string> };
    };
    assert.deepEqual(Object.keys(discriminator.mapping), Object.keys(KINDS_BY_WORD));
    for (const [word, kind] of Object.entries(KINDS_BY_WORD)) {
      const { properties } = schema.types[(discriminator.mapping[word] ?? "").replace("#/types/", "")] as {
        properties: Record<string, Spec>;
      };
      const own = Object.keys(kind.schema).filter((name) => name !== "host");
      assert.deepEqual(Object.keys(properties).toSorted(), ["kind", ...own].toSorted(), word);
      assert.equal(properties["kind"]?.["const"], word);
    }
  });

  it("has MacvlanNetwork as a component, with the arguments and outputs of the class", () => {
    const source = ts.createSourceFile(
      "args.ts",
      readFileSync(join(__dirname, "../../../provider/network/args.ts"), "utf8"),
      ts.ScriptTarget.ES2022,
      true,
    );
    /** Names that an interface has of its own. */
    const membersOf = (name: string): string[] => {
      const found = source.statements.filter(ts.isInterfaceDeclaration).find((one) => one.name.text === name);
      return (found?.members ?? []).map((member) => member.name?.getText() ?? "");
    };
    const defaults = source.statements
      .filter(ts.isTypeAliasDeclaration)
      .find((one) => one.name.text === "ChildDefaults");
    const passedOn = [...(defaults?.getText() ?? "").matchAll(/\| "(\w+)"/g)].map(([, name]) => name ?? "");
    const propertiesOf = (type: string): string[] =>
      Object.keys((schema.types[`macvlan:index:${type}`] as { properties: object }).properties).toSorted();
    const ofKind = (type: string, ...network: string[]): string[] =>
      Object.keys(KINDS[type]?.schema ?? {}).filter((name) => !network.includes(name));

    const { isComponent, inputProperties } = resource("MacvlanNetwork");
    assert.equal(isComponent, true);
    assert.ok(passedOn.length > 5);
    assert.deepEqual(
      Object.keys(inputProperties).toSorted(),
      [...membersOf("NetworkArgs"), ...passedOn].toSorted(),
    );
    const cases: [type: string, expected: string[]][] = [
      // what a program in TypeScript gives by functions of the host
      ["NetworkHost", [...membersOf("NetworkHost"), "children", "parent", "shim"]],
      ["NetworkChild", [...membersOf("ChildArgs"), ...ofKind("MacvlanInterface", "host", "parent")]],
      ["NetworkShim", [...membersOf("NetworkShimArgs"), ...ofKind("HostShim", "host", "parent", "routes")]],
      ["NetworkVlan", [...membersOf("NetworkVlanArgs"), ...ofKind("VlanInterface", "host")]],
      ["NetworkLease", membersOf("NetworkLease")],
      ["NetworkChildState", membersOf("NetworkChild").filter((name) => name !== "link")],
      ["MacvlanState", ["host", ...Object.keys(KIND_OUTPUTS.macvlan)]],
      ["ShimState", ["host", ...Object.keys(KIND_OUTPUTS.shim)]],
      ["VlanState", ["host", ...Object.keys(KIND_OUTPUTS.vlan)]],
    ];
    for (const [type, expected] of cases)
      assert.deepEqual(propertiesOf(type), [...new Set(expected)].toSorted(), type);
    for (const [property, spec] of Object.entries(inputProperties))
      assert.match(textOf(spec["description"]), /^.{4}/, property);
  });

  it("has the words that the check accepts for each enumeration, and no others", () => {
    for (const [type, kind] of Object.entries(KINDS)) {
      for (const [property, spec] of Object.entries(resource(type).inputProperties)) {
        const words = enumOf(spec);
        if (!words) continue;
        for (const word of words)
          assert.ok(kind.schema[property]?.safeParse(word).success, `${type}.${property}`);
        assert.ok(
          kind.schema[property]?.safeParse(`${words[0] ?? ""}x`).success === false,
          `${type}.${property}`,
        );
      }
    }
  });

  it("has a number where the check accepts one, an integer where it takes no fraction", () => {
    for (const [type, kind] of Object.entries(KINDS)) {
      for (const [property, { type: form }] of Object.entries(resource(type).inputProperties)) {
        const accepts = (value: unknown): boolean => kind.schema[property]?.safeParse(value).success === true;
        const numbers = [0, 1, 2, 10, 100, 1500].filter(accepts);
        assert.equal(numbers.length > 0, form === "integer" || form === "number", `${type}.${property}`);
        if (form === "integer") assert.ok(!numbers.some((n) => accepts(n + 0.5)), `${type}.${property}`);
        const flags = [true, false].filter(accepts);
        assert.equal(flags.length === 2, form === "boolean", `${type}.${property}`);
      }
    }
  });

  it("says which properties replace a link, and takes over the dynamic resources", () => {
    for (const type of Object.keys(KINDS)) {
      const { inputProperties, aliases } = resource(type);
      assert.equal(inputProperties["host"]?.["willReplaceOnChanges"], true);
      assert.deepEqual(aliases, [{ type: `pulumi-nodejs:dynamic/macvlan:${type}` }]);
    }
    const { inputProperties } = resource("MacvlanInterface");
    assert.equal(inputProperties["parent"]?.["willReplaceOnChanges"], true);
    assert.equal(inputProperties["mtu"]?.["willReplaceOnChanges"], undefined);
  });

  it("has a description and an example for each resource, and each property of it described", () => {
    for (const type of Object.keys(KINDS)) {
      const { description, inputProperties } = resource(type);
      assert.match(description, /```yaml\nresources:/, type);
      for (const [property, spec] of Object.entries(inputProperties))
        assert.match(textOf(spec["description"]), /^.{4}/, `${type}.${property}`);
    }
  });

  it("refers to types that it has, and has none that nothing refers to", () => {
    const text = JSON.stringify(schema);
    const named = new Set([...text.matchAll(/"#\/types\/([^"]+)"/g)].map(([, token]) => token));
    assert.deepEqual([...named].toSorted(), Object.keys(schema.types).toSorted());
  });

  it("marks the secrets among the settings", () => {
    const { variables } = schema["config"] as { variables: Record<string, Spec> };
    for (const [key, { secret }] of Object.entries(SETTINGS))
      assert.equal(variables[key]?.["secret"], secret, key);
  });

  it("never asks a public server for the plugin", () => {
    assert.match(String(schema["pluginDownloadURL"]), /^https:\/\/[\w-]+\.invalid$/);
  });

  it("has no property that the state hides", () => {
    for (const { properties } of Object.values(schema.resources))
      assert.deepEqual(Object.keys(visibleInputs(properties)), Object.keys(properties));
  });

  function enumOf(spec: Spec): string[] | undefined {
    const token = textOf(spec["$ref"]).replace("#/types/", "");
    const values = schema.types[token]?.["enum"] as readonly { value: string }[] | undefined;
    return values?.map(({ value }) => value);
  }
});

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

describe("an example in TypeScript", () => {
  it("is a YAML program with the same resources", () => {
    assert.deepEqual(
      yamlResources(
        'const a = new Bond("uplink", { host: "node1", ports: ["eth0"], up: true });\nnew HostShim("s", { parent: a.name });',
      ),
      {
        a: { type: "macvlan:Bond", properties: { host: "node1", ports: ["eth0"], up: true } },
        s: { type: "macvlan:HostShim", properties: { parent: "${a.name}" } },
      },
    );
  });
});
