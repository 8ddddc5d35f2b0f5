/** Outdated plans: the host is changed by others after it was read, and nothing of theirs is touched. */
import assert from "node:assert/strict";
import type { MacvlanArgs } from "../../provider/kinds/args";
import { holdLock } from "./held-lock";
import { linkOf, seenLink } from "./seen";
import { useLab } from "./stack";

const HOST = "node1";
const WEB: MacvlanArgs = { host: HOST, parent: "eth0", name: "web" };
const INSIDE: MacvlanArgs = { ...WEB, name: "in0", netns: "blue" };

/** Changes of a host by others. */
const TAKES_NAME = "ip link delete web 2>/dev/null; ip link add web mtu 1444 type bridge";
const MOVES_IN = "ip link add theirs netns blue type bridge";

describe("a plan from a reading that is out of date", function () {
  this.timeout(60_000);
  const on = useLab(1);

  /** Each way of getting in between: `change` reads the host, then `action` happens, then the script goes on. */
  const MOMENTS: Readonly<Record<string, (action: string, change: () => Promise<unknown>) => Promise<void>>> =
    {
      "before its script has begun": (action, change) => insteadOf("ls", action, change),
      "before it has the lock": (action, change) => insteadOf("flock", action, change),
      "while another change holds the lock": async (action, change) => {
        const lock = await holdLock(on.lab, HOST, action);
        const changing = change();
        await lock.isAwaited();
        await lock.release();
        await changing;
      },
    };

  /** The action happens when the script calls a program for the first time: before it, nothing has been read again. */
  async function insteadOf(program: string, action: string, change: () => Promise<unknown>): Promise<void> {
    await on.lab.sh(HOST, `rm -rf /tmp/once; mkdir -p /tmp/real; cp "$(command -v ${program})" /tmp/real/`);
    await on.lab.replace(HOST, program, {
      // the reading calls ls as well, but not so
      script: `#!/bin/sh
case "${program} $*" in "ls -ldn /run/pulumi-macvlan"|flock*) mkdir /tmp/once 2>/dev/null && { ${action}; } 9>&-;; esac
exec /tmp/real/${program} "$@"
`,
    });
    try {
      await change();
    } finally {
      await on.lab.unhide(HOST, [program]);
    }
    assert.equal(await on.lab.sh(HOST, "ls -d /tmp/once"), "/tmp/once\n");
  }

  for (const [moment, during] of Object.entries(MOMENTS)) {
    describe(moment, () => {
      it("does not delete another owner's link that has taken the name", async () => {
        await on.stack.up("MacvlanInterface", "web", WEB);
        await during(TAKES_NAME, () => on.stack.down());
        assert.equal((await linkOf(on.lab, HOST, "web")).mtu, 1444);
      });

      it("does not change another owner's link that has taken the name", async () => {
        await on.stack.up("MacvlanInterface", "web", WEB);
        await during(TAKES_NAME, () =>
          assert.rejects(on.stack.up("MacvlanInterface", "web", { ...WEB, mtu: 1400 })),
        );
        assert.equal((await linkOf(on.lab, HOST, "web")).mtu, 1444);
      });

      it("does not make a link whose name was taken", async () => {
        await on.stack.up("MacvlanInterface", "inside", INSIDE);
        await during(TAKES_NAME, () => assert.rejects(on.stack.up("MacvlanInterface", "web", WEB), /web/));
        assert.equal((await linkOf(on.lab, HOST, "web")).mtu, 1444);
      });

      it("does not delete a link onto which another owner has put one", async () => {
        await on.stack.up("HairpinBridge", "bridge", { host: HOST, name: "br0" });
        await during("ip link add theirs link br0 type macvlan", () =>
          assert.rejects(on.stack.down(), /the macvlan theirs is deleted with br0\. Remove them first/),
        );
        assert.ok(await seenLink(on.lab, HOST, "theirs"));
        await on.lab.sh(HOST, "ip link delete theirs");
        await on.stack.down();
        assert.equal(await seenLink(on.lab, HOST, "br0"), undefined);
      });

      it("keeps a namespace into which somebody has put a link", async () => {
        await on.stack.up("MacvlanInterface", "inside", INSIDE);
        await during(MOVES_IN, () => on.stack.down());
        assert.ok(await seenLink(on.lab, HOST, "theirs", "blue"));
        assert.equal(await seenLink(on.lab, HOST, "in0", "blue"), undefined);
      });
    });
  }

  it("does not take a link along that comes into the namespace in the very moment of its deletion", async () => {
    await on.stack.up("MacvlanInterface", "inside", INSIDE);
    await on.lab.sh(HOST, 'rm -rf /tmp/once; mkdir -p /tmp/real; cp "$(command -v ip)" /tmp/real/');
    await on.lab.replace(HOST, "ip", {
      script: `#!/bin/sh
/tmp/real/ip "$@"; c=$?
case "$*" in *"link delete dev in0"*) /tmp/real/${MOVES_IN};; esac
exit $c
`,
    });
    await assert.rejects(on.stack.down(), /netns delete blue" failed .*: theirs.*Everything was undone/);
    await on.lab.unhide(HOST, ["ip"]);
    assert.ok(await seenLink(on.lab, HOST, "theirs", "blue"));
    assert.ok(await seenLink(on.lab, HOST, "in0", "blue"));
    await on.stack.down();
    assert.ok(await seenLink(on.lab, HOST, "theirs", "blue"));
    assert.equal(await seenLink(on.lab, HOST, "in0", "blue"), undefined);
  });
});
