/**
 * The provider's part of a rollout. The program's process sends resources in the order of the waves; here a change waits
 * for the pause before its wave, hosts that have not begun stay untouched once a host has failed, and the preview gets
 * its line. Deletions, which the engine decides on by itself, are put into waves here, in the order in which they come.
 */
import { type Clock, systemClock } from "../host/clock";
import type { Hold } from "../host/commit-confirm";
import type { Json } from "../kinds/kind";
import { type ErrorCode, MacvlanError, codedError } from "../model/error";
import type { PrefetchHint } from "../program/prefetch";
import type { Turn } from "../program/rollout/gate";
import type { RolloutNotes } from "../program/rollout/notes";
import { type Announcement, type HostResult, openSchedule, wavesOf } from "../program/rollout/schedule";
import type { RolloutSettings } from "../program/rollout/settings";
import { DEFAULT_COMMAND_TIMEOUT, type HostAddress, hostIdentity, hostLabel } from "../ssh/address";
import { type GivenHost, readGivenHost } from "../ssh/host-text";
import { openWaveHold } from "./rollout-hold";

export interface RunRollout {
  /** Notes the turn that the program gives a resource's host, from the inputs of its check. */
  noteTurn(host: HostAddress, inputs: Json): void;
  /**
   * Notes what a preview has found: the plan is shown when all announced resources have been checked.
   *
   * @param resource `MacvlanInterface "web"`
   */
  notePreviewed(host: HostAddress | undefined, resource: string, changes: boolean): void;
  /**
   * Does work that may change a host, when it is the host's turn.
   *
   * @throws MacvlanError if the host is not to be touched, or what the work throws
   */
  change<T>(host: HostAddress, resource: string, work: () => Promise<T>): Promise<T>;
  /** Notes that commands were sent to a host. */
  noteChanged(host: HostAddress): void;
  /** Does work that changes no host, such as a check. */
  call<T>(work: () => Promise<T>): Promise<T>;
  /** What a complete change of a host has to wait for before it is confirmed; undefined if for nothing. */
  holdOf(host: HostAddress): Hold | undefined;
  /** Ends all waiting, as the user has interrupted the run: hosts that have not begun are not touched. */
  interrupt(): void;
}

export interface RolloutOptions {
  readonly settings: RolloutSettings | undefined;
  /** The hosts of the program, in its order. */
  readonly hints: readonly PrefetchHint[];
  readonly notes: RolloutNotes;
  readonly say: (text: string) => void;
  /** Hides secrets in what is said of a host. */
  readonly redact: (text: string, host: string) => string;
  /** Has a host read again: waves may be long apart, and all hosts are read at the beginning. */
  readonly forget: (host: HostAddress) => void;
  readonly clock?: Clock;
  /** Milliseconds since 1970, as in the program's process. */
  readonly wallClock?: () => number;
}

/** Milliseconds after which a host is read again before its turn. */
const OLD_MS = 30_000;

/** Milliseconds without a call or the end of one, after which no further deletion of the same hosts is about to come. */
const QUIET_MS = 200;

/** @returns without settings, one that lets everything pass */
export function openRunRollout(options: RolloutOptions): RunRollout {
  const { settings } = options;
  return settings === undefined
    ? {
        noteTurn: () => undefined,
        notePreviewed: () => undefined,
        change: (_host, _resource, work) => work(),
        noteChanged: () => undefined,
        call: (work) => work(),
        holdOf: () => undefined,
        interrupt: () => undefined,
      }
    : openStaged({ ...options, settings });
}

