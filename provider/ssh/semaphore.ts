/** Limits how many do something at the same time, first come, first served. */
export interface Semaphore {
  /** Waits for a turn. Each turn must be ended with {@link Semaphore.release}. */
  readonly acquire: () => Promise<void>;
  /** Takes a turn if no waiting is needed, and returns whether it did. */
  readonly tryAcquire: () => boolean;
  readonly release: () => void;
  /**
   * Lowers the limit to one less than are active. Call it in a turn that the other side refused, which allows fewer
   * than assumed.
   *
   * @returns false if nothing else is active, so that waiting is useless
   */
  readonly shrink: () => boolean;
}

/** A semaphore for at most `limit` at a time. */
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
