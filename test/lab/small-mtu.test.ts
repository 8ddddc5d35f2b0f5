/** Links without IPv6: an MTU below 1280 takes it from a link (RFC 8200), and some kernels have none at all. */
import assert from "node:assert/strict";
import type { MacvlanArgs, ShimArgs } from "../../provider/kinds/args";
import { addressesOf, linkOf } from "./seen";
import { useLab } from "./stack";

const HOST = "node1";
const SMALL: MacvlanArgs = {
  host: HOST,
  parent: "eth0",
  name: "mac0",
  mtu: 1200,
  addresses: ["192.0.2.10/24"],
};

describe("a link without IPv6", function () {
  this.timeout(60_000);
  const on = useLab(1);
  const sh = (script: string): Promise<string> => on.lab.sh(HOST, script);

  const assertNoDrift = async (args: MacvlanArgs): Promise<void> => {
    assert.deepEqual((await on.stack.preview("MacvlanInterface", "small", args)).drift, {});
  };

  it("is made with an MTU below 1280, and gets IPv6's settings when its MTU is raised", async () => {
    const shim: ShimArgs = {
      host: HOST,
      parent: "eth0",
      name: "shim0",
      mtu: 1200,
      routes: ["192.0.2.10/32"],
    };
    await on.stack.up("MacvlanInterface", "small", SMALL);
    await on.stack.up("MacvlanInterface", "inside", { ...SMALL, name: "mac1", netns: "blue" });
    await on.stack.up("HostShim", "shim", shim);
    await assertNoDrift(SMALL);
    assert.deepEqual((await on.stack.preview("HostShim", "shim", shim)).drift, {});
    const large = { ...SMALL, mtu: 1400, addresses: ["192.0.2.10/24", "2001:db8::10/64"] };
    await on.stack.up("MacvlanInterface", "small", large);
    assert.equal(await sh("cat /proc/sys/net/ipv6/conf/mac0/ndisc_notify"), "1\n");
    await assertNoDrift(large);
    await on.stack.up("MacvlanInterface", "small", SMALL);
    assert.deepEqual(addressesOf(await linkOf(on.lab, HOST, "mac0")), ["192.0.2.10/24"]);
    await assertNoDrift(SMALL);
  });

  it("comes up at the next boot after its MTU was lowered while it was up", async () => {
    await sh("mkdir -p /etc/network/if-up.d; : > /etc/network/interfaces");
    try {
      await on.stack.up("MacvlanInterface", "small", { ...SMALL, mtu: 1400, persist: true });
      await on.stack.up("MacvlanInterface", "small", { ...SMALL, persist: true });
      await on.lab.reboot(HOST);
      const { mtu, operstate } = await linkOf(on.lab, HOST, "mac0");
      assert.deepEqual({ mtu, operstate }, { mtu: 1200, operstate: "UP" });
      assert.deepEqual(addressesOf(await linkOf(on.lab, HOST, "mac0")), ["192.0.2.10/24"]);
      await assertNoDrift({ ...SMALL, persist: true });
    } finally {
      await on.lab.reboot(HOST, { fresh: true });
    }
  });

  it("is made on a kernel that has no IPv6", async () => {
    // stands for ipv6.disable=1: what the kernel then does not show
    await sh("mkdir -p /tmp/none; mount --bind /tmp/none /proc/sys/net/ipv6");
    try {
      await on.stack.up("MacvlanInterface", "plain", { ...SMALL, mtu: 1500 });
      await on.stack.up("MacvlanInterface", "inside", { ...SMALL, mtu: 1500, name: "mac1", netns: "blue" });
      const { drift } = await on.stack.preview("MacvlanInterface", "plain", { ...SMALL, mtu: 1500 });
      assert.deepEqual(drift, {});
    } finally {
      await sh("umount /proc/sys/net/ipv6");
    }
  });

  it("is not made if /proc/sys is read-only, and the error says so", async () => {
    await sh("mount --bind /proc/sys /proc/sys; mount -o remount,ro,bind /proc/sys");
    try {
      await assert.rejects(
        on.stack.up("MacvlanInterface", "plain", SMALL),
        /echo 1 > \/proc\/sys\/net\/ipv4\/conf\/mac0\/arp_notify" failed .*\/proc\/sys is read-only.*Everything was undone/,
      );
    } finally {
      await sh("umount /proc/sys");
    }
  });
});
