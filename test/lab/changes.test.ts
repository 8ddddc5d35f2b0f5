import assert from "node:assert/strict";
import type { MacvlanArgs } from "../../provider/kinds/args";
import { type SeenLink, addressesOf, linkOf, routesOf, seenLink } from "./seen";
import { useLab } from "./stack";

const MACS = ["02:00:5e:00:53:01", "02:00:5e:00:53:02"] as const;
const BASE: MacvlanArgs = { host: "node1", parent: "eth0", name: "mac0" };

const optionOf = (link: SeenLink, word: string): unknown => link.linkinfo?.info_data?.[word];

/** A property, two values, and how the host's own tools show it. */
const CHANGES: {
  what: string;
  from: Partial<MacvlanArgs>;
  to: Partial<MacvlanArgs>;
  see: (l: SeenLink) => unknown;
}[] = [
  { what: "mtu", from: { mtu: 1500 }, to: { mtu: 1400 }, see: (l) => l.mtu },
  { what: "macAddress", from: { macAddress: MACS[0] }, to: { macAddress: MACS[1] }, see: (l) => l.address },
  { what: "alias", from: { alias: "web" }, to: { alias: "it's #2 of $many" }, see: (l) => l.ifalias },
  {
    what: "an alias that is removed",
    from: { alias: "web" },
    to: { alias: "" },
    see: (l) => l.ifalias ?? "",
  },
  { what: "txQueueLength", from: { txQueueLength: 500 }, to: { txQueueLength: 700 }, see: (l) => l.txqlen },
  { what: "up", from: { up: true }, to: { up: false }, see: (l) => l.flags.includes("UP") },
  {
    what: "broadcastQueueLength",
    from: { broadcastQueueLength: 2000 },
    to: { broadcastQueueLength: 3000 },
    see: (l) => optionOf(l, "bcqueuelen"),
  },
  ...(["vepa", "private", "source"] as const).flatMap((mode) => [
    { what: `mode bridge to ${mode}`, from: {}, to: { mode }, see: (l: SeenLink) => optionOf(l, "mode") },
    {
      what: `mode ${mode} to bridge`,
      from: { mode },
      to: { mode: "bridge" as const },
      see: (l: SeenLink) => optionOf(l, "mode"),
    },
  ]),
  {
    what: "nodst",
    from: { mode: "source", nodst: false },
    to: { mode: "source", nodst: true },
    see: (l) => optionOf(l, "nodst") === true,
  },
  {
    what: "addresses: one more, one less",
    from: { addresses: ["192.0.2.1/24", "2001:db8::1/64"] },
    to: { addresses: ["2001:db8::1/64", "2001:db8::2/64"] },
    see: (l) => addressesOf(l).toSorted().join(" "),
  },
  {
    what: "addresses: the first of a subnet, which takes the others along",
    from: { addresses: ["192.0.2.1/24", "192.0.2.2/24", "192.0.2.3/24"] },
    to: { addresses: ["192.0.2.2/24", "192.0.2.3/24"] },
    see: (l) => addressesOf(l).toSorted().join(" "),
  },
  {
    what: "addresses: another prefix length",
    from: { addresses: ["192.0.2.1/24", "2001:db8::1/64"] },
    to: { addresses: ["192.0.2.1/25", "2001:db8::1/80"] },
    see: (l) => addressesOf(l).toSorted().join(" "),
  },
  {
    what: "addresses: link-local ones that are stated, beside the kernel's own",
    from: { addresses: ["fe80::1/64", "192.0.2.1/24"] },
    to: { addresses: ["192.0.2.1/24", "fe80::2/64"] },
    see: (l) =>
      l.addr_info
        .map(({ local }) => local)
        .filter((ip) => /^fe80::\d$/.test(ip))
        .join(" "),
  },
];

/** What a foreigner does to the link, and what a preview then says of it. */
const DRIFTS: { script: string; drift: Record<string, string> }[] = [
  { script: "ip link set mac0 mtu 1300", drift: { mtu: "found 1300, wanted 1400" } },
  {
    script: `ip link set mac0 address ${MACS[1]}`,
    drift: { macAddress: `found ${MACS[1]}, wanted ${MACS[0]}` },
  },
  { script: "ip link set mac0 alias other", drift: { alias: "found other, wanted web" } },
  { script: "ip link set mac0 txqueuelen 9", drift: { txQueueLength: "found 9, wanted 500" } },
  { script: "ip link set mac0 type macvlan mode private", drift: { mode: "found private, wanted bridge" } },
  {
    script: "ip link set mac0 type macvlan bcqueuelen 9",
    drift: { broadcastQueueLength: "found 9, wanted 2000" },
  },
  {
    script: "ip addr add 192.0.2.9/24 dev mac0",
    drift: {
      addresses: "found 192.0.2.1/24, 192.0.2.9/24, 2001:db8::1/64, wanted 192.0.2.1/24, 2001:db8::1/64",
    },
  },
  {
    script: "ip addr del 2001:db8::1/64 dev mac0",
    drift: { addresses: "found 192.0.2.1/24, wanted 192.0.2.1/24, 2001:db8::1/64" },
  },
  {
    script: "ip route del 198.51.100.0/24 dev mac0",
    drift: { routes: "found none, wanted 198.51.100.0/24 via 192.0.2.254" },
  },
  { script: "ip link del mac0", drift: { name: "found none, wanted mac0@eth0" } },
];

