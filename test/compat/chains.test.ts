/** All links of a host as one resource, on stock kernels: over the NIC that carries SSH, and with links that trade places. */
import assert from "node:assert/strict";
import { clean } from "../guests/clean";
import type { GuestOptions } from "../lab/fleet";
import { addressesOf, linkOf, routesOf, seenLink, settledState } from "../lab/seen";
import { useLab } from "../lab/stack";
import { type Transition, assertTransition } from "../lab/transitions";
import { eventually } from "../support/eventually";

const HOST = "guest1";

/** Guests, by the Debian whose kernel they have. */
const GUESTS: Readonly<Record<string, GuestOptions>> = {
  "Debian bullseye": { kernel: "bullseye" },
  "Debian, as the machine": {},
  "Debian trixie": { kernel: "trixie" },
};

const bond = { kind: "bond", mode: "active-backup" };
const web = { kind: "macvlan", netns: "web", addresses: ["192.0.2.10/24"] };
const vlan = (parent: string, vlanId: number): Transition["from"][string] => ({
  kind: "vlan",
  parent,
  vlanId,
});

const TRANSITIONS: readonly Transition[] = [
  {
    title: "two VLANs exchange their IDs",
    from: { t0: vlan("eth1", 10), t1: vlan("eth1", 20), web: { ...web, parent: "t0" } },
    to: { t0: vlan("eth1", 20), t1: vlan("eth1", 10), web: { ...web, parent: "t0" } },
    shows: ["t0 vlan@eth1 20", "t1 vlan@eth1 10"],
    keeps: [],
  },
  {
    title: "a macvlan and a VLAN exchange their names",
    from: {
      a: { kind: "macvlan", name: "x0", parent: "eth1" },
      b: { ...vlan("eth1", 10), name: "x1" },
      web: { ...web, parent: "x1" },
    },
    to: {
      a: { kind: "macvlan", name: "x1", parent: "eth1" },
      b: { ...vlan("eth1", 10), name: "x0" },
      web: { ...web, parent: "x0" },
    },
    shows: ["x0 vlan@eth1 10", "x1 macvlan@eth1"],
    keeps: [],
  },
  {
    title: "the bond below is renamed",
    from: {
      uplink: { ...bond, name: "bond0", ports: ["eth1"] },
      tag: vlan("bond0", 10),
      web: { ...web, parent: "tag" },
    },
    to: {
      uplink: { ...bond, name: "lag0", ports: ["eth1"] },
      tag: vlan("lag0", 10),
      web: { ...web, parent: "tag" },
    },
    shows: ["eth1 in lag0", "lag0 bond", "tag vlan@lag0 10"],
    keeps: ["uplink", "tag", "web"],
  },
  {
    title: "a port moves from a bond to a bridge, and the bond goes with its VLAN",
    from: { bond0: { ...bond, ports: ["eth1"] }, tag: vlan("bond0", 10), web: { ...web, parent: "tag" } },
    to: {
      // udev gives a bridge another one than the kernel, some time after it was made
      br0: { kind: "bridge", macAddress: "02:00:5e:00:53:01", ports: [{ name: "eth1", hairpin: false }] },
      web: { ...web, parent: "br0" },
    },
    shows: ["br0 bridge", "eth1 in br0"],
    keeps: [],
  },
];

for (const [kernel, guest] of Object.entries(GUESTS))
  describe(`all links of a guest as one resource, on the kernel of ${kernel}:`, function () {
    this.timeout(300_000);
    const on = useLab(0, [guest]);

    const bond0 = { ...bond, ports: ["mgmt0"], takeOverAddresses: true };
    const links = {
      shim0: { kind: "shim", parent: "bond0.10", addresses: ["192.0.2.1/24"], routes: ["192.0.2.10/32"] },
      web: { ...web, parent: "bond0.10" },
      "bond0.10": vlan("bond0", 10),
      bond0,
    };
    const names = ["bond0", "bond0.10", "shim0"];

    beforeEach(async () => {
      // networkd gives the NICs their addresses again whenever they go down and up
      await on.lab.sh(HOST, "systemctl stop systemd-networkd.socket systemd-networkd");
      // the modules' own traces are not the transaction's
      await on.lab.sh(
        HOST,
        "modprobe bonding max_bonds=0; modprobe 8021q; modprobe macvlan; modprobe bridge",
      );
    });
    afterEach(() => clean(on, [HOST]));

    it("over the NIC that carries SSH, they are created with one confirmation, carry packets, and are deleted again", async () => {
      const addresses = addressesOf(await linkOf(on.lab, HOST, "mgmt0")).toSorted();
      const made = await on.stack.up("HostLinks", "all", { host: HOST, links });
      assert.equal(on.stack.said().filter((line) => line.includes("confirms it")).length, 1);
      assert.equal((await linkOf(on.lab, HOST, "mgmt0")).master, "bond0");
      assert.deepEqual(addressesOf(await linkOf(on.lab, HOST, "bond0")).toSorted(), addresses);
      assert.equal(made.links["web"]?.["macAddress"], (await linkOf(on.lab, HOST, "web", "web")).address);
      assert.deepEqual(await routesOf(on.lab, HOST, "shim0"), ["192.0.2.10 scope link"]);
      await on.lab.sh(HOST, "ping -c 1 -W 5 192.0.2.10");
      assert.equal((await on.stack.preview("HostLinks", "all", { host: HOST, links })).changes, false);
      await on.stack.down();
      for (const name of names) assert.equal(await seenLink(on.lab, HOST, name), undefined);
      assert.deepEqual(addressesOf(await linkOf(on.lab, HOST, "mgmt0")).toSorted(), addresses);
    });

    it("over the NIC that carries SSH, they are all rolled back if one of them cuts the connection", async () => {
      const before = await settledState(on.lab, HOST);
      // ARP monitoring of an unused address finds the port dead, so the change cannot be confirmed
      const mistaken = { ...bond0, arpInterval: 100, arpIpTargets: ["203.0.113.99"], arpValidate: "all" };
      const host = { address: HOST, confirmTimeout: 10, connectTimeout: 5 };
      await assert.rejects(
        on.stack.up("HostLinks", "all", { host, links: { ...links, bond0: mistaken } }),
        /\[change-unconfirmed\]$/,
      );
      await eventually("the guest is as it was", async () => (await settledState(on.lab, HOST)) === before);
    });

    for (const transition of TRANSITIONS)
      it(`${transition.title}, and back, and not at all if a command fails`, () =>
        assertTransition(on, HOST, transition));
  });
