import assert from "node:assert/strict";
import { addressesOf, linkOf, routesOf, seenLink, snapshot } from "./seen";
import { useLab } from "./stack";

describe("hairpin bridge", () => {
  const on = useLab(2);

  /** Two veth pairs within node1: p1–q1 and p2–q2. */
  const cables = (): Promise<string> =>
    on.lab.sh(
      "node1",
      "for n in 1 2; do ip link add p$n type veth peer name q$n && ip link set p$n up && ip link set q$n up; done",
    );
  const portOf = async (name: string): Promise<Readonly<Record<string, unknown>>> =>
    (await linkOf(on.lab, "node1", name)).linkinfo?.info_slave_data ?? {};
  const optionsOf = async (name: string): Promise<Readonly<Record<string, unknown>>> =>
    (await linkOf(on.lab, "node1", name)).linkinfo?.info_data ?? {};

  it("sends frames back out of a hairpin port, so that vepa children behind it reach each other", async () => {
    await cables();
    const bridge = (hairpin: boolean) =>
      on.stack.up("HairpinBridge", "br0", { host: "node1", ports: [{ name: "p1", hairpin }] });
    await bridge(true);
    for (const n of [1, 2]) {
      await on.stack.up("MacvlanInterface", `m${n}`, {
        host: "node1",
        parent: "q1",
        mode: "vepa",
        netns: `c${n}`,
        addresses: [`192.0.2.${n}/24`],
      });
    }
    const reaches = async (): Promise<boolean> => {
      await on.lab.sh("node1", "ip -n c1 neigh flush all");
      return on.lab.ping("node1", "192.0.2.2", { netns: "c1" });
    };
    assert.ok(await reaches());
    await bridge(false);
    assert.equal(await reaches(), false);
    await bridge(true);
    assert.ok(await reaches());
  });

  it("sets each option of a port, and removes a port that is no longer listed", async () => {
    await cables();
    const options = {
      hairpin: false,
      isolated: true,
      learning: false,
      flood: false,
      mcastFlood: false,
      cost: 77,
      priority: 9,
      guard: true,
      rootBlock: true,
    };
    const made = await on.stack.up("HairpinBridge", "br0", {
      host: "node1",
      ports: ["p1", { name: "p2", ...options }],
    });
    assert.deepEqual(
      made.ports.map(({ name, hairpin }) => ({ name, hairpin })),
      [
        { name: "p1", hairpin: true },
        { name: "p2", hairpin: false },
      ],
    );
    assert.equal(made.bridgeId, `8000.${made.macAddress}`);
    assert.equal((await portOf("p1"))["hairpin"], true);
    const seen = await portOf("p2");
    const words = { mcastFlood: "mcast_flood", rootBlock: "root_block" } as Readonly<Record<string, string>>;
    for (const [option, value] of Object.entries(options)) {
      assert.equal(seen[words[option] ?? option], value, option);
    }
    const { drift, changes } = await on.stack.preview("HairpinBridge", "br0", {
      host: "node1",
      ports: ["p1"],
    });
    assert.deepEqual([drift, changes], [{}, true]);
    await on.stack.up("HairpinBridge", "br0", { host: "node1", ports: ["p1"] });
    assert.equal((await linkOf(on.lab, "node1", "p2")).master, undefined);
    assert.equal((await linkOf(on.lab, "node1", "p1")).master, "br0");
  });

  it("detects a port that was removed or changed, and repairs it", async () => {
    await cables();
    const args = { host: "node1", ports: ["p1", "p2"] };
    await on.stack.up("HairpinBridge", "br0", args);
    await on.lab.sh("node1", "ip link set p1 nomaster; bridge link set dev p2 hairpin off");
    const { drift } = await on.stack.preview("HairpinBridge", "br0", args);
    assert.equal(drift["ports[0].name"], "found none, wanted br0");
    assert.equal(drift["ports[1].hairpin"], "found false, wanted true");
    await on.stack.up("HairpinBridge", "br0", args);
    assert.equal((await linkOf(on.lab, "node1", "p1")).master, "br0");
    assert.equal((await portOf("p1"))["hairpin"], true);
    assert.equal((await portOf("p2"))["hairpin"], true);
  });

  it("sets spanning tree, its timers in seconds, ageing and snooping, and changes them in place", async () => {
    const first = await on.stack.up("HairpinBridge", "br0", {
      host: "node1",
      stp: true,
      priority: 4096,
      forwardDelay: 4,
      helloTime: 1,
      maxAge: 8,
      ageingTime: 60,
      mcastSnooping: false,
    });
    const seen = await optionsOf("br0");
    const words = [
      "stp_state",
      "priority",
      "forward_delay",
      "hello_time",
      "max_age",
      "ageing_time",
      "mcast_snooping",
    ];
    assert.deepEqual(
      words.map((word) => seen[word]),
      [1, 4096, 400, 100, 800, 6000, 0],
    );
    // a bridge takes its id from its ports
    assert.equal(first.bridgeId, "1000.00:00:00:00:00:00");
    const second = await on.stack.up("HairpinBridge", "br0", { host: "node1", stp: false, forwardDelay: 0 });
    assert.equal(second.ifIndex, first.ifIndex);
    const now = await optionsOf("br0");
    assert.deepEqual([now["stp_state"], now["forward_delay"], now["ageing_time"]], [0, 0, 6000]);
  });

  it("refuses VLAN filtering at preview if the kernel has none", async function () {
    await on.lab.sh("node1", "ip link add br9 type bridge");
    const shown = await on.lab.sh(
      "node1",
      "[ -e /sys/class/net/br9/bridge/vlan_filtering ] && echo yes; ip link del br9",
    );
    if (shown.includes("yes")) this.skip();
    const args = { host: "node1", vlanFiltering: true };
    const { failures } = await on.stack.preview("HairpinBridge", "br0", args);
    assert.match(failures.join(), /^vlanFiltering: .* \[host-unsupported\]$/);
    assert.equal(await seenLink(on.lab, "node1", "br0"), undefined);
  });

  it("refuses a port with addresses, one of another bridge and one with macvlans, at preview", async () => {
    await cables();
    await on.lab.sh(
      "node1",
      "ip link add br9 type bridge; ip link set p1 master br9; ip link add m9 link q2 type macvlan",
    );
    const { failures } = await on.stack.preview("HairpinBridge", "br0", {
      host: "node1",
      ports: ["eth0", "p1", "q2", "nic9"],
    });
    assert.equal(failures.length, 4);
    assert.match(failures[0] ?? "", /^ports\[0\]\.name: .* \[port-has-addresses\]$/);
    assert.match(failures[1] ?? "", /^ports\[1\]\.name: .* \[taken-on-host\]$/);
    assert.match(failures[2] ?? "", /^ports\[2\]\.name: .* \[unsuitable-link\]$/);
    assert.match(failures[3] ?? "", /^ports\[3\]\.name: .* \[not-on-host\]$/);
  });

  it("moves a NIC's addresses and routes to the bridge and back under traffic", async () => {
    const { lan, lan6, mac } = on.lab.host("node1");
    // eth1 is on the same LAN and would answer for eth0's address
    const prepare = `ip link set dev eth1 down; ip route add 198.51.100.0/24 via ${on.lab.host("node2").lan} proto static`;
    await on.lab.sh("node1", prepare);
    await on.lab.sh("node2", "ip neigh flush all");
    const before = await snapshot(on.lab, "node1");
    const lost = async (work: () => Promise<unknown>): Promise<number> => {
      const pinging = on.lab.exec("node2", ["ping", "-q", "-n", "-i", "0.005", "-w", "3", lan]);
      await work();
      const [, sent = 0, received = 0] = (
        /(\d+) packets transmitted, (\d+) received/.exec((await pinging).stdout) ?? []
      ).map(Number);
      assert.ok(sent > 200);
      return sent - received;
    };
    const taken = await lost(() =>
      on.stack.up("HairpinBridge", "br0", {
        host: "node1",
        ports: [{ name: "eth0", hairpin: false }],
        stp: false,
        forwardDelay: 0,
        takeOverAddresses: true,
      }),
    );
    const bridge = await linkOf(on.lab, "node1", "br0");
    assert.equal(bridge.address, mac);
    assert.deepEqual(addressesOf(bridge), [`${lan}/16`, `${lan6}/64`]);
    assert.deepEqual(addressesOf(await linkOf(on.lab, "node1", "eth0")), []);
    assert.ok((await routesOf(on.lab, "node1", "br0"))[0]?.startsWith("198.51.100.0/24 via"));
    const back = await lost(() => on.stack.down());
    assert.equal(await snapshot(on.lab, "node1"), before);
    console.log(`      lost of 600 pings 5 ms apart: ${taken} on the way there, ${back} on the way back`);
    assert.ok(taken <= 20 && back <= 20, `lost ${taken} and ${back}`);
  });
});
