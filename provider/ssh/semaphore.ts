/** Lets so many do something at a time, in the order in which they ask. */
export interface Semaphore {
  /** Waits for a turn. Each turn must be ended with {@link Semaphore.release}. */
  readonly acquire: () => Promise<void>;
  /** Takes a turn if no waiting is needed, and says whether. */
  readonly tryAcquire: () => boolean;
  readonly release: () => void;
  /**
   * Allows one less than have a turn. To be called in a turn that the other side refused: it allows fewer than was thought.
   *
   * @returns false when nobody else has a turn, so that waiting for one to end is no use
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
