/** Contenders that are programs of the Pulumi engine, each a stack of its own with a local file backend. */
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { projectEnvironment } from "../../engine/project";
import { runOrThrow } from "../../lab/fleet/run";
import { ensureBuilt, linkSelf } from "../../setup/package";
import { type Phase, commandsOf } from "../job";
import { driftedHost } from "../lab/site";
import { COMMAND_VERSION, commandModules, commandPlugin } from "../rivals/command-plugin";
import type { Contender, ContenderRun, Entry } from "./contender";

const REPOSITORY = resolve(__dirname, "../../..");
const PROGRAMS = join(__dirname, "../programs");

const ARGUMENTS: Readonly<Record<Phase, readonly string[]>> = {
  apply: ["up", "--yes", "--skip-preview"],
  noop: ["up", "--yes", "--skip-preview"],
  preview: ["preview"],
  drift: ["up", "--yes", "--skip-preview"],
  destroy: ["destroy", "--yes", "--skip-preview"],
};

/** A program and what it needs. */
interface Program {
  /** Its file in programs/. */
  readonly file: string;
  /** Files beside it. */
  readonly beside?: readonly string[];
  /** The folder whose packages it uses. */
  readonly modules: () => Promise<string>;
  /** Adds what the engine needs besides to its home. */
  readonly furnish?: (home: string) => Promise<void>;
  /** Of each call of the CLI, besides those that all have. */
  readonly options?: readonly string[];
}

function pulumi(about: Omit<Contender, "prepare" | "open">, program: Program): Contender {
  return {
    ...about,
    async prepare() {
      linkSelf();
      await ensureBuilt();
      await program.modules();
      await program.furnish?.("");
    },
    open: (run) => openStack(program, run),
  };
}

async function openStack(
  { file, beside = [], modules, furnish, options: own = [] }: Program,
  { site, hosts, folder }: ContenderRun,
): Promise<Entry> {
  copyFileSync(join(PROGRAMS, file), join(folder, "index.cjs"));
  for (const other of beside) copyFileSync(join(PROGRAMS, other), join(folder, other));
  symlinkSync(await modules(), join(folder, "node_modules"));
  writeFileSync(
    join(folder, "Pulumi.yaml"),
    "name: bench\nruntime:\n  name: nodejs\n  options:\n    typescript: false\nmain: index.cjs\n",
  );
  writeFileSync(join(folder, "package.json"), '{ "name": "bench", "main": "index.cjs" }\n');
  mkdirSync(join(folder, "state"));
  mkdirSync(join(folder, "home"));
  await furnish?.(join(folder, "home"));
  writeFileSync(
    join(folder, "hosts.json"),
    JSON.stringify(
      hosts.map(({ name, port, job }) => {
        const { hostKey } = site.lab.host(name);
        return { name, port, hostKey, job, commands: commandsOf(job) };
      }),
    ),
  );
  const env = {
    ...(await projectEnvironment(folder, site.lab)),
    MACVLAN_SSH_CONFIG_PATH: site.sshConfig,
    BENCH_HOSTS: join(folder, "hosts.json"),
    BENCH_KEY: site.privateKey,
    BENCH_RUN: "1",
  };
  const options = ["--non-interactive", "--color", "never"];
  await runOrThrow(["pulumi", "-C", folder, "stack", "init", "dev", ...options], { env });
  return {
    command: (phase) => ({
      line: ["pulumi", ...ARGUMENTS[phase], ...own, ...options],
      cwd: folder,
      env: phase === "drift" ? { ...env, BENCH_RUN: "2", BENCH_DRIFT: driftedHost(hosts).name } : env,
    }),
  };
}

const ownModules = (): Promise<string> => Promise.resolve(join(REPOSITORY, "node_modules"));

export const PULUMI: readonly Contender[] = [
  pulumi(
    {
      id: "macvlan",
      title: "pulumi-macvlan",
      note: "this package as it is published: `pulumi up --skip-preview`, a program in JavaScript, the file backend",
      lacks: {},
    },
    { file: "macvlan.cjs", modules: ownModules },
  ),
  pulumi(
    {
      id: "macvlan-32",
      title: "… --parallel 32",
      note: "the same with 32 resources at a time; the CLI's default is four times the cores",
      lacks: {},
    },
    { file: "macvlan.cjs", modules: ownModules, options: ["--parallel", "32"] },
  ),
  pulumi(
    {
      id: "hostlinks",
      title: "… HostLinks",
      note: "the same links, all links of a host as one resource: `HostLinks`",
      lacks: {},
    },
    { file: "hostlinks.cjs", modules: ownModules },
  ),
  pulumi(
    {
      id: "engine",
      title: "Pulumi, nothing to do",
      note:
        "the floor of the engine: the same number of resources with the same inputs, whose provider (a `require` of a tiny " +
        "module) does nothing; one of them is updated in the drift phase",
      lacks: {},
      isFloor: true,
    },
    { file: "nothing.cjs", beside: ["nothing-provider.cjs"], modules: ownModules },
  ),
  pulumi(
    {
      id: "command",
      title: "@pulumi/command",
      note: `remote.Command ${COMMAND_VERSION}, one per link, with the commands joined to one script; never reads the state of a host`,
      lacks: {
        noop: "compares with its state alone and asks no host",
        preview: "compares with its state alone and asks no host",
        drift: "does not see it; its inputs were changed, so it makes all links of all hosts again",
      },
    },
    { file: "command.cjs", modules: commandModules, furnish: commandPlugin },
  ),
  pulumi(
    {
      id: "obvious",
      title: "the obvious dynamic provider",
      note: "`pulumi.dynamic.Resource` and node-ssh: one connection per operation, one exec per command",
      lacks: {},
    },
    { file: "obvious.cjs", modules: ownModules },
  ),
];
