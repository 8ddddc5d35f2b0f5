/**
 * Writes the Pulumi package schema of the native provider from the types and docstrings of the resource classes, into
 * `dist/native/schema.json`: a program in any language gives what a program in TypeScript gives. `npm run build` runs it.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import ts from "typescript";
import { stringify } from "yaml";
import { SHARED } from "../provider/engine/host-links";
import { KINDS, KINDS_BY_WORD } from "../provider/kinds";
import { LINK_PROPERTIES } from "../provider/kinds/link";
import { SETTINGS } from "../provider/native/configuration";
import { PLUGIN_DOWNLOAD_URL } from "../provider/program/native";
import { hostSchema } from "../provider/ssh/address";
import { docstringsIn, networkSpecs } from "./network-schema";

const REPOSITORY = resolve(__dirname, "..");
const CLASSES = join(REPOSITORY, "provider/program/resources.ts");
const HOST_LINKS = join(REPOSITORY, "provider/program/host-links.ts");
const NETWORK = join(REPOSITORY, "provider/network/network.ts");
const NETWORK_ARGS = join(REPOSITORY, "provider/network/args.ts");
const PACKAGE = "macvlan";

/** A part of the schema (https://www.pulumi.com/docs/iac/extending-pulumi/schema). */
export type Spec = Readonly<Record<string, unknown>>;

/** The properties of an object or a resource. */
export interface ObjectSpec {
  readonly properties: Readonly<Record<string, Spec>>;
  readonly required: readonly string[];
}

export interface PackageSpec extends Spec {
  readonly types: Readonly<Record<string, Spec>>;
  readonly resources: Readonly<
    Record<
      string,
      ObjectSpec & {
        readonly description: string;
        /** Whether it is made of other resources. */
        readonly isComponent?: true;
        readonly aliases: readonly Spec[];
        readonly inputProperties: Readonly<Record<string, Spec>>;
        readonly requiredInputs: readonly string[];
      }
    >
  >;
}

/** The schema of the package. */
export function packageSchema(): PackageSpec {
  const { version, description, license } = JSON.parse(
    readFileSync(join(REPOSITORY, "package.json"), "utf8"),
  ) as Record<string, string>;
  const program = openProgram();
  const describer = new Describer(program.getTypeChecker());
  const settings = Object.fromEntries(
    Object.entries(SETTINGS).map(([key, spec]) => [key, settingSpec(spec)]),
  );
  const resources = resourceClasses(program).map((found): [string, Resources[string]] => [
    `${PACKAGE}:index:${found.name}`,
    describer.resource(found),
  ]);
  const links = Object.fromEntries(resources);
  const all = classOf(program, HOST_LINKS, "HostLinks");
  const network = classOf(program, NETWORK, "MacvlanNetwork");
  const source = program.getSourceFile(NETWORK_ARGS);
  if (!source) throw new Error(`${NETWORK_ARGS} cannot be read`);
  const component = networkSpecs({
    resourceOf: (type) => resourceOf(links, type),
    textOf: docstringsIn(source, documentationOf),
    tokenOf: (name) => `${PACKAGE}:index:${name}`,
    description: documentationOf(network) + exampleOf(network),
  });
  return {
    name: PACKAGE,
    version,
    displayName: "macvlan",
    description,
    license,
    publisher: "pulumi-macvlan",
    keywords: ["pulumi", PACKAGE, "category/network", "kind/native"],
    pluginDownloadURL: PLUGIN_DOWNLOAD_URL,
    meta: { moduleFormat: "(.*)" },
    config: { variables: settings },
    provider: {
      description: "How hosts are reached.",
      inputProperties: settings,
    },
    types: { ...describer.types, ...linkTypes(links), ...component.types },
    resources: {
      ...links,
      [`${PACKAGE}:index:HostLinks`]: hostLinks(links, documentationOf(all), exampleOf(all)),
      [`${PACKAGE}:index:MacvlanNetwork`]: component.resource,
    },
    language: {
      nodejs: { packageName: "pulumi-macvlan-native", respectSchemaVersion: true },
      python: { packageName: "pulumi_macvlan", respectSchemaVersion: true, pyproject: { enabled: true } },
      go: { respectSchemaVersion: true, generateResourceContainerTypes: true },
      csharp: { respectSchemaVersion: true },
      java: { respectSchemaVersion: true },
    },
  };
}

function settingSpec({ enum: values, ...spec }: (typeof SETTINGS)[string]): Spec {
  if (values === undefined) return spec;
  const list = values.map((value) => `\`${value}\``).join(", ");
  return { ...spec, description: `${spec.description} One of ${list}.` };
}

