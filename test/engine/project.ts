/** A Pulumi project in a folder of its own, with state and engine of its own, driven by the real CLI. */
import { spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Lab, labDown, labUp } from "../lab/fleet";
import { engineEnvironment } from "../setup/engine";
import { SECRETS_PROVIDER, keyEnvironment } from "./keys";

/** What one call of the CLI came to. */
export interface CliResult {
  readonly code: number | null;
  /** Both output streams, in the order in which they came. */
  readonly output: string;
  readonly stdout: string;
}

/** One step of `pulumi preview --json`. */
export interface PreviewStep {
  readonly op: string;
  readonly urn: string;
  readonly oldState?: {
    readonly inputs: Record<string, unknown>;
    readonly outputs?: Record<string, unknown>;
  };
  readonly newState?: {
    readonly inputs: Record<string, unknown>;
    readonly outputs?: Record<string, unknown>;
  };
}

/** A resource as `pulumi stack export` has it. */
export interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  /** URN of the resource that it is a part of: the stack's, or a component's. */
  readonly parent?: string;
  /** URNs of the resources that have to be there first. */
  readonly dependencies?: readonly string[];
  readonly inputs: Record<string, unknown>;
  readonly outputs: Record<string, unknown>;
}

export interface Project {
  readonly folder: string;
  /** The environment of every call; a test may add to it. */
  readonly environment: Record<string, string>;
  /** Writes the program: JavaScript in which pulumi and the resource classes of a module of the package are there. */
  program(code: string, from?: string): void;
  /** Calls the CLI, and does not throw if it fails. Ends it after `limit` seconds (120). */
  cli(args: readonly string[], limit?: number): Promise<CliResult>;
  /** `pulumi up` without a preview, which must succeed. */
  up(...options: string[]): Promise<CliResult>;
  /** `pulumi preview` as a user reads it, which must succeed. */
  preview(...options: string[]): Promise<CliResult>;
  /** The steps of `pulumi preview --json`, by resource name, without those for which nothing is to do. */
  steps(...options: string[]): Promise<Record<string, PreviewStep>>;
  /** Fails unless `pulumi preview --expect-no-changes` passes. */
  expectNoChanges(): Promise<CliResult>;
  refresh(...options: string[]): Promise<CliResult>;
  /** Destroys all resources; for tests that check the result of destroying. */
  destroy(): Promise<CliResult>;
  /** The stack's resources, by name, as `pulumi stack export` prints them. */
  state(): Promise<Record<string, StateResource>>;
  /** The stack's outputs, as `pulumi stack output --json` prints them. */
  outputs(): Promise<Record<string, unknown>>;
  /** Empties the state, for hosts that are reset: what a destroy would come to, without a run. */
  forget(): Promise<void>;
  /** Removes the folder, and with it state and engine settings. Fails if a run of ours has left a file in /tmp. */
  remove(): void;
}

/** What a program has at hand, beside `pulumi`. */
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

const REPOSITORY = resolve(__dirname, "../..");

/** Lets the processes of a call of the CLI start in less than half the time. */
export const QUICK_START = { NODE_OPTIONS: `--require ${join(REPOSITORY, "test/setup/quick-sdk.cjs")}` };

/** The name in a URN: `urn:pulumi:STACK::PROJECT::TYPE::NAME`. */
export function nameOfUrn(urn: string): string {
  return urn.split("::").at(-1) ?? "";
}

/** Opens a copy of the project of an example, by its folder's name, with hosts of a lab. */
export async function openExample(lab: Lab, name: string): Promise<Project> {
  const project = await openProject(lab, name, "dev", join(REPOSITORY, "examples", name));
  // the compiler checks the examples with all else (npm run lint), and a program of adopt is checked as it is run
  project.environment["PULUMI_NODEJS_TRANSPILE_ONLY"] = "true";
  return project;
}

/**
 * Makes a project whose hosts are those of a lab. The state is a folder in the project's. `files` is a folder that has
 * the project; without it, it is one of that name with a program that is still to be written.
 */
export async function openProject(lab: Lab, name = "fleet", stack = "dev", files?: string): Promise<Project> {
  const folder = mkdtempSync(join(tmpdir(), "pulumi-macvlan-engine-"));
  const environment = {
    ...(await projectEnvironment(folder, lab)),
    ...(await keyEnvironment()),
    ...QUICK_START,
  };
  mkdirSync(join(folder, "state"));
  symlinkSync(join(REPOSITORY, "node_modules"), join(folder, "node_modules"));
  if (files === undefined) {
    writeFileSync(
      join(folder, "Pulumi.yaml"),
      `name: ${name}\nruntime:\n  name: nodejs\n  options:\n    typescript: false\nmain: index.js\n`,
    );
    writeFileSync(join(folder, "package.json"), `{ "name": "${name}", "main": "index.js" }\n`);
  } else cpSync(files, folder, { recursive: true });
  const project = driveProject(folder, environment);
  const made = await project.cli(["stack", "init", stack, "--secrets-provider", SECRETS_PROVIDER]);
  if (made.code !== 0) throw new Error(`pulumi stack init ended with ${made.code}:\n${made.output}`);
  return project;
}

/**
 * The environment of a project in a folder that holds its state, its engine's settings and its home, and what is
 * temporary: the engine leaves named pipes of its language host behind.
 */
export async function projectEnvironment(folder: string, lab: Lab): Promise<Record<string, string>> {
  const temporary = join(folder, "tmp");
  mkdirSync(temporary, { recursive: true });
  return {
    ...(await engineEnvironment()),
    HOME: folder,
    TMPDIR: temporary,
    PULUMI_HOME: join(folder, "home"),
    PULUMI_BACKEND_URL: `file://${folder}/state`,
    PULUMI_CONFIG_PASSPHRASE: "passphrase",
    MACVLAN_SSH_CONFIG_PATH: lab.sshConfig,
  };
}

