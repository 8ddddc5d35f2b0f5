/**
 * Builds the Pulumi engine from Go modules, for machines that reach a Go module proxy but not Pulumi's downloads.
 *
 * Two modules are needed. The CLI's own module (pkg/v3) cannot be had with `go install`, because its go.mod has replace
 * directives: it is made a requirement of an empty module, and built from there. The Node language host is a module of
 * its own that has no released version a proxy would serve; sdk/v3 v3.68.0 is the last that still contains it, and that
 * host works with the engine of today (the protocol between them is kept compatible).
 */
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { runStep, say } from "./run";

/** The version of the CLI that is built, and the one the tests' expectations were recorded with. */
export const engineVersion = "3.259.0";

const languageHostVersion = "3.68.0";

/** The go directive of pkg/v3 v3.259.0: 1.25.11. */
const neededGo = [1, 25] as const;

/** Since Go 1.21 the go command fetches the toolchain that a module asks for, unless GOTOOLCHAIN=local forbids it. */
const selfUpgradingGo = [1, 21] as const;

/** A program that is built from a Go module. */
export interface Program {
  name: string;
  doing: string;
  module: string;
  version: string;
  path: string;
  linkerFlags: string;
  /** Programs of the module that are taken as they are. */
  files?: readonly string[];
  /** A file of this folder that is the program; it needs the module. */
  source?: string;
}

const programs: readonly Program[] = [
  {
    name: "pulumi",
    doing: "the Pulumi CLI",
    module: "github.com/pulumi/pulumi/pkg/v3",
    version: engineVersion,
    path: "cmd/pulumi",
    linkerFlags: `-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${engineVersion}`,
  },
  {
    name: "pulumi-language-nodejs",
    doing: "the Node language host",
    module: "github.com/pulumi/pulumi/sdk/v3",
    version: languageHostVersion,
    path: "nodejs/cmd/pulumi-language-nodejs",
    linkerFlags: "-s -w",
  },
];

/**
 * Builds `pulumi` and `pulumi-language-nodejs` into a folder. Takes about 7 minutes on two cores when nothing is cached.
 *
 * @param bin an existing folder; what is needed meanwhile is beside it
 * @throws Error if Go is missing or too old, a module cannot be had, or the build fails
 */
export async function buildFromGoModules(bin: string): Promise<void> {
  say(`building pulumi v${engineVersion} from Go modules: about 7 minutes, once a machine`);
  await buildPrograms(programs, bin);
}

/**
 * Language hosts for programs in other languages. The one for YAML is a module of its own. Those for Python and Go are,
 * like the one for Node, of the last release of sdk/v3 that contains them.
 */
export const LANGUAGE_HOSTS = {
  yaml: {
    name: "pulumi-language-yaml",
    doing: "the YAML language host",
    module: "github.com/pulumi/pulumi-yaml",
    version: "1.25.0",
    path: "cmd/pulumi-language-yaml",
    linkerFlags: "-s -w",
  },
  python: {
    name: "pulumi-language-python",
    doing: "the Python language host",
    module: "github.com/pulumi/pulumi/sdk/v3",
    version: languageHostVersion,
    path: "python/cmd/pulumi-language-python",
    linkerFlags: "-s -w",
    // what the host runs programs with
    files: ["python/cmd/pulumi-language-python-exec"],
  },
  go: {
    name: "pulumi-language-go",
    doing: "the Go language host",
    module: "github.com/pulumi/pulumi/sdk/v3",
    version: "3.60.0",
    path: "go/pulumi-language-go",
    linkerFlags: "-s -w",
  },
} as const satisfies Record<string, Program>;

/** Pulumi's generators of SDKs, for Python and Go. */
export const SDK_GENERATOR: Program = {
  name: "gen-sdk",
  doing: "the generator of SDKs",
  module: "github.com/pulumi/pulumi/pkg/v3",
  version: engineVersion,
  path: ".",
  source: "gen-sdk.go",
  linkerFlags: "-s -w",
};

/**
 * Builds programs into a folder, one after the other.
 *
 * @param bin an existing folder; what is needed meanwhile is beside it
 */
export async function buildPrograms(list: readonly Program[], bin: string): Promise<void> {
  const environment = goEnvironment();
  await checkGo(environment);
  const work = await mkdtemp(join(dirname(bin), "go-"));
  try {
    // One after the other: each alone keeps all cores busy.
    for (const program of list) await buildProgram(program, work, bin, environment);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function buildProgram(
  program: Readonly<Program>,
  work: string,
  bin: string,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const cwd = join(work, program.name);
  await mkdir(cwd);
  await writeFile(join(cwd, "go.mod"), `module engine\n\ngo ${neededGo.join(".")}\n`);
  if (program.source !== undefined) await copyFile(join(__dirname, program.source), join(cwd, "main.go"));
  const packagePath = program.source === undefined ? `${program.module}/${program.path}` : ".";
  const needed = program.source === undefined ? packagePath : program.module;
  const go = (...args: string[]): Promise<string> =>
    runStep({
      doing: `downloading the modules of ${program.doing}`,
      command: "go",
      arguments: args,
      cwd,
      env,
    });
  await go("get", `${needed}@v${program.version}`);
  await runStep({
    doing: `compiling ${program.doing}`,
    command: "go",
    arguments: ["build", "-mod=mod", "-ldflags", program.linkerFlags, "-o", join(cwd, "built"), packagePath],
    cwd,
    env,
  });
  await copyFile(join(cwd, "built"), join(bin, program.name));
  if (program.files === undefined) return;
  const folder = (await go("list", "-mod=mod", "-m", "-f", "{{.Dir}}", program.module)).trim();
  for (const file of program.files) await copyFile(join(folder, file), join(bin, basename(file)));
}

/** The environment for go: its caches need a HOME, which a service's environment may lack. */
function goEnvironment(): NodeJS.ProcessEnv {
  // No C code is needed, and without cgo no C compiler either.
  return { ...process.env, HOME: process.env["HOME"] ?? homedir(), CGO_ENABLED: "0", GOWORK: "off" };
}

async function checkGo(env: NodeJS.ProcessEnv): Promise<void> {
  const wanted = `Go ${neededGo.join(".")} or newer is needed to build the Pulumi CLI (or put a \`pulumi\` on PATH)`;
  const found = await askGo(["env", "GOVERSION"], env).catch((error: unknown) => {
    throw new Error(`${wanted}: no \`go\` on PATH`, { cause: error });
  });
  const version = /^go(\d+)\.(\d+)/.exec(found);
  const [major, minor] = [Number(version?.[1]), Number(version?.[2])];
  const atLeast = (least: readonly [number, number]): boolean =>
    major > least[0] || (major === least[0] && minor >= least[1]);
  if (atLeast(neededGo)) return;
  const mayUpgrade = atLeast(selfUpgradingGo) && (await askGo(["env", "GOTOOLCHAIN"], env)) !== "local";
  if (!mayUpgrade) throw new Error(`${wanted}: the \`go\` on PATH is ${found}`);
}

async function askGo(args: string[], env: NodeJS.ProcessEnv): Promise<string> {
  const { stdout } = await promisify(execFile)("go", args, { env });
  return stdout.trim();
}
