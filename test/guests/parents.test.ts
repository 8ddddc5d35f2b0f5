import assert from "node:assert/strict";
import { describeHost } from "../../provider/cli/adopt/describe";
import { lookAtHosts, parseHosts } from "../../provider/cli/look";
import { readSettings } from "../../provider/ssh/settings";
import { linkOf } from "../lab/seen";
import { useLab } from "../lab/stack";
import { clean } from "./clean";

const IPV4 = (n: number): string => `192.0.2.${n}`;

/** Milliseconds between echo requests while a bond fails over. */
const INTERVAL = 20;

/** Of a bond's ARP monitoring, in milliseconds: a port without an answer for two of them counts as dead. */
const ARP_INTERVAL = 250;
const BOND_MAC = "02:00:5e:00:53:b0";

describe("parents that a stock kernel has", function () {
  this.timeout(240_000);
  const on = useLab(1, [{}, {}]);

  afterEach(() => clean(on, ["guest1", "guest2"]));

  /** Child number n of a parent, in a namespace of its own. */
  const child = async (n: number, parent: string, host = "guest1"): Promise<string> => {
    const { macAddress } = await on.stack.up("MacvlanInterface", `m${n}`, {
      ...{ host, parent, netns: `c${n}`, addresses: [`${IPV4(n)}/24`] },
    });
    return macAddress;
  };
  const stateOf = async (name: string, netns = ""): Promise<string> =>
    (await linkOf(on.lab, "guest1", name, netns)).operstate;

  describe("a VLAN", () => {
    /** VLANs 10 and 20 of a guest's eth1: one that is there already, and one of ours. */
    const vlans = async (host: string): Promise<void> => {
      await on.lab.sh(host, "ip link add link eth1 name eth1.20 type vlan id 20 && ip link set eth1.20 up");
      await on.stack.up("VlanInterface", `${host}-10`, {
        ...{ host, parent: "eth1", name: "eth1.10", vlanId: 10 },
      });
    };
    const reaches = (from: number, to: number): Promise<boolean> =>
      on.lab.ping("guest1", IPV4(to), { netns: `c${from}`, deadline: 3000 });

    it("has children that reach those on the same VLAN of other hosts, by tagged frames, and no others", async () => {
      await vlans("guest1");
      await vlans("guest2");
      await child(1, "eth1.10");
      await child(2, "eth1.20");
      await child(3, "eth1.10", "guest2");
      await child(4, "eth1.20", "guest2");
      const capture = await on.lab.capture(
        "switch",
        on.lab.guest("guest1").switchPort1,
        "icmp or (vlan and icmp)",
      );
      assert.ok(await reaches(1, 3));
      assert.ok(await reaches(2, 4));
      const frames = await capture.stop();
      for (const id of [10, 20])
        assert.ok(
          frames.some((frame) => frame.includes(`vlan ${id},`)),
          frames.join("\n"),
        );
      assert.ok(frames.every((frame) => / vlan [12]0,/.test(frame)));
      assert.equal(await reaches(1, 4), false);
      assert.equal(await reaches(1, 2), false, "nor those of its own host");
    });

    it("has children that hear no broadcast of another VLAN", async () => {
      await vlans("guest1");
      await vlans("guest2");
      await child(1, "eth1.10");
      await child(2, "eth1.20");
      const mac = await child(3, "eth1.10", "guest2");
      const hears = (n: number) => on.lab.capture("guest1", `m${n}`, `arp and ether src ${mac}`, `c${n}`);
      const captures = [await hears(1), await hears(2)];
      await on.lab.sh("guest2", "ip netns exec c3 arping -q -c 5 -w 3 -I m3 192.0.2.77 || true");
      const [same, other] = await Promise.all(captures.map(async (capture) => (await capture.stop()).length));
      assert.ok(same !== undefined && same >= 3, `the same VLAN hears ${same ?? 0} of 5`);
      assert.equal(other, 0);
    });

    it("takes its children down with the NIC below it, and they come back with it", async () => {
      await vlans("guest1");
      await vlans("guest2");
      await child(1, "eth1.10");
      await child(3, "eth1.10", "guest2");
      assert.ok(await reaches(1, 3));
      await on.lab.sh("guest1", "ip link set dev eth1 down");
      assert.deepEqual([await stateOf("eth1.10"), await stateOf("m1", "c1")], ["DOWN", "LOWERLAYERDOWN"]);
      assert.equal(await reaches(1, 3), false);
      await on.lab.sh("guest1", "ip link set dev eth1 up");
      assert.equal(await stateOf("m1", "c1"), "UP");
      assert.ok(await reaches(1, 3));
    });

    it("keeps its children if it gets another name or a lower MTU, which they get too", async () => {
      await vlans("guest1");
      await vlans("guest2");
      await child(1, "eth1.10");
      await child(3, "eth1.10", "guest2");
      const { ifIndex } = await on.stack.up("VlanInterface", "guest1-10", {
        ...{ host: "guest1", parent: "eth1", name: "lan", vlanId: 10, mtu: 1400 },
      });
      assert.equal((await linkOf(on.lab, "guest1", "m1", "c1")).mtu, 1400);
      assert.equal((await linkOf(on.lab, "guest1", "lan")).ifindex, ifIndex);
      assert.ok(await reaches(1, 3));
    });
  });

  it("take their children down with them, which come back with addresses and routes", async () => {
    await on.lab.sh("node1", `ip address add ${IPV4(9)}/24 dev eth0`);
    await on.stack.up("MacvlanInterface", "m1", {
      ...{ host: "guest1", parent: "eth1", netns: "c1", addresses: [`${IPV4(1)}/24`, "2001:db8::1/64"] },
      routes: [{ to: "198.51.100.0/24", via: IPV4(9) }],
    });
    // whether duplicate detection has ended is a matter of a second
    const kept = async (): Promise<string> =>
      (
        await on.lab.sh(
          "guest1",
          "ip -n c1 -o address show dev m1 scope global; ip -n c1 route; ip -n c1 -6 route",
        )
      ).replaceAll(" tentative", "");
    const before = await kept();
    assert.match(before, /2001:db8::1\/64[^]*198\.51\.100\.0\/24 via 192\.0\.2\.9/);
    assert.ok(await on.lab.ping("node1", IPV4(1)));
    await on.lab.sh("guest1", "ip link set dev eth1 down");
    // not LOWERLAYERDOWN, as below a VLAN: a guest's NIC keeps its carrier
    assert.equal(await on.lab.ping("node1", IPV4(1)), false);
    await on.lab.sh("guest1", "ip link set dev eth1 up");
    assert.ok(await on.lab.ping("node1", IPV4(1)));
    assert.equal(await kept(), before);
  });

  describe("a bond", () => {
    const plug = (nic: string, isIn: boolean): Promise<void> =>
      on.lab.switch.plug("guest1", isIn, nic === "eth0" ? 0 : 1);
    const active = async (): Promise<string> =>
      (await on.lab.sh("guest1", "cat /sys/class/net/bond0/bonding/active_slave")).trim();

    /** A bond of both NICs that monitors node1 by ARP, because a guest's NICs never lose their carrier. */
    const bond = async (): Promise<void> => {
      await on.lab.sh("guest1", "ip address flush dev eth0 scope global");
      await on.stack.up("Bond", "bond0", {
        ...{ host: "guest1", mode: "active-backup", ports: ["eth0", "eth1"], addresses: [`${IPV4(100)}/24`] },
        ...{ arpInterval: ARP_INTERVAL, arpIpTargets: [IPV4(9)] },
      });
    };
    /** The same by hand. Without a MAC address said, udev gives it one as soon as it sees the bond, or its first port does. */
    const foreignBond = (): Promise<string> =>
      on.lab.sh(
        "guest1",
        `ip link add bond0 address ${BOND_MAC} type bond mode active-backup arp_interval ${ARP_INTERVAL} arp_ip_target ${IPV4(9)}
         for nic in eth0 eth1; do ip link set $nic down; ip link set $nic master bond0; done
         ip address add ${IPV4(100)}/24 dev bond0; ip link set bond0 up`,
      );
    /** Milliseconds without a reply while the cable of the NIC in use is pulled, under echo requests to the child. */
    const outage = async (): Promise<number> => {
      await on.lab.sh(
        "guest1",
        "until [ $(grep -c 'MII Status: up' /proc/net/bonding/bond0) = 3 ]; do sleep 0.1; done",
      );
      const pulled = await active();
      const count = 6000 / INTERVAL;
      const pings = on.lab.exec("node1", [
        ..."ping -n -q -i".split(" "),
        String(INTERVAL / 1000),
        "-c",
        String(count),
        IPV4(1),
      ]);
      await on.lab.sh("node1", "sleep 1");
      await plug(pulled, false);
      const { stdout } = await pings;
      const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(stdout) ?? [];
      assert.equal(Number(sent), count, stdout);
      assert.notEqual(await active(), pulled);
      assert.ok(await on.lab.ping("node1", IPV4(1)));
      await plug(pulled, true);
      return (count - Number(received)) * INTERVAL;
    };

    afterEach(async () => {
      for (const nic of ["eth0", "eth1"]) await plug(nic, true);
    });

    it("keeps a child connected through two failovers, under traffic", async () => {
      await on.lab.sh("node1", `ip address add ${IPV4(9)}/24 dev eth0`);
      await bond();
      await child(1, "bond0");
      assert.ok(await on.lab.ping("node1", IPV4(1), { deadline: 10_000 }));
      const outages = [await outage(), await outage()];
      console.log(`      without a reply for ${outages.join(" and ")} ms`);
      for (const took of outages) assert.ok(took < 8 * ARP_INTERVAL, `${took} ms without a reply`);
      assert.equal(await stateOf("m1", "c1"), "UP");
      assert.equal(
        (
          await on.stack.preview("MacvlanInterface", "m1", {
            host: "guest1",
            parent: "bond0",
            netns: "c1",
            addresses: [`${IPV4(1)}/24`],
          })
        ).changes,
        false,
      );
    });

    it("may exist already, and then be described as it is, adopted and given back", async () => {
      await foreignBond();
      const settings = readSettings(
        { ...process.env, MACVLAN_SSH_CONFIG_PATH: on.lab.sshConfig },
        () => undefined,
      );
      const [seen] = await lookAtHosts(parseHosts(["guest1"]), settings);
      assert.ok(seen && "observation" in seen);
      const all = { all: true, names: new Set<string>(), prefix: "" };
      const { resources } = describeHost("guest1", seen.observation, all);
      assert.deepEqual(
        resources.map(({ type, args }) => [type, args]),
        [
          [
            "Bond",
            {
              ...{ name: "bond0", mode: "active-backup", ports: ["eth0", "eth1"] },
              ...{ addresses: [`${IPV4(100)}/24`], arpInterval: ARP_INTERVAL, arpIpTargets: [IPV4(9)] },
              ...{ macAddress: BOND_MAC, adopt: true },
            },
          ],
        ],
      );
      await child(1, "bond0");
      const ports = ["eth0", "eth1"];
      await assert.rejects(
        on.stack.up("Bond", "bond0", { host: "guest1", mode: "active-backup", ports }),
        /name: .*adopt: true/,
      );
      const adopted = await on.stack.up("Bond", "bond0", {
        ...{ host: "guest1", mode: "active-backup", ports, numPeerNotifications: 3, adopt: true },
      });
      assert.equal(adopted.ports.length, 2);
      await on.stack.down("bond0");
      const { linkinfo } = await linkOf(on.lab, "guest1", "bond0");
      assert.equal(linkinfo?.info_data?.["num_peer_notif"], 1);
      assert.equal((await linkOf(on.lab, "guest1", "eth1")).master, "bond0");
    });

    it("refuses a child on one of its ports, and says that the link is in use", async () => {
      await foreignBond();
      await assert.rejects(child(1, "eth1"), /parent: .*eth1.*bond0|in use/s);
    });
  });
});
