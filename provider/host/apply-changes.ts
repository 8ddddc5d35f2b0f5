/** Changes of a host: planned from what it has now, carried out, read back, and taken back where they did not work. */
import { reasonOf } from "../model/error";
import { setTimeout as sleep } from "node:timers/promises";
import { describeSteps } from "../iproute2/commands";
import type { Difference } from "../model/difference";
import { type HostState, type Desired, type DesiredLink, asDesired, findLink } from "../model/host";
import type { Observation } from "../model/observation";
import type { PlannedStep } from "../model/steps";
import { differences } from "../plan/differences";
import { disruptiveStep } from "../plan/management-path";
import { type DesiredPlan, outcome } from "../plan/plan";
import { newMarker } from "../shell/quote";
import { DEFAULT_COMMAND_TIMEOUT } from "../ssh/address";
import type { Connection } from "../ssh/connection";
import { ConnectionLost } from "../ssh/error";
import { type Applied, applyScript, forgetUndoScript, parseApplied, takeBackScript } from "./change-script";
import { type Unconfirmed, applyWatched } from "./commit-confirm";
import {
  changeFailed,
  changeIgnored,
  changeLocked,
  changeStale,
  changeUnconfirmed,
  changeUnknown,
  undoFailed,
} from "./errors";
import { TruncatedOutput } from "./observe";

/** What one resource asks of its host. */
export interface Change {
  /** For messages: `MacvlanInterface "web"`. */
  readonly resource: string;
  /** @throws Error where the host cannot have it */
  readonly makePlan: (now: Observation) => DesiredPlan;
}

/** A host as a change reaches it. */
export interface HostAccess {
  /** The connection of the run, opened where there is none. */
  connect(): Promise<Connection>;
  /** One more connection, beside that of the run. */
  openAnother(): Promise<Connection>;
  /** Has the run go on with another connection. */
  switchTo(connection: Connection): void;
  observe(): Promise<Observation>;
  /** Tells the person at the CLI of something that is no error of this change. */
  warn(text: string): void;
  /** Takes note of what the host has now; `undefined` where that has to be looked at anew. */
  remember(now: Observation | undefined): void;
}

/** How often a change may find that an earlier one had been cut off, and start over. */
const ATTEMPTS = 3;

/** Milliseconds, about, before something is done again on a new connection. */
const LOST_PAUSES = [200, 1000];

/**
 * Carries out what several resources ask of a host at the same time: as one script, which works as a whole or not at
 * all. Where it does not, each is tried by itself, so that each that can be is made and each error is of one resource.
 *
 * @returns for each of them the host afterwards, or an Error as of {@link changeHost}
 */
export async function changeTogether(
  host: HostAccess,
  changes: readonly Change[],
): Promise<PromiseSettledResult<Observation>[]> {
  const together = changes.length > 1 ? await tryTogether(host, changes) : undefined;
  if (together) return together;
  const results: PromiseSettledResult<Observation>[] = [];
  for (const change of changes) results.push(...(await Promise.allSettled([changeHost(host, change)])));
  return results;
}

/** Undefined where they did not all work, and what had been done of them was undone. */
async function tryTogether(
  host: HostAccess,
  changes: readonly Change[],
): Promise<PromiseSettledResult<Observation>[] | undefined> {
  const all = (value: Observation) => changes.map(() => ({ status: "fulfilled", value }) as const);
  try {
    const before = await host.observe();
    const parts = before.unfinished === undefined ? planTogether(before, changes) : undefined;
    if (!parts) return undefined;
    const steps = parts.flatMap((part) => part.steps);
    if (steps.length === 0) return all(before);
    const names = parts.map(({ resource }) => resource).join(", ");
    const applied = await apply(host, names, parts, before);
    if (applied.outcome === "locked") {
      const { label } = await host.connect();
      const why = (resource: string): Error => changeLocked(resource, label, applied.printed);
      return changes.map(({ resource }) => ({ status: "rejected", reason: why(resource) }));
    }
    host.remember(applied.after);
    if (applied.outcome === "failed" && applied.after.unfinished !== undefined) {
      const now = beforeDad(applied.after).state;
      const remains = parts.flatMap(({ desired }) => leftBehind(before.state, now, desired));
      // else the first of those that follow one by one would undo it once more, and warn of it
      if (remains.length === 0) await forgetUndo(host, names, applied.after);
    }
    if (applied.outcome !== "done") return undefined;
    const after = beforeDad(applied.after);
    if (changes.every(({ makePlan }) => makePlan(after).steps.length === 0)) return all(applied.after);
    host.remember(await takeBack(host, names, steps, applied.after));
    return undefined;
  } catch {
    // each by itself tells what it was, from the host as it is by then
    host.remember(undefined);
    return undefined;
  }
}

