/** Changes of a host: planned from its current state, applied, read back, and rolled back if they did not work. */
import { type CheckOutcome, type CheckPrograms, type HostCheck, blocks } from "../model/checks";
import { codedError, reasonOf } from "../model/error";
import { setTimeout as sleep } from "node:timers/promises";
import { describeSteps } from "../iproute2/commands";
import type { Difference } from "../model/difference";
import { type HostState, type Desired, type DesiredLink, asDesired, findLink } from "../model/host";
import type { Observation, PortTool } from "../model/observation";
import { type PlannedStep, type Step, hasSecret } from "../model/steps";
import { undeleted } from "../plan/deletions";
import { differences } from "../plan/differences";
import { disruptiveStep } from "../plan/management-path";
import { type DesiredPlan, outcome } from "../plan/plan";
import { newMarker } from "../shell/quote";
import { DEFAULT_COMMAND_TIMEOUT } from "../ssh/address";
import type { Connection } from "../ssh/connection";
import { ConnectionLost } from "../ssh/error";
import { type Applied, applyScript, forgetUndoScript, parseApplied, rollBackScript } from "./change-script";
import { holdsSecret, secondsOf } from "./checks";
import {
  type Elsewhere,
  type Hold,
  type Unconfirmed,
  type Withdrawn,
  applyProven,
  applyWatched,
} from "./commit-confirm";
import {
  changeFailed,
  changeIgnored,
  changeLocked,
  changeStale,
  changeUnconfirmed,
  changeUnknown,
  changeWithdrawn,
  checksFailed,
  undoFailed,
} from "./errors";
import { TruncatedOutput } from "./observe";

/** The change that one resource needs on its host. */
export interface Change {
  /** For messages: `MacvlanInterface "web"`. */
  readonly resource: string;
  /** @throws Error if the host does not allow it */
  readonly makePlan: (now: Observation) => DesiredPlan;
  /** What has to be true for the change to stay. */
  readonly proof?: Proof;
}

/** The checks of a change. */
export interface Proof {
  /** Those that the host itself runs, from the observation before the change. */
  readonly checksOn: (before: Observation) => readonly HostCheck[];
  /** Those that other hosts run, from the observation before the change; it tries them then, if there was a link. */
  readonly elsewhereOn?: (before: Observation) => Promise<Elsewhere | undefined>;
  /** Gets what came of them, if the change stays. */
  readonly done: (outcomes: readonly CheckOutcome[]) => void;
}

/** What a change needs of a managed host. */
export interface HostAccess {
  /** The connection of the run, opened if there is none. */
  connect(): Promise<Connection>;
  /** One more connection, beside the run's. */
  openAnother(): Promise<Connection>;
  /** Makes another connection that of the run. */
  switchTo(connection: Connection): void;
  observe(): Promise<Observation>;
  /** The programs that the host has for checks. */
  programs(): Promise<CheckPrograms>;
  /** Runs checks, and changes nothing. */
  runChecks(checks: readonly HostCheck[]): Promise<readonly CheckOutcome[]>;
  /** Prints a warning at the CLI, for something that is not an error of this change. */
  warn(text: string): void;
  /**
   * Notes that commands which change the host are about to be sent.
   *
   * @throws MacvlanError if the run was interrupted
   */
  beginChange(resource: string): void;
  /** What a complete change of the host has to wait for before it is confirmed; undefined if for nothing. */
  hold(): Hold | undefined;
  /** Stores an observation of the host; `undefined` if the host has to be read again. */
  remember(now: Observation | undefined): void;
}

/** How often a change may find that an earlier one was interrupted, and start over. */
const ATTEMPTS = 3;

/** Approximate milliseconds before something is repeated on a new connection. */
const LOST_PAUSES = [200, 1000];

