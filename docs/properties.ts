/**
 * Writes properties.md from the docstrings of what the package exports: `npm run docs`, or with `--check` only tells
 * whether it is as it should be. A table an interface; the docstrings' `Default: …` is a column of its own.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import ts from "typescript";

const REPOSITORY = resolve(__dirname, "..");
const FILE = join(__dirname, "properties.md");

/** The order of the page, and what an interface is called on it. Others follow, under their own names. */
const SECTIONS: Readonly<Record<string, string>> = {
  LinkArgs: "Arguments of all kinds",
  HostArgs: "`host`",
  RouteArgs: "An entry of `routes`",
  CheckArgs: "An entry of `checks`",
  CheckFromArgs: "`from` of a check",
  MacvlanArgs: "MacvlanInterface and MacvtapInterface",
  BondArgs: "Bond",
  BridgeArgs: "HairpinBridge",
  PortArgs: "An entry of `ports`",
  BridgeVlanArgs: "An entry of `vlans`",
  ShimArgs: "HostShim",
  VlanArgs: "VlanInterface",
  QosMapping: "An entry of a QoS map",
  IpvlanArgs: "IpvlanInterface",
  LinkOutputs: "Outputs of all kinds",
  CheckOutput: "An entry of the output `checks`",
  MacvlanOutputs: "Outputs of MacvlanInterface",
  MacvtapOutputs: "Outputs of MacvtapInterface",
  BondOutputs: "Outputs of Bond",
  BondPortOutputs: "An entry of `ports` of Bond",
  AggregatorOutputs: "The output `aggregator`",
  BridgeOutputs: "Outputs of HairpinBridge",
  PortOutputs: "An entry of the output `ports`",
  ShimOutputs: "Outputs of HostShim",
  VlanOutputs: "Outputs of VlanInterface",
  IpvlanOutputs: "Outputs of IpvlanInterface",
  HostLinksArgs: "HostLinks",
  NetworkArgs: "MacvlanNetwork",
  NetworkHost: "An entry of `hosts`",
  ChildArgs: "An entry of `children`",
  NetworkVlanArgs: "A `parent` that the network makes",
  NetworkShimArgs: "`shim`",
  NetworkHostOutputs: "Outputs of MacvlanNetwork for a host",
  NetworkChild: "Outputs of MacvlanNetwork for a child",
  NetworkLease: "An entry of the output `leases`",
};

const HEAD = `# Properties

<!-- Written by "npm run docs" from the docstrings: change those. -->

Every argument may also be an output of another resource, at any depth. If the default is –, a property that is not given
is left as the host has it, and is never called drift; a new link gets the kernel's default.
`;

/** The page, as it should be now. @throws if an interface that has its place on it is no longer exported */
export function renderProperties(): string {
  const declarations = exportedTypes();
  const interfaces = [...declarations.values()].filter((d) => ts.isInterfaceDeclaration(d));
  const places = Object.keys(SECTIONS);
  for (const name of places)
    if (!interfaces.some((d) => d.name.text === name)) throw new Error(`the package exports no ${name}`);
  const placeOf = ({ name }: ts.InterfaceDeclaration): number =>
    places.includes(name.text) ? places.indexOf(name.text) : places.length;
  const sections = interfaces
    .toSorted((one, other) => placeOf(one) - placeOf(other))
    .map((declaration) => renderSection(declaration, declarations));
  return [HEAD, ...sections].join("\n");
}

type TypeDeclaration = ts.InterfaceDeclaration | ts.TypeAliasDeclaration;

