/** Hands out the channels of one connection, in the order in which they are asked for. */
export interface ChannelQueue {
  /** Waits until a channel may be opened. Each turn must be ended with {@link ChannelQueue.leave}. */
  readonly enter: () => Promise<void>;
  /** Enters if no waiting is needed, and says whether. */
  readonly tryEnter: () => boolean;
  readonly leave: () => void;
  /**
   * To be called in a turn whose channel the server refused: it allows fewer than was thought.
   *
   * @returns false when no other channel is open, so that waiting for one to end is no use
   */
  readonly shrink: () => boolean;
}

/** A queue for at most `limit` channels at a time. */
export function channelQueue(limit: number): ChannelQueue {
  let open = 0;
  const waiting: (() => void)[] = [];
  const tryEnter = (): boolean => {
    if (open >= limit) return false;
    open++;
    return true;
  };
  return {
    tryEnter,
    enter: async () => {
      if (!tryEnter()) await new Promise<void>((resolve) => waiting.push(resolve));
    },
    leave: () => {
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
