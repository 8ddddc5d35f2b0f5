/** Links of others on a link of ours, or in it: neither a deletion nor a replacement takes them along in silence. */
import assert from "node:assert/strict";
import { linkOf, seenLink } from "./seen";
import { useLab } from "./stack";

const HOST = "node1";
const LINK = { host: HOST, name: "link0" };
const ADVICE =
  /Remove them first, or set force: true .* in the program and run "pulumi up" before\. Nothing was touched/;

describe("links of others", function () {
  this.timeout(60_000);
  const on = useLab(1);

  async function assertRefused(work: Promise<unknown>, harm: RegExp): Promise<void> {
    await assert.rejects(work, (error: Error) => {
      assert.match(error.message, harm);
      assert.match(error.message, /Remove them first, or set force: true/);
      return true;
    });
    assert.ok(await seenLink(on.lab, HOST, "theirs"));
    assert.ok(await seenLink(on.lab, HOST, "link0"));
  }

  it("on a bridge and in it keep it from being deleted, unless that is forced", async () => {
    await on.stack.up("HairpinBridge", "it", LINK);
    await on.lab.sh(
      HOST,
      "ip link add theirs link link0 type macvlan; ip link add port0 type veth peer port1; ip link set port0 master link0",
    );
    const harm = /the macvlan theirs is deleted with link0, the veth port0 loses its master link0\./;
    await assertRefused(on.stack.down(), harm);
    await assert.rejects(on.stack.down(), ADVICE);
    assert.equal((await linkOf(on.lab, HOST, "port0")).master, "link0");
    await on.stack.up("HairpinBridge", "it", { ...LINK, force: true });
    await on.stack.down();
    for (const name of ["link0", "theirs"]) assert.equal(await seenLink(on.lab, HOST, name), undefined);
    assert.equal((await linkOf(on.lab, HOST, "port0")).master, undefined);
  });

  it("on a macvlan keep it from being deleted and replaced, unless that is forced", async () => {
    const onBridge = { ...LINK, parent: "br0" };
    await on.stack.up("HairpinBridge", "bridge", { host: HOST, name: "br0" });
    await on.stack.up("MacvlanInterface", "it", { ...LINK, parent: "eth0" });
    await on.lab.sh(HOST, "ip link add theirs type vxlan id 5 dev link0 dstport 4789");
    const harm = /the vxlan theirs is deleted with link0\./;
    await assertRefused(on.stack.down("it"), harm);
    const { failures } = await on.stack.preview("MacvlanInterface", "it", onBridge);
    assert.match(
      failures.join(),
      /^name: link0 is replaced, and other links would be lost.*the vxlan theirs/,
    );
    await assertRefused(on.stack.up("MacvlanInterface", "it", onBridge), harm);
    const forced = await on.stack.preview("MacvlanInterface", "it", { ...onBridge, force: true });
    assert.deepEqual(forced.failures, []);
    assert.match(on.stack.said().join(), /links of others are lost, as force is set: the vxlan theirs/);
    await on.stack.up("MacvlanInterface", "it", { ...onBridge, force: true });
    assert.equal(await seenLink(on.lab, HOST, "theirs"), undefined);
    assert.equal((await linkOf(on.lab, HOST, "link0")).link, "br0");
    await on.stack.down();
  });

  it("keep a link from being made anew that has drifted", async () => {
    await on.stack.up("MacvlanInterface", "it", { ...LINK, parent: "eth0" });
    await on.lab.sh(
      HOST,
      "i=$(cat /run/pulumi-macvlan/links/:link0); ip link delete link0; ip link add br9 type bridge; " +
        'ip link add link0 index "${i%% *}" link br9 type macvlan; ip link add theirs type vxlan id 5 dev link0 dstport 4789',
    );
    await assertRefused(
      on.stack.up("MacvlanInterface", "it", { ...LINK, parent: "eth0" }),
      /the vxlan theirs is deleted with link0/,
    );
  });

  it("are none that the stack itself has", async () => {
    await on.stack.up("HairpinBridge", "it", LINK);
    await on.stack.up("MacvlanInterface", "child", { host: HOST, name: "child0", parent: "link0" });
    await on.stack.down("it");
    for (const name of ["link0", "child0"]) assert.equal(await seenLink(on.lab, HOST, name), undefined);
    await on.stack.down();
  });
});
