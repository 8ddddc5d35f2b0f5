import assert from "node:assert/strict";
import type { IpvlanArgs } from "../../provider/kinds/args";
import { lockPort, unlockPort } from "../lab/port-security";
import { linkOf, seenLink } from "../lab/seen";
import { useLab } from "../lab/stack";
import { clean } from "./clean";

const IPV4 = (n: number): string => `192.0.2.${n}`;
const IPV6 = (n: number): string => `2001:db8::${n}`;

/** The addresses behind the guest, in modes l3 and l3s. */
const BEHIND = (n: number): string => `198.51.100.${n}`;

describe("ipvlan on a stock kernel", function () {
  this.timeout(240_000);
  const on = useLab(1, [{}]);

  beforeEach(async () => {
    await on.lab.sh(
      "node1",
      `ip address add ${IPV4(9)}/24 dev eth0; ip address add ${IPV6(9)}/64 dev eth0 nodad`,
    );
    // eth1 is on the same LAN: without that it would answer for eth0's addresses, whose frames then come in by it
    await on.lab.sh(
      "guest1",
      `sysctl -qw net.ipv4.conf.all.arp_ignore=1; ip address add ${IPV4(100)}/24 dev eth0`,
    );
  });
  afterEach(async () => {
    await unlockPort(on.lab, "guest1");
    await clean(on, ["guest1"]);
  });

  const args = (n: number, more: Partial<IpvlanArgs> = {}): IpvlanArgs => ({
    ...{ host: "guest1", parent: "eth0", netns: `c${n}`, addresses: [`${IPV4(n)}/24`, `${IPV6(n)}/64`] },
    ...more,
  });
  /** Child number n of the guest's eth0, in a namespace of its own. */
  const child = (n: number, more: Partial<IpvlanArgs> = {}) =>
    on.stack.up("IpvlanInterface", `i${n}`, args(n, more));
  const reaches = async (from: number, to: string): Promise<boolean> => {
    // what was not found a moment ago would not be looked for again at once
    await on.lab.sh("guest1", `ip -n c${from} neigh flush all`);
    return on.lab.ping("guest1", to, { netns: `c${from}`, deadline: 3000 });
  };
  const guestReaches = (to: string): Promise<boolean> => on.lab.ping("guest1", to, { deadline: 3000 });
  const dataOf = async (name: string, netns = ""): Promise<unknown> =>
    (await linkOf(on.lab, "guest1", name, netns)).linkinfo?.info_data;

  it("l2: children are on the LAN with the parent's MAC address; mode and flag change in place, for all of them", async () => {
    const { mac: mac0 } = on.lab.guest("guest1");
    const first = await child(1);
    const second = await child(2);
    assert.deepEqual([first.macAddress, second.macAddress, second.siblings], [mac0, mac0, 2]);
    for (const to of [IPV4(2), IPV6(2), IPV4(9), IPV6(9)]) assert.ok(await reaches(1, to), to);
    assert.ok(await on.lab.ping("node1", IPV4(2)));
    const neighbours = await on.lab.sh("node1", `ip neigh show dev eth0`);
    for (const n of [1, 2])
      assert.match(neighbours, new RegExp(`${IPV4(n)} lladdr ${mac0}`.replaceAll(".", "\\.")));

    const isolated = await child(1, { flag: "private" });
    await child(2, { flag: "private" });
    assert.equal(isolated.ifIndex, first.ifIndex);
    assert.equal(await reaches(1, IPV4(2)), false);
    assert.ok(await reaches(1, IPV4(9)));

    // by another's hand on one of them, and so on both
    await on.lab.sh("guest1", "ip -n c2 link set dev i2 type ipvlan mode l2 bridge");
    const { drift } = await on.stack.preview("IpvlanInterface", "i1", args(1, { flag: "private" }));
    assert.deepEqual(drift, { flag: "found bridge, wanted private" });
    await child(1, { flag: "private" });
    assert.deepEqual(await dataOf("i2", "c2"), { mode: "l2", private: true });
    assert.equal(
      (await on.stack.preview("IpvlanInterface", "i2", args(2, { flag: "private" }))).changes,
      false,
    );
    await on.stack.down();
    assert.equal(await seenLink(on.lab, "guest1", "i1"), undefined);
    assert.equal((await on.lab.sh("guest1", "ip netns list")).trim(), "");
  });

  it("vepa: traffic between children leaves by the parent", async () => {
    await child(1, { flag: "vepa" });
    await child(2, { flag: "vepa" });
    assert.ok(await reaches(1, IPV4(9)));
    const capture = await on.lab.capture("switch", on.lab.guest("guest1").switchPort, `arp or icmp`);
    assert.equal(await reaches(1, IPV4(2)), false);
    const frames = await capture.stop();
    assert.ok(
      frames.some((frame) => frame.includes(IPV4(2))),
      frames.join("\n"),
    );
  });

  for (const mode of ["l3", "l3s"] as const) {
    it(`${mode}: the LAN reaches children by a route through their host, and they reach it without ARP`, async () => {
      const behind = (n: number): Partial<IpvlanArgs> => ({
        mode,
        addresses: [`${BEHIND(n)}/24`],
        routes: ["default"],
      });
      await child(1, behind(1));
      await child(2, behind(2));
      assert.equal(await on.lab.ping("node1", BEHIND(1), { deadline: 2000 }), false);
      await on.lab.sh("node1", `ip route add ${BEHIND(0)}/24 via ${on.lab.guest("guest1").lan}`);
      assert.ok(await on.lab.ping("node1", BEHIND(1), { deadline: 5000 }));
      assert.ok(await reaches(1, BEHIND(2)));
      assert.ok(await reaches(2, on.lab.host("node1").lan));
      assert.ok((await linkOf(on.lab, "guest1", "i1", "c1")).flags.includes("NOARP"));
    });
  }

  it("is reached by its own host through one more ipvlan with an address and routes, and not without", async () => {
    await child(1);
    assert.equal(await guestReaches(IPV4(1)), false);
    await on.lab.sh("guest1", "ip neigh flush all");
    await on.stack.up("IpvlanInterface", "shim", {
      ...{ host: "guest1", parent: "eth0", addresses: [`${IPV4(250)}/32`], routes: [`${IPV4(1)}/32`] },
    });
    assert.ok(await guestReaches(IPV4(1)));
    assert.ok(await reaches(1, IPV4(250)));
  });

  it("passes a switch port that accepts one MAC address only, unlike macvlans", async () => {
    const { mac: mac0 } = on.lab.guest("guest1");
    await lockPort(on.lab, "guest1", [mac0]);
    const macvlan = (maxMacs?: number) => ({
      ...{ host: "guest1", parent: "eth0", netns: "c7", addresses: [`${IPV4(7)}/24`] },
      ...(maxMacs === undefined ? {} : { maxMacs }),
    });
    const limited = await on.stack.preview("MacvlanInterface", "m7", macvlan(1));
    assert.match(limited.failures.join(), /^maxMacs: is 1, .* \[too-many-macs\]$/);
    const { parentMacs } = await on.stack.up("MacvlanInterface", "m7", macvlan());
    assert.equal(parentMacs, 2);
    assert.equal(await reaches(7, IPV4(9)), false);
    await on.stack.down();
    for (const n of [1, 2, 3]) await child(n);
    for (const n of [1, 2, 3]) assert.ok(await reaches(n, IPV4(9)), `child ${n}`);
  });

  it("leaves a NIC that cannot filter as it is, while a macvlan makes it promiscuous, with a warning", async () => {
    // the driver of a guest's NICs has no filter for a second unicast address: any is too many
    const { promiscuity: before } = await linkOf(on.lab, "guest1", "eth0");
    await child(1);
    assert.equal((await linkOf(on.lab, "guest1", "eth0")).promiscuity, before);
    await on.stack.down();
    const macvlan = { host: "guest1", parent: "eth0", netns: "c7" };
    const { parentPromiscuity } = await on.stack.up("MacvlanInterface", "m7", macvlan);
    assert.equal(parentPromiscuity, before + 1);
    await on.stack.preview("MacvlanInterface", "m7", macvlan);
    const said = on.stack.said().join("\n");
    assert.match(said, /eth0 is in promiscuous mode.*cannot filter the MAC addresses/);
  });

  it("refuses what the kernel would refuse, or accept by changing links of others, before anything is touched", async () => {
    const failures = async (more: Partial<IpvlanArgs>): Promise<string> =>
      (await on.stack.preview("IpvlanInterface", "i1", args(1, more))).failures.join("\n");
    await on.lab.sh(
      "guest1",
      `ip link add name foreign link eth0 type ipvlan mode l3 vepa; ip address add ${IPV4(1)}/24 dev foreign
       ip link add name mv link eth1 type macvlan`,
    );
    const shown = await failures({});
    assert.match(shown, /^mode: is "l2", but foreign on eth0 has "l3"; all ipvlans of a parent share one/m);
    assert.match(shown, /^flag: is "bridge", but foreign on eth0 has "vepa"/m);
    assert.match(
      shown,
      /^addresses\[0\]: foreign on eth0 already has 192\.0\.2\.1; two ipvlans of one parent cannot/m,
    );
    assert.equal(await failures({ mode: "l3", flag: "vepa", addresses: [`${IPV4(2)}/24`] }), "");
    assert.match(
      await failures({ parent: "eth1" }),
      /^parent: eth1 has the macvlan mv, which excludes ipvlans/,
    );
    for (const kind of ["MacvlanInterface", "MacvtapInterface", "HostShim"] as const) {
      const beside = await on.stack.preview(kind, "m1", { host: "guest1", parent: "eth0" });
      assert.match(
        beside.failures.join(),
        /^parent: eth0 has the ipvlan foreign, which excludes macv(lan|tap)s/,
      );
      const above = await on.stack.preview(kind, "m1", { host: "guest1", parent: "foreign" });
      assert.match(above.failures.join(), /^parent: .* \[unsuitable-link\]$/);
    }
    await on.lab.sh("guest1", "ip link del mv; ip link add br7 type bridge; ip link set eth1 master br7");
    assert.match(await failures({ parent: "eth1" }), /^parent: .* br7 .* \[unsuitable-link\]$/);
    assert.match(await failures({ parent: "lo" }), /^parent: .* \[unsuitable-link\]$/);
    assert.equal(await failures({ parent: "br7" }), "");
    // the kernel, to which the provider's words are held
    for (const [command, answer] of [
      ["ip link add name x link eth0 type macvlan", /busy/],
      ["ip link add name x link foreign type macvlan", /Invalid argument/],
      ["ip link add name x link eth1 type ipvlan", /busy/],
      ["ip link add name x link lo type ipvlan", /Invalid argument/],
      [
        `ip link add name y link eth0 type ipvlan mode l3 vepa && ip address add ${IPV4(1)}/24 dev y`,
        /already assigned/,
      ],
    ] as const)
      assert.match(await on.lab.sh("guest1", `{ ${command}; } 2>&1 || true`), answer, command);
  });
});
