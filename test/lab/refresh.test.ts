/** A refresh of a link that is gone: what it has left on the host is not forgotten. */
import assert from "node:assert/strict";
import { useLab } from "./stack";

const HOST = "node1";

describe("a refresh of a link that was deleted by hand", function () {
  this.timeout(120_000);
  const on = useLab(1);
  const sh = (script: string): Promise<string> => on.lab.sh(HOST, script);

  it("keeps the resource while its namespace is left, which the deletion removes", async () => {
    const args = { host: HOST, parent: "eth1", name: "web0", netns: "blue" };
    await on.stack.up("MacvlanInterface", "web", args);
    await sh("ip -n blue link delete web0");
    const inputs = await on.stack.refresh("web");
    assert.equal(inputs?.["netns"], "blue");
    assert.match(
      on.stack.said().join("\n"),
      /web0 in the namespace blue on \S+ is gone, .*ip netns delete blue/,
    );
    assert.deepEqual((await on.stack.preview("MacvlanInterface", "web", args)).drift, {
      name: "found none, wanted web0@eth1",
    });
    await on.stack.down("web");
    assert.equal(await sh("ls /run/netns"), "");
  });

  it("keeps the resource while files are left that would re-create the link at boot", async () => {
    await sh("mkdir -p /etc/network/if-up.d; : > /etc/network/interfaces");
    const args = { host: HOST, parent: "eth1", name: "mac0", persist: true };
    await on.stack.up("MacvlanInterface", "mac", args);
    await sh("ip link delete mac0");
    assert.equal((await on.stack.refresh("mac"))?.["persist"], true);
    await on.stack.down("mac");
    assert.equal(await sh("ls -d /etc/pulumi-macvlan /etc/network/if-up.d/* 2>/dev/null || true"), "");
    await on.lab.reboot(HOST, { fresh: true });
  });

  it("drops the resource if nothing is left of it, also of a namespace that others use", async () => {
    await sh("ip netns add blue");
    const args = { host: HOST, parent: "eth1", name: "web0", netns: "blue" };
    await on.stack.up("MacvlanInterface", "web", args);
    await sh("ip -n blue link delete web0");
    assert.equal(await on.stack.refresh("web"), undefined);
  });
});
