/** The provider's process, which the engine starts for one phase of a run. The program's process may load it as well. */
import { forLog } from "../model/outside-text";
import { readPrefetchHints, removePrefetchHints } from "../program/prefetch";
import { openRolloutNotes, removeRolloutNotes } from "../program/rollout/notes";
import { onCancel } from "./cancel";
import { type ProviderContext, type StackConfig, openContext } from "./context";

/** Milliseconds that the end of a run waits for its connections to close. */
const CLOSE_MS = 500;

/**
 * Opens the context of this process, which ends with the engine or on its signal.
 *
 * @param write shows diagnostics and the trace
 */
export function openProcessContext(
  config: StackConfig,
  write: (text: string) => void = (text) => void process.stderr.write(text),
): ProviderContext {
  const engine = engineOfProcess();
  const context = openContext({
    env: process.env,
    config,
    stderr: (text) => write(forLog(text)),
    hints: readPrefetchHints(engine),
    rolloutNotes: openRolloutNotes(engine),
  });
  const exit = (): void => {
    removeRolloutNotes(engine);
    removePrefetchHints(engine);
    setTimeout(() => process.exit(0), CLOSE_MS);
    void context.close().finally(() => process.exit(0));
  };
  // the engine ends its providers with SIGINT and waits up to five seconds for them
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, exit);
  if (engine !== undefined) {
    endWithEngine(exit);
    onCancel(() => context.interrupt());
  }
  return context;
}

/** A killed engine sends no signal to its providers: without this they would keep their connections open for ever. */
function endWithEngine(exit: () => void): void {
  const engine = process.ppid;
  setInterval(() => {
    if (process.ppid !== engine) exit();
  }, 1000).unref();
}

/** The engine's address, which it passes to each of its plugins as the last argument. */
export function engineOfProcess(): string | undefined {
  return process.argv.slice(2).findLast((argument) => /^[^:]+:[0-9]+$/.test(argument));
}
