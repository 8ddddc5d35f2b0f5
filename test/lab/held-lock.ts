import { eventually } from "../support/eventually";
import type { Lab } from "./fleet";

/** The lock of a host, in the hands of another one than the change that is tested. */
export interface HeldLock {
  /** Waits until a change waits for it. */
  isAwaited(): Promise<void>;
  /** Has the holder do its last action and give the lock back. @returns what the action has printed */
  release(): Promise<string>;
}

/**
 * Takes the lock of a host's changes.
 *
 * @param action shell commands that the holder runs before it gives the lock back
 */
export async function holdLock(lab: Lab, host: string, action: string): Promise<HeldLock> {
  const isSo = async (script: string): Promise<boolean> =>
    (await lab.exec(host, ["sh", "-c", script])).code === 0;
  const script = `: > /tmp/lock-held; until [ -e /tmp/lock-end ]; do sleep 0.1; done; ${action}`;
  const held = lab.sh(
    host,
    "mkdir -p -m 700 /run/pulumi-macvlan; rm -f /tmp/lock-held /tmp/lock-end; " +
      `flock /run/pulumi-macvlan/lock sh -c '${script}'`,
  );
  await eventually("the lock is held", () => isSo("[ -e /tmp/lock-held ]"));
  return {
    // a change has the file open under this number; flock(1) has it under another
    isAwaited: () =>
      eventually("a change waits for the lock", () =>
        isSo("ls -l /proc/[0-9]*/fd/9 2>/dev/null | grep -q ' /run/pulumi-macvlan/lock$'"),
      ),
    release: async () => {
      await lab.sh(host, ": > /tmp/lock-end");
      const printed = await held;
      await lab.sh(host, "rm -f /tmp/lock-held /tmp/lock-end");
      return printed;
    },
  };
}
