/**
 * The watchdog: a process on the host beside every change. It depends on no connection and shares the host's lock. If
 * the script of the change dies before the change has ended, because it was killed or out of memory, the watchdog rolls
 * the change back at once.
 *
 * It is also the host's side of commit-confirm. A change that could cut its own connection does not end with its last
 * step. It keeps its undo and waits until a new connection confirms it; otherwise it is rolled back. The file `pending`
 * means that the change is complete and waits. Renaming that file decides: the confirming script renames it to
 * `confirmed`, the watchdog to `expired`.
 */
import { shellScript, shellText } from "../shell/library";
import { observeFunction } from "./observe";

/** How a change is watched. */
export interface Watch {
  /** Seconds that its steps may take. */
  readonly commandTimeout: number;
  /** For a change that could cut its own connection. */
  readonly confirm?: {
    /** Distinguishes this change from others; hexadecimal digits. */
    readonly token: string;
    /** Seconds that the complete change waits to be confirmed. */
    readonly timeout: number;
  };
}

/** The state of the change that a confirming script found. */
export type Confirmation =
  /** Its steps are still running. */
  | "working"
  /** It is complete and waits. */
  | "pending"
  | "confirmed"
  /** The host has taken it back. */
  | "gone";

/**
 * Checks whether the change waits and, if `decide` is set, confirms it. Ends with an observation.
 *
 * @param hasChecks the change depends on checks, and what came of them is of interest
 */
export function confirmScript(token: string, decide: boolean, marker: string, hasChecks = false): string {
  const variables = { M: marker, PM_KNOWN: "", PM_TOKEN: token, PM_DECIDE: decide ? "1" : "" };
  return shellScript(
    variables,
    observeFunction(),
    shellText("confirm", ...(hasChecks ? (["checked"] as const) : [])),
  );
}

/** Has a change that waits rolled back now. Ends with an observation, as {@link confirmScript} does. */
export function rejectScript(token: string, marker: string): string {
  const variables = { M: marker, PM_KNOWN: "", PM_TOKEN: token };
  return shellScript(variables, observeFunction(), shellText("reject"));
}
