/** The links of all other kinds at a real boot: an ipvlan on a VLAN on a bond, and a macvtap, beside each program that configures links. */
import assert from "node:assert/strict";
import { linkOf } from "../lab/seen";
import { useLab } from "../lab/stack";
import { lastingOn, type Made } from "./lasting";

/** Seconds of one boot on two busy cores, with room. */
const BOOT = 120;

/** What configures the NICs of each guest. A bond's port is left alone by it as the provider's warning advises. */
const GUESTS = [
  {
    host: "guest1",
    network: "networkd",
    advised:
      "printf '[Match]\\nName=eth1\\n[Link]\\nUnmanaged=yes\\n' > /etc/systemd/network/00-eth1.network; networkctl reload",
  },
  { host: "guest2", network: "ifupdown", advised: ":" },
  {
    host: "guest3",
    network: "NetworkManager",
    advised:
      "nmcli device set eth1 managed no; mkdir -p /etc/NetworkManager/conf.d; " +
      "printf '[keyfile]\\nunmanaged-devices=interface-name:eth1\\n' > /etc/NetworkManager/conf.d/eth1.conf",
  },
] as const;

/** The bond monitors node1 by ARP. */
const stacked = (host: string): readonly Made[] => [
  [
    "Bond",
    "uplink",
    {
      ...{ host, name: "bond0", mode: "active-backup", ports: ["eth1"], primary: "eth1", mtu: 1480 },
      ...{ addresses: ["192.0.2.3/24"], arpInterval: 500, arpIpTargets: ["192.0.2.9"], persist: true },
    },
  ],
  ["VlanInterface", "tagged", { host, parent: "bond0", name: "bond0.10", vlanId: 10, persist: true }],
  [
    "IpvlanInterface",
    "app",
    {
      ...{ host, parent: "bond0.10", name: "app0", netns: "app", mode: "l3", flag: "private" },
      ...{ addresses: ["203.0.113.1/24"], routes: ["198.51.100.0/24"], persist: true },
    },
  ],
  ["MacvtapInterface", "vm", { host, parent: "eth0", name: "vm0", mode: "vepa", mtu: 1400, persist: true }],
];

describe("a persistent bond, with what sits on it, and a macvtap", function () {
  this.timeout(5 * BOOT * 1000);
  const on = useLab(
    1,
    GUESTS.map(({ network }) => ({ network })),
  );

  for (const { host, network, advised } of GUESTS)
    it(`are back after a reboot and after a power loss, beside ${network}`, async () => {
      const { comes, unitsAreOver, lasting, failedUnits, up, areAsWanted } = lastingOn(on, host);
      const sh = (script: string): Promise<string> => on.lab.sh(host, script);
      const all = async (): Promise<unknown> => {
        for (const name of ["bond0", "bond0.10", "vm0"]) await comes(name);
        await comes("app0", "app");
        await unitsAreOver();
        const { master, operstate } = await linkOf(on.lab, host, "eth1");
        const own = await Promise.all(["bond0", "bond0.10", "vm0"].map((name) => lasting(name)));
        return [...own, await lasting("app0", "app"), master, operstate];
      };
      /** The bond's only port is used as soon as the peer has answered. */
      const carries = (): Promise<boolean> => on.lab.ping("node1", "192.0.2.3", { deadline: 20_000 });

      await on.lab.sh("node1", "ip address replace 192.0.2.9/24 dev eth0");
      await sh(advised);
      for (const made of stacked(host)) await up(made);
      assert.ok(await carries());
      const before = await all();
      await sh("sync");
      for (const boot of ["reboot", "powerLoss"] as const) {
        await on.lab.guest(host)[boot]();
        assert.ok(await carries(), boot);
        assert.deepEqual(await all(), before, boot);
        await areAsWanted(stacked(host));
        assert.equal(await failedUnits(), "");
        const { ifindex } = await linkOf(on.lab, host, "vm0");
        assert.equal(await sh("ls /sys/class/net/vm0/macvtap"), `tap${ifindex}\n`);
      }
      await on.stack.down();
      assert.equal(await sh("find /etc -name '*pulumi-macvlan*'; ls /run/netns"), "");
    });
});
