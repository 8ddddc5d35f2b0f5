/** Contenders that are programs of the Pulumi engine, each a stack of its own with a local file backend. */
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { stringify } from "yaml";
import { projectEnvironment } from "../../engine/project";
import { runOrThrow } from "../../lab/fleet/run";
import { withLanguageHost } from "../../setup/languages";
import { ensureBuilt, linkSelf } from "../../setup/package";
import { type Phase, commandsOf } from "../job";
import { type SiteHost, driftedHost } from "../lab/site";
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
  /** Its file in programs/, or the resources of a program in YAML. */
  readonly source: string | ((hosts: readonly SiteHost[]) => Readonly<Record<string, unknown>>);
  /** Files beside it. */
  readonly beside?: readonly string[];
  /** The folder whose packages it uses; this repository's if there is none. */
  readonly modules?: () => Promise<string>;
  /** Adds what the engine needs besides to its home. */
  readonly furnish?: (home: string) => Promise<void>;
  /** Of each call of the CLI, besides those that all have. */
  readonly options?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

function pulumi(about: Omit<Contender, "prepare" | "open" | "isEngine">, program: Program): Contender {
  return {
    ...about,
    isEngine: true,
    async prepare() {
      linkSelf();
      await ensureBuilt();
      await program.modules?.();
      await program.furnish?.("");
      if (typeof program.source !== "string") await withLanguageHost("yaml", "");
    },
    open: (run) => openStack(program, run),
  };
}

/** The native provider is found as docs/languages.md has it. */
const NODE_PROJECT = {
  name: "bench",
  runtime: { name: "nodejs", options: { typescript: false } },
  main: "index.cjs",
  plugins: { providers: [{ name: "macvlan", path: "node_modules/.bin" }] },
};

async function openStack(
  { source, beside = [], modules = ownModules, furnish, options: own = [], environment = {} }: Program,
  { site, hosts, folder }: ContenderRun,
): Promise<Entry> {
  const isNode = typeof source === "string";
  if (isNode) copyFileSync(join(PROGRAMS, source), join(folder, "index.cjs"));
  for (const other of beside) copyFileSync(join(PROGRAMS, other), join(folder, other));
  symlinkSync(await modules(), join(folder, "node_modules"));
  const { main, ...project } = NODE_PROJECT;
  writeFileSync(
    join(folder, "Pulumi.yaml"),
    stringify(isNode ? { ...project, main } : { ...project, runtime: "yaml", resources: source(hosts) }),
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
  const inherited = await projectEnvironment(folder, site.lab);
  const env = {
    ...inherited,
    ...(isNode ? {} : { PATH: await withLanguageHost("yaml", inherited["PATH"] ?? "") }),
    ...environment,
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

/** The classes of this package that programs/macvlan.cjs uses. */
const DYNAMIC = { BENCH_PACKAGE: "pulumi-macvlan" };
const NATIVE = { BENCH_PACKAGE: "pulumi-macvlan/native" };

/** programs/macvlan.cjs, in YAML. */
function yamlResources(hosts: readonly SiteHost[]): Readonly<Record<string, unknown>> {
  const resource = (type: string, properties: object): object => ({ type: `macvlan:${type}`, properties });
  return Object.fromEntries(
    hosts.flatMap(({ name: host, job }) => [
      [`web-${host}`, resource("MacvlanInterface", { host, ...job.web })],
      [`bridge-${host}`, resource("HairpinBridge", { host, ...job.bridge })],
      [`shim-${host}`, resource("HostShim", { host, ...job.shim })],
    ]),
  );
}

/** What the programs that do nothing share. */
const NOTHING = ["nothing-class.cjs", "nothing-provider.cjs"];

export const PULUMI: readonly Contender[] = [
  pulumi(
    {
      id: "macvlan",
      title: "pulumi-macvlan",
      note: "this package as it is published: `pulumi up --skip-preview`, a program in JavaScript, the file backend",
      lacks: {},
    },
    { source: "macvlan.cjs", environment: DYNAMIC },
  ),
  pulumi(
    {
      id: "macvlan-32",
      title: "… --parallel 32",
      note: "the same with 32 resources at a time; the CLI's default is four times the cores",
      lacks: {},
    },
    { source: "macvlan.cjs", environment: DYNAMIC, options: ["--parallel", "32"] },
  ),
  pulumi(
    {
      id: "hostlinks",
      title: "… HostLinks",
      note: "the same links, all links of a host as one resource: `HostLinks`",
      lacks: {},
    },
    { source: "hostlinks.cjs" },
  ),
  pulumi(
    {
      id: "native",
      title: "… native",
      note: "the same links and program, with `pulumi-macvlan/native`: the native provider, a resource per link",
      lacks: {},
    },
    { source: "macvlan.cjs", environment: NATIVE },
  ),
  pulumi(
    {
      id: "yaml",
      title: "… native, YAML",
      note: "the same links as a program in YAML, which the native provider does",
      lacks: {},
    },
    { source: yamlResources },
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
    { source: "nothing.cjs", beside: NOTHING },
  ),
  pulumi(
    {
      id: "engine-hosts",
      title: "… one resource per host",
      note:
        "the floor of the engine for `HostLinks`: one resource per host with the inputs of all its links, whose provider " +
        "does nothing",
      lacks: {},
      isFloor: true,
    },
    { source: "nothing-hosts.cjs", beside: NOTHING },
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
    { source: "command.cjs", modules: commandModules, furnish: commandPlugin },
  ),
  pulumi(
    {
      id: "obvious",
      title: "the obvious dynamic provider",
      note: "`pulumi.dynamic.Resource` and node-ssh: one connection per operation, one exec per command",
      lacks: {},
    },
    { source: "obvious.cjs" },
  ),
];