function openStaged({
  settings,
  hints,
  notes,
  say,
  redact,
  forget,
  clock = systemClock,
  wallClock = Date.now,
}: RolloutOptions & { readonly settings: RolloutSettings }): RunRollout {
  const turns = new Map<string, Turn>();
  const begun = new Set<string>();
  const changed = new Set<string>();
  const beginning = clock.now();
  const readAt = new Map<string, number>();
  const preview = openPreview(settings, hints, say);
  const arrivals = openArrivals(settings, hints.length, clock);
  const wave = settings.onFailure === "undo" ? openWaveHold(clock) : undefined;
  /** A program runs: deletions are part of its rollout. `pulumi destroy` runs none. */
  let hasProgram = false;
  let stopped: { readonly why: string; readonly code: ErrorCode } | undefined;
  let endWaiting: () => void = () => undefined;
  const interrupted = new Promise<void>((resolve) => (endWaiting = resolve));

  function refuse(host: HostAddress, resource: string, why: string, code: ErrorCode): never {
    const label = hostLabel(host);
    throw new MacvlanError(code, `${resource} on ${label}: not touched: ${why}`, { host: label, resource });
  }

  async function begin(host: HostAddress, resource: string): Promise<void> {
    const identity = hostIdentity(host);
    const turn = turns.get(identity);
    const assertNotStopped = (): void => {
      if (stopped && !begun.has(identity)) refuse(host, resource, stopped.why, stopped.code);
    };
    assertNotStopped();
    if (turn && "refused" in turn) refuse(host, resource, turn.refused, turn.code);
    const left = turn ? turn.notBefore - wallClock() : 0;
    if (left > 0) {
      await Promise.race([clock.sleep(left), interrupted]);
      forgetOld(host);
    }
    if (!turn && hasProgram && !begun.has(identity))
      await Promise.race([arrivals.enter(identity), interrupted]);
    assertNotStopped();
    begun.add(identity);
  }

  /** Forgets what was read of a host long ago; later it is what the host's own changes have told. */
  function forgetOld(host: HostAddress): void {
    const identity = hostIdentity(host);
    if (changed.has(identity) || clock.now() < (readAt.get(identity) ?? beginning) + OLD_MS) return;
    readAt.set(identity, clock.now());
    forget(host);
  }

  /** The first failure stops the rollout. */
  function fail(host: HostAddress, error: unknown): void {
    const label = hostLabel(host);
    const identity = hostIdentity(host);
    const reason = redact(codedError(error).text, identity);
    notes.failed(identity, reason);
    wave?.fail(`the rollout stopped at ${label}: ${reason}`);
    if (stopped !== undefined) return;
    stopped = { why: `the rollout stopped at ${label}: ${reason}`, code: "rollout-stopped" };
    const untouched = hints.flatMap((hint) => {
      const given = readGivenHost(hint.host);
      return given === undefined || begun.has(given.identity) || turns.has(given.identity)
        ? []
        : [given.label];
    });
    if (untouched.length === 0) return;
    say(`the rollout stopped at ${label}. Not touched: ${untouched.join(", ")} [rollout-stopped]`);
  }

  return {
    noteTurn(host, { __turn: turn }) {
      hasProgram = true;
      if (typeof turn !== "object" || turn === null) return;
      turns.set(hostIdentity(host), turn as Turn);
      forgetOld(host);
    },
    notePreviewed(host, resource, changes) {
      preview.note(host, resource, changes);
    },
    interrupt() {
      stopped ??= { why: "the run was interrupted", code: "interrupted" };
      wave?.fail("the run was interrupted");
      endWaiting();
    },
    async change(host, resource, work) {
      const identity = hostIdentity(host);
      await begin(host, resource);
      const leave = arrivals.begin(identity);
      const end = wave?.begin(identity);
      try {
        const result = await work();
        leave(changed.has(identity) ? "changed" : "unchanged");
        return result;
      } catch (error) {
        fail(host, error);
        leave({ failed: "it failed" });
        throw error;
      } finally {
        end?.();
      }
    },
    call: (work) => (wave ? wave.call(work) : work()),
    holdOf(host) {
      // a run without a program is no rollout
      if (!wave || !hasProgram) return undefined;
      const { commandTimeout: seconds = DEFAULT_COMMAND_TIMEOUT } = host;
      return { seconds, run: () => wave.hold(hostIdentity(host)) };
    },
    noteChanged(host) {
      const identity = hostIdentity(host);
      if (changed.has(identity)) return;
      changed.add(identity);
      notes.changed(identity);
    },
  };
}

