import assert from "node:assert/strict";
import type { ShimArgs } from "../../provider/kinds/args";
import { linkOf, routesOf, seenLink, snapshot } from "./seen";
import { useLab } from "./stack";

describe("host shim", () => {
  const on = useLab();
  const CHILD = "192.0.2.10";
  const CHILD6 = "2001:db8::10";

  const NUMBERED = ["192.0.2.250/32", "2001:db8::250/128"];
  const SHIM6 = "2001:db8::250";

  beforeEach(async () => {
    // a second NIC on the LAN would answer for the host's address as well
    await on.lab.sh("node1", "ip link set dev eth1 down");
  });

  /** A child on node1's LAN link whose way to the LAN's own network is on the link. */
  const child = async (): Promise<string> => {
    const network = on.lab.host("node1").lan.split(".").slice(0, 2).join(".");
    const { macAddress } = await on.stack.up("MacvlanInterface", "web", {
      host: "node1",
      parent: "eth0",
      netns: "web",
      addresses: [`${CHILD}/24`, `${CHILD6}/64`],
      routes: [`${network}.0.0/16`],
    });
    return macAddress;
  };
  const numbered = (): ShimArgs => ({
    host: "node1",
    parent: "eth0",
    addresses: NUMBERED,
    routes: [`${CHILD}/32`, `${CHILD6}/128`],
  });
  const unnumbered = (): ShimArgs => ({
    host: "node1",
    parent: "eth0",
    routes: [{ to: `${CHILD}/32`, source: on.lab.host("node1").lan }],
  });
  const fromChild = (to: string): Promise<boolean> =>
    on.lab.ping("node1", to, { netns: "web", deadline: 3000 });
  const forgetNeighbours = (): Promise<string> =>
    on.lab.sh("node1", "ip neigh flush all; ip -n web neigh flush all");
  /** Child to the host's own address, and host to child. */
  const bothWays = async (): Promise<boolean[]> => {
    await forgetNeighbours();
    const { lan } = on.lab.host("node1");
    return Promise.all([fromChild(lan), on.lab.ping("node1", CHILD, { deadline: 3000 })]);
  };
  /** IPv6 hosts answer for an address on its own link only (RFC 4861, 7.2.3): the child asks for the shim's. */
  const bothWays6 = (): Promise<boolean[]> =>
    Promise.all([fromChild(SHIM6), on.lab.ping("node1", CHILD6, { deadline: 3000 })]);
  /** MAC addresses that answer on the LAN for node1's own address. */
  const answering = async (): Promise<string[]> => {
    const { lan } = on.lab.host("node1");
    const capture = await on.lab.capture("node3", "eth0", `arp[6:2] = 2 and src host ${lan}`);
    for (let time = 0; time < 3; time++) {
      await on.lab.sh("node3", `ip neigh flush all; ping -c 1 -W 1 ${lan} || true`);
    }
    const frames = await capture.stop();
    return [...new Set(frames.map((line) => line.split(" ")[0] ?? ""))].toSorted();
  };

  it("lets a child and its host reach each other, which they cannot without it", async () => {
    await child();
    assert.deepEqual([...(await bothWays()), ...(await bothWays6())], [false, false, false, false]);
    await on.stack.up("HostShim", "shim0", numbered());
    assert.deepEqual([...(await bothWays()), ...(await bothWays6())], [true, true, true, true]);
    await on.stack.down("shim0");
    assert.equal(await seenLink(on.lab, "node1", "shim0"), undefined);
    assert.deepEqual([...(await bothWays()), ...(await bothWays6())], [false, false, false, false]);
  });

  it("does so without addresses of its own, by routes with the host's address as their source", async () => {
    await child();
    await on.stack.up("HostShim", "shim0", unnumbered());
    assert.deepEqual(await bothWays(), [true, true]);
    const { lan } = on.lab.host("node1");
    assert.ok(
      (await routesOf(on.lab, "node1", "shim0")).some((r) => r.includes(`${CHILD} `) && r.includes(lan)),
    );
    const args = unnumbered();
    assert.deepEqual((await on.stack.preview("HostShim", "shim0", args)).drift, {});
  });

  it("exclusive: only the parent answers the LAN for the host's address, and the shim answers the child", async () => {
    const { mac, lan } = on.lab.host("node1");
    const web = await child();
    const { macAddress } = await on.stack.up("HostShim", "shim0", unnumbered());
    assert.deepEqual(await answering(), [mac]);
    assert.ok(await fromChild(lan));
    const neighbour = await on.lab.sh("node1", `ip -n web neigh show ${lan}`);
    assert.match(neighbour, new RegExp(macAddress));
    assert.notEqual(macAddress, web);
  });

  it("kernel: parent and shim both answer ARP, as is the kernel's default", async () => {
    const { mac } = on.lab.host("node1");
    await child();
    const { macAddress } = await on.stack.up("HostShim", "shim0", { ...unnumbered(), arp: "kernel" });
    assert.deepEqual(await answering(), [mac, macAddress].toSorted());
    await on.stack.up("HostShim", "shim0", unnumbered());
    assert.deepEqual(await answering(), [mac]);
  });

  it("detects a route that was removed or added and an ARP setting that was changed, and repairs them", async () => {
    await child();
    const args = numbered();
    await on.stack.up("HostShim", "shim0", args);
    await on.lab.sh(
      "node1",
      `ip route del ${CHILD}/32 dev shim0; ip route add 192.0.2.77/32 dev shim0 proto static`,
    );
    const routes = await on.stack.preview("HostShim", "shim0", args);
    assert.deepEqual(routes.drift, {
      routes: `found 192.0.2.77/32, ${CHILD6}/128, wanted ${CHILD}/32, ${CHILD6}/128`,
    });
    await on.lab.sh("node1", "sysctl -qw net.ipv4.conf.shim0.arp_filter=0");
    assert.ok("arp" in (await on.stack.preview("HostShim", "shim0", args)).drift);
    await on.stack.up("HostShim", "shim0", args);
    const now = await routesOf(on.lab, "node1", "shim0");
    assert.deepEqual(
      now.map((r) => r.split(" ")[0]),
      [CHILD, CHILD6],
    );
    assert.equal(await on.lab.sh("node1", "cat /proc/sys/net/ipv4/conf/shim0/arp_filter"), "1\n");
    assert.deepEqual((await on.stack.preview("HostShim", "shim0", args)).drift, {});
  });

  it("leaves the host as it was when it is deleted", async () => {
    const before = await snapshot(on.lab, "node1");
    await on.stack.up("HostShim", "shim0", numbered());
    assert.ok((await linkOf(on.lab, "node1", "shim0")).flags.includes("UP"));
    await on.stack.down();
    assert.equal(await snapshot(on.lab, "node1"), before);
  });
});
