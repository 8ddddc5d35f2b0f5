/** Hands out the channels of one connection, in the order in which they are asked for. */
export interface Semaphore {
  /** Waits until a channel may be opened. Each turn must be ended with {@link Semaphore.release}. */
  readonly acquire: () => Promise<void>;
  /** Enters if no waiting is needed, and says whether. */
  readonly tryAcquire: () => boolean;
  readonly release: () => void;
  /**
   * To be called in a turn whose channel the server refused: it allows fewer than was thought.
   *
   * @returns false when no other channel is open, so that waiting for one to end is no use
   */
  readonly shrink: () => boolean;
}

/** A queue for at most `limit` channels at a time. */
export function semaphore(limit: number): Semaphore {
  let open = 0;
  const waiting: (() => void)[] = [];
  const tryAcquire = (): boolean => {
    if (open >= limit) return false;
    open++;
    return true;
  };
  return {
    tryAcquire,
    acquire: async () => {
      if (!tryAcquire()) await new Promise<void>((resolve) => waiting.push(resolve));
    },
    release: () => {
      open--;
      if (open >= limit) return;
      const next = waiting.shift();
      if (next === undefined) return;
      open++;
      next();
    },
    shrink: () => {
      if (open <= 1) return false;
      limit = Math.min(limit, open - 1);
      return true;
    },
  };
}

/** A place in the queue of those who wait, with the limit that they wait for. */
export interface Waiting {
  readonly limit: number;
  readonly go: () => void;
}

export let taken = 0;

export const queue: Waiting[] = [];

/**
 * Waits for one of `limit` slots for a handshake. They are counted over all hosts of this process: each handshake
 * costs the CPU of both sides, and a jump host that gets all of them at once drops some (MaxStartups).
 *
 * @returns gives the slot back; to be called exactly once
 */
export async function acquireHandshake(limit: number): Promise<() => void> {
  if (taken < limit) taken++;
  else await new Promise<void>((go) => queue.push({ limit, go }));
  return () => {
    taken--;
    const next = queue[0];
    if (next === undefined || taken >= next.limit) return;
    queue.shift();
    taken++;
    next.go();
  };
}
