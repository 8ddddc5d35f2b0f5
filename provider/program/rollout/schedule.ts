/**
 * Which hosts of a rollout may begin, and when. A state machine without I/O: events come in with the time at which they
 * happen, decisions go out.
 *
 * Only hosts that change count. Whether a host changes is known when its resources have been through the engine, so a
 * wave begins with as many hosts as may change at the same time, and each that turns out to have nothing to do makes
 * room for the next one. A wave has passed when as many hosts as belong to it have changed, and none is in progress.
 *
 * A deadlock needs a host that has begun and waits for one that has not. If it is known that a host waits for another,
 * that one begins with it. If it is not, the run comes to a standstill, and {@link Schedule.stall} ends it.
 */
import type { BatchSize, RolloutSettings } from "./settings";

/** What has become of a host whose resources have all been through the engine. */
export type HostResult = "changed" | "unchanged" | { readonly failed: string };

/** Why the hosts that have not begun are not touched. */
export type Stop =
  | { readonly why: "failed"; readonly host: string; readonly reason: string }
  /** The hosts in progress wait for something that comes with others, or canaries have never come. */
  | { readonly why: "stalled"; readonly waiting: readonly string[]; readonly missing: readonly string[] };

export interface Decisions {
  /** Hosts that may begin now, and change nothing before a moment (the clock's milliseconds). */
  readonly released: readonly { readonly host: string; readonly notBefore: number; readonly wave: number }[];
  /** Hosts that may not begin at all. */
  readonly refused: readonly { readonly host: string; readonly stop: Stop }[];
}

/** What is known of a host when it is announced. */
export interface Announcement {
  /** Hosts whose changes it waits for. */
  readonly needs?: readonly string[];
  /** The name among the canaries by which it is one. */
  readonly canary?: string | undefined;
}

export interface Schedule {
  /** A host has something to do. Again, after it has settled: there is more. */
  announce(host: string, announcement?: Announcement): void;
  /** All that a host had to do has been through the engine. */
  settle(host: string, result: HostResult, now: number): void;
  /** Nothing more will come or settle unless further hosts begin. */
  stall(): void;
  /** What follows from the events so far; each decision is made once. */
  decide(): Decisions;
  /** Hosts that wait. */
  waiting(): readonly string[];
}

interface Entry {
  state: "waiting" | "begun" | "settled";
  readonly needs: Set<string>;
  isCanary: boolean;
  /** It was changed in a wave that counts it. */
  hasChanged: boolean;
}

