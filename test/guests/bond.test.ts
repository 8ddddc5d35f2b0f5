/** Bonds, which the lab's own kernel cannot make: on a guest with a stock kernel. */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { type BondInputs, bond } from "../../provider/kinds/bond";
import type { BondArgs } from "../../provider/kinds/args";
import { LINKS, useAnnounced } from "../lab/announced";
import { addressesOf, linkOf, routesOf, seenLink } from "../lab/seen";
import { useLab } from "../lab/stack";
import { eventually } from "../support/eventually";
import { bondInputs } from "../support/inputs";
import { clean } from "./clean";

const HOST = "guest1";
/** Pairs of inputs: each takes a guest some seconds. */
const PAIRS = 12;

describe("a bond", function () {
  this.timeout(400_000);
  const on = useLab(1, [{}]);
  const sh = (script: string): Promise<string> => on.lab.sh(HOST, script);

  afterEach(() => clean(on, [HOST]));

  describe("in the model of the kernel", () => {
    const { assertLives } = useAnnounced(on, HOST);

    it("is what the kernel has after any change to any other bond, with its ports, and after deletion", () =>
      assertLives(bond, bondInputs.map(onLinks), PAIRS));
  });

  it("takes over the address and routes of a NIC and gives them back, while its macvlan lives", async () => {
    await withoutNetworkd();
    await on.lab.sh("node1", "ip address add 192.0.2.9/24 dev eth0");
    await sh(
      `ip address flush dev eth0; ip address add 192.0.2.1/24 dev eth0; ip address add 2001:db8::1/64 dev eth0 nodad
       ip route add 198.51.100.0/24 via 192.0.2.9 proto static`,
    );
    const place = async (name: string): Promise<unknown> => {
      const link = await linkOf(on.lab, HOST, name);
      const [addresses, routes] = [addressesOf(link), await routesOf(on.lab, HOST, name)];
      return { address: link.address, up: link.flags.includes("UP"), addresses, routes };
    };
    const before = [await place("eth0"), await place("eth1")];
    const args: BondArgs = {
      ...{ host: HOST, name: "bond0", mode: "active-backup", ports: ["eth1", "eth0"] },
      ...{ takeOverAddresses: true },
    };
    const made = await on.stack.up("Bond", "uplink", args);
    assert.deepEqual(await place("bond0"), before[0]);
    assert.ok(await on.lab.ping("node1", "192.0.2.1", { deadline: 3000 }));
    assert.equal(made.activePort, "eth1");
    assert.deepEqual(
      made.ports.map(({ name, miiStatus }) => [name, miiStatus]),
      [
        ["eth1", "up"],
        ["eth0", "up"],
      ],
    );
    assert.equal((await linkOf(on.lab, HOST, "bond0")).linkinfo?.info_data?.["miimon"], 100);
    await on.stack.up("MacvlanInterface", "web", {
      ...{ host: HOST, parent: "bond0", name: "web", addresses: ["192.0.2.2/24"] },
    });
    assert.equal((await on.stack.preview("Bond", "uplink", args)).changes, false);

    // a mode requires the bond to be down and empty: its child and its addresses are restored
    const { ifIndex } = await on.stack.up("Bond", "uplink", { ...args, mode: "balance-xor" });
    assert.equal(ifIndex, made.ifIndex);
    assert.deepEqual(await place("bond0"), before[0]);
    assert.ok(await on.lab.ping("node1", "192.0.2.2", { deadline: 3000 }));
    assert.equal((await seenLink(on.lab, HOST, "web"))?.operstate, "UP");

    // manual changes are drift
    await sh("ip link set eth1 nomaster; ip link set bond0 type bond primary_reselect failure");
    const drifted = await on.stack.preview("Bond", "uplink", {
      ...args,
      mode: "balance-xor",
      primaryReselect: "always",
    });
    assert.match(JSON.stringify(drifted), /ports\[0\]\.name/);
    await on.stack.up("Bond", "uplink", { ...args, primaryReselect: "always" });
    assert.equal((await linkOf(on.lab, HOST, "eth1")).master, "bond0");

    await on.stack.down();
    assert.deepEqual([await place("eth0"), await place("eth1")], before);
    assert.ok(await on.lab.ping("node1", "192.0.2.1", { deadline: 3000 }));
  });

  it("gives ports that share a MAC address different ones if it has its own, and is refused at preview if not", async () => {
    await withoutNetworkd();
    const pairs = ["d0", "d1"].map((d) => `ip link add ${d} address 02:00:5e:00:53:01 type dummy`);
    await sh(`modprobe dummy numdummies=0; ${pairs.join("; ")}`);
    for (const mode of ["balance-tlb", "balance-alb"] as const) {
      const args: BondArgs = { host: HOST, name: "bond0", mode, ports: ["d0", "d1"] };
      const { failures } = await on.stack.preview("Bond", "uplink", args);
      assert.match(failures.join(), /^ports\[1\]\.name: d1 has the MAC address of d0/);
      const own = { ...args, macAddress: "02:00:5e:00:53:09" };
      const { ports } = await on.stack.up("Bond", "uplink", own);
      assert.deepEqual(
        ports.map(({ name }) => name),
        ["d0", "d1"],
      );
      assert.equal((await on.stack.preview("Bond", "uplink", own)).changes, false);
      await on.stack.down();
    }
    await sh("ip link delete d0; ip link delete d1");
  });

  it("is given back as it was if it was adopted, including options that the kernel reset along with others, each time", async () => {
    await withoutNetworkd();
    await sh(
      `modprobe dummy numdummies=0; ip link add d0 type dummy; ip link add d1 type dummy
       ip link add bond0 type bond mode active-backup miimon 50 updelay 100 primary_reselect better
       ip link set d0 master bond0; ip link set bond0 up; ip address add 203.0.113.1/24 dev bond0
       ip route add 198.51.100.0/24 dev bond0 proto static`,
    );
    const seen = async (): Promise<unknown> => {
      const { address, flags, mtu, linkinfo } = await linkOf(on.lab, HOST, "bond0");
      const ports = await sh(
        "cat /sys/class/net/bond0/bonding/slaves /sys/class/net/d?/address /sys/class/net/d?/flags",
      );
      return {
        address,
        up: flags.includes("UP"),
        mtu,
        linkinfo,
        ports,
        routes: await routesOf(on.lab, HOST, "bond0"),
      };
    };
    const before = await seen();
    const changes: Partial<BondArgs>[] = [
      { arpInterval: 250, arpIpTargets: ["203.0.113.9"] },
      { mode: "balance-xor" },
      { ports: ["d0", "d1"], miimon: 100, mtu: 1400 },
    ];
    for (const change of changes) {
      const args: BondArgs = { host: HOST, name: "bond0", mode: "active-backup", adopt: true, ...change };
      await on.stack.up("Bond", "uplink", args);
      assert.notDeepEqual(await seen(), before);
      assert.equal((await on.stack.preview("Bond", "uplink", args)).changes, false);
      await on.stack.down();
      assert.deepEqual(await seen(), before, JSON.stringify(change));
    }
    await sh("ip link delete bond0; ip link delete d0; ip link delete d1");
  });

  it("takes over the NIC that carries SSH, and gives it back if the change is not confirmed", async () => {
    await withoutNetworkd();
    const args: BondArgs = {
      ...{ host: HOST, name: "bond0", mode: "active-backup", ports: ["mgmt0"], takeOverAddresses: true },
    };
    const addresses = addressesOf(await linkOf(on.lab, HOST, "mgmt0"));
    const { addresses: taken } = await on.stack.up("Bond", "uplink", args);
    assert.deepEqual([...taken].toSorted(), addresses.toSorted());
    assert.deepEqual(addressesOf(await linkOf(on.lab, HOST, "mgmt0")), []);
    assert.equal((await on.stack.preview("Bond", "uplink", args)).changes, false);
    await on.stack.down();
    assert.deepEqual(addressesOf(await linkOf(on.lab, HOST, "mgmt0")), addresses);

    // ARP monitoring of an unused address finds the port dead, so the change cannot be confirmed
    await assert.rejects(
      on.stack.up("Bond", "uplink", {
        ...args,
        host: { address: HOST, confirmTimeout: 10, connectTimeout: 5 },
        ...{ arpInterval: 100, arpIpTargets: ["203.0.113.99"], arpValidate: "all" },
      }),
      /mgmt0|confirm/,
    );
    await eventually("mgmt0 has its addresses back", async () =>
      isDeepStrictEqual(addressesOf(await linkOf(on.lab, HOST, "mgmt0")), addresses),
    );
    assert.equal(await seenLink(on.lab, HOST, "bond0"), undefined);
  });

  it("is back after a reboot, with its ports, options and child", async () => {
    await withoutNetworkd();
    const args: BondArgs = {
      ...{ host: HOST, name: "bond0", mode: "802.3ad", ports: ["eth1"], lacpRate: "fast", persist: true },
      ...{ xmitHashPolicy: "layer3+4", addresses: ["192.0.2.1/24"], miimon: 50, updelay: 200 },
    };
    const web = { host: HOST, parent: "bond0", name: "web", addresses: ["192.0.2.2/24"], persist: true };
    const made = await on.stack.up("Bond", "uplink", args);
    await on.stack.up("MacvlanInterface", "web", web);
    assert.equal(made.aggregator?.ports, 1);
    await sh("sync");
    await on.lab.guest(HOST).reboot();
    await sh(
      "for i in $(seq 60); do systemctl list-jobs --no-legend 'pulumi-macvlan-*' | grep -q . || break; sleep 0.5; done",
    );
    const link = await linkOf(on.lab, HOST, "bond0");
    assert.equal(link.linkinfo?.info_data?.["mode"], "802.3ad");
    const { ad_lacp_rate, miimon, updelay } = link.linkinfo.info_data;
    assert.deepEqual([ad_lacp_rate, miimon, updelay], ["fast", 50, 200]);
    assert.equal((await linkOf(on.lab, HOST, "eth1")).master, "bond0");
    assert.equal((await on.stack.preview("Bond", "uplink", args)).changes, false);
    assert.equal((await on.stack.preview("MacvlanInterface", "web", web)).changes, false);
  });

  /**
   * networkd restores the addresses of its own links whenever they go down and up, which must not happen in this test.
   */
  async function withoutNetworkd(): Promise<void> {
    await sh("systemctl stop systemd-networkd.socket systemd-networkd");
  }
});

/** On links that lead nowhere in place of the NICs. */
function onLinks({ ports, primary, ...inputs }: BondInputs): BondInputs {
  return {
    ...inputs,
    ...(ports === undefined ? {} : { ports: ports.map(({ name }) => ({ name: LINKS[name] ?? name })) }),
    ...(primary === undefined ? {} : { primary: LINKS[primary] ?? primary }),
  };
}