/**
 * Applies the simultaneous changes of several resources as one script, which succeeds as a whole or not at all. If it
 * fails, each change is tried alone, so that each that can be made is made and each error belongs to one resource.
 *
 * @returns for each of them the host afterwards, or an Error as {@link changeHost} throws it
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

/** Undefined if they did not all succeed; then everything was undone. */
async function tryTogether(
  host: HostAccess,
  changes: readonly Change[],
): Promise<PromiseSettledResult<Observation>[] | undefined> {
  const all = (value: Observation) => changes.map(() => ({ status: "fulfilled", value }) as const);
  const none = (why: (change: Change) => Error) =>
    changes.map((change) => ({ status: "rejected", reason: why(change) }) as const);
  // one that is tried alone would have to be confirmed before the next, and could not be rolled back with it
  const isHeld = host.hold() !== undefined;
  try {
    const before = await host.observe();
    const parts = before.unfinished === undefined ? planTogether(before, changes) : undefined;
    if (!parts) return undefined;
    const steps = parts.flatMap((part) => part.steps);
    const proofs = await openProofs(changes, before);
    // without a step there is nothing to undo: each is checked for itself
    if (steps.length === 0) return proofs.hasChecks ? undefined : all(before);
    const names = parts.map(({ resource }) => resource).join(", ");
    const stay = (after: Observation): Difference[] => undeleted(before.state, after.state, stepsOf(steps));
    const isMade = (after: Observation): boolean =>
      changes.every(({ makePlan }) => makePlan(beforeDad(after)).steps.length === 0) &&
      stay(after).length === 0;
    const applied = await apply(host, names, parts, before, proofs, isMade);
    if (applied.outcome === "locked") {
      const { label } = await host.connect();
      return none(({ resource }) => changeLocked(resource, label, applied.printed));
    }
    host.remember(applied.after);
    const { label } = await host.connect();
    const remainsOf = (now: Observation): Difference[] =>
      parts.flatMap(({ desired }) => leftBehind(before.state, beforeDad(now).state, desired));
    if (applied.outcome === "failed") {
      const remains = remainsOf(applied.after);
      // otherwise the first of the single changes would run the undo once more, and warn
      if (applied.after.unfinished !== undefined && remains.length === 0)
        await forgetUndo(host, names, applied.after);
      return isHeld ? none(({ resource }) => changeFailed(resource, label, applied, remains)) : undefined;
    }
    if (applied.outcome === "disproved") {
      const remains = remainsOf(applied.after);
      if (applied.after.unfinished !== undefined && remains.length === 0)
        await forgetUndo(host, names, applied.after);
      if (isHeld) {
        return none((change) => {
          const own = applied.checks.filter((outcome) => proofs.ownerOf(outcome) === change);
          return own.some(blocks)
            ? checksFailed(change.resource, label, own, remains, applied.undoPrinted)
            : changeWithdrawn(change.resource, label, "a check of another link failed", remains);
        });
      }
      return await withoutDisproved(host, changes, proofs, applied, (resource, outcomes) =>
        checksFailed(resource, label, outcomes, remains, applied.undoPrinted),
      );
    }
    if (applied.outcome === "withdrawn") {
      const remains = remainsOf(applied.after);
      return none(({ resource }) => changeWithdrawn(resource, label, applied.why, remains));
    }
    if (applied.outcome !== "done") return undefined;
    if (isMade(applied.after)) {
      proofs.done(applied.checks ?? []);
      return all(applied.after);
    }
    const missing = [
      ...stay(applied.after),
      ...changes.flatMap(({ makePlan }) => makePlan(beforeDad(applied.after)).differences),
    ];
    const undone = await rollBack(host, names, steps, applied.after);
    host.remember(undone);
    return isHeld
      ? none(({ resource }) => changeIgnored(resource, label, missing, remainsOf(undone)))
      : undefined;
  } catch (error) {
    // the single changes find the error, planned from a new observation
    host.remember(undefined);
    return isHeld ? none(() => codedError(error)) : undefined;
  }
}

/** The other changes once more, without those whose own checks did not pass: these would only fail again. */
async function withoutDisproved(
  host: HostAccess,
  changes: readonly Change[],
  proofs: Proofs,
  { checks }: { readonly checks: readonly CheckOutcome[] },
  why: (resource: string, outcomes: readonly CheckOutcome[]) => Error,
): Promise<PromiseSettledResult<Observation>[] | undefined> {
  const errors = new Map(
    changes.flatMap((change): (readonly [Change, Error])[] => {
      const own = checks.filter((outcome) => proofs.ownerOf(outcome) === change);
      return own.some(blocks) ? [[change, why(change.resource, own)]] : [];
    }),
  );
  if (errors.size === 0) return undefined;
  const others = changes.filter((change) => !errors.has(change));
  const results = others.length === 0 ? [] : await changeTogether(host, others);
  return changes.map((change) => {
    const reason = errors.get(change);
    if (reason) return { status: "rejected", reason };
    return results[others.indexOf(change)] ?? { status: "rejected", reason: new Error("no result") };
  });
}

