/** HostLinks over the NIC that carries SSH: a bond, a VLAN on it, and a macvlan and a shim on that, in one transaction. */
import assert from "node:assert/strict";
import { addressesOf, linkOf, routesOf, seenLink, snapshot } from "../lab/seen";
import { useLab } from "../lab/stack";
import { eventually } from "../support/eventually";
import { clean } from "./clean";

const HOST = "guest1";

describe("all links of a guest as one resource, over the NIC that carries SSH", function () {
  this.timeout(300_000);
  const on = useLab(1, [{}]);

  afterEach(() => clean(on, [HOST]));

  const bond0 = { kind: "bond", mode: "active-backup", ports: ["mgmt0"], takeOverAddresses: true };
  const links = {
    shim0: { kind: "shim", parent: "bond0.10", addresses: ["192.0.2.1/24"], routes: ["192.0.2.10/32"] },
    web: { kind: "macvlan", parent: "bond0.10", netns: "web", addresses: ["192.0.2.10/24"] },
    "bond0.10": { kind: "vlan", parent: "bond0", vlanId: 10 },
    bond0,
  };
  const names = ["bond0", "bond0.10", "shim0"];

  it("are created with one confirmation, carry packets, and are deleted again", async () => {
    await withoutNetworkd();
    const addresses = addressesOf(await linkOf(on.lab, HOST, "mgmt0"));
    const made = await on.stack.up("HostLinks", "all", { host: HOST, links });
    assert.equal(on.stack.said().filter((line) => line.includes("confirms it")).length, 1);
    assert.equal((await linkOf(on.lab, HOST, "mgmt0")).master, "bond0");
    assert.deepEqual(addressesOf(await linkOf(on.lab, HOST, "bond0")).toSorted(), addresses.toSorted());
    assert.equal(made.links["web"]?.["macAddress"], (await linkOf(on.lab, HOST, "web", "web")).address);
    assert.deepEqual(await routesOf(on.lab, HOST, "shim0"), ["192.0.2.10 scope link"]);
    await on.lab.sh(HOST, "ping -c 1 -W 5 192.0.2.10");
    assert.equal((await on.stack.preview("HostLinks", "all", { host: HOST, links })).changes, false);
    await on.stack.down();
    for (const name of names) assert.equal(await seenLink(on.lab, HOST, name), undefined);
    assert.deepEqual(addressesOf(await linkOf(on.lab, HOST, "mgmt0")).toSorted(), addresses.toSorted());
  });

  it("are all rolled back if one of them cuts the connection", async () => {
    await withoutNetworkd();
    const before = await state();
    // ARP monitoring of an unused address finds the port dead, so the change cannot be confirmed
    const mistaken = { ...bond0, arpInterval: 100, arpIpTargets: ["203.0.113.99"], arpValidate: "all" };
    const host = { address: HOST, confirmTimeout: 10, connectTimeout: 5 };
    await assert.rejects(
      on.stack.up("HostLinks", "all", { host, links: { ...links, bond0: mistaken } }),
      /\[change-unconfirmed\]$/,
    );
    await eventually("the guest is as it was", async () => (await state()) === before);
  });

  async function state(): Promise<string> {
    const lines = (await snapshot(on.lab, HOST)).split("\n");
    return lines.map((line) => line.replace(/^[0-9]+: /, "")).join("\n");
  }

  /** It gives the NICs their addresses again whenever they go down and up. */
  async function withoutNetworkd(): Promise<void> {
    await on.lab.sh(HOST, "systemctl stop systemd-networkd.socket systemd-networkd");
  }
});