/** The plan of a preview, said when all resources that the program has announced were checked, and if it changes later. */
function openPreview(
  settings: RolloutSettings,
  hints: readonly PrefetchHint[],
  say: (text: string) => void,
): { note(host: HostAddress | undefined, resource: string, changes: boolean): void } {
  const { canary } = settings;
  const awaited = new Set(hints.flatMap(({ rollout }) => rollout?.resources ?? []));
  const hosts = new Map<string, Announcement & { readonly label: string; readonly changes: boolean }>();
  for (const { host, rollout } of hints) {
    const given = readGivenHost(host);
    if (given) add(given, rollout?.needs ?? []);
  }
  let said: string | undefined;

  function add(given: GivenHost, needs: readonly string[]): void {
    const name = typeof canary === "number" ? undefined : canary.find((one) => given.isNamed(one));
    hosts.set(given.identity, { needs, canary: name, label: given.label, changes: false });
  }

  function show(): void {
    const waves = wavesOf(
      settings,
      [...hosts].map(([host, known]) => ({ ...known, host })),
    );
    const labels = waves.map((wave) => wave.map((host) => hosts.get(host)?.label ?? host));
    const text = describeWaves(labels, settings.pause);
    if (text !== undefined && text !== said) say(text);
    said = text;
    const missing =
      typeof canary === "number"
        ? []
        : canary.filter((name) => ![...hosts.values()].some((host) => host.canary === name));
    if (missing.length > 0) say(`rollout: no host of this program is the canary ${missing.join(", ")}`);
  }

  return {
    note(host, resource, changes) {
      const given = host && readGivenHost(host);
      if (given && !hosts.has(given.identity)) add(given, []);
      const known = given && hosts.get(given.identity);
      if (known && changes) hosts.set(given.identity, { ...known, changes });
      awaited.delete(resource);
      if (awaited.size === 0) show();
    },
  };
}

/** `rollout: node1, then 12, then 37 hosts`; undefined if nothing changes. */
export function describeWaves(waves: readonly (readonly string[])[], pause: number): string | undefined {
  if (waves.length === 0) return undefined;
  const parts: { readonly text: string; readonly isCount: boolean; times: number }[] = [];
  for (const hosts of waves) {
    const isCount = hosts.length > 2;
    const text = isCount ? String(hosts.length) : hosts.join(" and ");
    const last = parts.at(-1);
    if (last?.text === text) last.times += 1;
    else parts.push({ text, isCount, times: 1 });
  }
  const last = parts.findLastIndex(({ isCount }) => isCount);
  const texts = parts.map(
    ({ text, times }, i) => `${times > 1 ? `${times} times ` : ""}${text}${i === last ? " hosts" : ""}`,
  );
  const apart = pause > 0 && waves.length > 1 ? `, ${pause} s apart` : "";
  return `rollout: ${texts.join(", then ")}${apart}`;
}

type Leave = (result: HostResult) => void;

/**
 * Waves of changes that the program has not announced, in the order in which they come. Those that are held back occupy
 * the engine, so a wave ends when nothing is in progress and no call comes any more, even if the engine has more for its
 * hosts.
 */
function openArrivals(
  settings: RolloutSettings,
  hostsOfProgram: number,
  clock: Clock,
): { enter(host: string): Promise<void>; begin(host: string): Leave } {
  const { canary } = settings;
  // the engine decides on the order: as many hosts as there are canaries come first
  const schedule = openSchedule(
    { ...settings, canary: typeof canary === "number" ? canary : canary.length },
    hostsOfProgram,
  );
  const held = new Map<string, ((notBefore: number) => void)[]>();
  const results = new Map<string, HostResult>();
  let inProgress = 0;
  let touched = clock.now();
  let isWatching = false;

  function decide(): void {
    const { released, refused } = schedule.decide();
    for (const { host, notBefore } of released) pass(host, notBefore);
    for (const { host } of refused) pass(host, 0);
  }

  function pass(host: string, notBefore: number): void {
    const waiting = held.get(host) ?? [];
    held.delete(host);
    for (const go of waiting) go(notBefore);
  }

  async function watch(): Promise<void> {
    if (isWatching) return;
    isWatching = true;
    while (held.size > 0) {
      await clock.sleep(QUIET_MS / 10);
      if (inProgress > 0 || clock.now() < touched + QUIET_MS) continue;
      for (const [host, result] of results) schedule.settle(host, result, clock.now());
      results.clear();
      decide();
    }
    isWatching = false;
  }

  return {
    async enter(host) {
      touched = clock.now();
      const turn = new Promise<number>((go) => held.set(host, [...(held.get(host) ?? []), go]));
      schedule.announce(host);
      decide();
      void watch();
      const left = (await turn) - clock.now();
      if (left > 0) await clock.sleep(left);
    },
    begin(host) {
      inProgress += 1;
      return (result) => {
        inProgress -= 1;
        touched = clock.now();
        const known = results.get(host);
        const isWorse = known === undefined || known === "unchanged" || typeof result === "object";
        if (isWorse) results.set(host, result);
        if (typeof result === "object") {
          schedule.settle(host, result, clock.now());
          decide();
        }
      };
    },
  };
}