/** The checks of all changes that are made together. */
interface Proofs {
  readonly checks: readonly HostCheck[];
  readonly elsewhere: Elsewhere | undefined;
  readonly hasChecks: boolean;
  /** The change that a check belongs to. */
  readonly ownerOf: (outcome: CheckOutcome) => Change | undefined;
  /** Gives each change what came of its own checks. */
  readonly done: (outcomes: readonly CheckOutcome[]) => void;
}

async function openProofs(changes: readonly Change[], before: Observation): Promise<Proofs> {
  const owners = new Map<HostCheck, Change>();
  const all = changes.flatMap((change) => {
    const own = change.proof?.checksOn(before) ?? [];
    for (const check of own) owners.set(check, change);
    return own;
  });
  const others = await Promise.all(
    changes.map(async (change) => ({ change, elsewhere: await change.proof?.elsewhereOn?.(before) })),
  );
  const elsewhere = others.flatMap(({ change, elsewhere: one }) => (one ? [{ change, ...one }] : []));
  return {
    checks: all,
    hasChecks: all.length > 0 || elsewhere.length > 0,
    elsewhere:
      elsewhere.length === 0
        ? undefined
        : {
            seconds: Math.max(...elsewhere.map(({ seconds }) => seconds)),
            run: async (after) => {
              const outcomes = await Promise.all(
                elsewhere.map(async ({ change, run }) => {
                  const own = await run(after);
                  for (const { check } of own) owners.set(check, change);
                  return own;
                }),
              );
              return outcomes.flat();
            },
          },
    ownerOf: ({ check }) => owners.get(check),
    done(outcomes) {
      for (const change of changes)
        change.proof?.done(outcomes.filter(({ check }) => owners.get(check) === change));
    },
  };
}

/** The part of one resource. */
interface Part {
  readonly resource: string;
  readonly steps: readonly PlannedStep[];
}

type PlannedPart = Part & DesiredPlan;

/**
 * The parts, each planned from the state after those before it; undefined if one has to be applied alone. A part that
 * cannot be planned yet may be possible after others: it waits for them.
 */
function planTogether(before: Observation, changes: readonly Change[]): PlannedPart[] | undefined {
  const parts: PlannedPart[] = [];
  let { state } = before;
  let waiting = [...changes];
  while (waiting.length > 0) {
    const postponed: Change[] = [];
    let reason: unknown;
    for (const change of waiting) {
      const { resource, makePlan } = change;
      try {
        const plan = makePlan({ ...before, state });
        if (plan.steps.length > 0) parts.push({ ...plan, resource });
        state = outcome(state, plan);
      } catch (error) {
        postponed.push(change);
        reason ??= error;
      }
    }
    if (postponed.length === waiting.length) throw reason;
    waiting = postponed;
  }
  const steps = parts.flatMap((part) => part.steps.map(({ step }) => step));
  return disruptiveStep(before.state, before.managementPath, steps) ? undefined : parts;
}

/**
 * Plans from the current state of the host and applies the plan.
 *
 * @returns the host afterwards
 * @throws Error that names resource, host, command, output, and what became of the host
 */
