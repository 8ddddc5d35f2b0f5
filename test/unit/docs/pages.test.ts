/** What the documents say is so: their code compiles, their commands exist, their links lead somewhere. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import ts from "typescript";
import { renderProperties, splitDefault } from "../../../docs/properties";
import { ERROR_CODES } from "../../../provider/model/error";
import { ROLLOUT_KEY } from "../../../provider/program/rollout/settings";
import { readSettings } from "../../../provider/ssh/settings";
import { REPOSITORY, blocksOf, pages, readPage } from "./pages";

const blocks = pages().flatMap(blocksOf);

/** Variables of the tests, the lab and the tools, which are no settings of the provider. */
const FOR_TESTS = /^MACVLAN_(LAB|TEST|ENGINE|SCALE|BENCH)/;

describe("the documents", () => {
  it("have TypeScript that compiles", function () {
    this.timeout(120_000);
    const programs = blocks.filter((b) => b.language === "ts");
    assert.ok(programs.length > 5, "there is code in them");
    const found = compile(new Map(programs.map(({ place, text }) => [place, asProgram(text)])));
    assert.deepEqual(found, []);
    assert.notDeepEqual(compile(new Map([["wrong:1", 'import { NoSuchLink } from "pulumi-macvlan";']])), []);
  });

  it("have an example in the docstring of each public class, method and function, which compiles", function () {
    this.timeout(120_000);
    const examples = publicExamples();
    assert.deepEqual(
      examples.filter(({ text }) => text === "").map(({ place }) => place),
      [],
      "each has one",
    );
    assert.ok(examples.length > 10, examples.map(({ place }) => place).join(", "));
    assert.deepEqual(compile(new Map(examples.map(({ place, text }) => [place, asProgram(text)]))), []);
  });

  it("name only npm scripts and suites that there are", () => {
    const { scripts } = JSON.parse(readPage("package.json")) as { scripts: Record<string, string> };
    const suites = readPage("test/setup/run-tests.ts");
    let count = 0;
    for (const page of pages()) {
      for (const [command, script = ""] of readPage(page).matchAll(/npm run ([\w:]+)/g)) {
        assert.ok(script in scripts, `${page}: ${command}`);
        count += 1;
      }
      for (const [command, suite = ""] of readPage(page).matchAll(/npm test -- ([a-z]+)/g))
        assert.match(suites, new RegExp(`^  ${suite}: \\{`, "m"), `${page}: ${command}`);
    }
    assert.ok(count > 5, "there are commands in them");
  });

  it("have links that lead to a file, and to a heading in it", () => {
    for (const page of pages()) {
      for (const [, target = ""] of readPage(page).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https?:/.test(target)) continue;
        const [path = "", anchor] = target.split("#");
        const file = path === "" ? page : normalize(join(dirname(page), path));
        if (file === "docs/api" || file.startsWith("docs/api/")) continue;
        assert.ok(existsSync(join(REPOSITORY, file)), `${page}: ${target}`);
        if (anchor !== undefined) assert.ok(anchorsOf(file).includes(anchor), `${page}: ${target}`);
      }
    }
  });

  it("name only files and folders that exist", () => {
    let count = 0;
    for (const page of pages().filter((name) => name !== "CHANGELOG.md"))
      for (const [, path = ""] of readPage(page).matchAll(/`((?:provider|test|docs|examples)\/[\w./-]+)`/g)) {
        if (path.includes("dummy") || path === "docs/api") continue; // a file to be written, and one that is built
        assert.ok(existsSync(join(REPOSITORY, path)), `${page} names ${path}`);
        count += 1;
      }
    assert.ok(count > 10, "files are named");
  });

  it("list all properties as the docstrings do (npm run docs)", function () {
    this.timeout(60_000);
    assert.equal(readPage("docs/properties.md"), renderProperties());
  });

  it("take defaults out of docstrings", () => {
    assert.deepEqual(splitDefault("Bytes. Default: 1.5 of `x.y`, else 2."), {
      meaning: "Bytes.",
      standard: "1.5 of `x.y`, else 2",
    });
    assert.deepEqual(splitDefault("`a` (default): b."), { meaning: "`a` (default): b.", standard: "`a`" });
    assert.deepEqual(splitDefault("Bytes."), { meaning: "Bytes." });
  });

  it("list every setting on the page for settings, and name no other", () => {
    const read = new Set<string>();
    const environment = new Proxy<Record<string, string | undefined>>(
      {},
      { get: (_, name) => void read.add(String(name)) },
    );
    readSettings(environment, (key) => void read.add(key));
    read.delete("HOME");
    // it is no setting of the connection
    read.add(ROLLOUT_KEY);
    // `macvlan:index:Bond` is a type token
    const named = (text: string): string[] =>
      text.match(/\bMACVLAN_[A-Z_]+\b|\bmacvlan:(?!index:)[a-z]\w+/g) ?? [];
    const listed = new Set(named(readPage("docs/settings.md")));
    for (const setting of read) assert.match(readPage("docs/settings.md"), new RegExp(`\\b${setting}\\b`));
    const others = ["docs/", "examples/", "README.md", "SECURITY.md"];
    const forUsers = pages().filter((page) => others.some((start) => page.startsWith(start)));
    for (const page of forUsers)
      for (const name of named(readPage(page))) {
        if (FOR_TESTS.test(name)) continue;
        assert.ok(listed.has(name), `${page} names ${name}, which docs/settings.md does not list`);
        assert.ok(read.has(name) || name === "MACVLAN_TRACE", `${page}: nothing reads ${name}`);
      }
  });

  it("list the layers of provider/ from the bottom up, as the lint rule has them", () => {
    const listed = [...readPage("docs/architecture.md").matchAll(/^\| `(\w+)\/` /gm)].map(([, name]) => name);
    const folders = readdirSync(join(REPOSITORY, "provider"), { withFileTypes: true });
    const there = folders.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    assert.deepEqual(listed.toSorted(), there.toSorted());
    for (const { from, to } of layers()) {
      const [, layer = ""] = /^\^provider\/(\w+)\/$/.exec(from.path) ?? [];
      const [, below = ""] = /\((.*)\)/.exec(to.pathNot ?? "") ?? [];
      for (const name of below.split("|"))
        assert.ok(
          listed.indexOf(name) <= listed.indexOf(layer),
          `${layer} imports ${name}, which stands below it`,
        );
    }
  });

  it("describe each folder of tests", () => {
    const listed = [...readPage("test/README.md").matchAll(/^\| `(\w+)\/` /gm)].map(([, name]) => name);
    const folders = readdirSync(join(REPOSITORY, "test"), { withFileTypes: true });
    const there = folders.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    assert.deepEqual(listed.toSorted(), there.toSorted());
  });

  it("explain at most 30 words in the glossary", () => {
    const [, glossary = ""] = /## Glossary\n(.*?)\n## /s.exec(readPage("DEVELOPERS.md")) ?? [];
    const words = [...glossary.matchAll(/^\| ([a-z][\w ]*?) +\|/gm)].map(([, word]) => word).slice(1);
    assert.ok(words.length > 20 && words.length <= 30, words.join(", "));
  });

  it("explain each code that an error or a failed check can have, and no other", () => {
    const headings = [...readPage("docs/troubleshooting.md").matchAll(/^### (.+)$/gm)].map(
      ([, code]) => code,
    );
    assert.deepEqual(headings.toSorted(), ERROR_CODES.toSorted());
    const code = sourceTexts();
    for (const one of ERROR_CODES)
      assert.ok(code.split(`"${one}"`).length > 2, `nothing in provider/ fails with ${one}`);
  });

  it("quote messages that the code has", () => {
    const messages = [...readPage("docs/troubleshooting.md").matchAll(/^\*\*`(.+)`\*\*$/gm)].map(
      ([, m = ""]) => m,
    );
    assert.ok(messages.length > 15, "there are messages");
    const code = sourceTexts();
    for (const message of messages)
      for (const stem of message.split(/…:?/).map((part) => part.trim()))
        assert.ok(code.includes(stem), `no source has "${stem}" of "${message}"`);
  });
});

