/** Takes a stack through its life on the lab, by the real engine, and notes what each phase took. */
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { nameOfUrn, openProject, type CliResult, type PreviewStep, type Project } from "../engine/project";
import type { Lab } from "../lab/fleet";
import { inParallel } from "../lab/fleet/run";
import { type Shape, namesOf } from "./shapes";
import { type RunUsage, watchRun } from "./usage";

/** What is done with a stack, in this order. */
export const PHASES = ["up", "preview", "find drift", "repair", "destroy"] as const;
export type Phase = (typeof PHASES)[number];

/** What a phase took: seconds of wall time, and connections to hosts, as their own sshd counted them. */
export interface Measured extends RunUsage {
  readonly wall: number;
  readonly connections: number;
}

export interface Life {
  readonly shape: Shape;
  readonly phases: Readonly<Record<Phase, Measured>>;
  /** Bytes of the state's file after `up`. */
  readonly state: number;
}

/** Seconds after which a phase hangs. */
const LIMIT = 3600;
/** How many hosts are prepared and asked at a time. */
const WIDTH = 8;
/** The desired MTU, and the one that a manual change sets. */
const [MTU, FOREIGN_MTU] = [1400, 1300];

/**
 * Measures shapes in turn, phase by phase, so that a machine that slows down for a while slows all of them. Each has
 * hosts of its own, and these are as before afterwards.
 *
 * @param tell gets a line per phase
 * @throws AssertionError if a phase does not do to the hosts what it is for
 */
export async function measureLives(
  lab: Lab,
  shapes: readonly Shape[],
  tell: (line: string) => void,
): Promise<readonly Life[]> {
  const running = shapes.map((shape) => live(lab, shape, tell));
  const lives: Life[] = [];
  try {
    while (lives.length < shapes.length) {
      for (const one of running) {
        const { done, value } = await one.next();
        if (done === true && value !== undefined) lives.push(value);
      }
    }
  } finally {
    for (const one of running) await one.return(undefined);
  }
  return lives;
}

/** The life of one stack. It pauses after each phase, and cleans up when it ends or is ended. */
async function* live(
  lab: Lab,
  shape: Shape,
  tell: (line: string) => void,
): AsyncGenerator<void, Life | undefined> {
  const hosts = namesOf(shape);
  const drifted = hosts[Math.floor(hosts.length / 2)] ?? "node1";
  const urn = shape.isPerHost === true ? drifted : `${shape.sample}-${drifted}`;
  await inParallel(hosts, WIDTH, async (host) => {
    await lab.sh(host, shape.prepare);
  });
  const before = await lab.sh(drifted, "ip -br link | cut -d' ' -f1 | sort");
  const project = await openProject(lab);
  // what users have: the SDK starts as it is
  Object.assign(project.environment, { NODE_OPTIONS: "" }, shape.environment);
  try {
    project.program(shape.program);
    const form = shape.isPerHost === true ? ", a resource per host" : "";
    const measure = async (phase: Phase, args: readonly string[]): Promise<[Measured, CliResult]> => {
      const [measured, result] = await measurePhase(lab, hosts, project, args);
      tell(`${shape.hosts} × ${shape.perHost}${form}: ${phase} in ${measured.wall.toFixed(1)} s`);
      return [measured, result];
    };

    const [up] = await measure("up", ["up", "--yes", "--skip-preview"]);
    await inParallel(hosts, WIDTH, async (host) => assert.equal(await mtuOf(lab, host, shape.sample), MTU));
    const state = statSync(join(project.folder, "state/.pulumi/stacks/fleet/dev.json")).size;
    yield;
    const [preview] = await measure("preview", ["preview", "--expect-no-changes"]);
    yield;

    await lab.sh(drifted, `ip link set dev ${shape.sample} mtu ${FOREIGN_MTU}`);
    const [drift, { stdout }] = await measure("find drift", ["preview", "--json"]);
    const { steps } = JSON.parse(stdout) as { steps: PreviewStep[] };
    const changing = steps.filter((step) => step.op !== "same").map((step) => nameOfUrn(step.urn));
    assert.deepEqual(changing, [urn], "the drift that was made, and nothing else");
    yield;
    const [repair] = await measure("repair", ["up", "--yes", "--skip-preview"]);
    assert.equal(await mtuOf(lab, drifted, shape.sample), MTU);
    yield;

    const [destroy] = await measure("destroy", ["destroy", "--yes", "--skip-preview"]);
    assert.equal(await lab.sh(drifted, "ip -br link | cut -d' ' -f1 | sort"), before);
    return { shape, state, phases: { up, preview, "find drift": drift, repair, destroy } };
  } finally {
    project.remove();
    await inParallel(hosts, WIDTH, async (host) => {
      await lab.reset(host);
    });
  }
}

async function measurePhase(
  lab: Lab,
  hosts: readonly string[],
  project: Project,
  args: readonly string[],
): Promise<[Measured, CliResult]> {
  const logins = loginsOf(lab, hosts);
  const end = watchRun();
  const began = performance.now();
  const result = await project.cli(args, LIMIT);
  const wall = (performance.now() - began) / 1000;
  const usage = end();
  assert.equal(result.code, 0, result.output);
  return [{ ...usage, wall, connections: loginsOf(lab, hosts) - logins }, result];
}

function loginsOf(lab: Lab, hosts: readonly string[]): number {
  const logs = hosts.map((host) => readFileSync(lab.host(host).sshdLog, "utf8"));
  return logs.reduce((sum, log) => sum + log.split("Accepted publickey").length - 1, 0);
}

async function mtuOf(lab: Lab, host: string, link: string): Promise<number | undefined> {
  const [found] = await lab.ipJson<{ mtu?: number }[]>(host, ["link", "show", "dev", link]);
  return found?.mtu;
}