describe("changes of a macvlan", () => {
  const on = useLab(2);
  const up = (more: Partial<MacvlanArgs>) => on.stack.up("MacvlanInterface", "web", { ...BASE, ...more });
  const preview = (more: Partial<MacvlanArgs>) =>
    on.stack.preview("MacvlanInterface", "web", { ...BASE, ...more });

  describe("in place, and back", () => {
    for (const { what, from, to, see } of CHANGES) {
      it(what, async () => {
        const first = await up(from);
        const before = see(await linkOf(on.lab, "node1", "mac0"));
        for (const [args, isAsBefore] of [
          [to, false],
          [from, true],
        ] as const) {
          assert.deepEqual((await preview(args)).replaces, []);
          assert.equal((await up(args)).ifIndex, first.ifIndex);
          const seen = see(await linkOf(on.lab, "node1", "mac0"));
          assert.equal(seen === before, isAsBefore, `${String(before)} → ${String(seen)}`);
          assert.equal((await preview(args)).changes, false);
        }
      });
    }

    it("routes", async () => {
      const addresses = ["192.0.2.1/24", "2001:db8::1/64"];
      const { ifIndex } = await up({
        addresses,
        routes: ["198.51.100.1/32", { to: "2001:db8:1::/64", metric: 9 }],
      });
      const routes = ["198.51.100.1/32", { to: "198.51.100.0/24", via: "192.0.2.254", metric: 7 }];
      assert.equal((await up({ addresses, routes })).ifIndex, ifIndex);
      const seen = await routesOf(on.lab, "node1", "mac0");
      assert.deepEqual(
        seen.map((r) => r.replace(/ scope \w+/, "")),
        ["198.51.100.0/24 via 192.0.2.254 metric 7", "198.51.100.1"],
      );
    });

    it("a default route of IPv6, by a gateway's link-local address", async () => {
      const addresses = ["fe80::7/64", "2001:db8::1/64"];
      const { ifIndex } = await up({ addresses, routes: [{ to: "default", via: "fe80::99" }] });
      assert.deepEqual(await routesOf(on.lab, "node1", "mac0"), [
        "default via fe80::99 metric 1024 pref medium",
      ]);
      const routes = [{ to: "default", via: "2001:db8::99", metric: 7 }];
      assert.equal((await up({ addresses, routes })).ifIndex, ifIndex);
      assert.equal((await preview({ addresses, routes })).changes, false);
      assert.match((await routesOf(on.lab, "node1", "mac0")).join(), /^default via 2001:db8::99 metric 7 /);
    });

    it("name and namespace", async () => {
      const addresses = ["192.0.2.1/24", "2001:db8::1/64"];
      const { ifIndex, macAddress } = await up({ addresses });
      assert.equal((await up({ addresses, name: "mac1" })).ifIndex, ifIndex);
      assert.equal(await seenLink(on.lab, "node1", "mac0"), undefined);
      await up({ addresses, name: "mac2", netns: "blue" });
      const moved = await linkOf(on.lab, "node1", "mac2", "blue");
      assert.deepEqual([moved.address, addressesOf(moved)], [macAddress, addresses]);
      await up({ addresses });
      assert.deepEqual(addressesOf(await linkOf(on.lab, "node1", "mac0")), addresses);
      assert.equal(await on.lab.sh("node1", "ip netns list"), "");
    });
  });

  it("to another parent, and to and from passthru, replace the link", async () => {
    const free = { parent: "eth1" };
    await up({});
    assert.deepEqual((await preview(free)).replaces, ["parent"]);
    await up(free);
    assert.equal((await linkOf(on.lab, "node1", "mac0")).link, "eth1");
    assert.deepEqual((await preview({ ...free, mode: "passthru" })).replaces, ["mode"]);
    await up({ ...free, mode: "passthru" });
    assert.equal(optionOf(await linkOf(on.lab, "node1", "mac0"), "mode"), "passthru");
    assert.deepEqual((await preview(free)).replaces, ["mode"]);
    await up(free);
    assert.equal(optionOf(await linkOf(on.lab, "node1", "mac0"), "mode"), "bridge");
    assert.equal((await linkOf(on.lab, "node1", "eth1")).address, on.lab.host("node1").mac1);
  });

  describe("by others are detected, reported and repaired", () => {
    const all: Partial<MacvlanArgs> = {
      mtu: 1400,
      macAddress: MACS[0],
      alias: "web",
      txQueueLength: 500,
      broadcastQueueLength: 2000,
      addresses: ["192.0.2.1/24", "2001:db8::1/64"],
      routes: [{ to: "198.51.100.0/24", via: "192.0.2.254" }],
    };
    for (const { script, drift } of DRIFTS) {
      it(script, async () => {
        await up(all);
        await on.lab.sh("node1", script);
        assert.deepEqual((await preview(all)).drift, drift);
        await up(all);
        assert.deepEqual((await preview(all)).drift, {});
        assert.deepEqual(addressesOf(await linkOf(on.lab, "node1", "mac0")), all.addresses);
        assert.equal((await routesOf(on.lab, "node1", "mac0")).length, 1);
      });
    }

    it("taking the link down, with the routes and IPv6 addresses that this takes away", async () => {
      await up(all);
      await on.lab.sh("node1", "ip link set mac0 down");
      assert.deepEqual(Object.keys((await preview(all)).drift).toSorted(), ["addresses", "routes", "up"]);
      await up(all);
      assert.deepEqual((await preview(all)).drift, {});
    });

    it("what is not stated does not drift", async () => {
      await up({});
      await on.lab.sh(
        "node1",
        "ip link set mac0 mtu 1300 alias x txqueuelen 7; ip addr add 192.0.2.7/24 dev mac0",
      );
      assert.equal((await preview({})).changes, false);
    });
  });

  it("that change nothing run one command, which only reads", async () => {
    const args = { addresses: ["192.0.2.1/24", "2001:db8::1/64"], mtu: 1400, netns: "blue" };
    await up(args);
    const before = await on.lab.commands("node1");
    await up(args);
    assert.equal((await on.lab.commands("node1")) - before, 1);
  });

  describe("a changed MAC address, at a peer that has the old one in its neighbour table", () => {
    const args = (macAddress: string): Partial<MacvlanArgs> => ({
      netns: "c1",
      macAddress,
      addresses: ["192.0.2.1/24", "2001:db8::1/64"],
    });

    beforeEach(() =>
      on.stack.up("MacvlanInterface", "peer", {
        host: "node2",
        parent: "eth0",
        netns: "peer",
        addresses: ["192.0.2.2/24", "2001:db8::2/64"],
      }),
    );

    it("is reached within 1 s over IPv4, by the times of the frames", async () => {
      await up(args(MACS[0]));
      assert.ok(await on.lab.ping("node2", "192.0.2.1", { netns: "peer", deadline: 10_000 }));
      const capture = await on.lab.capture("node2", "eth0", "icmp[0] = 0", "", { times: true });
      const pinging = on.lab.sh("node2", "ip netns exec peer ping -q -i 0.01 -w 30 192.0.2.1 || true");
      await up(args(MACS[1]));
      await on.lab.sh("node2", "sleep 2; pkill -INT -x ping");
      await pinging;
      const replies = (await capture.stop()).map((frame) => {
        const [time = "", from = ""] = frame.split(" ");
        return { time: Number(time), from };
      });
      const last = replies.findLast(({ from }) => from === MACS[0]);
      const first = replies.find(({ from }) => from === MACS[1]);
      assert.ok(last && first, `${replies.length} replies`);
      const gap = first.time - last.time;
      assert.ok(gap > 0 && gap < 1, `${gap.toFixed(3)} s between the last old and the first new reply`);
    });

    it("is reached soon after the link was re-created, over IPv4 and IPv6", async () => {
      await up(args(MACS[0]));
      const answers = (): Promise<boolean[]> =>
        Promise.all(
          ["192.0.2.1", "2001:db8::1"].map((address) =>
            // an entry that is not announced again is believed for 15 seconds at least (base_reachable_time_ms / 2: arp(7))
            on.lab.ping("node2", address, { netns: "peer", deadline: 10_000 }),
          ),
        );
      assert.deepEqual(await answers(), [true, true]);
      await on.stack.down("web");
      await up(args(MACS[1]));
      assert.deepEqual(await answers(), [true, true]);
    });
  });
});
