/** VLANs of a bridge and its ports on a stock kernel: by frames, and as the host's own `bridge` shows them. */
import assert from "node:assert/strict";
import type { BridgeArgs, PortArgs } from "../../provider/kinds/args";
import { linkOf } from "../lab/seen";
import { useLab } from "../lab/stack";
import { clean } from "./clean";

const HOST = "guest1";
const FILTERS: BridgeArgs = { host: HOST, name: "br0", vlanFiltering: true };

/** Frames without a tag are in this VLAN, on both sides. */
const access = (name: string, vid: number): PortArgs => ({
  ...{ name, hairpin: false },
  vlans: [{ vid, pvid: true, untagged: true }],
});

describe("VLANs of a bridge", function () {
  this.timeout(240_000);
  const on = useLab(1, [{}]);

  /** p1 and p2, whose other ends are in the namespaces c1 and c2: 192.0.2.1 without a tag, and 198.51.100.1 in VLAN 20. */
  beforeEach(() =>
    on.lab.sh(
      HOST,
      `for n in 1 2; do
        ip netns add c$n; ip link add p$n type veth peer name q$n netns c$n; ip link set p$n up
        ip -n c$n link set q$n up; ip -n c$n addr add 192.0.2.$n/24 dev q$n
        ip -n c$n link add link q$n name q$n.20 type vlan id 20; ip -n c$n link set q$n.20 up
        ip -n c$n addr add 198.51.100.$n/24 dev q$n.20
      done`,
    ),
  );
  afterEach(() => clean(on, [HOST]));

  const up = (args: Partial<BridgeArgs>, name = "br0") =>
    on.stack.up("HairpinBridge", name, { ...FILTERS, ...args });
  const preview = (args: Partial<BridgeArgs>) =>
    on.stack.preview("HairpinBridge", "br0", { ...FILTERS, ...args });
  /** `bridge vlan` as it prints a link: `1 PVID Egress Untagged, 20-24`. */
  const shown = async (link: string): Promise<string> => {
    const text = await on.lab.sh(HOST, `bridge -compressvlans vlan show dev ${link}`);
    const lines = text
      .split("\n")
      .slice(1)
      .filter((line) => line.trim() !== "");
    return lines.map((line) => line.replace(link, "").trim()).join(", ");
  };
  /** Whether c1 reaches c2 without a tag, and in VLAN 20. */
  const reaches = async (): Promise<[untagged: boolean, in20: boolean]> => {
    const ping = (to: string): Promise<boolean> => on.lab.ping(HOST, to, { netns: "c1", deadline: 2000 });
    return [await ping("192.0.2.2"), await ping("198.51.100.2")];
  };

  it("pass exactly the stated VLANs, untagged or tagged, and change in place", async () => {
    const { ifIndex } = await up({ ports: [access("p1", 10), access("p2", 10)] });
    assert.deepEqual(await reaches(), [true, false]);
    assert.equal(await shown("p1"), "10 PVID Egress Untagged");

    const trunk: PortArgs = {
      ...access("p1", 10),
      vlans: [{ vid: 10, pvid: true, untagged: true }, "20-24"],
    };
    await up({
      ports: [trunk, { ...access("p2", 11), vlans: ["20-24", { vid: 11, pvid: true, untagged: true }] }],
    });
    assert.deepEqual(await reaches(), [false, true]);
    assert.equal(await shown("p1"), "10 PVID Egress Untagged, 20-24");
    assert.equal((await linkOf(on.lab, HOST, "br0")).ifindex, ifIndex);

    const none = { ports: [{ ...trunk, vlans: [] }, access("p2", 10)] };
    await up(none);
    assert.deepEqual(await reaches(), [false, false]);
    assert.equal(await shown("p1"), "");
    assert.deepEqual(await preview(none), { drift: {}, failures: [], changes: false, replaces: [] });
  });

  it("of the bridge itself are those in which the host takes part", async () => {
    const ports = [access("p1", 10), access("p2", 10)];
    await up({ ports, vlans: [10] });
    await on.stack.up("VlanInterface", "host", {
      ...{ host: HOST, parent: "br0", name: "br0.10", vlanId: 10, addresses: ["192.0.2.9/24"] },
    });
    assert.equal(await shown("br0"), "10");
    const isReached = (): Promise<boolean> => on.lab.ping(HOST, "192.0.2.9", { netns: "c1", deadline: 2000 });
    assert.ok(await isReached());
    await up({ ports, vlans: [{ vid: 1, pvid: true, untagged: true }] });
    assert.equal(await isReached(), false);
  });

  it("that were changed by hand are detected and repaired", async () => {
    const args = { vlanDefaultPvid: 7, vlans: [5], ports: [access("p1", 10), "p2"] };
    await up(args);
    assert.deepEqual(
      [await shown("br0"), await shown("p1"), await shown("p2")],
      ["5", "10 PVID Egress Untagged", "7 PVID Egress Untagged"],
    );
    await on.lab.sh(
      HOST,
      "bridge vlan add dev p1 vid 10; bridge vlan add dev p1 vid 30-32 untagged; bridge vlan del dev br0 vid 5 self; " +
        "bridge vlan add dev p2 vid 99",
    );
    assert.deepEqual((await preview(args)).drift, {
      vlans: "found none, wanted 5",
      "ports[0].vlans": "found 10, 30-32 untagged, wanted 10 pvid untagged",
    });
    await up(args);
    assert.deepEqual([await shown("br0"), await shown("p1")], ["5", "10 PVID Egress Untagged"]);
    assert.equal((await preview(args)).changes, false);
    assert.match(await shown("p2"), /99/, "which no property states");
    await on.lab.sh(HOST, "ip link set br0 type bridge vlan_filtering 0 vlan_default_pvid 3");
    assert.deepEqual((await preview(args)).drift, {
      vlanFiltering: "found false, wanted true",
      vlanDefaultPvid: "found 3, wanted 7",
    });
  });

  it("are rolled back with a change that fails, and given back with a bridge that was adopted", async () => {
    await on.lab.sh(
      HOST,
      "ip link add br0 type bridge vlan_default_pvid 4; ip link set br0 up; ip link set p1 master br0;" +
        "bridge vlan add dev p1 vid 20-24; bridge vlan add dev br0 vid 44 self untagged",
    );
    const all = (): Promise<string> => on.lab.sh(HOST, "bridge -j vlan show; bridge -d link show dev p1");
    const before = await all();
    const args: Partial<BridgeArgs> = {
      ...{ adopt: true, vlanDefaultPvid: 2, vlans: [{ vid: 8, pvid: true }], ports: [access("p1", 10)] },
    };
    // ip refuses to set the filter, which comes last
    await on.lab.sh(
      HOST,
      'mkdir -p /run/bad; printf \'#!/bin/sh\ncase "$*" in *vlan_filtering*) echo refused >&2; exit 2;; esac\nexec /usr/sbin/ip "$@"\n\' > /run/bad/ip;' +
        "chmod +x /run/bad/ip; cp /run/bad/ip /usr/local/sbin/ip",
    );
    await assert.rejects(up(args), /vlan_filtering/);
    await on.lab.sh(HOST, "rm /usr/local/sbin/ip");
    assert.equal(await all(), before);

    await up(args);
    assert.deepEqual([await shown("br0"), await shown("p1")], ["8 PVID", "10 PVID Egress Untagged"]);
    await on.stack.down();
    assert.equal(await all(), before);
  });

  it("move with a port to another bridge of the stack, and are back after a boot", async () => {
    await up({ ports: [access("p1", 10), access("p2", 10)] });
    await up({ ports: [access("p2", 10)] });
    assert.equal((await linkOf(on.lab, HOST, "p1")).master, undefined);
    const other: Partial<BridgeArgs> = {
      ...{ name: "br1", persist: true, vlans: [20], ports: [access("p1", 20), access("p2", 21)] },
    };
    await up({ ports: [] });
    await up(other, "br1");
    const wanted = [await shown("br1"), await shown("p1"), await shown("p2")];
    assert.deepEqual(wanted, ["20", "20 PVID Egress Untagged", "21 PVID Egress Untagged"]);

    // what is left at boot, and then what a hand left: the script puts both right
    await on.lab.sh(HOST, "ip link del br1; rm -f /run/pulumi-macvlan/links/:br1");
    for (const left of [
      ":",
      "bridge vlan add dev p1 vid 99; bridge vlan add dev p1 vid 20; bridge vlan del dev br1 vid 20 self",
    ]) {
      await on.lab.sh(HOST, `${left}; sh /etc/pulumi-macvlan/br1.sh`);
      assert.deepEqual([await shown("br1"), await shown("p1"), await shown("p2")], wanted);
    }
    assert.equal((await linkOf(on.lab, HOST, "br1")).linkinfo?.info_data?.["vlan_filtering"], 1);
  });
});
