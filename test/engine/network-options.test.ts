/** The options of every Pulumi component, on a MacvlanNetwork: what they do to its resources, and to the hosts. */
import assert from "node:assert/strict";
import { addressesOf, linkOf, seenLink } from "../lab/seen";
import { useProject } from "./project";

describe("options of a macvlan network", function () {
  this.timeout(240_000); // a test here is several calls of the CLI
  const on = useProject("options");

  const net = (options: string, name = "net", more = ""): string =>
    `new MacvlanNetwork("${name}", {
      hosts: ["node1"], parent: "eth0", children: ["web"], cidr: "192.0.2.0/24", ${more}
    }, { ${options} })`;
  const parentOf = async (name: string): Promise<string | undefined> =>
    (await on.project.state())[name]?.parent?.split("::").at(-1);

  afterEach(async () => {
    await on.project.destroy();
  });

  it("parent, dependsOn: it is below another component, waits for what it depends on, and is waited for", async () => {
    on.project.program(`
      class Site extends pulumi.ComponentResource { constructor() { super("test:index:Site", "site"); } }
      const bridge = new HairpinBridge("bridge", { host: "node1", name: "br0" });
      const network = ${net(`parent: new Site(), dependsOn: [bridge]`)};
      new MacvlanInterface("last", { host: "node2", parent: "eth0" }, { dependsOn: network });
    `);
    await on.project.up();
    assert.deepEqual(
      [await parentOf("net"), await parentOf("net/node1/web"), await parentOf("net/addresses")],
      ["site", "net", "net"],
    );
    const state = await on.project.state();
    const dependencies = (name: string): string[] =>
      (state[name]?.dependencies ?? []).map((urn) => urn.split("::").at(-1) ?? "").toSorted();
    for (const name of ["net/node1/web", "net/node1/shim0", "net/addresses"]) {
      assert.ok(dependencies(name).includes("bridge"), `${name}: ${dependencies(name).join(" ")}`);
    }
    for (const name of ["net/node1/web", "net/node1/shim0"]) assert.ok(dependencies("last").includes(name));
  });

  it("transformations and transforms: they see each of its resources, and change its arguments", async () => {
    on.project.program(`
      const seen = [];
      const network = ${net(`
        transformations: [({ type, name, props, opts }) => {
          seen.push(name);
          return type.endsWith(":MacvlanInterface") ? { props: { ...props, mtu: 1400 }, opts } : undefined;
        }],
        transforms: [({ type, props, opts }) =>
          type.endsWith(":HostShim") ? { props: { ...props, alias: "the host's own way" }, opts } : undefined],
      `)};
      exports.seen = seen;
    `);
    await on.project.up();
    assert.equal((await linkOf(on.lab, "node1", "web")).mtu, 1400);
    assert.equal((await linkOf(on.lab, "node1", "shim0")).ifalias, "the host's own way");
    assert.deepEqual(await on.project.outputs().then((o) => o["seen"]), [
      "net",
      "net/addresses",
      "net/node1/web",
      "net/node1/shim0",
    ]);
  });

  it("protect: none of its resources is deleted until the option is removed", async () => {
    on.project.program(net("protect: true"));
    await on.project.up();
    const refused = await on.project.cli(["destroy", "--yes", "--skip-preview"]);
    assert.notEqual(refused.code, 0);
    assert.match(refused.output, /net\/(node1\/(web|shim0)|addresses)[^]*protect/);
    assert.ok(await seenLink(on.lab, "node1", "web"));
    on.project.program(net("protect: false"));
    await on.project.up();
    await on.project.destroy();
    assert.equal(await seenLink(on.lab, "node1", "web"), undefined);
  });

  it("retainOnDelete: the stack forgets the links, and the host keeps them", async () => {
    on.project.program(net("retainOnDelete: true"));
    await on.project.up();
    await on.project.destroy();
    assert.deepEqual(Object.keys(await on.project.state()), []);
    assert.ok(await seenLink(on.lab, "node1", "web"));
    assert.ok(await seenLink(on.lab, "node1", "shim0"));
    // with the whole stack its identity is gone: by one word the next up takes them back, as its own
    on.project.program(net(""));
    on.project.environment["MACVLAN_RECLAIM"] = "fleet/dev";
    await on.project.up();
    delete on.project.environment["MACVLAN_RECLAIM"];
    await on.project.destroy();
    assert.equal(await seenLink(on.lab, "node1", "web"), undefined);
  });

  it("aliases: a renamed network keeps its resources, addresses and MACs", async () => {
    on.project.program(net("", "net", `exclude: ["192.0.2.1-192.0.2.9"]`));
    await on.project.up();
    const before = await linkOf(on.lab, "node1", "web");
    on.project.program(net(`aliases: [{ name: "net" }]`, "lan", `exclude: ["192.0.2.1-192.0.2.9"]`));
    // only the hosts' records are written again, because they contain the resource's name
    const steps = Object.entries(await on.project.steps()).toSorted();
    assert.deepEqual(
      steps.map(([name, { op, newState }]) => [name, op, newState?.inputs["drift"]]),
      ["lan/node1/shim0", "lan/node1/web"].map((name) => [
        name,
        "update",
        { owner: "found an outdated record, wanted an up-to-date record" },
      ]),
    );
    await on.project.up();
    await on.project.expectNoChanges();
    const after = await linkOf(on.lab, "node1", "web");
    assert.deepEqual(
      [after.ifindex, after.address, addressesOf(after)],
      [before.ifindex, before.address, addressesOf(before)],
    );
    assert.deepEqual(
      Object.keys(await on.project.state()).filter((name) => name.startsWith("net")),
      [],
    );
  });

  it("--target: the error for a child without an address names what to target as well", async () => {
    on.project.program(net(""));
    await on.project.up();
    on.project.program(net("").replace(`["node1"]`, `["node1", "node2"]`));
    const urn = "urn:pulumi:dev::fleet::macvlan:index:MacvlanNetwork";
    const child = `${urn}$pulumi-nodejs:dynamic/macvlan:MacvlanInterface::net/node2/web`;
    const book = `${urn}$pulumi-nodejs:dynamic/macvlan:LeaseBook::net/addresses`;
    const alone = await on.project.cli(["up", "--yes", "--skip-preview", "--target", child]);
    assert.notEqual(alone.code, 0);
    assert.match(
      alone.output,
      /node2\/web has no address yet, because --target leaves out the network's lease book/,
    );
    await on.project.up("--target", child, "--target", book, "--target", `${urn}::net`);
    assert.ok(await seenLink(on.lab, "node2", "web"));
  });
});
