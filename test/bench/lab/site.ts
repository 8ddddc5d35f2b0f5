/** The hosts that contenders work on: a lab, the way to it, and the files of an SSH client that takes that way. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Lab, labDown, labUp } from "../../lab/fleet";
import { netnsName } from "../../lab/fleet/names";
import { inParallel, runOrThrow } from "../../lab/fleet/run";
import { say } from "../../setup/run";
import {
  DRIFT,
  type HostJob,
  PORT,
  type Phase,
  type SeenLink,
  type SeenRoute,
  jobOf,
  missesOf,
  restOf,
} from "../job";
import { type Way, openWay } from "./way";

/** A host as a contender reaches it. */
export interface SiteHost {
  /** `node1`: also its alias in the client configuration. */
  readonly name: string;
  /** Port on 127.0.0.1. */
  readonly port: number;
  readonly job: HostJob;
}

export interface Site {
  readonly lab: Lab;
  readonly hosts: readonly SiteHost[];
  readonly way: Way;
  /** A folder for files of this run; gone when the site is closed. */
  readonly folder: string;
  /** Client configuration: fast key exchange (curve25519), which OpenSSH's default of late is not. */
  readonly sshConfig: string;
  /** The same with OpenSSH's own choice of key exchange. */
  readonly sshConfigDefault: string;
  readonly knownHosts: string;
  readonly privateKey: string;
  close(): Promise<void>;
}

/** How many hosts are read at the same time, by processes of a millisecond or two. */
const LOOKS = 4;

/** Brings up a lab of its own with `count` hosts, each with a port for its bridge, and the way to them. */
export async function openSite(name: string, count: number): Promise<Site> {
  // root everywhere, which is the cheapest login for all
  const lab = await labUp(count, { name, login: () => "root", isolated: true, progress: say });
  const folder = mkdtempSync(join(tmpdir(), "pulumi-macvlan-bench-"));
  const way = await openWay(lab.hosts.map(({ control }) => [control, 22] as const));
  const hosts = lab.hosts.map((host, i) => ({
    name: host.name,
    port: way.ports[i] ?? 0,
    job: jobOf(host.index),
  }));
  const site: Site = {
    lab,
    hosts,
    way,
    folder,
    sshConfig: join(folder, "ssh_config"),
    sshConfigDefault: join(folder, "ssh_config_default"),
    knownHosts: join(folder, "known_hosts"),
    privateKey: join(folder, "id_ed25519"),
    async close() {
      way.close();
      await labDown(name);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  writeClientFiles(site);
  await inParallel(lab.hosts, LOOKS, (host) => preparePort(lab, host.name));
  return site;
}

function writeClientFiles({ lab, hosts, sshConfig, sshConfigDefault, knownHosts, privateKey }: Site): void {
  copyFileSync(lab.privateKey, privateKey);
  const aliases = hosts.map(
    ({ name, port }) => `Host ${name}
  HostName 127.0.0.1
  Port ${port}
  User root
  IdentityFile ${privateKey}
  IdentitiesOnly yes
  UserKnownHostsFile ${knownHosts}
  StrictHostKeyChecking yes
`,
  );
  writeFileSync(sshConfig, ["KexAlgorithms curve25519-sha256\n", ...aliases].join("\n"));
  writeFileSync(sshConfigDefault, aliases.join("\n"));
  const keys = hosts.map(({ name, port }) => `[127.0.0.1]:${port} ${lab.host(name).hostKey}\n`);
  writeFileSync(knownHosts, keys.join(""));
}

async function preparePort(lab: Lab, host: string): Promise<void> {
  const batch = [
    `link add ${PORT.name} type veth peer name ${PORT.peer}`,
    `link set dev ${PORT.name} up`,
    `link set dev ${PORT.peer} up`,
  ];
  await onHost(lab, host, batch);
}

/** Runs `ip -batch` lines in a host's network namespace, without a login and without a contender. */
function onHost(lab: Lab, host: string, lines: readonly string[], ...options: string[]): Promise<string> {
  const netns = netnsName(lab.name, host);
  return runOrThrow(["ip", "-n", netns, ...options, "-batch", "-"], { input: `${lines.join("\n")}\n` });
}

/** Changes the link by hand on one of the hosts: the one in the middle. */
export async function makeDrift({ lab }: Site, hosts: readonly SiteHost[]): Promise<void> {
  await onHost(lab, driftedHost(hosts).name, [`link set dev ${DRIFT.link} mtu ${DRIFT.mtu}`]);
}

export function driftedHost(hosts: readonly SiteHost[]): SiteHost {
  const host = hosts[hosts.length >> 1];
  if (host === undefined) throw new Error("there are no hosts");
  return host;
}

/** Compares what the kernel of each host reports with what it should have after a phase; none if all is well. */
export async function verifyHosts(site: Site, hosts: readonly SiteHost[], after: Phase): Promise<string[]> {
  const wrong: string[] = [];
  await inParallel(hosts, LOOKS, async ({ name, job }) => {
    const printed = await onHost(site.lab, name, ["address show", "route show table main"], "-j", "-d");
    const [links = [], routes = []] = parseBatch(printed);
    const found =
      after === "destroy"
        ? restOf(links as SeenLink[])
        : missesOf(job, links as SeenLink[], routes as SeenRoute[]);
    wrong.push(...found.map((line) => `${name}: ${line}`));
  });
  return wrong;
}

/** A list of JSON a line; a command of a batch that has nothing to show prints an empty list, or nothing. */
export function parseBatch(printed: string): unknown[][] {
  return printed
    .split("\n")
    .filter((line) => line.startsWith("["))
    .map((line) => JSON.parse(line) as unknown[]);
}

/** Resets hosts to the state in which a contender begins, whatever a failed one has left. */
export async function resetHosts({ lab }: Site, hosts: readonly SiteHost[]): Promise<void> {
  await inParallel(hosts, LOOKS, async ({ name }) => {
    await lab.reset(name);
    await preparePort(lab, name);
  });
}

/** A folder of the site for one contender's run. */
export function makeFolder(site: Site, name: string): string {
  const folder = join(site.folder, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  return folder;
}
