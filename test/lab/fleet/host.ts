/** Hosts as processes and namespaces: wiring them to the switch, starting, stopping. */
import { spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { hostNetworkBatch } from "./files";
import { addressesOf, hostFolder, hostNetns, labFolder, netnsName } from "./names";
import { programPath, SYSTEM_PATH } from "./requirements";
import { run, runOrThrow } from "./run";
import type { LabState } from "./state";

/** Whether the machine's kernel has IPv6 at all. */
export const hasIpv6 = (): boolean => existsSync("/proc/sys/net/ipv6");

/** The machine's number of the host's process 1. @throws if the host is not running. */
export function hostPid(lab: string, host: string): number {
  const pid = alivePid(lab, host);
  if (pid === undefined) {
    throw new Error(`${host} of lab ${lab} is not running: start it with \`npm run lab -- up\``);
  }
  return pid;
}

/** The same, undefined if the host is not running: its process is gone, or is another one by now. */
export function alivePid(lab: string, host: string): number | undefined {
  try {
    const pid = Number(readFileSync(`${hostFolder(lab, host)}/pid`, "utf8"));
    return readlinkSync(`/proc/${pid}/ns/net`) === netnsIdentity(hostNetns(lab, host)) ? pid : undefined;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** How /proc/PID/ns/net reads for a process in the named network namespace; undefined if there is none. */
export function netnsIdentity(netns: string): string | undefined {
  try {
    return `net:[${statSync(`/run/netns/${netns}`).ino}]`;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** ENOENT, and what /proc says of a process that ends meanwhile. */
export function isGone(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === "ENOENT" || code === "ESRCH";
}

/** The command line that puts a command into all namespaces of a process. */
export function enter(pid: number, command: readonly string[]): string[] {
  return ["nsenter", "-t", String(pid), "-m", "-p", "-u", "-i", "-n", "--", ...command];
}

/** The environment of a command inside a host: a root login's, nothing of the caller's. */
export const HOST_ENVIRONMENT: NodeJS.ProcessEnv = {
  PATH: SYSTEM_PATH,
  HOME: "/root",
  USER: "root",
  LOGNAME: "root",
  SHELL: "/bin/bash",
  LANG: "C.UTF-8",
};

/** Makes network namespaces for hosts and plugs their three NICs into the switch, in a few calls for all of them. */
export async function wireHosts(
  { name: lab, slot, isolated }: LabState,
  indexes: readonly number[],
): Promise<void> {
  const sw = netnsName(lab, "switch");
  const batch = (lines: string[], ...options: string[]): Promise<string> =>
    runOrThrow(["ip", ...options, "-batch", "-"], { input: `${lines.join("\n")}\n` });
  await batch(indexes.map((index) => `netns add ${netnsName(lab, `node${index}`)}`));
  const veths = indexes.flatMap((index) => {
    const a = addressesOf(slot, index);
    const netns = netnsName(lab, `node${index}`);
    return [
      `link add ${a.port} address ${a.portMac} netns ${sw} type veth peer name eth0 address ${a.mac} netns ${netns}`,
      `link add ${a.port1} address ${a.portMac1} netns ${sw} type veth peer name eth1 address ${a.mac1} netns ${netns}`,
      `link add ${a.controlPort} address ${a.controlPortMac} netns ${sw} type veth peer name mgmt0 address ${a.controlMac} netns ${netns}`,
    ];
  });
  await batch(veths);
  const ports = indexes.flatMap((index) => {
    const a = addressesOf(slot, index);
    const isolate = [a.port, a.port1, a.controlPort].map(
      (port) => `link set dev ${port} type bridge_slave isolated on`,
    );
    return [
      `link set dev ${a.port} master lan`,
      `link set dev ${a.port1} master lan`,
      `link set dev ${a.controlPort} master control`,
      ...(isolated ? isolate : []),
      ...[a.port, a.port1, a.controlPort].map((port) => `link set dev ${port} up`),
    ];
  });
  await batch(ports, "-n", sw);
}

/** Starts a wired host; resolves when its sshd listens. @throws with what boot.sh printed if it does not come up. */
export async function startHost(lab: string, slot: number, index: number): Promise<void> {
  const name = `node${index}`;
  const folder = `${labFolder(lab)}/hosts/${name}`;
  writeFileSync(`${folder}/network`, hostNetworkBatch(slot, index, hasIpv6()));
  const log = openSync(`${folder}/boot.log`, "w");
  const child = spawn(
    programPath("nsenter") ?? "nsenter",
    [
      `--net=/run/netns/${netnsName(lab, name)}`,
      ..."unshare --mount --pid --uts --ipc --fork --kill-child /bin/sh".split(" "),
      ...[`${__dirname}/boot.sh`, `${labFolder(lab)}/base`, folder, `${__dirname}/reset.sh`],
    ],
    // In a session of its own: neither a terminal's hang-up nor its interrupt ends the host.
    { detached: true, stdio: ["ignore", "pipe", log], env: HOST_ENVIRONMENT, cwd: "/" },
  );
  closeSync(log);
  const output = child.stdout;
  if (output === null) throw new Error("a child with a pipe for its output has none");
  await new Promise<void>((resolve, reject) => {
    let printed = "";
    const broken = (why: string): void => {
      reject(
        new Error(`${name} did not boot (${why}):\n${readFileSync(`${folder}/boot.log`, "utf8").trim()}`),
      );
    };
    output.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
      if (printed.includes("ready\n")) resolve();
    });
    child.on("error", (error) => broken(error.message));
    child.on("exit", (code, signal) => broken(signal ?? `exit ${code ?? "unknown"}`));
  }).finally(() => {
    child.removeAllListeners();
    output.destroy();
    child.unref();
  });
}

/** Ends processes at once and waits until they are gone. */
export async function endProcesses(pids: readonly number[]): Promise<void> {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
  const deadline = Date.now() + 60_000;
  while (pids.some((pid) => existsSync(`/proc/${pid}/ns`) && isRunning(pid))) {
    if (Date.now() > deadline) throw new Error(`processes that do not end: ${pids.join(" ")}`);
    await sleep(5);
  }
}

// A zombie holds no namespace any more; its parent will bury it.
function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

/** Pulls the plug: ends all of the host's processes, its namespaces and links; its files stay. Also when half made. */
export async function stopHost(lab: string, slot: number, index: number): Promise<void> {
  const name = `node${index}`;
  const netns = netnsName(lab, name);
  const sw = netnsName(lab, "switch");
  await endProcesses(processesIn(new Set([netns])));
  rmSync(`${labFolder(lab)}/hosts/${name}/pid`, { force: true });
  const { port, port1, controlPort } = addressesOf(slot, index);
  // A namespace is taken apart some time after its end, but a link that is deleted is gone: so those first.
  for (const link of [port, port1, controlPort]) {
    const deleted = await run(["ip", "-n", sw, "link", "del", "dev", link]);
    if (deleted.code !== 0 && !deleted.stderr.includes("Cannot find device")) {
      throw new Error(`cannot unplug ${name}: ${deleted.stderr.trim()}`);
    }
  }
  if (netnsIdentity(netns) !== undefined) await runOrThrow(["ip", "netns", "del", netns]);
}

/** All processes of the machine whose network namespace is one of the named ones. */
export function processesIn(netns: ReadonlySet<string>): number[] {
  const identities = new Set([...netns].flatMap((name) => netnsIdentity(name) ?? []));
  const all = readdirSync("/proc").filter((entry) => /^[0-9]+$/.test(entry));
  return all.map(Number).filter((pid) => {
    try {
      return identities.has(readlinkSync(`/proc/${pid}/ns/net`));
    } catch (error) {
      // A process that even root may not look into (proc(5), PTRACE_MODE_READ) is none that the lab started.
      if (isGone(error) || (error as NodeJS.ErrnoException).code === "EACCES") return false;
      throw error;
    }
  });
}