interface LayerRule {
  readonly name: string;
  readonly from: { readonly path: string };
  readonly to: { readonly pathNot?: string };
}

/** The lint rule of each layer. */
function layers(): LayerRule[] {
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { forbidden } = require(join(REPOSITORY, ".dependency-cruiser.cjs")) as { forbidden: LayerRule[] };
  const rules = forbidden.filter(({ name }) => name.startsWith("layer-"));
  assert.ok(rules.length > 10, "there are rules");
  return rules;
}

const CLASSES = [
  ...[
    "Bond",
    "HairpinBridge",
    "HostLinks",
    "HostShim",
    "IpvlanInterface",
    "MacvlanInterface",
    "MacvlanNetwork",
  ],
  ...["MacvtapInterface", "VlanInterface"],
];

/** A block that does not import the classes is a part of a program: they are there, and a host. */
function asProgram(text: string): string {
  if (/ from "pulumi-macvlan";/.test(text)) return text;
  return `import { ${CLASSES.join(", ")} } from "pulumi-macvlan";\nconst host = "node1";\n${text}`;
}

/** Whatever a program can import and call, with the code of its `@example`; empty if it has none. */
function publicExamples(): { place: string; text: string }[] {
  const entries = ["provider/index.ts", "provider/inventory/index.ts"].map((path) => join(REPOSITORY, path));
  const program = ts.createProgram(entries, compilerOptions());
  const checker = program.getTypeChecker();
  const declarations = entries.flatMap((entry) => {
    const source = program.getSourceFile(entry);
    const module = source && checker.getSymbolAtLocation(source);
    const symbols = module ? checker.getExportsOfModule(module) : [];
    return symbols.flatMap((symbol) => {
      const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
      return target.declarations ?? [];
    });
  });
  return declarations.flatMap((declaration) => {
    if (ts.isFunctionDeclaration(declaration)) return [exampleOf(declaration)];
    if (!ts.isClassDeclaration(declaration)) return [];
    return [declaration, ...declaration.members.filter((m) => ts.isMethodDeclaration(m))].map(exampleOf);
  });
}