async function changeHost(host: HostAccess, change: Change): Promise<Observation> {
  const { resource, makePlan } = change;
  let isStale = false;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const before = await host.observe();
    // an unfinished change leaves nothing to plan from: it is completed or rolled back first
    const plan = before.unfinished !== undefined ? undefined : makePlan(before);
    const proofs = await openProofs(plan ? [change] : [], before);
    if (plan?.steps.length === 0) return await proveUnchanged(host, resource, before, proofs);
    const steps = plan?.steps ?? [];
    const { label } = await host.connect();
    const stay = (after: Observation): Difference[] => undeleted(before.state, after.state, stepsOf(steps));
    const isMade = (after: Observation): boolean =>
      plan !== undefined && makePlan(beforeDad(after)).steps.length === 0 && stay(after).length === 0;
    const applied = await apply(host, resource, [{ resource, steps }], before, proofs, isMade);
    if (applied.outcome === "locked") throw changeLocked(resource, label, applied.printed);
    host.remember(applied.after);
    const left = (now: Observation): Difference[] =>
      plan ? leftBehind(before.state, beforeDad(now).state, plan.desired) : [];
    if (applied.outcome === "unconfirmed") {
      throw changeUnconfirmed(resource, label, applied, applied.after && left(applied.after));
    }
    if (applied.outcome === "withdrawn") {
      throw changeWithdrawn(resource, label, applied.why, left(applied.after));
    }
    if (applied.outcome === "failed") {
      const remains = left(applied.after);
      if (applied.after.unfinished && remains.length === 0) await forgetUndo(host, resource, applied.after);
      throw changeFailed(resource, label, applied, remains);
    }
    if (applied.outcome === "disproved") {
      const remains = left(applied.after);
      if (applied.after.unfinished && remains.length === 0) await forgetUndo(host, resource, applied.after);
      throw checksFailed(resource, label, applied.checks, remains, applied.undoPrinted);
    }
    isStale = applied.outcome === "stale";
    if (!plan || applied.outcome !== "done") continue;
    const missing = makePlan(beforeDad(applied.after));
    const stays = stay(applied.after);
    if (missing.steps.length === 0 && stays.length === 0) {
      proofs.done(applied.checks ?? []);
      return applied.after;
    }
    const undone = await rollBack(host, resource, steps, applied.after);
    host.remember(undone);
    throw changeIgnored(resource, label, [...stays, ...missing.differences], left(undone));
  }
  const { label } = await host.connect();
  if (isStale) throw changeStale(resource, label);
  throw changeUnknown(resource, label, "earlier changes were interrupted again and again");
}

/**
 * Runs the checks of a change that has nothing to change. One that fails now failed before as well, so that only a
 * required one is an error.
 */
async function proveUnchanged(
  host: HostAccess,
  resource: string,
  now: Observation,
  { checks, elsewhere, hasChecks, done }: Proofs,
): Promise<Observation> {
  if (!hasChecks) return now;
  const [own, others] = await Promise.all([
    checks.length === 0 ? [] : host.runChecks(checks),
    elsewhere?.run(now) ?? [],
  ]);
  const outcomes = [...own, ...others].map((one) => ({ ...one, failedBefore: !one.passed }));
  if (outcomes.some(blocks)) throw checksFailed(resource, (await host.connect()).label, outcomes, undefined);
  done(outcomes);
  return now;
}

/**
 * @param resource for messages: the names of all parts
 * @param isMade whether the host is as desired: otherwise the change is about to be rolled back, and waits for nothing
 */
async function apply(
  host: HostAccess,
  resource: string,
  parts: readonly Part[],
  now: Observation,
  { checks: ofHost, elsewhere }: Proofs,
  isMade: (after: Observation) => boolean,
): Promise<Applied | Unconfirmed | Withdrawn> {
  const connection = await host.connect();
  host.beginChange(resource);
  const { portTool } = now.facts;
  const steps = parts.flatMap((part) => part.steps);
  const description = describeParts(parts, portTool);
  const disruptive = disruptiveStep(
    now.state,
    now.managementPath,
    steps.map(({ step }) => step),
  );
  const checks = { checks: ofHost, programs: ofHost.length === 0 ? [] : await host.programs() };
  const held = host.hold();
  const hold = held && {
    seconds: held.seconds,
    run: (after: Observation) => (isMade(after) ? held.run(after) : Promise.resolve(undefined)),
  };
  const change = {
    ...{ steps, description, now, checks },
    ...(elsewhere ? { elsewhere } : {}),
    ...(hold ? { hold } : {}),
  };
  try {
    if (disruptive) {
      const watched = await applyWatched(connection, () => host.openAnother(), { ...change, disruptive });
      host.switchTo(watched.connection);
      return watched.applied;
    }
    if (elsewhere || hold) return await applyProven(connection, change);
    const marker = newMarker();
    const { commandTimeout = DEFAULT_COMMAND_TIMEOUT } = connection.host;
    const script = applyScript(steps, portTool, marker, { commandTimeout }, now, checks);
    const isSecret = hasSecret(steps) || holdsSecret(ofHost);
    const timeout = ofHost.length === 0 ? {} : { timeout: commandTimeout + secondsOf(ofHost) };
    const result = await again(
      async () => (await host.connect()).run(script, { description, isSecret, ...timeout }),
      (lost) => !lost.started,
    );
    const applied = parseApplied(result.stdout, marker, steps, now.facts, checks);
    if (applied.outcome === "recovered" && applied.undoPrinted !== "") {
      host.warn(undoFailed(resource, connection.label, applied.undoPrinted));
    }
    return applied;
  } catch (error) {
    // the result has to be read before anything else is planned
    host.remember(undefined);
    const isTruncated =
      error instanceof TruncatedOutput || (error instanceof ConnectionLost && error.started);
    throw isTruncated ? changeUnknown(resource, connection.label, reasonOf(error)) : error;
  }
}

