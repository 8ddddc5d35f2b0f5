import assert from "node:assert/strict";
import type { ShimArgs } from "../../provider/kinds/args";
import { replaceIp, restoreIp } from "./faults";
import { useLab } from "./stack";

describe("routes of others", function () {
  this.timeout(60_000);
  const on = useLab(1);
  const HOST = "node1";
  const SHIM: ShimArgs = {
    host: HOST,
    parent: "eth1",
    addresses: ["192.0.2.250/32", "2001:db8::250/128"],
    routes: ["192.0.2.10/32", { to: "198.51.100.0/28", metric: 7 }, "2001:db8:1::/48"],
  };

  const up = async (args = SHIM): Promise<unknown> => on.stack.up("HostShim", "shim0", args);
  const preview = (args = SHIM): ReturnType<typeof on.stack.preview> =>
    on.stack.preview("HostShim", "shim0", args);
  /** The routes through the shim, as the host's own `ip` shows them, without the kernel's. */
  const routes = async (): Promise<string[]> => {
    const printed = await on.lab.sh(HOST, "ip route show dev shim0; ip -6 route show dev shim0");
    return printed
      .split("\n")
      .map((line) =>
        line.replaceAll(/ (?:proto (?:static|boot)|scope link|metric 1024|pref medium)\b/g, "").trim(),
      )
      .filter((line) => line !== "" && !line.includes("proto kernel"))
      .toSorted();
  };
  const OURS = ["192.0.2.10", "198.51.100.0/28 metric 7", "2001:db8:1::/48"];

  /** Each is there, is drift, and is gone after one update; then nothing is left to do. */
  const isHealed = async (add: string, found: string): Promise<void> => {
    await up();
    await on.lab.sh(HOST, add);
    const { drift, failures } = await preview();
    assert.deepEqual(failures, []);
    assert.ok(drift["routes"]?.includes(found), `${add}: ${JSON.stringify(drift)}`);
    await up();
    assert.deepEqual(await routes(), OURS, add);
    assert.deepEqual(await preview(), { drift: {}, failures: [], changes: false, replaces: [] }, add);
  };

  it("beside ours, with a tos, a tunnel, a source or an option, are drift that one update repairs", async () => {
    await isHealed("ip route add 192.0.2.10/32 tos 0x10 dev shim0", "192.0.2.10/32 tos 0x10");
    await isHealed(
      "ip route add 192.0.2.200/32 encap ip id 1 dst 192.0.2.10 tos 4 dev shim0",
      "192.0.2.200/32 encap ip id 1 dst 192.0.2.10 tos 0x4",
    );
    await isHealed(
      "ip route add 198.51.100.0/28 tos 0x08 metric 7 mtu 1300 dev shim0",
      "198.51.100.0/28 tos 0x08",
    );
    await isHealed(
      "ip route add 203.0.113.0/24 via inet6 2001:db8::1 dev shim0 onlink",
      "203.0.113.0/24 via 2001:db8::1",
    );
    await isHealed("ip -6 route add 2001:db8:2::/48 dev shim0 pref high", "2001:db8:2::/48 pref high");
  });

  it("in place of ours, with other attributes, are replaced by it", async () => {
    await isHealed("ip route replace 192.0.2.10/32 dev shim0 mtu 1300", "192.0.2.10/32 mtu 1300");
    await isHealed("ip -6 route replace 2001:db8:1::/48 dev shim0 mtu 1300", "2001:db8:1::/48 mtu 1300");
  });

  it("of any shape to a destination of ours are refused at preview, on the route", async () => {
    await on.lab.sh(
      HOST,
      `ip link add d0 type veth peer name e0; ip link set d0 up; ip link set e0 up; ip address add 203.0.113.1/24 dev d0
       ip address add 2001:db8:99::1/64 dev d0 nodad; ip nexthop add id 7 via 203.0.113.9 dev d0`,
    );
    for (const [to, add] of [
      [
        "192.0.2.77/32",
        "ip route add 192.0.2.77/32 nexthop via 203.0.113.9 dev d0 nexthop via 203.0.113.10 dev d0",
      ],
      ["192.0.2.78/32", "ip route add blackhole 192.0.2.78/32"],
      ["192.0.2.79/32", "ip route add unreachable 192.0.2.79/32 proto static"],
      ["192.0.2.80/32", "ip route add 192.0.2.80/32 nhid 7"],
      ["192.0.2.81/32", "ip route add throw 192.0.2.81/32"],
      ["2001:db8:7::/48", "ip -6 route add blackhole 2001:db8:7::/48"],
      [
        "2001:db8:8::/48",
        "ip -6 route add 2001:db8:8::/48 nexthop via 2001:db8:99::9 nexthop via 2001:db8:99::a",
      ],
    ] as const) {
      await on.lab.sh(HOST, add);
      const { failures } = await preview({ ...SHIM, routes: ["192.0.2.10/32", to] });
      assert.match(failures.join("\n"), /^routes\[1\]: the host already has a route/, add);
      assert.equal(failures.length, 1, add);
    }
  });

  it("that a command to delete them would confuse with ours are no drift", async () => {
    await up();
    // what an appended one is deleted by would delete ours
    await on.lab.sh(HOST, "ip route append 192.0.2.10/32 dev shim0 proto static mtu 1300");
    const { drift, changes } = await preview();
    assert.deepEqual([drift, changes], [{}, false]);
  });

  it("with a next hop object stay, and do not prevent changes to ours", async () => {
    await up();
    await on.lab.sh(HOST, "ip nexthop add id 7 dev shim0; ip route add 192.0.2.77/32 nhid 7");
    assert.deepEqual(await preview(), { drift: {}, failures: [], changes: false, replaces: [] });
    const args = { ...SHIM, routes: ["192.0.2.11/32"] };
    await up(args);
    assert.deepEqual(await routes(), ["192.0.2.11", "192.0.2.77 nhid 7"]);
    assert.deepEqual((await preview(args)).drift, {});
  });

  it("come back when a change that removed them is rolled back", async () => {
    await up();
    await on.lab.sh(
      HOST,
      "ip route add 192.0.2.10/32 tos 0x10 mtu 1300 dev shim0; ip route add 192.0.2.200/32 encap ip id 1 dst 192.0.2.9 tos 4 dev shim0",
    );
    const before = await routes();
    assert.equal(before.length, OURS.length + 2);
    let failures = 0;
    for (let n = 1; n < 20; n++) {
      await replaceIp(on.lab, HOST, n, "exit 2");
      const error = await up().then(
        () => undefined,
        (reason: unknown) => String(reason),
      );
      await restoreIp(on.lab, HOST);
      if (error === undefined) break;
      failures++;
      assert.match(error, /Everything was undone/, `command ${n}`);
      assert.deepEqual(await routes(), before, `command ${n}`);
    }
    assert.equal(failures, 2, "each of the two removals");
    assert.deepEqual(await routes(), OURS);
  });

  it("and links of any kind and name cause neither drift nor failures", async () => {
    const strangers = [
      "ip link add 'q\"u' type veth peer name 'back\\'",
      "ip link set 'q\"u' up; ip link set 'back\\' up; ip addr add 203.0.113.1/24 dev 'q\"u'",
      'ip link set dev \'back\\\' alias \'"},{"ifindex":1,"ifname":"evil"}],\'',
      "ip link add constructor type bridge; ip link add __proto__ type bridge",
      "ip route add 198.51.100.16/28 nexthop via 203.0.113.9 dev 'q\"u' weight 2 nexthop via 203.0.113.10 dev 'q\"u'",
      "ip route add blackhole 198.51.100.32/28; ip route add unreachable 198.51.100.33; ip -6 route add prohibit 2001:db8:9::/48",
      "ip route add 198.51.100.48/28 via 203.0.113.9 dev 'q\"u' mtu lock 1300 rtt 300 congctl reno realm 5/7",
      "ip -6 route add 2001:db8:8::/48 encap seg6 mode encap segs 2001:db8::5 dev eth1",
    ];
    await on.lab.sh(HOST, strangers.join("\n"));
    await up();
    assert.deepEqual(await routes(), OURS);
    assert.deepEqual(await preview(), { drift: {}, failures: [], changes: false, replaces: [] });
  });
});
