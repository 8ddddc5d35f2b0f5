/** What the processes of a run use: the engine, the program and the provider apart, by what /proc says of them. */
import { readFileSync, readdirSync } from "node:fs";
import { basename } from "node:path";

/**
 * `engine` is the CLI with the language host of Node.js, `program` the user's own process, or the language host of YAML,
 * which runs such a program itself, and `provider` that of all resources.
 */
export const ROLES = ["engine", "program", "provider"] as const;
export type Role = (typeof ROLES)[number];

/** Seconds of CPU, and bytes of memory at their most (resident, VmHWM of proc(5)). */
export interface Usage {
  readonly cpu: number;
  readonly memory: number;
}

/** What a run used. `machine` is the CPU seconds of everything on the machine, the hosts of the lab included. */
export interface RunUsage extends Record<Role, Usage> {
  readonly machine: number;
}

/** Milliseconds between two looks. What a process does after the last one is not seen. */
const INTERVAL = 100;

/** Linux's USER_HZ: ticks a second in /proc (proc(5), stat), the same on all architectures that Node.js runs on. */
const TICKS = 100;

interface Process {
  command: string;
  ticks: number;
  memory: number;
}

/** Watches the CLI that this process starts next, and all that it starts. @returns what to call when it has ended */
export function watchRun(): () => RunUsage {
  const seen = new Set<number>(allProcesses());
  const ours = new Set<number>();
  const began = machineTicks();
  const end = watchProcesses(() => {
    for (const pid of allProcesses()) {
      if (seen.has(pid)) continue;
      seen.add(pid);
      const parent = parentOf(pid);
      if (parent === process.pid || (parent !== undefined && ours.has(parent))) ours.add(pid);
    }
    return ours;
  }, INTERVAL);
  return () => ({ ...end(), machine: (machineTicks() - began) / TICKS });
}

/**
 * Watches the processes that `list` names each time.
 *
 * @param interval milliseconds between two looks
 * @returns what to call when they have ended
 */
export function watchProcesses(list: () => Iterable<number>, interval: number): () => Record<Role, Usage> {
  const known = new Map<number, Process>();
  const timer = setInterval(() => {
    for (const pid of list()) {
      const one = known.get(pid) ?? { command: "", ticks: 0, memory: 0 };
      known.set(pid, one);
      readProcess(pid, one);
    }
  }, interval);
  return () => {
    clearInterval(timer);
    const processes = [...known.values()];
    const of = (role: Role): Usage => {
      const own = processes.filter(({ command }) => roleOf(command) === role);
      const ticks = own.reduce((sum, p) => sum + p.ticks, 0);
      // phases have a process each, one after the other: the largest counts, not their sum
      return { cpu: ticks / TICKS, memory: Math.max(0, ...own.map(({ memory }) => memory)) };
    };
    return { engine: of("engine"), program: of("program"), provider: of("provider") };
  };
}

/** What a process of a run is, by its command line; undefined for others, such as a shell that starts one of them. */
export function roleOf(command: string): Role | undefined {
  const [program = "", ...rest] = command.split(" ").map((word) => basename(word));
  if (program.startsWith("pulumi-resource-")) return "provider";
  if (program === "pulumi-language-yaml") return "program";
  if (program === "pulumi" || program === "pulumi-language-nodejs") return "engine";
  if (program !== "node") return undefined;
  if (command.includes("dynamic-provider") || rest.includes("pulumi-resource-macvlan")) return "provider";
  return command.includes("cmd/run") ? "program" : undefined;
}

function allProcesses(): number[] {
  return readdirSync("/proc")
    .filter((entry) => /^[0-9]+$/.test(entry))
    .map(Number);
}

/** proc(5), stat: the fields after the name, which is in brackets and may hold anything. */
function statOf(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(statOf(pid)[1]);
  } catch {
    return undefined; // it has ended
  }
}

/** Takes note of what a process has used by now; of one that has ended the last look stays. */
function readProcess(pid: number, known: Process): void {
  try {
    const stat = statOf(pid);
    const memory = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    // before its exec a process has its parent's command line
    known.command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ") || known.command;
    known.ticks = Math.max(known.ticks, Number(stat[11]) + Number(stat[12]));
    known.memory = Math.max(known.memory, Number(memory ?? 0) * 1024);
  } catch {
    // it has ended
  }
}

/** Ticks in which the machine's cores were busy (proc(5), /proc/stat: all but idle and iowait). */
function machineTicks(): number {
  const [, ...fields] = (readFileSync("/proc/stat", "utf8").split("\n")[0] ?? "").split(/\s+/);
  return fields.slice(0, 8).reduce((sum, ticks, i) => (i === 3 || i === 4 ? sum : sum + Number(ticks)), 0);
}