function openProgram(): ts.Program {
  const { config } = ts.readConfigFile(join(REPOSITORY, "tsconfig.json"), (path) =>
    readFileSync(path, "utf8"),
  ) as { config: { compilerOptions: object } };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, REPOSITORY);
  return ts.createProgram([CLASSES, HOST_LINKS, NETWORK, NETWORK_ARGS], options);
}

interface ResourceClass {
  readonly name: string;
  readonly description: string;
  readonly args: ts.TypeNode;
  readonly outputs: ts.TypeNode;
}

/** `class Bond extends linkResource<BondArgs, BondOutputs>(…)` */
function resourceClasses(program: ts.Program): ResourceClass[] {
  return classesIn(program, CLASSES).map((declaration) => {
    const call = declaration.heritageClauses?.[0]?.types[0]?.expression;
    const [args, outputs] = call && ts.isCallExpression(call) ? (call.typeArguments ?? []) : [];
    const name = declaration.name?.text;
    if (name === undefined || !args || !outputs)
      throw new Error(`not a resource class: ${declaration.getText().slice(0, 80)}`);
    return { name, args, outputs, description: documentationOf(declaration) + exampleOf(declaration) };
  });
}

function classesIn(program: ts.Program, file: string): ts.ClassDeclaration[] {
  const source = program.getSourceFile(file);
  if (!source) throw new Error(`${file} cannot be read`);
  return source.statements.filter(ts.isClassDeclaration);
}

function classOf(program: ts.Program, file: string, name: string): ts.ClassDeclaration {
  const found = classesIn(program, file).find((declaration) => declaration.name?.text === name);
  if (!found) throw new Error(`${file} has no class ${name}`);
  return found;
}

type Resources = PackageSpec["resources"];

/** The token of a link of `HostLinks`: `macvlan:index:BondLink` of `bond`. */
function linkToken(word: string): string {
  return `${PACKAGE}:index:${word.charAt(0).toUpperCase()}${word.slice(1)}Link`;
}

/** The links of `HostLinks`: the properties of the resource of each kind without the host, and its word. */
function linkTypes(resources: Resources): Record<string, Spec> {
  return Object.fromEntries(
    Object.entries(KINDS_BY_WORD).map(([word, { type }]) => {
      const { inputProperties, requiredInputs } = resourceOf(resources, type);
      const own = Object.entries(inputProperties).filter(([name]) => name !== "host");
      const properties = own.map(([name, { willReplaceOnChanges: _, ...spec }]): [string, Spec] => [
        name,
        spec,
      ]);
      return [
        linkToken(word),
        {
          type: "object",
          description: `A link of \`HostLinks\` with the properties of \`${type}\`.`,
          properties: {
            kind: { type: "string", const: word, description: `\`${word}\`` },
            ...Object.fromEntries(properties),
          },
          required: ["kind", ...requiredInputs.filter((name) => name !== "host")],
        },
      ];
    }),
  );
}

/** `HostLinks`. What a link of it gives depends on its kind, for which the schema has no word. */
function hostLinks(resources: Resources, text: string, example: string): Resources[string] {
  const { inputProperties, properties } = resourceOf(resources, "MacvlanInterface");
  const shared = SHARED.map((name): [string, Spec] => [name, inputProperties[name] ?? {}]);
  const refs = Object.keys(KINDS_BY_WORD).map((word) => [word, `#/types/${linkToken(word)}`] as const);
  const link = {
    oneOf: refs.map(([, ref]) => ({ $ref: ref })),
    discriminator: { propertyName: "kind", mapping: Object.fromEntries(refs) },
  };
  const description = "All links, by key, which is the link's name unless it has a `name`.";
  return {
    description: text + example,
    inputProperties: {
      host: inputProperties["host"] ?? {},
      links: { type: "object", additionalProperties: link, description },
      ...Object.fromEntries(shared),
    },
    requiredInputs: ["host", "links"],
    properties: {
      host: properties["host"] ?? {},
      links: { type: "object", additionalProperties: { $ref: "pulumi.json#/Any" }, description },
    },
    required: ["host", "links"],
    aliases: [{ type: "pulumi-nodejs:dynamic/macvlan:HostLinks" }],
  };
}

function resourceOf(resources: Resources, type: string): Resources[string] {
  const found = resources[`${PACKAGE}:index:${type}`];
  if (!found) throw new Error(`there is no resource ${type}`);
  return found;
}

/** The text of a docstring. Markdown has no links to symbols. */
function documentationOf(node: ts.Node): string {
  const [doc] = ts.getJSDocCommentsAndTags(node);
  const text = doc && ts.isJSDoc(doc) ? (ts.getTextOfJSDocComment(doc.comment) ?? "") : "";
  return text.replace(/\{@link (\w+)\}/g, "`$1`");
}

