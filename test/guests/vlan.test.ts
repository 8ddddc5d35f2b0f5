/** VlanInterface on a stock kernel: what its frames look like on the wire, and what the kernel has of it. */
import assert from "node:assert/strict";
import type { VlanArgs } from "../../provider/kinds/args";
import { linkOf, seenLink } from "../lab/seen";
import { useLab } from "../lab/stack";
import { clean } from "./clean";

const IPV4 = (n: number): string => `192.0.2.${n}`;

describe("a VLAN", function () {
  this.timeout(240_000);
  const on = useLab(1, [{}, {}]);

  afterEach(() => clean(on, ["guest1", "guest2"]));

  /** A VLAN of a guest's eth1, or of another parent. */
  const vlan = (host: string, id: number, more: Partial<VlanArgs> = {}) =>
    on.stack.up("VlanInterface", `${host}/${more.name ?? id}`, {
      ...{ host, parent: "eth1", name: `${more.parent ?? "eth1"}.${id}`, vlanId: id },
      ...more,
    });
  const dataOf = async (name: string): Promise<Readonly<Record<string, unknown>>> =>
    (await linkOf(on.lab, "guest1", name)).linkinfo?.info_data ?? {};
  /** What passes the cable of guest1's eth1 while something is done. */
  const framesOf = async (filter: string, work: () => Promise<unknown>): Promise<string[]> => {
    const port = on.lab.guest("guest1").switchPort1;
    const capture = await on.lab.capture("switch", port, filter);
    await work();
    return capture.stop();
  };
  const reaches = (to: string): Promise<boolean> => on.lab.ping("guest1", to, { deadline: 3000 });

  it("inside another VLAN sends frames with both tags, the provider's outside, and reaches the other end", async () => {
    for (const [host, n] of [
      ["guest1", 1],
      ["guest2", 2],
    ] as const) {
      await vlan(host, 100, { protocol: "802.1ad", name: "outer" });
      await vlan(host, 10, { parent: "outer", name: "inner", addresses: [`${IPV4(n)}/24`] });
    }
    const frames = await framesOf("vlan", async () => {
      assert.ok(await reaches(IPV4(2)));
    });
    const pings = frames.filter((frame) => frame.includes("ICMP echo"));
    assert.ok(pings.length >= 2, frames.join("\n"));
    for (const frame of pings) assert.match(frame, /802\.1Q-QinQ.* vlan 100, .*802\.1Q.* vlan 10, /);
    // the same tag of the other kind is another VLAN
    await vlan("guest1", 100, { name: "eth1.100", addresses: ["198.51.100.1/24"] });
    assert.equal((await dataOf("eth1.100"))["protocol"], "802.1Q");
    assert.equal((await dataOf("outer"))["protocol"], "802.1ad");
  });

  it("maps priorities both ways, and drops an entry that is removed from the map", async () => {
    await vlan("guest2", 10, { addresses: [`${IPV4(2)}/24`] });
    const args = { addresses: [`${IPV4(1)}/24`] };
    await vlan("guest1", 10, {
      ...args,
      egressQosMap: [
        { from: 0, to: 5 },
        { from: 6, to: 3 },
      ],
      ingressQosMap: [{ from: 5, to: 6 }],
    });
    /** The priorities in the tags of echo requests, of packets with the priority that ping(8)'s -Q makes. */
    const priorities = async (tos: string): Promise<string[]> => {
      const source = `src host ${IPV4(1)}`;
      const frames = await framesOf(`vlan and icmp and ${source}`, () =>
        on.lab.sh("guest1", `ping -c 2 -i 0.2 -Q ${tos} ${IPV4(2)}`),
      );
      assert.ok(frames.length >= 2);
      return [...new Set(frames.map((frame) => / p (\d),/.exec(frame)?.[1] ?? "0"))];
    };
    assert.deepEqual(await priorities("0"), ["5"]);
    // net/ipv4/route.c, ip_tos2prio: 0x10 is TC_PRIO_INTERACTIVE, 6
    assert.deepEqual(await priorities("0x10"), ["3"]);
    const { ifIndex } = await vlan("guest1", 10, {
      ...args,
      egressQosMap: [{ from: 6, to: 7 }],
      ingressQosMap: [],
    });
    assert.deepEqual(await priorities("0"), ["0"]);
    assert.deepEqual(await priorities("0x10"), ["7"]);
    const data = await dataOf("eth1.10");
    assert.deepEqual([data["egress_qos"], data["ingress_qos"]], [[{ from: 6, to: 7 }], undefined]);
    assert.equal((await linkOf(on.lab, "guest1", "eth1.10")).ifindex, ifIndex, "all of it on the live link");
  });

  it("has flags that the kernel shows and that change on the live link", async () => {
    const flags = async (): Promise<unknown> => (await dataOf("eth1.10"))["flags"];
    const made = await vlan("guest1", 10, { gvrp: true, mvrp: true, reorderHeader: false });
    assert.deepEqual(await flags(), ["GVRP", "MVRP"]);
    const joined = await framesOf("ether dst 01:80:c2:00:00:21", () =>
      on.lab.sh("guest1", "ip link set eth1.10 down; sleep 0.3; ip link set eth1.10 up; sleep 1"),
    );
    assert.ok(joined.length > 0, "GVRP tells the switch (IEEE 802.1D, 12.10: its group address)");
    const changed = await vlan("guest1", 10, {
      gvrp: false,
      mvrp: false,
      reorderHeader: true,
      looseBinding: true,
    });
    assert.deepEqual(await flags(), ["REORDER_HDR", "LOOSE_BINDING"]);
    assert.equal(changed.ifIndex, made.ifIndex);
  });

  it("is replaced for another number or parent, which a live link cannot be given", async () => {
    const args: VlanArgs = { host: "guest1", parent: "eth1", name: "lan", vlanId: 10 };
    const first = await on.stack.up("VlanInterface", "lan", args);
    for (const [property, value] of [
      ["vlanId", 11],
      ["protocol", "802.1ad"],
      ["parent", "eth0"],
    ] as const) {
      const next = { ...args, [property]: value };
      assert.deepEqual((await on.stack.preview("VlanInterface", "lan", next)).replaces, [property]);
    }
    const second = await on.stack.up("VlanInterface", "lan", { ...args, vlanId: 11 });
    assert.notEqual(second.ifIndex, first.ifIndex);
    assert.equal((await dataOf("lan"))["id"], 11);
  });

  it("refuses at preview what the kernel refuses", async () => {
    await on.lab.sh("guest1", "ip link add link eth1 name theirs type vlan id 30");
    await on.lab.sh("guest1", "ip link add br5 type bridge; ip link set br5 up; ip link set eth0 master br5");
    const refused: readonly (readonly [Partial<VlanArgs>, command: string, RegExp])[] = [
      [
        { vlanId: 30 },
        "add link eth1 name v type vlan id 30",
        /^vlanId: VLAN 30 of eth1 already exists as the link theirs/,
      ],
      [{ parent: "lo" }, "add link lo name v type vlan id 10", /^parent: lo cannot have VLANs/],
      [
        { mtu: 1501 },
        "add link eth1 name v mtu 1501 type vlan id 10",
        /^mtu: is above the MTU of the parent eth1/,
      ],
      [
        { vlanId: 4095 },
        "add link eth1 name v type vlan id 4095",
        /^vlanId: must be a whole number from 0 to 4094/,
      ],
      [
        { parent: "eth9" },
        "add link eth9 name v type vlan id 10",
        /^parent: there is no link eth9.*eth0, eth1/,
      ],
    ];
    for (const [more, command, reason] of refused) {
      const args = { host: "guest1", parent: "eth1", name: "v", vlanId: 10, ...more };
      assert.match((await on.stack.preview("VlanInterface", "v", args)).failures.join(), reason);
      await assert.rejects(on.lab.sh("guest1", `ip link ${command}`));
    }
    // it takes this one, which then never has a carrier
    const { failures } = await on.stack.preview("VlanInterface", "v", {
      ...{ host: "guest1", parent: "eth1", name: "v", vlanId: 10, bridgeBinding: true },
    });
    assert.match(failures.join(), /^bridgeBinding: needs a bridge as the parent/);
    await on.lab.sh("guest1", "ip link set eth1 down");
    const down = await on.stack.preview("VlanInterface", "v", {
      ...{ host: "guest1", parent: "eth1", name: "v", vlanId: 10 },
    });
    assert.match(down.failures.join(), /^parent: eth1 is down/);
    await assert.rejects(on.lab.sh("guest1", "ip link set theirs up"), /Network is down/);
    await on.stack.up("VlanInterface", "v", {
      ...{ host: "guest1", parent: "eth1", name: "v", vlanId: 10, looseBinding: true },
    });
    assert.ok((await linkOf(on.lab, "guest1", "v")).flags.includes("UP"));
  });

  it("of another owner is taken over as it is, and given back", async () => {
    await on.lab.sh(
      "guest1",
      "ip link add link eth1 name theirs type vlan id 30 egress-qos-map 0:1 7:7; ip link set theirs up",
    );
    const args: VlanArgs = { host: "guest1", parent: "eth1", name: "theirs", vlanId: 30, adopt: true };
    const wrong = await on.stack.preview("VlanInterface", "v", { ...args, vlanId: 31 });
    assert.match(wrong.failures.join(), /^adopt: theirs is VLAN 30 of eth1/);
    const { ifindex } = await linkOf(on.lab, "guest1", "theirs");
    await on.stack.up("VlanInterface", "v", { ...args, egressQosMap: [{ from: 7, to: 2 }], gvrp: true });
    assert.deepEqual((await dataOf("theirs"))["egress_qos"], [{ from: 7, to: 2 }]);
    await on.stack.down();
    assert.equal((await linkOf(on.lab, "guest1", "theirs")).ifindex, ifindex);
    const data = await dataOf("theirs");
    assert.deepEqual(data["flags"], ["REORDER_HDR"]);
    assert.deepEqual(data["egress_qos"], [
      { from: 0, to: 1 },
      { from: 7, to: 7 },
    ]);
  });

  it("may be in a namespace, which is created and deleted with it", async () => {
    await vlan("guest1", 10, { netns: "blue", name: "v", addresses: [`${IPV4(1)}/24`] });
    await vlan("guest2", 10, { addresses: [`${IPV4(2)}/24`] });
    assert.ok(await on.lab.ping("guest1", IPV4(2), { netns: "blue", deadline: 3000 }));
    const duplicate = await on.stack.preview("VlanInterface", "w", {
      host: "guest1",
      parent: "eth1",
      name: "w",
      vlanId: 10,
    });
    assert.match(duplicate.failures.join(), /already exists as the link v in the namespace blue/);
    await on.stack.down();
    assert.equal(await on.lab.sh("guest1", "ls /run/netns"), "");
    assert.equal(await seenLink(on.lab, "guest1", "v"), undefined);
  });
});
