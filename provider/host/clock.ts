import { setTimeout as sleep } from "node:timers/promises";

/** The time by which a run waits for others. A test gives one that moves by itself. */
export interface Clock {
  /** Milliseconds since some moment. */
  now(): number;
  sleep(milliseconds: number): Promise<void>;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  sleep: (milliseconds) => sleep(milliseconds),
};