/** What the script of a change does, as messages and the trace have it. */
function describeParts(parts: readonly Part[], portTool: PortTool): string {
  let left = MOST_DESCRIBED;
  const lines = parts.map(({ resource, steps }) => {
    const shown = steps.slice(0, left);
    left -= shown.length;
    const more = steps.length - shown.length;
    const words = describeSteps(shown, portTool);
    return `${resource}: ${[...words, ...(more > 0 ? [`${more} more`] : [])].join("; ")}`;
  });
  return lines.join("\n");
}

/** So many steps are described; a change may have thousands. */
const MOST_DESCRIBED = 200;

/** Repeats some work a little later if its connection was lost and repeating is safe. */
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

/** Undoes a change that succeeded but did not lead to the desired state. */
async function rollBack(
  host: HostAccess,
  resource: string,
  steps: readonly PlannedStep[],
  now: Observation,
): Promise<Observation> {
  const connection = await host.connect();
  const { portTool } = now.facts;
  const marker = newMarker();
  const description = `${resource}: roll the change back`;
  const script = rollBackScript(steps, portTool, marker);
  const result = await connection.run(script, { description, isSecret: hasSecret(steps) });
  const applied = parseApplied(result.stdout, marker, steps, now.facts);
  return applied.outcome === "locked" ? now : applied.after;
}

/** The undo printed errors only for commands with nothing to do, so the next change has nothing to undo. */
async function forgetUndo(host: HostAccess, resource: string, now: Observation): Promise<void> {
  const marker = newMarker();
  const connection = await host.connect();
  const description = `${resource}: forget the undo`;
  const result = await connection.run(forgetUndoScript(marker), { description });
  const applied = parseApplied(result.stdout, marker, [], now.facts);
  if (applied.outcome === "done") host.remember(applied.after);
}

/**
 * The host as if IPv6's duplicate detection had not ended yet. Detection takes a second or more (RFC 4862, 5.4), and
 * its timing must not decide whether the change counts as successful. A duplicate is drift later.
 */
function beforeDad(now: Observation): Observation {
  const links = now.state.links.map((link) => ({
    ...link,
    addresses: link.addresses.map(({ dadFailed: _, ...address }) => address),
  }));
  return { ...now, state: { ...now.state, links } };
}

function stepsOf(planned: readonly PlannedStep[]): Step[] {
  return planned.map(({ step }) => step);
}

/** What an undo has not restored of the links that a plan changes, each difference once. */
function leftBehind(before: HostState, after: HostState, desired: readonly Desired[]): Difference[] {
  const all = desired.flatMap((one) => leftOf(before, after, one));
  return [...new Map(all.map((d) => [JSON.stringify(d), d])).values()];
}

function leftOf(before: HostState, after: HostState, desired: Desired): Difference[] {
  const touched = [...desired.links, ...(desired.displaced ?? [])];
  const ids = touched.flatMap((l) => [l, ...(l.previous ? [l.previous] : [])]);
  const links = ids.map((id): DesiredLink => {
    const was = findLink(before, id);
    return was ? asDesired(was) : { name: id.name, netns: id.netns, exists: false, settings: [] };
  });
  const { boot, owner, stack, secret } = desired;
  const files = before.bootFiles.filter((f) => boot?.bootNames.includes(f.bootName));
  return differences(after, {
    links,
    netns: "",
    owner,
    ...(stack ? { stack } : {}),
    ...(boot ? { boot: { ...boot, files } } : {}),
    ...(secret ? { secret } : {}),
  });
}
