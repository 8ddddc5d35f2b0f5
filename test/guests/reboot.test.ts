import assert from "node:assert/strict";
import type { LabGuest } from "../lab/fleet";
import { seenLink } from "../lab/seen";
import { useLab } from "../lab/stack";

/** Seconds of one boot on two busy cores, with room. */
const BOOT = 120;

describe("a guest", function () {
  this.timeout(3 * BOOT * 1000);
  const on = useLab(1, [{}]);
  const links = ["mv0", "br7", "shim0"];
  const bootId = (): Promise<string> => on.lab.sh("guest1", "cat /proc/sys/kernel/random/boot_id");
  const seen = (): Promise<string[]> =>
    Promise.all(links.map(async (name) => ((await seenLink(on.lab, "guest1", name)) ? name : "none")));
  const guest = (): LabGuest => on.lab.guest("guest1");

  /** All three kinds of link, by the provider over SSH. */
  async function up(): Promise<void> {
    const host = "guest1";
    await on.stack.up("MacvlanInterface", "m", {
      ...{ name: "mv0", host, parent: "eth0", netns: "blue", addresses: ["192.0.2.1/24"] },
    });
    await on.stack.up("HairpinBridge", "b", { name: "br7", host, ports: [{ name: "eth1", hairpin: false }] });
    await on.stack.up("HostShim", "s", { name: "shim0", host, parent: "eth0", addresses: ["192.0.2.2/32"] });
  }

  it("has a kernel and a systemd of its own, and is one more host of the lab's LAN", async () => {
    const { stdout } = await on.lab.ssh(
      "guest1",
      "hostname; systemctl is-system-running; systemd-detect-virt",
    );
    assert.equal(stdout, "guest1\nrunning\numl\n");
    assert.ok(await on.lab.ping("node1", guest().lan));
    assert.ok(await on.lab.ping("guest1", on.lab.host("node1").lan6));
  });

  it("loses in a power loss what was not on its disk, and boots with the rest", async () => {
    const before = await bootId();
    await on.lab.sh("guest1", "echo kept > /etc/kept; sync; echo lost > /etc/lost");
    await guest().powerLoss();
    assert.notEqual(await bootId(), before);
    assert.equal(await on.lab.sh("guest1", "cat /etc/kept; [ -s /etc/lost ] || echo empty"), "kept\nempty\n");
    assert.match(await on.lab.sh("guest1", "dmesg"), /EXT4-fs \(ubda\): recovery complete/);
  });

  it("has lost the links of all kinds after a reboot, as nothing keeps them, and the provider brings them back", async () => {
    await up();
    await on.lab.sh("node1", "ip address add 192.0.2.9/24 dev eth0");
    assert.ok(await on.lab.ping("node1", "192.0.2.1"));
    const before = await bootId();
    await on.lab.sh("guest1", "echo written > /etc/written");
    await guest().reboot();
    assert.notEqual(await bootId(), before);
    assert.equal(await on.lab.sh("guest1", "cat /etc/written"), "written\n");
    assert.deepEqual(await seen(), ["none", "none", "none"]);
    assert.equal(await on.stack.refresh("m"), undefined);
    await up();
    assert.ok(await on.lab.ping("node1", "192.0.2.1"));
  });
});