/** The example of a docstring as a YAML program, in the form that Pulumi's documentation and SDKs expect. */
function exampleOf(node: ts.Node): string {
  const tag = ts.getJSDocTags(node).find(({ tagName }) => tagName.text === "example");
  const code = tag && ts.getTextOfJSDocComment(tag.comment);
  if (code === undefined) return "";
  const text = stringify({ resources: yamlResources(code) }, { lineWidth: 0 });
  const block = `\`\`\`yaml\n${text}\`\`\``;
  return `\n\n{{% examples %}}\n## Example Usage\n{{% example %}}\n\n${block}\n{{% /example %}}\n{{% /examples %}}`;
}

/** The resources of a short TypeScript program, which consists of constructor calls with literals. */
export function yamlResources(code: string): Record<string, Spec> {
  const source = ts.createSourceFile("example.ts", code, ts.ScriptTarget.ES2022, true);
  const resources: Record<string, Spec> = {};
  const visit = (node: ts.Node): void => {
    if (ts.isNewExpression(node)) {
      const [name, args] = node.arguments ?? [];
      const variable = ts.isVariableDeclaration(node.parent) ? node.parent.name.getText() : undefined;
      const key = variable ?? (name && ts.isStringLiteral(name) ? name.text : "");
      const type = `${PACKAGE}:${node.expression.getText()}`;
      resources[key] = { type, properties: args ? yamlValue(args) : {} };
    } else ts.forEachChild(node, visit);
  };
  visit(source);
  return resources;
}

function yamlValue(node: ts.Expression): unknown {
  if (ts.isStringLiteral(node)) return node.text;
  if (ts.isNumericLiteral(node)) return Number(node.text);
  if (node.kind === ts.SyntaxKind.TrueKeyword) return true;
  if (node.kind === ts.SyntaxKind.FalseKeyword) return false;
  if (ts.isArrayLiteralExpression(node)) return node.elements.map(yamlValue);
  if (ts.isPropertyAccessExpression(node)) return `\${${node.getText()}}`;
  if (ts.isObjectLiteralExpression(node)) {
    return Object.fromEntries(
      node.properties.map((property) => {
        if (!ts.isPropertyAssignment(property)) throw new Error(`no YAML for ${property.getText()}`);
        const { name } = property;
        return [ts.isStringLiteral(name) ? name.text : name.getText(), yamlValue(property.initializer)];
      }),
    );
  }
  throw new Error(`no YAML for ${node.getText()}`);
}

/** Describes TypeScript types in the schema's terms, and collects the types of objects and enumerations. */
class Describer {
  readonly types: Record<string, Spec> = {};

  constructor(private readonly checker: ts.TypeChecker) {}

  resource({ name, description, args, outputs }: ResourceClass): Resources[string] {
    const kind = KINDS[name];
    if (!kind) throw new Error(`there is no kind ${name}`);
    // the same schema that check uses decides whether a number may have a fraction
    const isInteger = (property: string): boolean =>
      [0, 1, 7, 10, 100, 1500, 40_000].every(
        (n) => kind.schema[property]?.safeParse(n + 0.5).success !== true,
      );
    const given = this.shapeOf(this.checker.getTypeFromTypeNode(args), isInteger);
    const state = this.shapeOf(this.checker.getTypeFromTypeNode(outputs), isInteger);
    const inputs = Object.entries(given.properties).map(([key, spec]): [string, Spec] => {
      const replaces = key === "host" || kind.properties[key]?.fixed === true;
      return [key, replaces ? { ...spec, willReplaceOnChanges: true } : spec];
    });
    return {
      description,
      inputProperties: Object.fromEntries(inputs),
      requiredInputs: given.required,
      properties: { ...canonicalForms(given.properties), ...state.properties },
      required: state.required,
      // a stack of dynamic resources becomes one of native ones, and its links stay
      aliases: [{ type: `pulumi-nodejs:dynamic/macvlan:${name}` }],
    };
  }

  private shapeOf(type: ts.Type, isInteger: (property: string) => boolean): ObjectSpec {
    const properties: Record<string, Spec> = {};
    const required: string[] = [];
    for (const symbol of this.checker.getPropertiesOfType(type)) {
      const [declaration] = symbol.declarations ?? [];
      if (!declaration) continue;
      const description = documentationOf(declaration);
      // of inherited properties, the interface that declares them
      const owner = ts.isInterfaceDeclaration(declaration.parent)
        ? schemaName(declaration.parent.name.text)
        : "";
      const spec = this.specOf(this.checker.getTypeOfSymbol(symbol), owner, symbol.name, isInteger);
      properties[symbol.name] = { ...spec, ...(description === "" ? {} : { description }) };
      if ((symbol.flags & ts.SymbolFlags.Optional) === 0) required.push(symbol.name);
    }
    return { properties, required };
  }

