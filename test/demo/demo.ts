/** `npm run demo`: the main job on a lab fleet, by the real engine: up, pings, drift, healing, destruction. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Lab, labDown, labUp } from "../lab/fleet";
import { engineEnvironment } from "../setup/engine";
import { ensureBuilt, linkSelf } from "../setup/package";
import { say } from "../setup/run";

const REPOSITORY = resolve(__dirname, "../..");
const LAB = "demo";

/** Manual changes of the hosts. */
const BY_HAND: readonly (readonly [host: string, command: string])[] = [
  ["node1", "bridge link set dev eth1 hairpin off"],
  ["node2", "ip route flush dev shim0"],
  ["node3", "ip -n web link del web0"],
];

function tell(line: string): void {
  process.stdout.write(`\n━━ ${line}\n`);
}

/** A ping that has to come to what is expected. */
async function ping(
  lab: Lab,
  host: string,
  netns: string | undefined,
  to: string,
  expected: boolean,
): Promise<void> {
  const answers = await lab.ping(host, to, netns === undefined ? {} : { netns });
  const from = netns === undefined ? host : `${netns} on ${host}`;
  process.stdout.write(
    `   ${answers === expected ? "as expected" : "NOT AS EXPECTED"}: ${from} ${answers ? "reaches" : "does not reach"} ${to}\n`,
  );
  if (answers !== expected) throw new Error(`${from} ${answers ? "reaches" : "does not reach"} ${to}`);
}

async function pings(lab: Lab, healthy: boolean): Promise<void> {
  const web = (index: number): string => lab.host("node1").lan.replace(/\d+\.\d+$/, `200.${index}`);
  await ping(lab, "node1", "web", web(2), true);
  await ping(lab, "node1", "web", web(3), healthy);
  await ping(lab, "node2", undefined, web(2), healthy);
  await ping(lab, "node2", "vm1", "192.0.2.2", healthy);
}

/** The repository's project in a folder of its own, so that no stack's configuration is left in the repository. */
function makeProject(folder: string): void {
  const project = readFileSync(join(REPOSITORY, "Pulumi.yaml"), "utf8");
  writeFileSync(
    join(folder, "Pulumi.yaml"),
    project.replace(/^main: (.*)$/m, (_, main: string) => `main: ${join(REPOSITORY, main)}`),
  );
  mkdirSync(join(folder, "state"));
}

/** Runs the CLI on this terminal. @throws if it does not end with 0 (or, for a check that is to fail, does). */
function pulumi(
  cwd: string,
  environment: Record<string, string>,
  args: readonly string[],
  fails = false,
): Promise<void> {
  process.stdout.write(`\n$ pulumi ${args.join(" ")}\n`);
  return new Promise((done, reject) => {
    const child = spawn("pulumi", args, {
      cwd,
      env: environment,
      stdio: ["ignore", "inherit", "inherit"],
    });
    child.on("error", reject);
    child.on("close", (code) => {
      if ((code === 0) !== fails) done();
      else reject(new Error(`pulumi ${args.join(" ")} ended with ${code ?? "a signal"}`));
    });
  });
}

async function story(lab: Lab, environment: Record<string, string>, folder: string): Promise<void> {
  makeProject(folder);
  const cli = (args: readonly string[], fails = false): Promise<void> =>
    pulumi(folder, environment, args, fails);
  await cli(["stack", "init", "demo"]);
  const network = lab.host("node1").lan.split(".").slice(0, 2).join(".");
  await cli(["config", "set", "network", network]);

  tell("1. pulumi up makes the fleet of examples/fleet: macvlans, shims, and a hairpin bridge");
  await cli(["up", "--yes"]);

  tell("2. Packets prove it: child to child, host to its own child, vepa children through the hairpin");
  await pings(lab, true);

  tell("3. Somebody changes the hosts by hand");
  for (const [host, command] of BY_HAND) {
    process.stdout.write(`   ${host}# ${command}\n`);
    await lab.sh(host, command);
  }
  await pings(lab, false);

  tell("4. A plain preview shows what was found and what is wanted; CI would fail here");
  await cli(["preview", "--diff", "--expect-no-changes"], true);

  tell("5. pulumi up heals it, and nothing else");
  await cli(["up", "--yes", "--skip-preview"]);
  await pings(lab, true);

  tell("6. Nothing is left to do");
  await cli(["preview", "--expect-no-changes"]);

  tell("7. pulumi destroy leaves the hosts as they were");
  await cli(["destroy", "--yes", "--skip-preview"]);
  for (const { name } of lab.hosts) {
    process.stdout.write(
      `   ${name}: ${(await lab.sh(name, "ip -br link | cut -d' ' -f1")).trim().split("\n").join(" ")}\n`,
    );
  }
}

async function main(): Promise<void> {
  const began = Date.now();
  linkSelf();
  await ensureBuilt();
  const engine = await engineEnvironment();
  const folder = mkdtempSync(join(tmpdir(), "pulumi-macvlan-demo-"));
  try {
    tell("0. A lab: three Linux hosts with sshd on one switch (node2 logs in as a user with sudo)");
    const lab = await labUp(3, { name: LAB, progress: say });
    await lab.switch.cable("node1", "node2");
    const environment = {
      ...engine,
      PULUMI_HOME: join(folder, "home"),
      // the engine leaves named pipes of its language host there
      TMPDIR: folder,
      PULUMI_BACKEND_URL: `file://${folder}/state`,
      PULUMI_CONFIG_PASSPHRASE: "demo",
      MACVLAN_SSH_CONFIG_PATH: lab.sshConfig,
    };
    await story(lab, environment, folder);
  } finally {
    await labDown(LAB);
    rmSync(folder, { recursive: true, force: true });
  }
  tell(`Done after ${Math.round((Date.now() - began) / 1000)} s. What to try next:

   npm run lab -- up 3           a lab of your own; it says how to ssh to its hosts
   npm run lab -- exec node2 ip -d link
   npm run pulumi -- version     the engine that was used here, for programs of your own on that lab
   examples/                     programs to copy; README.md tells all properties
   npm test                      all that is tested, on real hosts with real packets
   npm run lab -- down
`);
}

main().catch((error: unknown) => {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