/** The CLI on an existing project, whatever its language is and however its packages were installed. */
export function driveProject(folder: string, environment: Record<string, string>): Project {
  const cli = (args: readonly string[], limit = 120): Promise<CliResult> =>
    callCli([...args, "--non-interactive"], folder, environment, limit);
  const succeed = async (args: readonly string[]): Promise<CliResult> => {
    const result = await cli(args);
    if (result.code !== 0)
      throw new Error(`pulumi ${args.join(" ")} ended with ${result.code}:\n${result.output}`);
    return result;
  };
  const resources = (): readonly StateResource[] => resourcesOf(folder, environment);
  return {
    folder,
    environment,
    cli,
    program(code, from = "pulumi-macvlan") {
      const head = `const pulumi = require("@pulumi/pulumi");\nconst { ${CLASSES.join(", ")} } = require("${from}");\n`;
      writeFileSync(join(folder, "index.js"), head + code);
    },
    up: (...options) => succeed(["up", "--yes", "--skip-preview", ...options]),
    preview: (...options) => succeed(["preview", "--diff", ...options]),
    async steps(...options) {
      const { stdout } = await succeed(["preview", "--json", ...options]);
      const { steps } = JSON.parse(stdout) as { steps: PreviewStep[] };
      const changing = steps.filter((step) => !["same", "read", "refresh"].includes(step.op));
      return Object.fromEntries(changing.map((step) => [nameOfUrn(step.urn), step]));
    },
    expectNoChanges: () => succeed(["preview", "--diff", "--expect-no-changes"]),
    refresh: (...options) => succeed(["refresh", "--yes", "--skip-preview", ...options]),
    destroy: () => succeed(["destroy", "--yes", "--skip-preview"]),
    // from the file: the CLI prints the same, after a quarter of a second of CPU
    state: () => Promise.resolve(Object.fromEntries(resources().map((r) => [nameOfUrn(r.urn), r]))),
    outputs: () =>
      Promise.resolve(resources().find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs ?? {}),
    async forget() {
      const file = join(folder, "empty.json");
      writeFileSync(file, JSON.stringify({ version: 3, deployment: { manifest: {} } }));
      await succeed(["stack", "import", "--file", file]);
    },
    remove() {
      const left = ownFiles(environment["TMPDIR"] ?? "");
      rmSync(folder, { recursive: true, force: true });
      if (left.length > 0) throw new Error(`left in the folder of temporary files: ${left.join(", ")}`);
    },
  };
}

/** The resources of a project's only stack, in the file of its state. */
function resourcesOf(
  folder: string,
  environment: Readonly<Record<string, string>>,
): readonly StateResource[] {
  const [, name = ""] = /^name: *(\S+)/m.exec(readFileSync(join(folder, "Pulumi.yaml"), "utf8")) ?? [];
  const backend = (environment["PULUMI_BACKEND_URL"] ?? "").replace("file://", "");
  const stacks = join(backend, ".pulumi/stacks", name);
  const [file = "", ...others] = readdirSync(stacks).filter((entry) => entry.endsWith(".json"));
  if (file === "" || others.length > 0)
    throw new Error(`${stacks} has not one stack, but ${others.length + Number(file !== "")}`);
  const { checkpoint } = JSON.parse(readFileSync(join(stacks, file), "utf8")) as {
    checkpoint: { latest?: { resources?: StateResource[] } };
  };
  return checkpoint.latest?.resources ?? [];
}

/** Files of the provider and its programs in a folder of temporary files, if it is there. */
function ownFiles(temporary: string): string[] {
  if (!existsSync(temporary)) return [];
  const entries = readdirSync(temporary, { recursive: true, encoding: "utf8" });
  return entries.filter((entry) => /^pulumi-macvlan-[^/]*\/./.test(entry));
}

function callCli(
  args: readonly string[],
  cwd: string,
  environment: Record<string, string>,
  limit: number,
): Promise<CliResult> {
  return new Promise((resolvePromise, reject) => {
    const child = spawn("pulumi", args, {
      cwd,
      env: environment,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    let output = "";
    let stdout = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      stdout += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const timer = setTimeout(() => {
      output += `\n[ended by the test after ${limit} s]\n`;
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    }, limit * 1000);
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolvePromise({ code, output, stdout });
    });
  });
}

/** The whole state of the engine's project as text, for looking for what must not be in it. */
export function stateText(project: Project): string {
  return readFileSync(join(project.folder, "state/.pulumi/stacks/fleet/dev.json"), "utf8");
}

/** A lab and a project on it, within the tests of a describe block. */
export interface OnLab {
  readonly lab: Lab;
  readonly project: Project;
}

/**
 * Three hosts and an empty project for the tests of a describe block, and nothing left of them after it. `prepare`
 * comes before the first test; `open` gives another project than an empty one.
 */
export function useProject(
  name: string,
  prepare?: (on: OnLab) => Promise<void>,
  open: (lab: Lab) => Promise<Project> = openProject,
): OnLab {
  // of this process's own: two clones may be tested on one machine at the same time
  const labName = `${name}-${process.pid}`;
  let lab: Lab | undefined;
  let project: Project | undefined;
  const ready = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error("the lab is up within tests only");
    return value;
  };
  const on: OnLab = {
    get lab() {
      return ready(lab);
    },
    get project() {
      return ready(project);
    },
  };
  before(async () => {
    lab = await labUp(3, { name: labName });
    project = await open(lab);
    await prepare?.(on);
  });
  after(async () => {
    project?.remove();
    await labDown(labName);
  });
  return on;
}
