/** The package as programs inside this repository see it: built, and found by its own name. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { runStep } from "./run";

const REPOSITORY = resolve(__dirname, "../..");

/** What the build is made of. */
const SOURCES = [
  "provider",
  "docs/schema.ts",
  "docs/network-schema.ts",
  "package.json",
  "tsconfig.json",
  "tsconfig.build.json",
];

/** The commands that the package brings. */
const COMMANDS = {
  "pulumi-macvlan": "dist/cli/main.js",
  "pulumi-resource-macvlan": "dist/native/main.js",
};

/** Makes `dist` if it is missing or older than what it is made of. */
export async function ensureBuilt(): Promise<void> {
  const built = join(REPOSITORY, "dist/index.js");
  const newest = Math.max(...SOURCES.map((source) => newestChange(join(REPOSITORY, source))));
  if (existsSync(built) && statSync(built).mtimeMs >= newest) {
    letCommandsRun();
    return;
  }
  await runStep({
    doing: "building the package",
    command: "npm",
    arguments: ["run", "build"],
    cwd: REPOSITORY,
  }).catch((error: unknown) => {
    // The compiler writes its output even if it finds errors: the next call must not take that for built.
    if (existsSync(built)) utimesSync(built, 0, 0);
    throw error;
  });
  letCommandsRun();
}

/** The package's commands may be executed, as npm sees to where it installs the package. */
function letCommandsRun(): void {
  for (const file of Object.values(COMMANDS)) chmodSync(join(REPOSITORY, file), 0o755);
}

/** When a file, or any file or folder in a folder, was last changed; milliseconds since 1970. */
export function newestChange(path: string): number {
  const { mtimeMs } = statSync(path);
  if (!statSync(path).isDirectory()) return mtimeMs;
  return Math.max(mtimeMs, ...readdirSync(path).map((entry) => newestChange(join(path, entry))));
}

/**
 * Lets programs of this repository (examples, tests) import the package by its name, as in a project that has
 * installed it. @throws if an installed copy has the place.
 */
export function linkSelf(): void {
  link("node_modules/pulumi-macvlan", "..");
  for (const [name, file] of Object.entries(COMMANDS))
    link(join("node_modules/.bin", name), join("../..", file));
}

/** A link that is right already is left alone: others may be going through it. */
function link(path: string, target: string): void {
  const place = join(REPOSITORY, path);
  const found = lstatSync(place, { throwIfNoEntry: false });
  if (found?.isSymbolicLink() === true && readlinkSync(place) === target) return;
  if (found !== undefined && !found.isSymbolicLink())
    throw new Error(`${place} is not this repository's: remove it`);
  rmSync(place, { force: true });
  mkdirSync(dirname(place), { recursive: true });
  symlinkSync(target, place);
}