/** What is to be done for one resource. */
interface Part {
  readonly resource: string;
  readonly steps: readonly PlannedStep[];
}

type PlannedPart = Part & DesiredPlan;

/** What is to be done for each, planned from where those before it leave the host; undefined where one has to go alone. */
function planTogether(before: Observation, changes: readonly Change[]): PlannedPart[] | undefined {
  const parts: PlannedPart[] = [];
  let { state } = before;
  for (const { resource, makePlan } of changes) {
    const plan = makePlan({ ...before, state });
    if (plan.steps.length > 0) parts.push({ ...plan, resource });
    state = outcome(state, plan);
  }
  const steps = parts.flatMap((part) => part.steps.map(({ step }) => step));
  return disruptiveStep(before.state, before.managementPath, steps) ? undefined : parts;
}

/**
 * Plans from the host as it is and carries the plan out.
 *
 * @returns the host afterwards
 * @throws Error that names resource, host, command, output, and what became of the host
 */
async function changeHost(host: HostAccess, { resource, makePlan }: Change): Promise<Observation> {
  let isStale = false;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const before = await host.observe();
    // half-way through another change there is nothing to plan from: it ends, or is taken back, first
    const plan = before.unfinished !== undefined ? undefined : makePlan(before);
    if (plan?.steps.length === 0) return before;
    const steps = plan?.steps ?? [];
    const { label } = await host.connect();
    const applied = await apply(host, resource, [{ resource, steps }], before);
    if (applied.outcome === "locked") throw changeLocked(resource, label, applied.printed);
    host.remember(applied.after);
    const left = (now: Observation): Difference[] =>
      plan ? leftBehind(before.state, beforeDad(now).state, plan.desired) : [];
    if (applied.outcome === "unconfirmed") {
      throw changeUnconfirmed(resource, label, applied, applied.after && left(applied.after));
    }
    if (applied.outcome === "failed") {
      const remains = left(applied.after);
      if (applied.after.unfinished && remains.length === 0) await forgetUndo(host, resource, applied.after);
      throw changeFailed(resource, label, applied, remains);
    }
    isStale = applied.outcome === "stale";
    if (!plan || applied.outcome !== "done") continue;
    const missing = makePlan(beforeDad(applied.after));
    if (missing.steps.length === 0) return applied.after;
    const undone = await takeBack(host, resource, steps, applied.after);
    host.remember(undone);
    throw changeIgnored(resource, label, missing.differences, left(undone));
  }
  const { label } = await host.connect();
  if (isStale) throw changeStale(resource, label);
  throw changeUnknown(resource, label, "earlier changes kept being cut off half-way");
}

