/** Outdated plans: the host is changed by others after it was read, and nothing of theirs is touched. */
import assert from "node:assert/strict";
import type { MacvlanArgs } from "../../provider/kinds/args";
import { MOMENTS } from "./intervene";
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

  for (const [moment, intervene] of Object.entries(MOMENTS)) {
    const during = async (action: string, change: () => Promise<unknown>): Promise<void> => {
      const end = await intervene(on.lab, HOST, action);
      try {
        await change();
      } finally {
        await end();
      }
    };

    describe(moment, () => {
      it("does not delete another owner's link that has taken the name", async () => {
        await on.stack.up("MacvlanInterface", "web", WEB);
        await during(TAKES_NAME, () => on.stack.down());
        assert.equal((await linkOf(on.lab, HOST, "web")).mtu, 1444);
      });

      for (const [kind, theirs] of [
        ["of another kind", "type bridge"],
        ["of the same kind", "link eth1 type macvlan"],
      ] as const) {
        it(`leaves another owner's link ${kind} alone that has taken the name, if ours gets another one`, async () => {
          await on.stack.up("MacvlanInterface", "web", WEB);
          const takes = `ip link delete web; ip link add web mtu 1444 ${theirs}`;
          const elsewhere = { ...WEB, name: "other", netns: "blue" };
          await during(takes, () => on.stack.up("MacvlanInterface", "web", elsewhere));
          assert.equal((await linkOf(on.lab, HOST, "web")).mtu, 1444);
          assert.ok(await seenLink(on.lab, HOST, "other", "blue"));
          assert.equal(await on.lab.sh(HOST, "ls /run/pulumi-macvlan/links"), "blue:other\n");
          await on.stack.down();
          assert.equal((await linkOf(on.lab, HOST, "web")).mtu, 1444);
        });

        it(`does not change another owner's link ${kind}`, async () => {
          await on.stack.up("MacvlanInterface", "web", WEB);
          await during(`ip link delete web; ip link add web mtu 1444 ${theirs}`, () =>
            assert.rejects(
              on.stack.up("MacvlanInterface", "web", { ...WEB, mtu: 1400 }),
              /\[name-taken\]|web/,
            ),
          );
          const { failures } = await on.stack.preview("MacvlanInterface", "web", { ...WEB, mtu: 1400 });
          assert.match(failures.join(), /\[name-taken\]$/);
          await on.stack.down();
          assert.equal((await linkOf(on.lab, HOST, "web")).mtu, 1444);
        });
      }

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

      it("keeps a namespace into which another owner has put a link", async () => {
        await on.stack.up("MacvlanInterface", "inside", INSIDE);
        await during(MOVES_IN, () => on.stack.down());
        assert.ok(await seenLink(on.lab, HOST, "theirs", "blue"));
        assert.equal(await seenLink(on.lab, HOST, "in0", "blue"), undefined);
      });
    });
  }

  it("does not take along a link that enters the namespace at the moment of its deletion", async () => {
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
