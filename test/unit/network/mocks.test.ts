/** A network under Pulumi's mocks, by which programs test themselves; and its types. */
import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { MacvlanNetwork } from "../../../provider/network/network";

/** What an output comes to. */
function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((done) => output.apply(done));
}

describe("a network in a program's unit tests", () => {
  const made: { type: string; name: string; inputs: Record<string, unknown> }[] = [];

  before(() =>
    pulumi.runtime.setMocks({
      newResource: (resource) => {
        made.push(resource);
        return { id: resource.name, state: resource.inputs as object };
      },
      call: () => ({}),
    }),
  );
  beforeEach(() => made.splice(0));
  after(() => pulumi.runtime.setMocks({ newResource: () => ({ id: "", state: {} }), call: () => ({}) }));

  it("is made of resources that a mock sees, and has no leases of its own", async () => {
    const network = new MacvlanNetwork("lan", {
      hosts: ["node1"],
      parent: (host) => (host.name === "node1" ? "eth0" : "eth1"),
      children: ["web"],
      cidr: "192.0.2.0/24",
    });
    const leases = await valueOf(network.leases);
    assert.deepEqual(
      leases.map(({ host, child, addresses }) => [host, child, addresses]),
      [["node1", "web", []]],
    );
    assert.deepEqual(made.map(({ name }) => name).toSorted(), [
      "lan",
      "lan/addresses",
      "lan/node1/shim0",
      "lan/node1/web",
    ]);
    const web = made.find(({ name }) => name === "lan/node1/web");
    assert.deepEqual([web?.inputs["parent"], web?.inputs["host"]], ["eth0", "node1"]);
  });

  it("makes the VLAN that its children sit on, before them", async () => {
    const network = new MacvlanNetwork("lan", {
      hosts: ["node1"],
      parent: { parent: "eth0", vlanId: 10 },
      children: [{ name: "web", addresses: ["192.0.2.1/24"] }],
      shim: false,
      persist: true,
    });
    assert.equal(await valueOf(network.hosts["node1"]?.vlan?.name ?? pulumi.output("")), "eth0.10");
    assert.equal(await valueOf(network.child("node1", "web").link.parent), "eth0.10");
    const vlan = made.find(({ name }) => name === "lan/node1/eth0.10");
    const { parent, vlanId, persist, host } = vlan?.inputs ?? {};
    assert.deepEqual([parent, vlanId, persist, host], ["eth0", 10, true, "node1"]);
  });

  it("is one resource per host with grain host, with the same outputs by the same accessors", async () => {
    const args = {
      hosts: ["node1"],
      parent: { parent: "eth0", vlanId: 10 },
      children: [{ name: "web", netns: "web", linkName: "web0", addresses: ["192.0.2.1/24"] }],
      shim: { source: "192.0.2.9" },
      persist: true,
    };
    const network = new MacvlanNetwork("lan", { ...args, grain: "host" });
    const { children, resource, shim, vlan } = network.hosts["node1"] ?? assert.fail();
    const child = network.child("node1", "web");
    assert.equal(child, children["web"]);
    assert.deepEqual(await valueOf(child.addresses), ["192.0.2.1/24"]);
    assert.equal(await valueOf(child.link.name), "web0");
    assert.equal(await valueOf(child.link.parent), "eth0.10");
    assert.equal(await valueOf(child.link.host as pulumi.Output<unknown>), "node1");
    assert.equal(await valueOf(vlan?.vlanId ?? pulumi.output(0)), 10);
    assert.equal(await valueOf(shim?.name ?? pulumi.output("")), "shim0");
    assert.ok(pulumi.CustomResource.isInstance(resource));
    assert.deepEqual(made.map(({ name }) => name).toSorted(), ["lan", "lan/node1"]);
    const { inputs } = made.find(({ name }) => name === "lan/node1") ?? assert.fail();
    assert.equal(inputs["host"], "node1");
    assert.deepEqual(inputs["links"], {
      "eth0.10": { kind: "vlan", name: "eth0.10", parent: "eth0", persist: true, vlanId: 10 },
      shim0: {
        ...{ kind: "shim", name: "shim0", parent: "eth0.10", persist: true },
        routes: [{ source: "192.0.2.9", to: "192.0.2.1/32" }],
      },
      web: {
        ...{ kind: "macvlan", name: "web0", netns: "web", parent: "eth0.10", persist: true },
        addresses: ["192.0.2.1/24"],
      },
    });
    // the other form, from the same arguments
    const each = new MacvlanNetwork("each", { ...args, grain: "link" });
    const { urn } = each.child("node1", "web").link;
    assert.match(await valueOf(urn), /MacvlanInterface::each\/node1\/web$/);
  });

  it("passes a host with all its properties to the functions, typed, and children by their names", async () => {
    const network = new MacvlanNetwork("lan", {
      hosts: [{ name: "a", vars: { parent: "bond0", roles: ["web", "db"] } }],
      parent: (host) => host.vars.parent,
      children: (host) =>
        host.vars.roles.map((name) => ({ name, addresses: ["192.0.2.1/24"], mtu: undefined })).slice(1),
      shim: (host) => host.vars.roles.length > 5,
    });
    const child = network.child("a", "db");
    assert.equal(child, network.hosts["a"]?.children["db"]);
    const [lease] = await valueOf(network.leases);
    assert.deepEqual(lease?.addresses, ["192.0.2.1"]);
    assert.deepEqual(made.map(({ name }) => name).toSorted(), ["lan", "lan/a/db"]);
    assert.throws(() => network.child("a", "web"), /has no child a\/web; it has a\/db/);
  });

  it("reports all problems in one error, and creates nothing", () => {
    const wrong = () =>
      new MacvlanNetwork("lan", { hosts: ["a", "a"], parent: "eth0", children: [], cidr: "192.0.2.0/24" });
    assert.throws(
      wrong,
      /MacvlanNetwork lan cannot be made:\n {2}hosts\[1\] has the same name as hosts\[0\]/,
    );
    assert.deepEqual(made, []);
  });
});
