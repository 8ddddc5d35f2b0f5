/** A run of a program under a schedule, with an engine that works on a limited number of resources at a time. */
import {
  type Announcement,
  type HostResult,
  type Stop,
  openSchedule,
} from "../../../../provider/program/rollout/schedule";
import type { RolloutSettings } from "../../../../provider/program/rollout/settings";

export interface SimulatedResource {
  readonly host: string;
  /** Positions of resources that are created before it. */
  readonly needs: readonly number[];
  /** The program does not show that it has these needs. */
  readonly isOpaque: boolean;
  readonly outcome: "unchanged" | "changed" | "failed";
  readonly duration: number;
}

export interface SimulatedRun {
  readonly settings: RolloutSettings;
  readonly resources: readonly SimulatedResource[];
  /** How many resources the engine works on at a time. */
  readonly parallel: number;
  readonly continuesOnError: boolean;
}

/** A change of a host. */
export interface Change {
  readonly host: string;
  readonly wave: number;
  readonly begin: number;
  readonly end: number;
  readonly failed: boolean;
}

export interface RunTrace {
  readonly changes: readonly Change[];
  readonly refused: ReadonlyMap<string, Stop>;
  /** Resources that have neither been through the engine nor been refused. */
  readonly left: readonly number[];
  /** Whether the engine gave up after a failure. */
  readonly isEnded: boolean;
}

type Fate = "registered" | "running" | "done" | "failed";

export function simulate({ settings, resources, parallel, continuesOnError }: SimulatedRun): RunTrace {
  const schedule = openSchedule(settings);
  const fates = new Map<number, Fate>();
  const turns = new Map<string, { notBefore: number; wave: number }>();
  const refused = new Map<string, Stop>();
  const queue: number[] = [];
  const running: { readonly position: number; readonly end: number }[] = [];
  const changes: Change[] = [];
  const begun = new Set<string>();
  let failure: string | undefined;
  const run = { isEnded: false };
  let now = 0;

  const isOver = (position: number): boolean => ["done", "failed"].includes(fates.get(position) ?? "");

  for (const { host, needs, isOpaque } of resources) {
    const announcement: Announcement = {
      needs: isOpaque ? [] : needs.map((need) => (resources[need] as SimulatedResource).host),
      canary: typeof settings.canary !== "number" && settings.canary.includes(host) ? host : undefined,
    };
    schedule.announce(host, announcement);
  }

  function finish(position: number, fate: "done" | "failed"): void {
    fates.set(position, fate);
    const { host } = resources[position] as SimulatedResource;
    if (fate === "failed" && !continuesOnError) run.isEnded = true;
    const own = [...resources.keys()].filter((at) => resources[at]?.host === host);
    if (!own.every(isOver)) return;
    const outcomes = own.map((at) => (fates.get(at) === "failed" ? "failed" : resources[at]?.outcome));
    const result: HostResult = outcomes.includes("failed")
      ? { failed: "it failed" }
      : outcomes.includes("changed")
        ? "changed"
        : "unchanged";
    schedule.settle(host, result, now);
  }

  /** What the engine does without time passing. @returns whether anything happened */
  function proceed(): boolean {
    const { released, refused: more } = schedule.decide();
    for (const { host, ...turn } of released) turns.set(host, turn);
    for (const { host, stop } of more) refused.set(host, stop);
    let hasMoved = released.length + more.length > 0;
    for (const [position, { host, needs }] of resources.entries()) {
      if (run.isEnded || fates.has(position) || !(turns.has(host) || refused.has(host))) continue;
      if (!needs.every(isOver)) continue;
      hasMoved = true;
      if (needs.some((need) => fates.get(need) === "failed")) finish(position, "failed");
      else {
        fates.set(position, "registered");
        queue.push(position);
      }
    }
    while (!run.isEnded && running.length < parallel && queue.length > 0) {
      const position = queue.shift() as number;
      const { host, outcome, duration } = resources[position] as SimulatedResource;
      hasMoved = true;
      const turn = turns.get(host);
      if (outcome === "unchanged") finish(position, "done");
      else if (turn === undefined || (failure !== undefined && !begun.has(host))) finish(position, "failed");
      else {
        const begin = Math.max(now, turn.notBefore);
        begun.add(host);
        changes.push({ host, wave: turn.wave, begin, end: begin + duration, failed: outcome === "failed" });
        fates.set(position, "running");
        running.push({ position, end: begin + duration });
      }
    }
    return hasMoved;
  }

  for (;;) {
    let hasMoved: boolean;
    do hasMoved = proceed();
    while (hasMoved);
    if (running.length > 0) {
      running.sort((a, b) => a.end - b.end);
      const { position, end } = running.shift() as { position: number; end: number };
      now = end;
      const { host, outcome } = resources[position] as SimulatedResource;
      if (outcome === "failed") failure ??= host;
      finish(position, outcome === "failed" ? "failed" : "done");
    } else if (!run.isEnded && schedule.waiting().length > 0) schedule.stall();
    else {
      const left = [...resources.keys()].filter((position) => !isOver(position));
      return { changes, refused, left, isEnded: run.isEnded };
    }
  }
}
