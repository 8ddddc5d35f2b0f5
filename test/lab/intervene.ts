/** Changes of a host by others at three moments between the reading of a host and the script of a change. */
import assert from "node:assert/strict";
import type { Lab } from "./fleet";
import { holdLock } from "./held-lock";

/** Has the action happen at the moment, during the next change. @returns what waits for it and cleans up */
export type Intervene = (lab: Lab, host: string, action: string) => Promise<() => Promise<void>>;

export const MOMENTS: Readonly<Record<string, Intervene>> = {
  "before its script has begun": (lab, host, action) => insteadOf(lab, host, "ls", action),
  "before it has the lock": (lab, host, action) => insteadOf(lab, host, "flock", action),
  "while another change holds the lock": async (lab, host, action) => {
    const lock = await holdLock(lab, host, action);
    const released = lock.isAwaited().then(() => lock.release());
    return async () => {
      await released;
    };
  },
};

/** The action happens when the script calls a program for the first time: before it, nothing has been read again. */
async function insteadOf(
  lab: Lab,
  host: string,
  program: string,
  action: string,
): Promise<() => Promise<void>> {
  await lab.sh(host, `rm -rf /tmp/once; mkdir -p /tmp/real; cp "$(command -v ${program})" /tmp/real/`);
  await lab.replace(host, program, {
    // the reading calls ls as well, but not so
    script: `#!/bin/sh
case "${program} $*" in "ls -ldn /run/pulumi-macvlan"|flock*) mkdir /tmp/once 2>/dev/null && { ${action}; } 9>&-;; esac
exec /tmp/real/${program} "$@"
`,
  });
  return async () => {
    await lab.unhide(host, [program]);
    assert.equal(await lab.sh(host, "ls -d /tmp/once && rm -r /tmp/once"), "/tmp/once\n");
  };
}
