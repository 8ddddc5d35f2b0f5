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
  const kept = (options: string): string => net(options, "kept", `hosts: ["node3"], cidr: "203.0.113.0/24"`);

  describe("in one stack, a network per host:", () => {
    before(async () => {
      on.project.program(`
        class Site extends pulumi.ComponentResource { constructor() { super("test:index:Site", "site"); } }
        const bridge = new HairpinBridge("bridge", { host: "node1", name: "br0" });
        const network = ${net(`parent: new Site(), dependsOn: [bridge]`)};
        new MacvlanInterface("last", { host: "node2", parent: "eth0" }, { dependsOn: network });
        const seen = [];
        ${net(
          `transformations: [({ type, name, props, opts }) => {
            seen.push(name);
            return type.endsWith(":MacvlanInterface") ? { props: { ...props, mtu: 1400 }, opts } : undefined;
          }],
          transforms: [({ type, props, opts }) =>
            type.endsWith(":HostShim") ? { props: { ...props, alias: "the host's own way" }, opts } : undefined],`,
          "lan",
          `hosts: ["node2"], cidr: "198.51.100.0/24"`,
        )};
        exports.seen = seen;
        ${kept("protect: true")};
      `);
      await on.project.up();
    });

    it("parent, dependsOn: it is below another component, waits for what it depends on, and is waited for", async () => {
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
      assert.equal((await linkOf(on.lab, "node2", "web")).mtu, 1400);
      assert.equal((await linkOf(on.lab, "node2", "shim0")).ifalias, "the host's own way");
      assert.deepEqual(await on.project.outputs().then((o) => o["seen"]), [
        "lan",
        "lan/addresses",
        "lan/node2/web",
        "lan/node2/shim0",
      ]);
      // those of one network do not see another
      assert.equal((await linkOf(on.lab, "node1", "web")).mtu, 1500);
    });

    it("protect: none of its resources is deleted until the option is removed", async () => {
      const refused = await on.project.cli(["destroy", "--yes", "--skip-preview"]);
      assert.notEqual(refused.code, 0);
      assert.match(refused.output, /kept\/(node3\/(web|shim0)|addresses)[^]*protect/);
      assert.ok(await seenLink(on.lab, "node3", "web"));
      on.project.program(kept("retainOnDelete: true"));
      await on.project.up();
      assert.equal(await seenLink(on.lab, "node1", "web"), undefined);
    });

    it("retainOnDelete: the stack forgets the links, and the host keeps them", async () => {
      await on.project.destroy();
      assert.deepEqual(Object.keys(await on.project.state()), []);
      assert.ok(await seenLink(on.lab, "node3", "web"));
      assert.ok(await seenLink(on.lab, "node3", "shim0"));
      // with the whole stack its identity is gone: by one word the next up takes them back, as its own
      on.project.program(kept(""));
      on.project.environment["MACVLAN_RECLAIM"] = "fleet/dev";
      await on.project.up();
      delete on.project.environment["MACVLAN_RECLAIM"];
      await on.project.destroy();
      assert.equal(await seenLink(on.lab, "node3", "web"), undefined);
    });
  });

  it("aliases: a renamed network keeps its resources, addresses and MACs", async () => {
    const exclude = `exclude: ["192.0.2.1-192.0.2.9"]`;
    on.project.program(net("", "net", exclude));
    await on.project.up();
    const before = await linkOf(on.lab, "node1", "web");
    on.project.program(net(`aliases: [{ name: "net" }]`, "lan", exclude));
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
    on.project.program(net("", "lan", `hosts: ["node1", "node2"]`));
    const urn = "urn:pulumi:dev::fleet::macvlan:index:MacvlanNetwork";
    const child = `${urn}$pulumi-nodejs:dynamic/macvlan:MacvlanInterface::lan/node2/web`;
    const book = `${urn}$pulumi-nodejs:dynamic/macvlan:LeaseBook::lan/addresses`;
    const alone = await on.project.cli(["up", "--yes", "--skip-preview", "--target", child]);
    assert.notEqual(alone.code, 0);
    assert.match(
      alone.output,
      /node2\/web has no address yet, because --target leaves out the network's lease book/,
    );
    await on.project.up("--target", child, "--target", book, "--target", `${urn}::lan`);
    assert.ok(await seenLink(on.lab, "node2", "web"));
  });
});