/** The types with properties, and the names for others, that programs can import. */
function exportedTypes(): Map<string, TypeDeclaration> {
  const entry = join(REPOSITORY, "provider/index.ts");
  const { config } = ts.readConfigFile(join(REPOSITORY, "tsconfig.json"), (path) =>
    readFileSync(path, "utf8"),
  ) as {
    config: { compilerOptions: object };
  };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, REPOSITORY);
  const program = ts.createProgram([entry], options);
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(entry);
  const module = source && checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error(`${entry} cannot be read`);
  const found = new Map<string, TypeDeclaration>();
  for (const symbol of checker.getExportsOfModule(module)) {
    const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    const declaration = target.declarations?.[0];
    if (declaration === undefined || isMachinery(declaration)) continue;
    if (ts.isInterfaceDeclaration(declaration) || ts.isTypeAliasDeclaration(declaration))
      found.set(symbol.name, declaration);
    // a shorthand such as Become is not exported by itself, and yet part of a form
    for (const statement of declaration.getSourceFile().statements)
      if (ts.isTypeAliasDeclaration(statement) && !found.has(statement.name.text))
        found.set(statement.name.text, statement);
  }
  return found;
}

/** Types that say how arguments may be outputs are no arguments themselves. */
function isMachinery(declaration: ts.Declaration): boolean {
  return declaration.getSourceFile().fileName.includes("/provider/engine/");
}

function renderSection(
  declaration: ts.InterfaceDeclaration,
  types: ReadonlyMap<string, TypeDeclaration>,
): string {
  const title = SECTIONS[declaration.name.text] ?? declaration.name.text;
  const besides = (declaration.heritageClauses ?? []).flatMap((clause) =>
    clause.types.map((type) => nameParent(type, types)),
  );
  const rows = declaration.members
    .filter((m) => ts.isPropertySignature(m))
    .map((m) => renderRow(m, types, parametersOf(declaration)));
  const isOutput = declaration.name.text.endsWith("Outputs");
  const head = isOutput
    ? "| output | form | meaning |\n| --- | --- | --- |"
    : "| property | form | default | meaning |\n| --- | --- | --- | --- |";
  return [
    `## ${title}\n`,
    ...(besides.length === 0 ? [] : [`In addition to ${besides.join(" and ")}:\n`]),
    head,
    ...rows.map(({ name, form, standard, meaning }) =>
      isOutput ? `| ${name} | ${form} | ${meaning} |` : `| ${name} | ${form} | ${standard} | ${meaning} |`,
    ),
    "",
  ].join("\n");
}

/** What the parameters of an interface stand for. */
function parametersOf({ typeParameters }: ts.InterfaceDeclaration): ReadonlyMap<string, string> {
  const all = [...(typeParameters ?? [])];
  return new Map(all.map(({ name, constraint }) => [name.text, constraint?.getText() ?? name.text]));
}

/** What an interface takes over: the section of another one or some of its properties, or the type as it is written. */
function nameParent(
  type: ts.ExpressionWithTypeArguments,
  types: ReadonlyMap<string, TypeDeclaration>,
): string {
  const bare = (text: string): string => text.replace(/\bInputArgs<(\w+)>/g, "$1");
  const alias = types.get(bare(type.getText()));
  const some = alias && ts.isTypeAliasDeclaration(alias) ? bare(alias.type.getText()) : "";
  const [, from = "", picked = ""] = /^Pick<\s*(\w+),([^>]+)>$/s.exec(some) ?? [];
  const all = SECTIONS[from];
  if (all !== undefined) {
    const names = [...picked.matchAll(/"(\w+)"/g)].map(([, name = ""]) => code(name));
    return `${names.join(", ")} of [${lowerFirst(all)}](#${anchorOf(all)})`;
  }
  const [, whole = type.expression.getText(), without] =
    /^Omit<(?:InputArgs<)?(\w+)>?, (.+)>$/s.exec(type.getText()) ?? [];
  const title = SECTIONS[whole];
  if (title !== undefined) {
    const left = without?.split(/\s*\|\s*/).map((name) => code(name.replaceAll('"', "").trim()));
    const except = left === undefined ? "" : `, without ${left.join(", ")}`;
    return `[${lowerFirst(title)}](#${anchorOf(title)})${except}`;
  }
  return code(type.getText().replace(/\s+/g, " "));
}

/** A title within a sentence. A name of a class stays as it is. */
function lowerFirst(title: string): string {
  return title.replace(/^[A-Z](?=[a-z]+ )/, (first) => first.toLowerCase());
}