/** @param hostsOfProgram how many hosts a percentage refers to at least; otherwise to those that are announced */
export function openSchedule(settings: RolloutSettings, hostsOfProgram = 0): Schedule {
  const { canary, batches, pause } = settings;
  const hosts = new Map<string, Entry>();
  const missing = new Set(typeof canary === "number" ? [] : canary);
  const reopened = new Set<string>();
  const begun = new Set<string>();
  /** Hosts that count as changed in this wave. */
  let changed = new Set<string>();
  /** 0 is the canaries' wave. */
  let wave = canary === 0 ? 1 : 0;
  let notBefore = 0;
  let settledAt = 0;
  let stopped: Stop | undefined;

  const named = (): boolean => wave === 0 && typeof canary !== "number";

  function capacity(): number {
    if (wave === 0) return typeof canary === "number" ? canary : Infinity;
    const size: BatchSize | undefined = batches[Math.min(wave, batches.length) - 1];
    if (size === undefined) return Infinity;
    if ("hosts" in size) return size.hosts;
    return Math.max(1, Math.floor((size.percent / 100) * Math.max(hostsOfProgram, hosts.size)));
  }

  function inState(state: Entry["state"]): string[] {
    return [...hosts].filter(([, entry]) => entry.state === state).map(([host]) => host);
  }

  /** The next host of this wave. */
  function next(): string | undefined {
    return inState("waiting").find((host) => !named() || hosts.get(host)?.isCanary === true);
  }

  /** Begins a host and all that it waits for. */
  function begin(host: string, into: string[]): void {
    const entry = hosts.get(host);
    if (entry?.state !== "waiting") return;
    entry.state = "begun";
    begun.add(host);
    for (const need of entry.needs) begin(need, into);
    into.push(host);
  }

  function hasPassed(): boolean {
    if (begun.size > 0) return false;
    return named() ? missing.size === 0 && next() === undefined : changed.size >= capacity();
  }

  return {
    announce(host, { needs = [], canary: name } = {}) {
      const entry = hosts.get(host) ?? {
        state: "waiting",
        needs: new Set(),
        isCanary: false,
        hasChanged: false,
      };
      hosts.set(host, entry);
      for (const need of needs) if (need !== host) entry.needs.add(need);
      if (name !== undefined && typeof canary !== "number" && canary.includes(name)) {
        entry.isCanary = true;
        missing.delete(name);
      }
      if (entry.state === "begun") {
        // it cannot go on without them
        for (const need of needs) reopened.add(need);
      } else if (entry.state === "settled") {
        entry.state = "waiting";
        // it has been touched already: to leave the rest of it undone helps no one
        if (entry.hasChanged) reopened.add(host);
      }
    },
    settle(host, result, now) {
      const entry = hosts.get(host);
      if (entry?.state !== "begun") return;
      entry.state = "settled";
      begun.delete(host);
      settledAt = now;
      if (result === "unchanged") return;
      if (!entry.hasChanged) changed.add(host);
      entry.hasChanged = true;
      if (result !== "changed") stopped ??= { why: "failed", host, reason: result.failed };
    },
    stall() {
      if (inState("waiting").length === 0) return;
      stopped ??= { why: "stalled", waiting: [...begun], missing: [...missing] };
    },
    decide() {
      const released: string[] = [];
      for (const host of reopened)
        if (!stopped || hosts.get(host)?.hasChanged === true) begin(host, released);
      reopened.clear();
      const batch = released.map((host) => ({ host, notBefore, wave }));
      if (stopped) {
        const stop = stopped;
        const refused = inState("waiting").map((host) => ({ host, stop }));
        for (const { host } of refused) (hosts.get(host) as Entry).state = "settled";
        return { released: batch, refused };
      }
      while (inState("waiting").length > 0) {
        const host = next();
        if (host !== undefined && begun.size + changed.size < capacity()) {
          const more: string[] = [];
          begin(host, more);
          batch.push(...more.map((one) => ({ host: one, notBefore, wave })));
        } else if (hasPassed()) {
          if (changed.size > 0) notBefore = settledAt + pause * 1000;
          changed = new Set();
          wave += 1;
        } else break;
      }
      return { released: batch, refused: [] };
    },
    waiting: () => inState("waiting"),
  };
}

/** A host of a program, as its preview has found it. */
export interface PreviewedHost extends Announcement {
  readonly host: string;
  readonly changes: boolean;
}

/**
 * The hosts that change in each wave of a run in which nothing fails. Canaries that the program does not have are left
 * out.
 *
 * @param hosts in the order of the program
 */
export function wavesOf(settings: RolloutSettings, hosts: readonly PreviewedHost[]): string[][] {
  const { canary: given } = settings;
  const names = typeof given === "number" ? [] : given.filter((name) => hosts.some((h) => h.canary === name));
  const canary = typeof given === "number" ? given : names.length > 0 ? names : 0;
  const schedule = openSchedule({ ...settings, canary });
  for (const { host, changes: _, ...announcement } of hosts) schedule.announce(host, announcement);
  const changes = new Map(hosts.map((h) => [h.host, h.changes]));
  const waves = new Map<number, string[]>();
  for (;;) {
    const { released } = schedule.decide();
    if (released.length === 0) return [...waves.values()];
    for (const { host, wave } of released) {
      if (changes.get(host) === true) waves.set(wave, [...(waves.get(wave) ?? []), host]);
      schedule.settle(host, changes.get(host) === true ? "changed" : "unchanged", 0);
    }
  }
}
