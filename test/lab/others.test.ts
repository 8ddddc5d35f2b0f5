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

  it("on a bridge or in it prevent its deletion, unless that is forced", async () => {
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

  it("on a macvlan prevent its deletion and replacement, unless that is forced", async () => {
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

  it("in a namespace, on a link there or on the host's, keep that one from being deleted, unless that is forced", async () => {
    const child = { ...LINK, parent: "br0", netns: "inside" };
    await on.stack.up("HairpinBridge", "bridge", { host: HOST, name: "br0" });
    await on.stack.up("MacvlanInterface", "it", child);
    await on.lab.sh(
      HOST,
      "ip netns add theirs; ip link add child0 link br0 netns theirs type macvlan; " +
        "ip -n theirs link add grandchild0 link child0 type vxlan id 6 dev child0 dstport 4790; " +
        "ip -n inside link add theirs0 link link0 type vxlan id 5 dev link0 dstport 4789",
    );
    await assert.rejects(on.stack.down("it"), /the vxlan theirs0 in namespace inside is deleted with link0/);
    await assert.rejects(
      on.stack.down("bridge"),
      /the macvlan child0 in namespace theirs is deleted with br0, the vxlan grandchild0 in namespace theirs is/,
    );
    assert.match(await on.lab.sh(HOST, "ip -n inside -o link"), / theirs0[:@]/);
    await on.stack.up("MacvlanInterface", "it", { ...child, force: true });
    await on.stack.down("it");
    // and the namespace, which was made for the link
    assert.doesNotMatch(await on.lab.sh(HOST, "ip netns"), /inside/);
    await on.lab.sh(HOST, "ip netns delete theirs");
    await on.stack.down();
  });

  it("prevent the replacement of a link that has drifted", async () => {
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

  it("prevent changes to all links of a host if one would take them along, unless that is forced", async () => {
    const up = (links: Readonly<Record<string, object>>) =>
      on.stack.up("HostLinks", "all", { host: HOST, links });
    const link0 = { kind: "bridge" };
    const child0 = { kind: "macvlan", parent: "link0" };
    const web = { kind: "macvlan", parent: "eth0" };
    const moved = { web: { ...web, parent: "eth1" } };
    await up({ link0, child0, web });
    await on.lab.sh(HOST, "ip link add theirs link link0 type macvlan");
    const harm = /the macvlan theirs is deleted with link0\./;
    // one that leaves, one of another kind in its place, and one that is replaced
    const changes = [
      [moved, "links"],
      [{ link0: web, web: moved.web }, "links"],
    ] as const;
    for (const [links, path] of changes) {
      const { failures } = await on.stack.preview("HostLinks", "all", { host: HOST, links });
      assert.equal(failures.length, 1, failures.join());
      assert.match(failures[0] ?? "", new RegExp(`^${path}: .*${harm.source}.*\\[harms-others\\]$`));
      await assertRefused(up(links), harm);
    }
    await assertRefused(on.stack.down("all"), harm);
    assert.ok(await seenLink(on.lab, HOST, "child0"));
    await up({ link0: { ...web, force: true }, web });
    assert.equal(await seenLink(on.lab, HOST, "theirs"), undefined);
    await on.lab.sh(HOST, "ip link add theirs type vxlan id 5 dev web dstport 4789");
    const { failures } = await on.stack.preview("HostLinks", "all", {
      host: HOST,
      links: { link0: web, ...moved },
    });
    assert.match(failures.join(), /^links\.web\.name: .*the vxlan theirs is deleted with web/);
    await up({ link0: web, web: { ...moved.web, force: true } });
    assert.equal(await seenLink(on.lab, HOST, "theirs"), undefined);
    await on.stack.down();
  });

  it("do not include the stack's own", async () => {
    await on.stack.up("HairpinBridge", "it", LINK);
    await on.stack.up("MacvlanInterface", "child", { host: HOST, name: "child0", parent: "link0" });
    await on.stack.down("it");
    for (const name of ["link0", "child0"]) assert.equal(await seenLink(on.lab, HOST, name), undefined);
    await on.stack.down();
  });
});
