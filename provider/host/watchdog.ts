/**
 * The watchdog: a process of its own on the host, beside every change, that depends on no connection and holds the
 * host's lock with it. When the script of the change is gone without having ended the change, killed or out of memory,
 * it takes the change back at once.
 *
 * It also is commit-confirm on the host's side. A change that could cut its own connection does not end with its last
 * step: it waits, with its undo still there, until a new connection confirms it, and is taken back otherwise. `pending`
 * says that the change is complete and waits. Whoever renames that file has decided: the confirming script to
 * `confirmed`, the watchdog to `expired`.
 */
import { shellScript, shellText } from "../shell/library";
import { observeFunction } from "./observe";

/** How a change is to be watched. */
export interface Watch {
  /** Seconds that its steps may take. */
  readonly commandTimeout: number;
  /** For a change that could cut its own connection. */
  readonly confirm?: {
    /** Tells this change from others; hexadecimal digits. */
    readonly token: string;
    /** Seconds that the complete change waits to be confirmed. */
    readonly timeout: number;
  };
}

/** What a confirming script found of the change. */
export type Confirmation =
  /** Its steps are still being carried out. */
  | "working"
  /** It is complete and waits. */
  | "pending"
  | "confirmed"
  /** The host has taken it back. */
  | "gone";

/** Looks whether the change waits, and, where `decide` says so, confirms it for good. Ends with an observation. */
export function confirmScript(token: string, decide: boolean, marker: string): string {
  const variables = { M: marker, PM_KNOWN: "", PM_TOKEN: token, PM_DECIDE: decide ? "1" : "" };
  return shellScript(variables, observeFunction(), shellText("confirm"));
}
