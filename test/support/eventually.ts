import { setTimeout as sleep } from "node:timers/promises";

/** A minute at least, and more on a busy machine. */
const TRIES = 1200;
const PAUSE_MS = 50;

/**
 * Waits for something that comes by itself, however long it takes.
 *
 * @param what for the message if it does not come: `the watchdog has ended`
 */
export async function eventually(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    if (await isSo()) return;
    await sleep(PAUSE_MS);
  }
  throw new Error(`in vain waited until ${what}`);
}