  private specOf(
    type: ts.Type,
    owner: string,
    property: string,
    isInteger: (property: string) => boolean,
  ): Spec {
    const parts = (type.isUnion() ? type.types : [type]).filter(
      (part) => (part.flags & ts.TypeFlags.Undefined) === 0,
    );
    const words = parts.flatMap((part) => (part.isStringLiteral() ? [part.value] : []));
    if (words.length > 1 && words.length === parts.length) {
      const own = `${owner.replace(/State$/, "")}${property.charAt(0).toUpperCase()}${property.slice(1)}`;
      return this.enumeration(type.aliasSymbol?.name ?? own, words);
    }
    const forms = new Map(
      parts.map((part) => {
        const spec = this.formOf(part, owner, property, isInteger);
        return [JSON.stringify(spec), spec] as const;
      }),
    );
    const [only, ...others] = forms.values();
    if (!only) throw new Error(`${owner}.${property} has no form`);
    return others.length === 0 ? only : { oneOf: [only, ...others] };
  }

  private enumeration(name: string, words: readonly string[]): Spec {
    const token = `${PACKAGE}:index:${name}`;
    const known = this.types[token]?.["enum"] as readonly { value: string }[] | undefined;
    if (known && known.map(({ value }) => value).join() !== words.join())
      throw new Error(`two enumerations are called ${name}`);
    this.types[token] = {
      type: "string",
      enum: words.map((value) => ({ name: identifierOf(value), value })),
    };
    return { type: "string", $ref: `#/types/${token}` };
  }

  private formOf(
    type: ts.Type,
    owner: string,
    property: string,
    isInteger: (property: string) => boolean,
  ): Spec {
    if (type.flags & ts.TypeFlags.StringLike) return { type: "string" };
    if (type.flags & ts.TypeFlags.BooleanLike) return { type: "boolean" };
    if (type.flags & ts.TypeFlags.NumberLike) return { type: isInteger(property) ? "integer" : "number" };
    if (this.checker.isArrayType(type)) {
      const [item] = this.checker.getTypeArguments(type as ts.TypeReference);
      if (item) return { type: "array", items: this.specOf(item, owner, property, isInteger) };
    }
    const name = schemaName(type.symbol.name);
    const token = `${PACKAGE}:index:${name}`;
    if (!(token in this.types)) {
      this.types[token] = {};
      const { properties, required } = this.shapeOf(type, NUMBERS[name] ?? (() => true));
      const [declaration] = type.symbol.declarations ?? [];
      const description = declaration ? documentationOf(declaration) : "";
      this.types[token] = {
        type: "object",
        ...(description === "" ? {} : { description }),
        properties,
        required,
      };
    }
    return { $ref: `#/types/${token}` };
  }
}

/** Whether a number of an object takes no fraction, if some take one. */
const NUMBERS: Readonly<Record<string, (property: string) => boolean>> = {
  Check: (property) => !isCheck({ ping: "192.0.2.1", [property]: 10.5 }),
  CheckState: (property) => !isCheck({ ping: "192.0.2.1", [property]: 10.5 }),
  Host: (property) => !hostSchema.safeParse({ address: "node1", [property]: 10.5 }).success,
};

function isCheck(value: unknown): boolean {
  return LINK_PROPERTIES.checks.schema.safeParse([value]).success;
}

/** Generated SDKs add `Args` themselves. */
function schemaName(name: string): string {
  return name.replace(/Args$/, "").replace(/Outputs?$/, "State");
}

/** `802.3ad` → `Value8023ad`, `layer2+3` → `Layer2Plus3` */
function identifierOf(word: string): string {
  const parts = word.replaceAll("+", "-plus-").split(/[^A-Za-z0-9]+/);
  const name = parts.map((part) => part.charAt(0).toUpperCase() + part.slice(1)).join("");
  return /^[A-Za-z]/.test(name) ? name : `Value${name}`;
}

/** In the state, an input has its canonical form only. */
function canonicalForms(properties: Readonly<Record<string, Spec>>): Record<string, Spec> {
  const canonical = (spec: Spec): Spec => {
    const { oneOf, items, ...rest } = spec as { oneOf?: readonly Spec[]; items?: Spec };
    if (oneOf) return { ...rest, ...(oneOf.find((form) => "$ref" in form) ?? oneOf[0]) };
    return items ? { ...rest, items: canonical(items) } : spec;
  };
  return Object.fromEntries(Object.entries(properties).map(([key, spec]) => [key, canonical(spec)]));
}

if (require.main === module) {
  const file = join(REPOSITORY, "dist/native/schema.json");
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(packageSchema(), null, 1)}\n`);
}
