/** One phase of one contender: run, measured, and verified on the hosts. */
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inParallel } from "../lab/fleet/run";
import type { Contender } from "./contenders/contender";
import type { Phase } from "./job";
import { type Site, type SiteHost, verifyHosts } from "./lab/site";
import type { Command, Group, Taken } from "./measure";
import type { Sample } from "./results";

/** Seconds after which a phase is ended. */
export const LIMIT = 900;

/** Lines of a failed command's output that are kept. */
const LAST_LINES = 12;

export type PhaseSample = Omit<Sample, "hosts" | "rtt" | "run">;

export async function measurePhase(
  contender: Contender,
  command: Command,
  phase: Phase,
  site: Site,
  group: Group,
  hosts: readonly SiteHost[],
): Promise<PhaseSample> {
  const output = join(command.cwd, `output-of-${phase}`);
  appendFileSync(output, "");
  const before = await commandsOn(site, hosts);
  await site.way.counts();
  const taken = await group.run(command, LIMIT, output, contender.isEngine);
  const { connections, up, down, cpu } = await site.way.counts();
  const commands = (await commandsOn(site, hosts)) - before;
  const { wall, user, system, machine, parts } = taken;
  const failure =
    howEnded(taken, output) ??
    (contender.isFloor === true ? [] : await verifyHosts(site, hosts, phase)).slice(0, LAST_LINES).join("; ");
  return {
    ...{ contender: contender.id, phase, wall, user, system, ...(parts ? { parts } : {}) },
    hostCpu: Math.max(0, machine - user - system - cpu / 1e6),
    ...{ connections, commands, up, down, wayCpu: cpu / 1e6, failure },
  };
}

/** How many commands sshd has started on these hosts so far. */
async function commandsOn({ lab }: Site, hosts: readonly SiteHost[]): Promise<number> {
  let sum = 0;
  await inParallel(hosts, 8, async ({ name }) => {
    const commands = await lab.commands(name);
    sum += commands;
  });
  return sum;
}

function howEnded({ code, late }: Taken, output: string): string | undefined {
  if (code === 0) return undefined;
  const how = late ? `no end after ${LIMIT} s` : `ended with ${code ?? "a signal"}`;
  const last = readFileSync(output, "utf8").trimEnd().split("\n").slice(-LAST_LINES).join("\n");
  return `${how}: ${last}`;
}

/** A line of progress: seconds of each phase, and what failed. */
export function summary(samples: readonly PhaseSample[]): string {
  return samples
    .map(
      ({ phase, wall, failure }) =>
        `${phase} ${wall.toFixed(2)} s${failure === "" ? "" : ` FAILED: ${failure}`}`,
    )
    .join(", ");
}
