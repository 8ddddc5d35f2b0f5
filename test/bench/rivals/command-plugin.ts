/** `@pulumi/command`: its package, and the program that the engine runs for it. Kept outside the repository. */
import { copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { engineEnvironment } from "../../setup/engine";
import { alone } from "../../lab/fleet/lock";
import { cacheHome, makeWhole } from "../../setup/cache";
import { runStep } from "../../setup/run";
import { installedVersion } from "../versions";

export const COMMAND_VERSION = "1.2.1";

const PLUGIN = "pulumi-resource-command";

/** Seconds for the official download: a machine that gets no answer should not wait longer for it. */
const DOWNLOAD_LIMIT = 120;

const folder = (): string =>
  join(cacheHome(process.env), `bench-command-${COMMAND_VERSION}-sdk-${installedVersion("@pulumi/pulumi")}`);

/** The packages' folder, with the SDK in the version that this package is tested with. */
export async function commandModules(): Promise<string> {
  const root = join(folder(), "npm");
  await alone(async () => {
    if (existsSync(root)) return;
    await makeWhole(root, async (work) => {
      writeFileSync(join(work, "package.json"), '{ "private": true }\n');
      const packages = [
        `@pulumi/command@${COMMAND_VERSION}`,
        `@pulumi/pulumi@${installedVersion("@pulumi/pulumi")}`,
      ];
      await runStep({
        doing: "installing @pulumi/command",
        command: "npm",
        // its install script would fetch the plugin into this user's home
        arguments: ["install", "--ignore-scripts", "--no-audit", "--no-fund", ...packages],
        cwd: work,
      });
    });
  }, "pulumi-macvlan-bench");
  return join(root, "node_modules");
}

/**
 * Puts the plugin where an engine with this home finds it; without a home it only makes sure that it is there. It is
 * the one on PATH, else the one that Pulumi's own downloads have, else it is built from its Go module, whose source is
 * to be in the folder that MACVLAN_BENCH_COMMAND_SOURCE names: a Go module proxy need not have it.
 *
 * @throws Error with the reason if it is not available
 */
export async function commandPlugin(home: string): Promise<void> {
  const program = await alone(findPlugin, "pulumi-macvlan-bench");
  if (home === "") return;
  const place = join(home, "plugins", `resource-command-v${COMMAND_VERSION}`);
  mkdirSync(place, { recursive: true });
  symlinkSync(program, join(place, PLUGIN));
}

async function findPlugin(): Promise<string> {
  const places = [...(process.env["PATH"] ?? "").split(delimiter), join(folder(), "plugin")];
  const found = places.map((place) => join(place, PLUGIN)).find((file) => existsSync(file));
  if (found !== undefined) return found;
  const built = join(folder(), "plugin");
  const source = process.env["MACVLAN_BENCH_COMMAND_SOURCE"];
  await makeWhole(built, (work) => (source === undefined ? download(work) : build(source, work)));
  return join(built, PLUGIN);
}

async function download(work: string): Promise<void> {
  await runStep({
    doing: `downloading the plugin of @pulumi/command (or give its source as MACVLAN_BENCH_COMMAND_SOURCE)`,
    command: "pulumi",
    arguments: ["plugin", "install", "resource", "command", COMMAND_VERSION],
    env: { ...(await engineEnvironment()), PULUMI_HOME: work },
    limit: DOWNLOAD_LIMIT,
  });
  const fetched = join(work, "plugins", `resource-command-v${COMMAND_VERSION}`, PLUGIN);
  copyFileSync(fetched, join(work, PLUGIN));
}

/** Its module was the folder `provider` up to 1.2.1, and is the whole repository since. */
async function build(source: string, work: string): Promise<void> {
  const nested = join(source, "provider");
  const isNested = existsSync(join(nested, "go.mod"));
  const version = "github.com/pulumi/pulumi-command/provider/pkg/version.Version";
  await runStep({
    doing: "compiling the plugin of @pulumi/command",
    command: "go",
    arguments: [
      ...["build", "-buildvcs=false", "-o", join(work, PLUGIN)],
      ...["-ldflags", `-s -w -X ${version}=${COMMAND_VERSION}`],
      isNested ? `./cmd/${PLUGIN}` : `./provider/cmd/${PLUGIN}`,
    ],
    cwd: isNested ? nested : source,
    env: { ...process.env, CGO_ENABLED: "0", GOWORK: "off" },
  });
}
