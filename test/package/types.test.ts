/** What an editor shows of the package, and what a compiler takes. */
import assert from "node:assert/strict";
import { join } from "node:path";
import ts from "typescript";
import { useUnpacked } from "./unpacked";

const PROGRAM = `import { MacvlanInterface, type MacvlanMode } from "pulumi-macvlan";
const mode: MacvlanMode = "bridge";
const web = new MacvlanInterface("web", { host: { address: "node1", port: 22 }, parent: "eth0", mode });
export const mac: import("@pulumi/pulumi").Output<string> = web.macAddress;
import * as native from "pulumi-macvlan/native";
const same: native.MacvlanMode = mode;
const vm = new native.MacvlanInterface("vm", { host: "node1", parent: "eth0", mode: same });
const args: native.NetworkArgs = { hosts: ["node1"], parent: vm.name, children: ["db"], cidr: "192.0.2.0/24" };
export const index = new native.MacvlanNetwork("lan", args).child("node1", "db").link.ifIndex;
`;

/** The ways in which TypeScript looks for a package, with the module kind that goes with each. */
const RESOLUTIONS = {
  node10: { module: ts.ModuleKind.CommonJS, moduleResolution: ts.ModuleResolutionKind.Node10 },
  node16: { module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16 },
  nodenext: { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext },
  bundler: { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler },
} as const;

describe("types and docstrings", () => {
  const unpacked = useUnpacked();

  /** The language service of editors, with one program in memory. */
  const serviceFor = (
    text: string,
    options: ts.CompilerOptions,
  ): { file: string; service: ts.LanguageService } => {
    const file = join(unpacked.folder, "index.ts");
    const host: ts.LanguageServiceHost = {
      getScriptFileNames: () => [file],
      getScriptVersion: () => "1",
      getScriptSnapshot: (name) => {
        const content = name === file ? text : ts.sys.readFile(name);
        return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content);
      },
      getCurrentDirectory: () => unpacked.folder,
      getCompilationSettings: () => options,
      getDefaultLibFileName: ts.getDefaultLibFilePath,
      fileExists: (name) => name === file || ts.sys.fileExists(name),
      readFile: (name) => (name === file ? text : ts.sys.readFile(name)),
      directoryExists: (path) => ts.sys.directoryExists(path),
      getDirectories: (path) => ts.sys.getDirectories(path),
      realpath: (path) => ts.sys.realpath?.(path) ?? path,
    };
    return { file, service: ts.createLanguageService(host) };
  };

  /** What hovering over each of the places shows: its signature, and its documentation. */
  const hover = (text: string, ...places: string[]): string[] => {
    const { file, service } = serviceFor(text, {
      strict: true,
      target: ts.ScriptTarget.ES2022,
      ...RESOLUTIONS.node16,
    });
    return places.map((place) => {
      const info = service.getQuickInfoAtPosition(file, text.indexOf(place));
      return ts.displayPartsToString([...(info?.displayParts ?? []), ...(info?.documentation ?? [])]);
    });
  };

  for (const [name, resolution] of Object.entries(RESOLUTIONS)) {
    it(`compile with moduleResolution ${name}, even if the declarations themselves are checked`, function () {
      this.timeout(60_000);
      const options = { strict: true, target: ts.ScriptTarget.ES2022, types: ["node"], ...resolution };
      const { file, service } = serviceFor(PROGRAM, options);
      const program = service.getProgram();
      assert.ok(program);
      const ours = program
        .getSourceFiles()
        .filter((source) => source.fileName === file || source.fileName.includes("/pulumi-macvlan/dist/"));
      assert.ok(ours.length > 1, "the declarations of the package are part of the program");
      const found = ours.flatMap((source) => [
        ...program.getSyntacticDiagnostics(source),
        ...program.getSemanticDiagnostics(source),
      ]);
      assert.deepEqual(
        found.map((d) => `${d.file?.fileName ?? ""}: ${ts.flattenDiagnosticMessageText(d.messageText, " ")}`),
        [],
      );
    });
  }

  it("show a property's meaning and default, a resource's purpose, and an output's type", () => {
    const [mode = "", port = "", resource = "", output = "", native = ""] = hover(
      PROGRAM,
      "mode });",
      "port: 22",
      'MacvlanInterface("web"',
      "macAddress;",
      "ifIndex;",
    );
    assert.match(mode, /MacvlanMode[\s\S]*Default: `bridge`/);
    assert.match(port, /TCP port of sshd/);
    assert.match(resource, /a link with its own MAC address and IP addresses/);
    assert.match(output, /Output<string>/);
    // the compiler resolves Pulumi's Output of a number
    assert.match(native, /Output(?:Instance)?<number>/);
  });

  it("refuse an unknown mode and a misspelt property", () => {
    const wrong = PROGRAM.replace('"bridge"', '"bridged"').replace('parent: "eth0"', 'parnt: "eth0"');
    const { file, service } = serviceFor(wrong, {
      strict: true,
      ...RESOLUTIONS.node16,
      target: ts.ScriptTarget.ES2022,
    });
    const messages = service
      .getSemanticDiagnostics(file)
      .map((d) => ts.flattenDiagnosticMessageText(d.messageText, " "));
    assert.ok(
      messages.some((m) => m.includes('"bridged"')),
      messages.join("\n"),
    );
    assert.ok(
      messages.some((m) => m.includes("parnt")),
      messages.join("\n"),
    );
  });
});
