/**
 * Running a contender's command and measuring it: wall time, and the CPU of all processes that it starts, also those
 * that outlive it or that are not waited for. They are in a control group of their own, whose kernel keeps the account.
 */
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { watchProcesses } from "../scale/usage";

/** Milliseconds between two looks at the processes of an engine. */
const INTERVAL = 20;

export interface Command {
  readonly line: readonly [program: string, ...args: string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What a command took, in seconds. */
export interface Taken {
  readonly wall: number;
  readonly user: number;
  readonly system: number;
  /** The CPU of an engine's program and of its providers, which is in the sum above, if it was asked for. */
  readonly parts?: Parts;
  /** The CPU of the whole machine meanwhile, the command's among it, without that of this process. */
  readonly machine: number;
  readonly code: number | null;
  /** True if it had to be ended. */
  readonly late: boolean;
}

/** Seconds of CPU, by looks every 20 ms: what a process does after the last one is not in it. */
export interface Parts {
  readonly program: number;
  readonly provider: number;
}

/** Where the processes of a contender are. */
export interface Group {
  /**
   * Runs a command to its end, or ends it and all of the group after `limit` seconds. Its output goes to a file.
   *
   * @param isEngine of which the CPU of its parts is wanted
   */
  run(command: Command, limit: number, output: string, isEngine?: boolean): Promise<Taken>;
  /** Ends what is left in it. */
  end(): Promise<void>;
  close(): Promise<void>;
}

/** Makes a control group. @throws if the machine has no cgroup v2 hierarchy that may be written to */
export function openGroup(): Group {
  const folder = join(
    cgroupMount(readFileSync("/proc/mounts", "utf8")),
    `pulumi-macvlan-bench-${process.pid}`,
  );
  mkdirSync(folder);
  const cpu = (): { user: number; system: number } => cpuOf(readFileSync(join(folder, "cpu.stat"), "utf8"));
  const end = async (): Promise<void> => {
    writeFileSync(join(folder, "cgroup.kill"), "1");
    while (readFileSync(join(folder, "cgroup.events"), "utf8").includes("populated 1")) await sleep(5);
  };
  return {
    async run({ line, cwd, env }, limit, output, isEngine = false) {
      const before = cpu();
      const busy = machineCpu();
      const own = process.cpuUsage();
      const members = (): number[] =>
        readFileSync(join(folder, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
      const endWatch = isEngine ? watchProcesses(members, INTERVAL) : undefined;
      const began = performance.now();
      // a file and not a pipe: who stays behind (ssh as a master) would keep a pipe open
      const file = openSync(output, "a");
      const child = spawn("/bin/sh", ["-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', folder, ...line], {
        cwd,
        env,
        stdio: ["ignore", file, file],
      });
      closeSync(file);
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        writeFileSync(join(folder, "cgroup.kill"), "1");
      }, limit * 1000);
      const code = await new Promise<number | null>((resolve, reject) => {
        child.on("error", reject);
        child.on("exit", resolve);
      }).finally(() => clearTimeout(timer));
      const wall = (performance.now() - began) / 1000;
      const after = cpu();
      const { user, system } = process.cpuUsage(own);
      const machine = machineCpu() - busy - (user + system) / 1e6;
      const watched = endWatch?.();
      const parts = watched && { program: watched.program.cpu, provider: watched.provider.cpu };
      return {
        ...{ wall, user: after.user - before.user, system: after.system - before.system },
        ...{ machine, code, late, ...(parts ? { parts } : {}) },
      };
    },
    end,
    async close() {
      await end();
      rmdirSync(folder);
    },
  };
}

/** The folder where the kernel's control groups (version 2) are, from /proc/mounts. */
export function cgroupMount(mounts: string): string {
  const found = mounts
    .split("\n")
    .map((line) => line.split(" "))
    .find(([, , type]) => type === "cgroup2")?.[1];
  if (found === undefined)
    throw new Error("CPU is accounted by control groups: there is no cgroup2 in /proc/mounts");
  return found;
}

/** Seconds from cpu.stat (Documentation/admin-guide/cgroup-v2.rst). */
export function cpuOf(stat: string): { user: number; system: number } {
  const microseconds = (key: string): number =>
    Number(new RegExp(`^${key} ([0-9]+)$`, "m").exec(stat)?.[1] ?? 0);
  return { user: microseconds("user_usec") / 1e6, system: microseconds("system_usec") / 1e6 };
}

function machineCpu(): number {
  return busyOf(readFileSync("/proc/stat", "utf8"));
}

/** Seconds in which a CPU of the machine was busy since it started, from /proc/stat (proc_stat(5)). */
export function busyOf(stat: string): number {
  const line = stat.split("\n").find((l) => l.startsWith("cpu ")) ?? "";
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line
    .trim()
    .split(/ +/)
    .slice(1)
    .map(Number);
  // USER_HZ, which is 100 on every architecture that Linux runs Node.js on
  return (user + nice + system + irq + softirq) / 100;
}
