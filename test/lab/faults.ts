/** Faults that are put into a host, to see how a change ends. */
import { eventually } from "../support/eventually";
import type { Lab } from "./fleet";

/** For the shell of a change: ends the sshd process that it talks to. */
export const CUT =
  "p=$PPID; while case $(ps -o comm= -p $p) in sshd*) false;; esac; do p=$(ps -o ppid= -p $p); done; kill -9 $p";

/** For an `ip` of {@link replaceIp}: ends the shell of the change. */
export const KILL = "kill -9 $PPID; exit 1";

/** The same, and its watchdog with it, as when all that a login runs is killed: one that has just been forked too. */
export const KILL_ALL = `w=0; until pkill -9 -f /run/pulumi-macvlan/watchdog || [ $w -ge 200 ]; do sleep 0.01; w=$((w + 1)); done; ${KILL}`;

/**
 * Gives the host an `ip` that does `then` instead of its command number `n` that writes; one line of a batch is one
 * command. Restarts the count.
 */
export async function replaceIp(lab: Lab, host: string, n: number, then: string): Promise<void> {
  await lab.sh(
    host,
    '[ -e /tmp/real/ip ] || { mkdir -p /tmp/real; cp "$(command -v ip)" /tmp/real/ip; }; rm -f /tmp/count',
  );
  await lab.replace(host, "ip", {
    script: `#!/bin/sh
real=/tmp/real/ip
case "$*" in *"netns exec"*|*"-j "*) exec $real "$@";; esac
turn() { c=$(($(cat /tmp/count 2>/dev/null || echo 0) + 1)); echo $c > /tmp/count; [ $c -ne ${n} ] || { ${then}; }; }
case "$*" in
*"-batch -")
  [ "$1" = -n ] && at="-n $2" || at=
  while read -r line; do turn; $real $at $line || exit; done;;
*" show"*|-V) exec $real "$@";;
*) turn; exec $real "$@";;
esac
`,
  });
}

/**
 * Gives the host its own `ip` back. An undo may be running that began with the other one: it needs the copy, and with the
 * count gone it would be struck as well.
 */
export async function restoreIp(lab: Lab, host: string): Promise<void> {
  await lab.unhide(host, ["ip"]);
}

/** Waits until no change is watched any more. */
export async function watchdogEnds(lab: Lab, host: string): Promise<void> {
  await eventually(`${host} watches no change`, async () => {
    const { stdout } = await lab.exec(host, ["pgrep", "-fa", "/run/pulumi-macvlan/watchdog"]);
    return stdout === "";
  });
}