function exampleOf(declaration: ts.NamedDeclaration): { place: string; text: string } {
  const tag = ts.getJSDocTags(declaration).find(({ tagName }) => tagName.text === "example");
  const comment = ts.getTextOfJSDocComment(tag?.comment) ?? "";
  const fenced = /^```ts\n(.*)\n```$/s.exec(comment.trim());
  const place = `${declaration.getSourceFile().fileName}: ${declaration.name?.getText() ?? ""}`;
  return { place, text: fenced?.[1] ?? comment };
}

function compilerOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(REPOSITORY, "tsconfig.json"), (path) =>
    readFileSync(path, "utf8"),
  ) as {
    config: { compilerOptions: object };
  };
  return ts.convertCompilerOptionsFromJson({ ...config.compilerOptions, noUnusedLocals: false }, REPOSITORY)
    .options;
}

/** What the compiler says of programs, each named by its place. */
function compile(programs: ReadonlyMap<string, string>): string[] {
  const options = compilerOptions();
  const files = new Map(
    [...programs].map(([place, text], i) => [join(REPOSITORY, "test", `page-${i}.ts`), { place, text }]),
  );
  const host = ts.createCompilerHost(options);
  const inherited = { ...host };
  host.fileExists = (name) => files.has(name) || inherited.fileExists(name);
  host.readFile = (name) => files.get(name)?.text ?? inherited.readFile(name);
  host.getSourceFile = (name, version) => {
    const text = host.readFile(name);
    return text === undefined ? undefined : ts.createSourceFile(name, text, version);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return ts.getPreEmitDiagnostics(program).map((d) => {
    const place = files.get(d.file?.fileName ?? "")?.place ?? d.file?.fileName ?? "";
    return `${place}: ${ts.flattenDiagnosticMessageText(d.messageText, " ")}`;
  });
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): string[] {
  return [...readPage(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}

/** All texts of the provider's sources, without the seams where a long one is put together. */
function sourceTexts(): string {
  const files = ts.sys.readDirectory(join(REPOSITORY, "provider"), [".ts"]);
  return files
    .map((file) => readFileSync(file, "utf8"))
    .join("\n")
    .replace(/["'`]\s*\+\s*["'`]/g, "");
}
