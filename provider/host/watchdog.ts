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
import { RUN_DIRECTORY, shellText } from "../shell/library";
import { quote } from "../shell/quote";
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

/** Defines `pm_watch`, which starts the watchdog, `pm_unwatch`, and `pm_pend`, which ends the script in their place. */
export function watchFunctions({ commandTimeout, confirm }: Watch): string {
  return `W=
pm_watch() {
  ${confirm ? `pm_prepare pm_keep begun ${confirm.token}` : '[ ! -e "$D/begun" ] || rm -f "$D/begun"'}
  pm_prepare pm_write ${quote(shellText("watchdog").trimEnd())} "$D/watchdog"
  s=; command -v setsid >/dev/null 2>&1 && s=setsid
  # it inherits the lock
  $s sh "$D/watchdog" $$ ${Math.ceil(commandTimeout)} ${Math.ceil(confirm?.timeout ?? 0)} </dev/null >/dev/null 2>&1 9>&9 &
  W=$!
  pm_share_lock "$W"
}
pm_unwatch() { [ -n "$W" ] && kill "$W" 2>/dev/null; }
pm_pend() {
  # a process that has ended and was not waited for still answers to kill -0
  grep -q '^State:[[:space:]]*[^Z]' "/proc/$W/status" 2>/dev/null || { O="the change's watchdog was killed"; A=0; pm_fail 1; }
  pm_prepare pm_keep pending "${confirm?.token ?? ""} $W"
  trap - HUP INT TERM
  echo "$M outcome pending"
  pm_observe
}`;
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
  return `pm_main() {
${shellText("environment")}M=${quote(marker)}; D=${RUN_DIRECTORY}; PM_KNOWN=
${observeFunction()}
t=; w=; [ -e "$D/pending" ] && read -r t w < "$D/pending"
b=; [ -e "$D/begun" ] && read -r b < "$D/begun"
if [ "$t" != ${quote(token)} ]; then
  # one that has not begun yet, as it waits for the lock, is not over
  if [ "$b" = ${quote(token)} ] && { [ ! -e "$D/undo" ] || [ -e "$D/expired" ]; }; then a=gone; else a=working; fi
elif ${decide ? "false" : "true"}; then a=pending
elif mv "$D/pending" "$D/confirmed" 2>/dev/null; then
  a=confirmed
  # who holds the lock cleans up: the watchdog, if it is there
  kill "$w" 2>/dev/null
  n=0; while [ -e "$D/confirmed" ] && [ $n -lt 10 ]; do sleep 0.2 2>/dev/null || sleep 1; n=$((n + 1)); done
  [ -e "$D/confirmed" ] && rm -rf "$D/undo" "$D/progress" "$D/watchdog" "$D/lock.d" "$D/confirmed"
else a=gone; fi
case $a in confirmed|gone) rm -f "$D/begun";; esac
echo "$M confirmation $a"
pm_observe
}
pm_main </dev/null
`;
}