/** @param resource for messages: all of the parts' */
async function apply(
  host: HostAccess,
  resource: string,
  parts: readonly Part[],
  now: Observation,
): Promise<Applied | Unconfirmed> {
  const connection = await host.connect();
  const { portTool } = now.facts;
  const steps = parts.flatMap((part) => part.steps);
  const description = parts
    .map((part) => `${part.resource}: ${describeSteps(part.steps, portTool).join("; ")}`)
    .join("\n");
  const disruptive = disruptiveStep(
    now.state,
    now.managementPath,
    steps.map(({ step }) => step),
  );
  try {
    if (disruptive) {
      const change = { steps, description, disruptive, now };
      const watched = await applyWatched(connection, () => host.openAnother(), change);
      host.switchTo(watched.connection);
      return watched.applied;
    }
    const marker = newMarker();
    const { commandTimeout = DEFAULT_COMMAND_TIMEOUT } = connection.host;
    const script = applyScript(steps, portTool, marker, { commandTimeout }, now);
    const result = await again(
      async () => (await host.connect()).run(script, { description }),
      (lost) => !lost.started,
    );
    const applied = parseApplied(result.stdout, marker, steps, now.facts);
    if (applied.outcome === "recovered" && applied.undoPrinted !== "") {
      host.warn(undoFailed(resource, connection.label, applied.undoPrinted));
    }
    return applied;
  } catch (error) {
    // what the host has made of it has to be seen before anything else is planned
    host.remember(undefined);
    const isTruncated =
      error instanceof TruncatedOutput || (error instanceof ConnectionLost && error.started);
    throw isTruncated ? changeUnknown(resource, connection.label, reasonOf(error)) : error;
  }
}

/** Does some work once more, a little later, where its connection was lost and doing it again is safe. */
export async function again<T>(
  work: () => Promise<T>,
  isSafe: (lost: ConnectionLost) => boolean,
): Promise<T> {
  for (const pause of LOST_PAUSES) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ConnectionLost) || !isSafe(error)) throw error;
      await sleep(pause * (0.5 + Math.random()));
    }
  }
  return work();
}

/** Undoes a change that went through and yet is not what was wanted. */
async function takeBack(
  host: HostAccess,
  resource: string,
  steps: readonly PlannedStep[],
  now: Observation,
): Promise<Observation> {
  const connection = await host.connect();
  const { portTool } = now.facts;
  const marker = newMarker();
  const description = `${resource}: take the change back`;
  const result = await connection.run(takeBackScript(steps, portTool, marker), { description });
  const applied = parseApplied(result.stdout, marker, steps, now.facts);
  return applied.outcome === "locked" ? now : applied.after;
}

/** An undo has complained of commands that found nothing to do: there is nothing left for the next change to undo. */
async function forgetUndo(host: HostAccess, resource: string, now: Observation): Promise<void> {
  const marker = newMarker();
  const connection = await host.connect();
  const description = `${resource}: forget the undo`;
  const result = await connection.run(forgetUndoScript(marker), { description });
  const applied = parseApplied(result.stdout, marker, [], now.facts);
  if (applied.outcome === "done") host.remember(applied.after);
}

/**
 * The host as if IPv6's duplicate detection had not ended yet: it takes a second or more (RFC 4862, 5.4), and whether it
 * finds something before or after the reading must not decide on whether the change counts as made. It is drift later.
 */
function beforeDad(now: Observation): Observation {
  const links = now.state.links.map((link) => ({
    ...link,
    addresses: link.addresses.map(({ dadFailed: _, ...address }) => address),
  }));
  return { ...now, state: { ...now.state, links } };
}

/** What an undo has not brought back of the links that the plan is about. */
function leftBehind(before: HostState, after: HostState, desired: Desired): Difference[] {
  const ids = desired.links.flatMap((l) => [l, ...(l.previous ? [l.previous] : [])]);
  const links = ids.map((id): DesiredLink => {
    const was = findLink(before, id);
    return was ? asDesired(was) : { name: id.name, netns: id.netns, exists: false, settings: [] };
  });
  const { boot, owner, stack } = desired;
  const files = before.bootFiles.filter((f) => boot?.bootNames.includes(f.bootName));
  return differences(after, {
    links,
    netns: "",
    owner,
    ...(stack ? { stack } : {}),
    ...(boot ? { boot: { ...boot, files } } : {}),
  });
}
