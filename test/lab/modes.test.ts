import assert from "node:assert/strict";
import { linkOf, seenLink } from "./seen";
import { useLab } from "./stack";

const IPV4 = (n: number): string => `192.0.2.${n}`;
const IPV6 = (n: number): string => `2001:db8::${n}`;

describe("macvlan modes", () => {
  const on = useLab();

  /** A child in the namespace `c1`, `c2`, … of a host, with the addresses …1, …2, … of the test networks. */
  const child = async (
    n: number,
    more: { host?: string; parent?: string; mode?: "bridge" | "vepa" | "private" | "source" } = {},
  ): Promise<string> => {
    const { macAddress } = await on.stack.up("MacvlanInterface", `m${n}`, {
      host: "node1",
      parent: "eth0",
      netns: `c${n}`,
      addresses: [`${IPV4(n)}/24`, `${IPV6(n)}/64`],
      ...more,
    });
    return macAddress;
  };
  /** Whether child `from` reaches child `to`; IPv4 and IPv6 have to agree. */
  const reaches = async (from: number, to: number, host = "node1"): Promise<boolean> => {
    // what was not found a moment ago would not be looked for again at once
    await on.lab.sh(host, `ip -n c${from} neigh flush all`);
    const answers = await Promise.all(
      [IPV4(to), IPV6(to)].map((address) =>
        on.lab.ping(host, address, { netns: `c${from}`, deadline: 3000 }),
      ),
    );
    assert.equal(answers[0], answers[1], "IPv4 and IPv6 differ");
    return answers[0] === true;
  };
  /** Frames that the host sent into the switch while `work` went on. */
  const sent = async (work: () => Promise<unknown>): Promise<number> => {
    const before = await on.lab.switch.counters("node1");
    await work();
    return (await on.lab.switch.counters("node1")).rxPackets - before.rxPackets;
  };

  it("bridge: children reach each other within the host, and those of other hosts", async () => {
    await child(1);
    await child(2);
    await child(3, { host: "node2" });
    assert.ok(await reaches(1, 2));
    assert.ok(await reaches(1, 3));
    assert.ok(await reaches(3, 2, "node2"));
    const pings = sent(() => on.lab.ping("node1", IPV4(2), { netns: "c1", count: 20 }));
    assert.ok((await pings) < 20, "their frames stay within the host");
  });

  it("vepa: children reach each other through a hairpin port only, and then through the switch", async () => {
    await child(1, { mode: "vepa" });
    await child(2, { mode: "vepa" });
    await child(3, { host: "node2" });
    assert.ok(await reaches(1, 3));
    assert.equal(await reaches(1, 2), false);
    await on.lab.switch.hairpin("node1", true);
    assert.ok(await reaches(1, 2));
    const crossed = await sent(() => on.lab.ping("node1", IPV4(2), { netns: "c1", count: 20 }));
    assert.ok(crossed >= 40, `20 requests and 20 replies cross the switch, ${crossed} frames did`);
  });

  it("private: children never reach each other, not even through a hairpin port", async () => {
    await child(1, { mode: "private" });
    await child(2, { mode: "private" });
    await child(3, { host: "node2" });
    assert.ok(await reaches(1, 3));
    assert.equal(await reaches(1, 2), false);
    await on.lab.switch.hairpin("node1", true);
    assert.equal(await reaches(1, 2), false);
    assert.ok(await reaches(2, 3));
  });

  it("source: a child takes frames of listed senders only, and the list changes in place", async () => {
    const peers = [await child(2, { host: "node2" }), await child(3, { host: "node3" })];
    const up = (sourceMacAddresses: string[]) =>
      on.stack.up("MacvlanInterface", "m1", {
        host: "node1",
        parent: "eth0",
        netns: "c1",
        mode: "source",
        addresses: [`${IPV4(1)}/24`, `${IPV6(1)}/64`],
        sourceMacAddresses,
      });
    const first = await up(peers.slice(0, 1));
    assert.ok(await reaches(1, 2));
    assert.equal(await reaches(1, 3), false);
    const second = await up(peers.slice(1));
    assert.equal(second.ifIndex, first.ifIndex);
    assert.equal(await reaches(1, 2), false);
    assert.ok(await reaches(1, 3));
    await up(peers);
    assert.ok(await reaches(1, 2));
    assert.ok(await reaches(1, 3));
    const link = await linkOf(on.lab, "node1", "m1", "c1");
    assert.equal(link.linkinfo?.info_data?.["macaddr_count"], 2);
  });

  describe("passthru", () => {
    const take = { host: "node1", parent: "eth1", netns: "c1", mode: "passthru" } as const;

    it("takes the parent's MAC address and its traffic", async () => {
      await child(3, { host: "node2" });
      const { macAddress, parentPromiscuity } = await on.stack.up("MacvlanInterface", "m1", {
        ...take,
        addresses: [`${IPV4(1)}/24`, `${IPV6(1)}/64`],
      });
      assert.equal(macAddress, on.lab.host("node1").mac1);
      assert.equal(parentPromiscuity, 1);
      assert.ok(await reaches(1, 3));
    });

    it("gives the parent its own MAC address and state back on deletion", async () => {
      const before = await linkOf(on.lab, "node1", "eth1");
      await on.stack.up("MacvlanInterface", "m1", { ...take, macAddress: "02:00:5e:00:53:01" });
      assert.equal((await linkOf(on.lab, "node1", "eth1")).address, "02:00:5e:00:53:01");
      await on.stack.down();
      const after = await linkOf(on.lab, "node1", "eth1");
      assert.equal(after.address, before.address);
      assert.equal(after.promiscuity, before.promiscuity);
      assert.deepEqual(after.flags, before.flags);
    });

    it("leaves the parent out of promiscuous mode if noPromisc is on", async () => {
      await on.stack.up("MacvlanInterface", "m1", { ...take, noPromisc: true });
      assert.equal((await linkOf(on.lab, "node1", "eth1")).promiscuity, 0);
    });

    it("is refused beside children of others, as is a child beside their passthru link, before anything is touched", async () => {
      await on.lab.sh("node1", "ip link add other link eth1 type macvlan mode passthru");
      const second = await on.stack.preview("MacvlanInterface", "m2", { host: "node1", parent: "eth1" });
      assert.match(second.failures.join(), /^parent: .* \[taken-on-host\]$/);
      assert.equal(await seenLink(on.lab, "node1", "m2"), undefined);
      await on.lab.sh("node1", "ip link del other; ip link add other link eth0 type macvlan mode bridge");
      const late = await on.stack.preview("MacvlanInterface", "m4", { ...take, parent: "eth0", netns: "c4" });
      assert.match(late.failures.join(), /^mode: .* \[taken-on-host\]$/);
      await on.lab.sh("node1", "ip link del other");
    });
  });

  it("accepts a bridge as its parent", async () => {
    await on.lab.sh("node1", "ip link add br7 type bridge; ip link set eth1 master br7; ip link set br7 up");
    await child(1, { parent: "br7" });
    await child(2, { parent: "br7" });
    await child(3, { host: "node2" });
    assert.ok(await reaches(1, 2));
    assert.ok(await reaches(1, 3));
  });

  it("uses the parent of a macvlan that is given as the parent, and reports no drift", async () => {
    await child(1);
    await on.stack.up("MacvlanInterface", "low", { host: "node1", parent: "eth0" });
    const args = { host: "node1", parent: "low" };
    const { label } = await on.stack.up("MacvlanInterface", "high", args);
    assert.equal(label, "high@low");
    assert.equal((await linkOf(on.lab, "node1", "high")).link, "eth0");
    assert.equal((await on.stack.preview("MacvlanInterface", "high", args)).changes, false);
  });
});
