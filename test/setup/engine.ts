/**
 * The Pulumi engine that tests, demonstration and `npm run pulumi` use: the one on PATH, else one that is fetched or
 * built once a machine and kept outside the repository.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { copyFile, mkdir, rename } from "node:fs/promises";
import { delimiter, join, resolve } from "node:path";
import { alone } from "../lab/fleet/lock";
import { cacheHome, makeWhole, removeFolder } from "./cache";
import { buildFromGoModules, engineVersion } from "./go-build";
import { runStep, say } from "./run";

const LAUNCHER_NAME = "pulumi-resource-pulumi-nodejs";
const LAUNCHER = join(__dirname, LAUNCHER_NAME);

const PROGRAMS = ["pulumi", "pulumi-language-nodejs", LAUNCHER_NAME];

/** Seconds for the official installer: a machine that gets no answer at all should not wait longer for it. */
const DOWNLOAD_LIMIT = 180;

/** PATH and settings for calling `pulumi`; sets an engine up first if the machine has none. */
export async function engineEnvironment(): Promise<Record<string, string>> {
  const path = process.env["PATH"] ?? "";
  const inherited = Object.fromEntries(
    Object.entries(process.env).flatMap(([k, v]) => (v === undefined ? [] : [[k, v]])),
  );
  return {
    ...inherited,
    PATH: await searchPath(path),
    PULUMI_SKIP_UPDATE_CHECK: "true",
  };
}

async function searchPath(path: string): Promise<string> {
  if (!isOnPath("pulumi", path)) return [await enginePath(), path].join(delimiter);
  // an installation without its language host was built from source: ours then serves it, behind all of theirs
  return isOnPath("pulumi-language-nodejs", path) ? path : [path, await enginePath()].join(delimiter);
}

/** Whether a program is in one of the folders of a search path. */
export function isOnPath(program: string, path: string): boolean {
  return path.split(delimiter).some((folder) => folder !== "" && existsSync(join(folder, program)));
}

/**
 * The folder of the engine's programs, which is set up if it is not there: by the official installer, and where that
 * is not reached, from Go modules (about 7 minutes). Others who want it at the same time wait for the first.
 */
export async function enginePath(): Promise<string> {
  const root = cacheFolder(process.env);
  const bin = join(root, "bin");
  if (isComplete(bin) && !isLauncherOld(bin)) return bin;
  return alone(async () => {
    if (!isComplete(bin)) await setUp(root);
    if (isLauncherOld(bin)) {
      // at once: other processes run it
      await copyFile(LAUNCHER, join(bin, `${LAUNCHER_NAME}.new`));
      await rename(join(bin, `${LAUNCHER_NAME}.new`), join(bin, LAUNCHER_NAME));
    }
    return bin;
  }, "pulumi-macvlan-engine");
}

/** Whether an earlier version of ours has put the launcher there: what the official installer brings stays. */
function isLauncherOld(bin: string): boolean {
  const [ours, found] = [LAUNCHER, join(bin, LAUNCHER_NAME)].map((file) => readFileSync(file, "utf8"));
  return found !== ours && found?.split("\n")[1] === ours?.split("\n")[1];
}

/** Where the engine is kept: outside the repository, one folder a version. */
export function cacheFolder(environment: NodeJS.ProcessEnv): string {
  const chosen = environment["MACVLAN_ENGINE_CACHE"];
  return resolve(chosen ?? join(cacheHome(environment), `engine-v${engineVersion}`));
}

function isComplete(bin: string): boolean {
  return PROGRAMS.every((program) => existsSync(join(bin, program)));
}

async function setUp(root: string): Promise<void> {
  refuseForeignFolder(root);
  await makeWhole(root, async (work) => {
    const bin = join(work, "bin");
    await mkdir(bin);
    await install(work).catch(async (error: unknown) => {
      say(error instanceof Error ? error.message : String(error));
      removeFolder(bin);
      await mkdir(bin);
      await buildFromGoModules(bin);
    });
    if (!existsSync(join(bin, LAUNCHER_NAME))) await copyFile(LAUNCHER, join(bin, LAUNCHER_NAME));
  });
  say(`the Pulumi engine is ready in ${root}`);
}

/** An incomplete engine is replaced; anything else there is not ours: a mistaken setting must not cost files. */
export function refuseForeignFolder(root: string): void {
  const foreign = existsSync(root) ? readdirSync(root).find((name) => name !== "bin") : undefined;
  const programs = existsSync(join(root, "bin")) ? readdirSync(join(root, "bin")) : [];
  const other = foreign ?? programs.find((name) => !name.startsWith("pulumi"));
  if (other === undefined) return;
  throw new Error(`${root} holds ${other}, so it is not an engine's: choose another as MACVLAN_ENGINE_CACHE`);
}

/** The official installer, in a process of its own, as it takes no time limit. @throws if it is not reached. */
async function install(root: string): Promise<void> {
  const code = `require("@pulumi/pulumi/automation").PulumiCommand.install({ root: process.argv[1], version: "${engineVersion}" })
    .catch((error) => { console.error(error.message); process.exit(1); });`;
  await runStep({
    doing: `downloading pulumi v${engineVersion}`,
    command: process.execPath,
    arguments: ["-e", code, root],
    cwd: resolve(__dirname, "../.."),
    limit: DOWNLOAD_LIMIT,
  });
}
