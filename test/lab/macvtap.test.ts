import assert from "node:assert/strict";
import type { MacvtapArgs } from "../../provider/kinds/args";
import { lockPort, unlockPort } from "./port-security";
import { linkOf, seenLink } from "./seen";
import { useLab } from "./stack";
import { nodeOf, startVm } from "./tap-vm";

const IPV4 = (n: number): string => `192.0.2.${n}`;
const MAC = (n: number): string => `52:54:00:12:34:0${n}`;

describe("macvtap", () => {
  const on = useLab(2);

  beforeEach(() => on.lab.sh("node2", `ip address add ${IPV4(9)}/24 dev eth0`));
  afterEach(() => unlockPort(on.lab, "node1"));

  const up = (name: string, more: Partial<MacvtapArgs> = {}) =>
    on.stack.up("MacvtapInterface", name, { host: "node1", parent: "eth0", ...more });
  /** Machine n on a link of its own. */
  const vm = async (n: number, more: Partial<MacvtapArgs> = {}, macAddress = MAC(n)) => {
    const outputs = await up(`vm${n}`, more);
    const device = await nodeOf(on.lab, "node1", `vm${n}`);
    await startVm(on.lab, "node1", { device, macAddress, address: IPV4(n) });
    return outputs;
  };
  const lanReaches = async (n: number): Promise<boolean> => {
    await on.lab.sh("node2", `ip neigh flush to ${IPV4(n)}`);
    return on.lab.ping("node2", IPV4(n), { deadline: 3000 });
  };

  it("gives a program the frames of its MAC address by the device that it names, and a mode like any macvlan's", async () => {
    const first = await vm(1, { macAddress: MAC(1) });
    await vm(2, { macAddress: MAC(2) });
    assert.equal(first.devicePath, `/dev/tap${first.ifIndex}`);
    const found = await on.lab.sh("node1", "ls /sys/class/net/vm1/macvtap");
    assert.equal(`/dev/${found.trim()}`, first.devicePath);
    assert.deepEqual([await lanReaches(1), await lanReaches(2)], [true, true]);
    assert.match(await on.lab.sh("node2", `ip neigh show ${IPV4(1)}`), new RegExp(MAC(1)));

    await on.stack.up("MacvlanInterface", "web", {
      ...{ host: "node1", parent: "eth0", netns: "c3", addresses: [`${IPV4(3)}/24`] },
    });
    assert.ok(await on.lab.ping("node1", IPV4(1), { netns: "c3" }), "a macvlan beside it");
    const isolated = await up("vm1", { macAddress: MAC(1), mode: "private" });
    assert.equal(isolated.ifIndex, first.ifIndex, "the machine runs on");
    assert.equal(await on.lab.ping("node1", IPV4(1), { netns: "c3" }), false);
    assert.ok(await lanReaches(1));
    await on.stack.down();
    assert.equal(await seenLink(on.lab, "node1", "vm1"), undefined);
  });

  it("passthru: a VM that changes its MAC address, and with it the NIC's, still reaches the LAN; that is no drift", async () => {
    const before = await linkOf(on.lab, "node1", "eth1");
    const args = { parent: "eth1", mode: "passthru" as const };
    const { macAddress } = await vm(1, args);
    assert.equal(macAddress, before.address, "at first it has the NIC's");
    for (const name of ["vm1", "eth1"]) assert.equal((await linkOf(on.lab, "node1", name)).address, MAC(1));
    assert.ok(await lanReaches(1));
    assert.match(await on.lab.sh("node2", `ip neigh show ${IPV4(1)}`), new RegExp(MAC(1)));
    const preview = await on.stack.preview("MacvtapInterface", "vm1", { host: "node1", ...args });
    assert.deepEqual([preview.changes, preview.drift], [false, {}]);
    await on.stack.down();
    assert.equal((await linkOf(on.lab, "node1", "eth1")).address, before.address);
  });

  it("detects a MAC address that a VM gave itself in another mode, and resets it", async () => {
    await vm(1, { macAddress: MAC(1) }, MAC(7));
    assert.ok(await lanReaches(1));
    const args = { host: "node1", parent: "eth0", macAddress: MAC(1) };
    const { drift } = await on.stack.preview("MacvtapInterface", "vm1", args);
    assert.deepEqual(drift, { macAddress: `found ${MAC(7)}, wanted ${MAC(1)}` });
    await up("vm1", { macAddress: MAC(1) });
    assert.equal((await linkOf(on.lab, "node1", "vm1")).address, MAC(1));
  });

  it("adds a MAC address to the switch port, and a port at its limit lets no further VM through", async () => {
    const { mac } = on.lab.host("node1");
    await lockPort(on.lab, "node1", [mac, MAC(1)]);
    const { parentMacs } = await vm(1, { macAddress: MAC(1), maxMacs: 2 });
    assert.equal(parentMacs, 2);
    const refused = await on.stack.preview("MacvtapInterface", "vm2", {
      ...{ host: "node1", parent: "eth0", macAddress: MAC(2), maxMacs: 2 },
    });
    assert.match(refused.failures.join(), /^maxMacs: is 2, .* \[too-many-macs\]$/);
    assert.equal((await vm(2, { macAddress: MAC(2) })).parentMacs, 3);
    assert.deepEqual([await lanReaches(1), await lanReaches(2)], [true, false]);
  });

  it("takes over an existing link, with its queue and its device, and gives it back", async () => {
    await on.lab.sh("node1", "ip link add name vm1 link eth0 type macvtap mode vepa");
    const args = { host: "node1", parent: "eth0", mode: "bridge" as const };
    const strange = await on.stack.preview("MacvtapInterface", "vm1", args);
    assert.match(strange.failures.join(), /^name: .* \[name-taken\]$/);
    const another = await on.stack.preview("MacvlanInterface", "vm1", { ...args, adopt: true });
    assert.match(another.failures.join(), /^name: .* is of the kind macvlan.* \[name-taken\]$/);
    const before = await linkOf(on.lab, "node1", "vm1");
    const { ifIndex } = await up("vm1", { ...args, adopt: true, up: false, txQueueLength: 300 });
    assert.equal(ifIndex, before.ifindex);
    await on.stack.down();
    const after = await linkOf(on.lab, "node1", "vm1");
    assert.deepEqual([after.txqlen, after.linkinfo, after.address], [500, before.linkinfo, before.address]);
  });
});
