/**
 * A rollout that takes a whole wave back. A change that is complete is held unconfirmed, under its host's watchdog, until
 * all that the engine has in progress is held as well and no call comes any more: then all are confirmed. If one fails,
 * all are rolled back. The wait cannot be for ever: what is in progress ends, and what the engine does not send because
 * it is busy with what is held comes after the confirmation.
 */
import { type Clock, systemClock } from "../host/clock";

export interface WaveHold {
  /** A call of the engine that changes nothing, such as a check: what follows from it is waited for. */
  call<T>(work: () => Promise<T>): Promise<T>;
  /** A change of a host is in progress until the function that is returned is called. */
  begin(host: string): () => void;
  /**
   * Holds a complete change.
   *
   * @returns why it is to be rolled back; undefined if it stays
   */
  hold(host: string): Promise<string | undefined>;
  /** Rolls back what is held, and what comes later. */
  fail(why: string): void;
}

/** Milliseconds without a call, after which the engine sends nothing more of this wave. */
const QUIET_MS = 500;

export function openWaveHold(clock: Clock = systemClock): WaveHold {
  const inProgress = new Map<string, number>();
  const held = new Map<string, (why: string | undefined) => void>();
  let calls = 0;
  let touched = clock.now();
  let failure: string | undefined;
  let isWatching = false;

  function decide(why: string | undefined): void {
    const waiting = [...held.values()];
    held.clear();
    for (const settle of waiting) settle(why);
  }

  /** Changes of a host that is held wait until it is decided on. */
  function isComplete(): boolean {
    const isQuiet = calls === 0 && clock.now() >= touched + QUIET_MS;
    return isQuiet && [...inProgress.keys()].every((host) => held.has(host));
  }

  async function watch(): Promise<void> {
    if (isWatching) return;
    isWatching = true;
    while (held.size > 0) {
      await clock.sleep(QUIET_MS / 10);
      if (isComplete()) decide(undefined);
    }
    isWatching = false;
  }

  return {
    async call(work) {
      calls += 1;
      try {
        return await work();
      } finally {
        calls -= 1;
        touched = clock.now();
      }
    },
    begin(host) {
      touched = clock.now();
      inProgress.set(host, (inProgress.get(host) ?? 0) + 1);
      return () => {
        touched = clock.now();
        const left = (inProgress.get(host) ?? 1) - 1;
        if (left > 0) inProgress.set(host, left);
        else inProgress.delete(host);
      };
    },
    hold(host) {
      if (failure !== undefined) return Promise.resolve(failure);
      touched = clock.now();
      const decision = new Promise<string | undefined>((settle) => held.set(host, settle));
      void watch();
      return decision;
    },
    fail(why) {
      failure ??= why;
      decide(failure);
    },
  };
}
