/** Links that a host with a systemd of its own makes again: at a real boot, after a power loss, and for a late parent. */
import assert from "node:assert/strict";
import type { BridgeArgs, MacvlanArgs, ShimArgs, VlanArgs } from "../../provider/kinds/args";
import type { LabGuest } from "../lab/fleet";
import { seenLink } from "../lab/seen";
import { useLab } from "../lab/stack";
import { lastingOn, type Made } from "./lasting";

/** Seconds of one boot on two busy cores, with room. */
const BOOT = 120;
const HOST = "guest1";

/** A VLAN that another program of the host makes, some time after the NIC has come. */
const LATE_PARENT = `[Unit]
After=sys-subsystem-net-devices-eth1.device
[Service]
Type=exec
ExecStart=/bin/sh -c 'sleep 3; ip link add link eth1 name eth1.10 type vlan id 10; ip link set eth1 up; ip link set eth1.10 up; sleep infinity'
[Install]
WantedBy=multi-user.target
`;

const WEB: MacvlanArgs = {
  ...{ host: HOST, parent: "eth0", name: "web0", netns: "web", mtu: 1400, alias: "the web's", persist: true },
  ...{ mode: "bridge", addresses: ["192.0.2.1/24", "2001:db8::1/64"], routes: ["198.51.100.0/24"] },
};
const LATE: MacvlanArgs = {
  ...{ host: HOST, parent: "eth1.10", name: "late0", mode: "vepa", persist: true },
  ...{ addresses: ["203.0.113.1/24"] },
};
const LAN: BridgeArgs = {
  ...{ host: HOST, name: "br7", ports: ["eth1.10"], stp: false, ageingTime: 30, persist: true },
  ...{ addresses: ["203.0.113.1/24"], priority: 4096 },
};
const OUTER: VlanArgs = {
  ...{
    host: HOST,
    parent: "eth1",
    name: "outer",
    vlanId: 100,
    protocol: "802.1ad",
    mtu: 1480,
    persist: true,
  },
};
const INNER: VlanArgs = {
  ...{ host: HOST, parent: "outer", name: "inner", vlanId: 20, gvrp: true, persist: true },
  ...{ egressQosMap: [{ from: 0, to: 5 }], addresses: ["203.0.113.2/24"], routes: ["198.51.100.0/24"] },
};
const ON_INNER: MacvlanArgs = { host: HOST, parent: "inner", name: "on0", persist: true };
const SHIM: ShimArgs = {
  ...{ host: HOST, parent: "br7", name: "shim0", persist: true },
  routes: [{ to: "203.0.113.9/32", source: "203.0.113.1" }],
};

const PLAIN: readonly Made[] = [
  ["MacvlanInterface", "web", WEB],
  ["HairpinBridge", "lan", LAN],
  ["HostShim", "shim", SHIM],
];
const NESTED: readonly Made[] = [
  ["VlanInterface", "outer", OUTER],
  ["VlanInterface", "inner", INNER],
  ["MacvlanInterface", "on", ON_INNER],
];
describe("a persistent link of a guest", function () {
  this.timeout(5 * BOOT * 1000);
  const on = useLab(1, [{}]);
  const guest = (): LabGuest => on.lab.guest(HOST);
  const sh = (script: string): Promise<string> => on.lab.sh(HOST, script);

  const { comes, unitsAreOver, lasting, failedUnits, up, areAsWanted } = lastingOn(on, HOST);

  beforeEach(async () => {
    await sh(
      `cat > /etc/systemd/system/late-parent.service <<'END'\n${LATE_PARENT}END\n` +
        "systemctl enable --quiet late-parent.service; systemctl daemon-reload; systemctl start late-parent.service",
    );
    await comes("eth1.10");
    await on.lab.sh("node1", "ip address replace 192.0.2.9/24 dev eth0");
  });
  afterEach(() => on.lab.reset(HOST));

  it("is back after a reboot and after a power loss with all its settings, and belongs to this stack", async () => {
    for (const made of PLAIN) await up(made);
    const all = async (): Promise<unknown> => {
      await comes("web0", "web");
      await comes("shim0");
      await unitsAreOver();
      const hairpin = await sh("cat /sys/class/net/eth1.10/brport/hairpin_mode");
      return [await lasting("web0", "web"), await lasting("br7"), await lasting("shim0"), hairpin];
    };
    const before = await all();
    assert.ok(await on.lab.ping("node1", "192.0.2.1"));
    for (const reboot of [() => guest().reboot(), () => guest().powerLoss()]) {
      await sh("sync");
      await reboot();
      assert.deepEqual(await all(), before);
      assert.ok(await on.lab.ping("node1", "192.0.2.1", { deadline: 5000 }));
      assert.equal(await failedUnits(), "");
      await areAsWanted(PLAIN);
    }
    await on.stack.down();
    assert.equal(await sh("find /etc -name '*pulumi-macvlan*'; ls /run/netns"), "");
    await guest().reboot();
    await comes("eth1.10");
    for (const name of ["br7", "shim0"]) assert.equal(await seenLink(on.lab, HOST, name), undefined);
    assert.equal(await failedUnits(), "");
  });

  it("is back on nested VLANs that are created at the same boot, and with them when the outer one is re-created", async () => {
    const all = async (): Promise<unknown> => {
      for (const name of ["outer", "inner", "on0"]) await comes(name);
      await unitsAreOver();
      return Promise.all(["outer", "inner", "on0"].map((name) => lasting(name)));
    };
    for (const made of NESTED) await up(made);
    const before = await all();
    await sh("sync");
    await guest().reboot();
    assert.deepEqual(await all(), before);
    await areAsWanted(NESTED);
    await sh("ip link del outer; systemctl start pulumi-macvlan-outer@eth1.service");
    assert.deepEqual(await all(), before);
    assert.equal(await failedUnits(), "");
  });

  it("comes back with its parent whenever that reappears, also below a bridge that appears late", async () => {
    await on.stack.up("MacvlanInterface", "late", LATE);
    const before = await lasting("late0");
    await sh("ip link del eth1.10");
    assert.equal(await seenLink(on.lab, HOST, "late0"), undefined);
    await sh("ip link add link eth1 name eth1.10 type vlan id 10; ip link set eth1.10 up");
    await comes("late0");
    await unitsAreOver();
    assert.deepEqual(await lasting("late0"), before);
    assert.deepEqual((await on.stack.preview("MacvlanInterface", "late", LATE)).drift, {});
    await on.stack.down();
    await sh(
      "ip link del eth1.10; ip link add link eth1 name eth1.10 type vlan id 10; ip link set eth1.10 up; sleep 2",
    );
    assert.equal(await seenLink(on.lab, HOST, "late0"), undefined);
    assert.equal(await failedUnits(), "");
  });

  it("is re-created after its parent by systemd or by the same run, whichever comes first", async () => {
    await on.stack.up("HairpinBridge", "lan", LAN);
    await on.stack.up("HostShim", "shim", SHIM);
    const before = await lasting("shim0");
    for (let time = 0; time < 3; time++) {
      await sh("ip link del br7");
      await on.stack.up("HairpinBridge", "lan", LAN);
      await on.stack.up("HostShim", "shim", SHIM);
      assert.deepEqual(await lasting("shim0"), before);
      assert.deepEqual((await on.stack.preview("HostShim", "shim", SHIM)).drift, {});
    }
    assert.equal(await failedUnits(), "");
  });
});
