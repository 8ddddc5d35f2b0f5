import assert from "node:assert/strict";
import { linkOf } from "../lab/seen";
import { useLab } from "../lab/stack";
import { clean } from "./clean";

const IPV4 = (n: number): string => `192.0.2.${n}`;

/** Echo requests of a measurement, which the peer answers. */
const PINGS = 20;

describe("macvlan modes on a stock kernel", function () {
  this.timeout(240_000);
  const on = useLab(1, [{}]);

  beforeEach(() => on.lab.sh("node1", `ip address add ${IPV4(9)}/24 dev eth0`));
  afterEach(() => clean(on, ["guest1"]));

  /** Child number n of eth0, in a namespace of its own. */
  const child = async (n: number, mode: "bridge" | "vepa" | "private"): Promise<string> => {
    const { macAddress } = await on.stack.up("MacvlanInterface", `m${n}`, {
      ...{ host: "guest1", parent: "eth0", mode, netns: `c${n}`, addresses: [`${IPV4(n)}/24`] },
    });
    return macAddress;
  };
  const reaches = (from: number, to: number, count?: number): Promise<boolean> =>
    on.lab.ping("guest1", IPV4(to), {
      netns: `c${from}`,
      deadline: 3000,
      ...(count === undefined ? {} : { count }),
    });
  /** How often the echo requests and replies between two children went through the switch's port, each way. */
  const crossings = async (from: number, to: number): Promise<{ out: number; back: number }> => {
    const capture = await on.lab.capture("switch", on.lab.guest("guest1").switchPort, "icmp");
    const before = await on.lab.switch.counters("guest1");
    assert.ok(await reaches(from, to, PINGS));
    const after = await on.lab.switch.counters("guest1");
    const frames = (await capture.stop()).length;
    const [out, back] = [after.rxPackets - before.rxPackets, after.txPackets - before.txPackets];
    assert.ok(out + back >= frames, `the port counted ${out} + ${back} frames, and ${frames} were seen`);
    return { out, back };
  };
  /** Mbit/s of TCP between two children, for two seconds. */
  const throughput = async (from: number, to: number): Promise<number> => {
    await on.lab.sh("guest1", `ip netns exec c${to} iperf3 -s -1 -D && sleep 0.5`);
    const shown = await on.lab.sh("guest1", `ip netns exec c${from} iperf3 -c ${IPV4(to)} -t 2 -J`);
    const { end } = JSON.parse(shown) as { end: { sum_received: { bits_per_second: number } } };
    return end.sum_received.bits_per_second / 1e6;
  };

  it("send traffic between children through the switch twice in vepa mode, and not at all in bridge mode", async () => {
    await child(1, "bridge");
    await child(2, "bridge");
    assert.ok(await reaches(1, 2));
    const within = await crossings(1, 2);
    const bridged = await throughput(1, 2);
    assert.ok(
      within.out < PINGS,
      `${PINGS} requests and replies within the host, and ${within.out} frames left it`,
    );

    await on.lab.switch.hairpin("guest1", true);
    await child(1, "vepa");
    await child(2, "vepa");
    assert.ok(await reaches(1, 2));
    const reflected = await crossings(1, 2);
    const reflectedRate = await throughput(1, 2);
    assert.ok(
      reflected.out >= 2 * PINGS,
      `${PINGS} requests and as many replies go out, ${reflected.out} frames did`,
    );
    assert.ok(reflected.back >= 2 * PINGS, `and come back, ${reflected.back} frames did`);
    console.log(
      `      ${PINGS} pings: ${within.out} + ${within.back} frames in bridge mode, ${reflected.out} + ${reflected.back} in vepa;` +
        ` TCP ${bridged.toFixed(0)} and ${reflectedRate.toFixed(0)} Mbit/s`,
    );
    await on.lab.switch.hairpin("guest1", false);
    await on.lab.sh("guest1", "ip -n c1 neigh flush all");
    assert.equal(await reaches(1, 2), false);
  });

  it("keep the broadcasts of private children from each other, also those that a hairpin sends back", async () => {
    /** What child 2 hears of a broadcast of child 1 within a second or so. */
    const heard = async (mac: string): Promise<number> => {
      const capture = await on.lab.capture("guest1", "m2", `arp and ether src ${mac}`, "c2");
      const ask = "ip netns exec c1 arping -q -c 3 -w 2 -I m1 192.0.2.77 || true";
      const seen = await on.lab.capture("node1", "eth0", `arp and ether src ${mac}`);
      await on.lab.sh("guest1", ask);
      assert.ok((await seen.stop()).length >= 2, "the LAN hears them");
      return (await capture.stop()).length;
    };
    const mac = await child(1, "bridge");
    await child(2, "bridge");
    assert.ok((await heard(mac)) >= 2);
    await child(1, "private");
    await child(2, "private");
    assert.equal(await heard(mac), 0);
    await on.lab.switch.hairpin("guest1", true);
    assert.equal(await heard(mac), 0);
    assert.equal(await reaches(1, 2), false);
    await child(1, "vepa");
    await child(2, "vepa");
    assert.ok((await heard(mac)) >= 2, "vepa children hear what the hairpin sends back");
  });

  it("let a passthru child change its MAC address, and the parent's with it", async () => {
    const up = (macAddress?: string) =>
      on.stack.up("MacvlanInterface", "m1", {
        ...{
          host: "guest1",
          parent: "eth1",
          mode: "passthru" as const,
          netns: "c1",
          addresses: [`${IPV4(1)}/24`],
        },
        ...(macAddress === undefined ? {} : { macAddress }),
      });
    const parentUp = (isUp: boolean): Promise<string> =>
      on.lab.sh("guest1", `ip link set dev eth1 ${isUp ? "up" : "down"}`);
    const parentAddress = async (): Promise<string> => (await linkOf(on.lab, "guest1", "eth1")).address;
    const before = await parentAddress();
    const first = await up();
    assert.equal(first.macAddress, before);
    assert.ok(await on.lab.ping("node1", IPV4(1)));

    // The driver of a guest's NICs is one of those that take no new address while they run.
    await assert.rejects(
      up("02:00:5e:00:53:07"),
      /Device or resource busy.*only while it is down.*was undone/s,
    );
    assert.equal(await parentAddress(), before);
    assert.ok(await on.lab.ping("node1", IPV4(1)), "nothing was lost by that");
    await parentUp(false);
    const second = await up("02:00:5e:00:53:07");
    await parentUp(true);
    assert.equal(second.ifIndex, first.ifIndex);
    assert.equal(await parentAddress(), "02:00:5e:00:53:07");
    await on.lab.sh("node1", "ip neigh flush all");
    assert.ok(await on.lab.ping("node1", IPV4(1)));
    assert.match(await on.lab.sh("node1", `ip neigh show ${IPV4(1)} dev eth0`), /02:00:5e:00:53:07/);

    await parentUp(false);
    await on.stack.down();
    await parentUp(true);
    assert.equal(await parentAddress(), before);
  });
});
