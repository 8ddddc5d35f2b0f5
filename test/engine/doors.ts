/**
 * The two doors to the provider: dynamic resources in a program for Node.js, and the native provider in a YAML program.
 * A case is described once, as data, and written as a program for either.
 */
import { writeFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { stringify } from "yaml";
import type { Lab } from "../lab/fleet";
import { withLanguageHost } from "../setup/languages";
import { type Project, openProject } from "./project";

/** A resource of a program. */
export interface ResourceCase {
  readonly type: string;
  /** May be a reference, `"${lan.name}"`, or a secret, `{ "fn::secret": "text" }`, at any depth. */
  readonly args: Readonly<Record<string, unknown>>;
  readonly options?: {
    readonly ignoreChanges?: readonly string[];
    readonly protect?: boolean;
    readonly dependsOn?: readonly string[];
  };
}

/** Resources by name. A name is also that of a variable. */
export type ProgramCase = Readonly<Record<string, ResourceCase>>;

export interface Door {
  readonly name: "dynamic" | "native";
  /** The type in a resource's URN: `macvlan:index:Bond`. */
  typeOf(type: string): string;
  open(lab: Lab, name?: string): Promise<Project>;
  /** Writes the program, with outputs such as `{ mac: "${web.macAddress}" }`. */
  write(
    project: Project,
    program: ProgramCase,
    outputs?: Readonly<Record<string, string>>,
    /** Types that a class had before, which the schema knows and a program for Node.js says. */
    aliases?: (type: string) => readonly { readonly type: string }[],
  ): void;
}

const COMMANDS = resolve(__dirname, "../../node_modules/.bin");

export const DYNAMIC: Door = {
  name: "dynamic",
  typeOf: (type) => `pulumi-nodejs:dynamic/macvlan:${type}`,
  open: (lab, name) => openProject(lab, name),
  write: (project, program, outputs, aliases) =>
    writeNode("pulumi-macvlan", project, program, outputs, aliases),
};

/** A program for Node.js with the classes of a module of the package. */
function writeNode(
  module: string,
  ...[project, program, outputs = {}, aliases = () => []]: Parameters<Door["write"]>
): void {
  writeFileSync(join(project.folder, "Pulumi.yaml"), projectFile("nodejs"));
  const resources = Object.entries(program).map(([name, { type, args, options = {} }]) => {
    const { dependsOn = [], ...others } = options;
    const opts = `{ ...${JSON.stringify({ ...others, aliases: aliases(type) })}, dependsOn: [${dependsOn.join(", ").replace(/[${}]/g, "")}] }`;
    return `const ${name} = new ${type}(${JSON.stringify(name)}, ${javaScript(args)}, ${opts});`;
  });
  const exported = Object.entries(outputs).map(([name, value]) => `exports.${name} = ${javaScript(value)};`);
  project.program([...resources, ...exported].join("\n"), module);
}

export const NATIVE: Door = {
  name: "native",
  typeOf: (type) => `macvlan:index:${type}`,
  async open(lab, name) {
    const project = await openProject(lab, name);
    await useNative(project);
    return project;
  },
  write(project, program, outputs = {}) {
    const resources = Object.fromEntries(
      Object.entries(program).map(([name, { type, args, options }]) => [
        name,
        { type: `macvlan:${type}`, properties: args, ...(options ? { options } : {}) },
      ]),
    );
    writeFileSync(
      join(project.folder, "Pulumi.yaml"),
      projectFile("yaml") + stringify({ resources, outputs }, { lineWidth: 0 }),
    );
  },
};

/** The native provider in a program for Node.js. */
export const NATIVE_NODE: Door = {
  ...NATIVE,
  write: (project, program, outputs, aliases) =>
    writeNode("pulumi-macvlan/native", project, program, outputs, aliases),
};

export const DOORS: readonly Door[] = [DYNAMIC, NATIVE];

/** Lets the engine find the native provider and the host of YAML programs. */
export async function useNative(project: Project): Promise<void> {
  const path = [project.environment["PATH"] ?? "", COMMANDS].join(delimiter);
  project.environment["PATH"] = await withLanguageHost("yaml", path);
}

function projectFile(runtime: "nodejs" | "yaml"): string {
  return runtime === "yaml"
    ? "name: fleet\nruntime: yaml\n"
    : "name: fleet\nruntime:\n  name: nodejs\n  options:\n    typescript: false\nmain: index.js\n";
}

/** JSON with references and secrets as JavaScript. */
function javaScript(value: unknown): string {
  if (typeof value === "string") {
    const [, reference] = /^\$\{([\w.]+)\}$/.exec(value) ?? [];
    return reference ?? JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map(javaScript).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if ("fn::secret" in value) return `pulumi.secret(${javaScript(value["fn::secret"])})`;
  return `{ ${Object.entries(value)
    .map(([key, inner]) => `${JSON.stringify(key)}: ${javaScript(inner)}`)
    .join(", ")} }`;
}
