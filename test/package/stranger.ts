/** An empty project in another folder, with the packed package installed. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { runStep } from "../setup/run";
import type { Combination, Language, Manager } from "./combinations";
import { managerCommand, nodeFolder } from "./tools";

const REPOSITORY = resolve(__dirname, "../..");

interface Program {
  readonly file: string;
  readonly code: string;
  /** `type` of package.json. */
  readonly type?: "module";
  /** Options of the runtime in Pulumi.yaml. */
  readonly options?: string;
}

/** The same program in each language. */
const PROGRAMS: Record<Language, Program> = {
  "ts-node": { file: "index.ts", code: programOf("import") },
  // Pulumi's own way to run TypeScript has to be off, else it comes first
  tsx: {
    file: "index.ts",
    code: programOf("import"),
    options: '  options:\n    typescript: false\n    nodeargs: "--import tsx"\n',
  },
  CommonJS: { file: "index.js", code: programOf("require") },
  "ES module": { file: "index.js", code: programOf("import"), type: "module" },
};

function programOf(how: "import" | "require"): string {
  const names = ["MacvlanInterface", "HostShim"].join(", ");
  const load =
    how === "import"
      ? `import { ${names} } from "pulumi-macvlan";`
      : `const { ${names} } = require("pulumi-macvlan");`;
  const give = how === "import" ? "export const macAddress =" : "exports.macAddress =";
  return `${load}

const web = new MacvlanInterface("web0", { host: "node1", parent: "eth0", mode: "bridge", addresses: ["192.0.2.10/24"] });
new HostShim("shim0", { host: "node1", parent: "eth0", routes: ["192.0.2.10/32"] });

${give} web.macAddress;
`;
}

/** What `pulumi new typescript` writes, as far as it decides what is accepted. */
const COMPILER_OPTIONS = {
  strict: true,
  target: "es2020",
  module: "commonjs",
  moduleResolution: "node",
  forceConsistentCasingInFileNames: true,
};

/** npm's report about a package that it packs. */
interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/** What a clone has after `npm ci` and a build that this copy of it is to have for itself. */
const NOT_COPIED = ["node_modules", "dist", ".git"];

/**
 * Copies the repository, so that packing, which builds, takes nothing away from other tests that run at the same time.
 *
 * @returns the copy's folder in `folder`, with the packages that are installed here
 */
function copyRepository(folder: string): string {
  const copy = join(folder, "repository");
  const left = NOT_COPIED.map((name) => join(REPOSITORY, name));
  cpSync(REPOSITORY, copy, { recursive: true, filter: (source) => !left.includes(source) });
  symlinkSync(join(REPOSITORY, "node_modules"), join(copy, "node_modules"));
  return copy;
}

/** Runs `npm pack` in a copy of the repository. It builds first, as `npm publish` does. */
async function npmPack(repository: string, destination: string): Promise<Packed> {
  const printed = await runStep({
    doing: "packing the package",
    command: "npm",
    arguments: ["pack", "--json", "--pack-destination", destination],
    cwd: repository,
  });
  // the build's own output comes first
  const [packed] = JSON.parse(printed.slice(printed.indexOf("[\n"))) as Packed[];
  if (packed === undefined) throw new Error(`npm pack told of no package: ${printed}`);
  return packed;
}

/** The package as npm packs it. */
export interface PackedPackage {
  readonly tarball: string;
  /** The copy of the repository in which it was built. */
  readonly repository: string;
  /** What is in the tarball. */
  readonly files: readonly string[];
}

/**
 * Packs the package in a copy of the repository, in which a file is left of an earlier build. The tarball and the copy
 * are in `folder`.
 */
export async function packPackage(folder: string): Promise<PackedPackage> {
  const repository = copyRepository(folder);
  mkdirSync(join(repository, "dist"));
  writeFileSync(join(repository, "dist/removed-long-ago.js"), "");
  const { filename, files } = await npmPack(repository, folder);
  return { tarball: join(folder, filename), repository, files: files.map(({ path }) => path) };
}

/**
 * Makes an empty project in a folder of its own below `scratch`, and installs the tarball in it, with the SDK and what
 * runs TypeScript.
 *
 * @returns the project's folder
 */
export async function installPackage(
  scratch: string,
  tarball: string,
  { manager, sdk, node }: Combination,
): Promise<string> {
  const folder = mkdtempSync(join(scratch, "project-"));
  mkdirSync(join(folder, "state"));
  const manifest = {
    name: "stranger",
    private: true,
    dependencies: { "pulumi-macvlan": `file:${tarball}`, "@pulumi/pulumi": sdk },
    devDependencies: { "@types/node": "^20", "ts-node": "^10", tsx: "^4", typescript: "~5.9" },
  };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest, null, 2));
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: COMPILER_OPTIONS }));
  for (const [name, text] of Object.entries(settingsOf(manager))) writeFileSync(join(folder, name), text);
  const [command, ...before] = await managerCommand(manager);
  await runStep({
    doing: `installing with ${manager}`,
    command,
    arguments: [...before, ...INSTALL[manager]],
    cwd: folder,
    env: {
      ...process.env,
      TMPDIR: scratch,
      PATH: [await nodeFolder(node), process.env["PATH"]].join(delimiter),
      CI: "",
    },
    limit: 300,
  });
  return folder;
}

const INSTALL: Record<Manager, readonly string[]> = {
  npm: ["install", "--no-audit", "--no-fund"],
  pnpm: ["install"],
  "yarn 1": ["install", "--non-interactive", "--no-progress"],
  yarn: ["install"],
  "yarn PnP": ["install"],
};

/** Files that make a folder a project of its own, and choose the layout. */
function settingsOf(manager: Manager): Record<string, string> {
  const linker = { yarn: "node-modules", "yarn PnP": "pnp" };
  // pnpm runs a package's install script only if configured to, and fails until that is configured
  if (manager === "pnpm") return { "pnpm-workspace.yaml": "strictDepBuilds: false\n" };
  if (manager !== "yarn" && manager !== "yarn PnP") return {};
  return {
    "yarn.lock": "",
    ".yarnrc.yml": `nodeLinker: ${linker[manager]}\npnpEnableEsmLoader: true\nenableTelemetry: false\n`,
  };
}

/** Writes the program of a language, the project file that names it, and what its modules are. */
export function writeProgram(folder: string, language: Language): void {
  const { file, code, type, options = "" } = PROGRAMS[language];
  const manifest = join(folder, "package.json");
  const { type: _, ...rest } = JSON.parse(readFileSync(manifest, "utf8")) as { type?: string };
  writeFileSync(manifest, JSON.stringify(type === undefined ? rest : { ...rest, type }, null, 2));
  writeFileSync(join(folder, file), code);
  writeFileSync(
    join(folder, "Pulumi.yaml"),
    `name: stranger\nmain: ${file}\nruntime:\n  name: nodejs\n${options}`,
  );
}

/** Options that Node.js needs for a layout: with PnP, where its own resolution is, for `require` and for `import`. */
export function nodeOptionsFor(manager: Manager, folder: string): Record<string, string> {
  if (manager !== "yarn PnP") return {};
  const loader = pathToFileURL(join(folder, ".pnp.loader.mjs")).href;
  return { NODE_OPTIONS: `--require ${join(folder, ".pnp.cjs")} --experimental-loader ${loader}` };
}
