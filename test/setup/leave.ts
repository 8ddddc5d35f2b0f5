/** Leaving in order when a signal ends the process: without a handler, node runs nothing of ours. */
import { constants } from "node:os";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Makes sure that `cleanUp` runs when a signal or `process.exit` ends this process.
 *
 * @returns what to call when that is no longer wanted; it does not run `cleanUp`
 */
export function whenLeaving(cleanUp: () => void): () => void {
  // Exits rather than cleaning up here, so that the programs which runStep has started are ended as well.
  const exit = (signal: NodeJS.Signals): void => process.exit(128 + constants.signals[signal]);
  for (const signal of SIGNALS) process.once(signal, exit);
  process.once("exit", cleanUp);
  return () => {
    for (const signal of SIGNALS) process.removeListener(signal, exit);
    process.removeListener("exit", cleanUp);
  };
}