function renderRow(
  property: ts.PropertySignature,
  types: ReadonlyMap<string, TypeDeclaration>,
  parameters: ReadonlyMap<string, string>,
): { name: string; form: string; standard: string; meaning: string } {
  const name = property.name.getText();
  const documentation = ts.getJSDocCommentsAndTags(property)[0];
  const told =
    documentation && ts.isJSDoc(documentation) ? ts.getTextOfJSDocComment(documentation.comment) : undefined;
  const { meaning, standard } = splitDefault(
    (told ?? "").replace(/\s*\n- /g, "<br>").replace(/\s*\n\s*/g, " "),
  );
  const optional = property.questionToken !== undefined;
  return {
    name: `\`${name}\``,
    form: formOf(withParameters(property.type?.getText() ?? "", parameters), types),
    standard: standard ?? (optional ? "–" : "required"),
    meaning: linkDocs(meaning).replaceAll("|", "\\|"),
  };
}

/** Takes the sentence `Default: ….` out of a docstring, or finds the word that it calls `(default)`. */
export function splitDefault(text: string): { meaning: string; standard?: string } {
  const sentence = /(?:^|\s)Default: (.+?)\.(?=\s|$)/.exec(text);
  if (sentence) {
    const rest = `${text.slice(0, sentence.index)}${text.slice(sentence.index + sentence[0].length)}`.trim();
    return { meaning: rest, standard: sentence[1] ?? "" };
  }
  const word = /(`[^`]+`) \(default\)/.exec(text);
  return word ? { meaning: text, standard: word[1] ?? "" } : { meaning: text };
}

/** A type with what its parameters stand for, but for those that it passes on to another type. */
function withParameters(type: string, parameters: ReadonlyMap<string, string>): string {
  return type.replace(/(?<!<)\b[A-Z]\b/g, (name) => parameters.get(name) ?? name);
}

/** A type as a person writes values of it: names of literals are spelt out, names of objects lead to their table. */
function formOf(type: string, types: ReadonlyMap<string, TypeDeclaration>): string {
  const spelt = withoutInput(type).replace(/\b[A-Z]\w+\b/g, (name) => {
    const declaration = types.get(name);
    return declaration && ts.isTypeAliasDeclaration(declaration) ? declaration.type.getText() : name;
  });
  // what is no link is one piece of code
  const pieces = withoutInput(spelt)
    .split(/\b([A-Z]\w+)\b/)
    .reduce<string[]>((all, part) => {
      const last = all.at(-1);
      const isLink = isInterface(types.get(part));
      if (last === undefined || isLink || isInterface(types.get(last))) return [...all, part];
      return [...all.slice(0, -1), last + part];
    }, []);
  return pieces
    .map((part) => {
      if (isInterface(types.get(part))) return `[${part}](#${anchorOf(SECTIONS[part] ?? part)})`;
      return part === "" ? "" : code(part);
    })
    .join("");
}

/** That a value may be an output goes without saying on this page. */
function withoutInput(type: string): string {
  const inner = type.replace(/\b(?:DeepInput|Input)<([^<>]*)>/g, "$1");
  return inner === type ? type : withoutInput(inner);
}

function isInterface(declaration: TypeDeclaration | undefined): boolean {
  return declaration !== undefined && ts.isInterfaceDeclaration(declaration);
}

function code(text: string): string {
  const [, before = "", inner = "", after = ""] = /^(\s*)(.*?)(\s*)$/s.exec(text) ?? [];
  return `${before}\`${inner.replaceAll("|", "\\|")}\`${after}`;
}

/** Docstrings name pages by their path in the repository. */
function linkDocs(text: string): string {
  return text.replace(/docs\/(\w+)\.md/g, "[$1.md]($1.md)");
}

function anchorOf(title: string): string {
  return title.toLowerCase().replaceAll("`", "").replaceAll(" ", "-");
}

if (require.main === module) {
  const wanted = renderProperties();
  if (!process.argv.includes("--check")) writeFileSync(FILE, wanted);
  else if (readFileSync(FILE, "utf8") !== wanted) {
    process.stderr.write("docs/properties.md is not what the docstrings say: npm run docs\n");
    process.exitCode = 1;
  }
}
