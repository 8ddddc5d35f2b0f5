/** Pulumi's resource options and the flags beside them, on single links, as docs/resource-options.md has them. */
import assert from "node:assert/strict";
import { linkOf, seenLink } from "../lab/seen";
import { stateText, useProject } from "./project";

const SECRET_MARK = "4dabf18193072939515e22adb298388d";

describe("options of a resource", function () {
  this.timeout(240_000); // a test here is several calls of the CLI
  const on = useProject("resopts");

  const urn = (name: string, type = "MacvlanInterface"): string =>
    `urn:pulumi:dev::fleet::pulumi-nodejs:dynamic/macvlan:${type}::${name}`;
  const web = (properties = "", options = ""): string =>
    `new MacvlanInterface("web", { host: "node1", parent: "eth0", name: "web", ${properties} }, { ${options} });`;
  /** A second resource, so that a program without `web` still belongs to the stack. */
  const other = `new MacvlanInterface("other", { host: "node2", parent: "eth0", name: "other" });\n`;
  /** A link of a host that does not answer. */
  const unreachable = `new MacvlanInterface("far", { host: { address: "127.0.0.1", port: 1, connectTimeout: 2 }, parent: "eth0" });\n`;
  const indexOf = async (name: string): Promise<number> => (await linkOf(on.lab, "node1", name)).ifindex;
  /** An update that has to fail, and what it prints. */
  const failedUp = async (...options: string[]): Promise<string> => {
    const result = await on.project.cli(["up", "--yes", "--skip-preview", ...options]);
    assert.notEqual(result.code, 0, result.output);
    return result.output;
  };

  afterEach(async () => {
    await on.project.destroy();
    for (const host of ["node1", "node2"]) {
      assert.equal(await on.lab.sh(host, "ls /run/pulumi-macvlan/links 2>/dev/null || true"), "", host);
    }
  });

  it("protect: the link changes in place and is repaired, and is neither deleted nor replaced", async () => {
    on.project.program(other + web("mtu: 1400", "protect: true"));
    await on.project.up();
    const before = await indexOf("web");

    await on.lab.sh("node1", "ip link set web mtu 1300");
    on.project.program(other + web(`mtu: 1400, alias: "shop"`, "protect: true"));
    await on.project.up();
    const { mtu, ifalias } = await linkOf(on.lab, "node1", "web");
    assert.deepEqual({ mtu, ifalias }, { mtu: 1400, ifalias: "shop" });

    on.project.program(other);
    assert.match(await failedUp(), /protect/);
    on.project.program(
      other + web(`mtu: 1400, alias: "store"`, `protect: true, replaceOnChanges: ["alias"]`),
    );
    assert.match(await failedUp(), /protect/);
    assert.equal(await indexOf("web"), before);
    assert.equal((await linkOf(on.lab, "node1", "web")).ifalias, "shop");

    await on.project.cli(["state", "unprotect", "--all", "--yes"]);
  });

  it("retainOnDelete: a resource that comes back takes its link over without adopt", async () => {
    on.project.program(other + web("", "retainOnDelete: true"));
    await on.project.up();
    const before = await indexOf("web");
    on.project.program(other);
    await on.project.up();
    assert.equal(await indexOf("web"), before);
    on.project.program(other + web());
    await on.project.up();
    assert.equal(await indexOf("web"), before);
    await on.project.expectNoChanges();
  });

  it("state delete: forgets the link, which the next up takes over again", async () => {
    on.project.program(other + web());
    await on.project.up();
    const before = await indexOf("web");
    const forgotten = await on.project.cli(["state", "delete", urn("web"), "--yes"]);
    assert.equal(forgotten.code, 0, forgotten.output);
    assert.equal(await indexOf("web"), before);
    await on.project.up();
    assert.equal(await indexOf("web"), before);
  });

  it("deletedWith: the child's link goes with its parent, and its record on the host stays", async () => {
    on.project.program(`
      const lan = new HairpinBridge("lan", { host: "node1", name: "br0" });
      new MacvlanInterface("web", { host: "node1", parent: lan.name, name: "web" }, { deletedWith: lan });
    `);
    await on.project.up();
    await on.project.destroy();
    assert.equal(await seenLink(on.lab, "node1", "web"), undefined);
    assert.equal(await seenLink(on.lab, "node1", "br0"), undefined);
    assert.equal(await on.lab.sh("node1", "ls /run/pulumi-macvlan/links"), ":web\n");
    await on.lab.sh("node1", "rm /run/pulumi-macvlan/links/:web");
  });

  it("additionalSecretOutputs: the output is encrypted in the state", async () => {
    on.project.program(other + web("", `additionalSecretOutputs: ["macAddress"]`));
    await on.project.up();
    const state = (await on.project.state())["web"];
    const output = state?.outputs["macAddress"] as Record<string, unknown> | undefined;
    assert.equal(typeof output?.[SECRET_MARK], "string", JSON.stringify(output));
    const { address } = await linkOf(on.lab, "node1", "web");
    const inOutputs = (
      JSON.parse(stateText(on.project)) as { checkpoint: { latest: { resources: unknown[] } } }
    ).checkpoint.latest.resources;
    assert.ok(
      !JSON.stringify((inOutputs as { outputs?: unknown }[]).map((r) => r.outputs)).includes(address),
    );
  });

  it("--target and --exclude: hosts of other resources need not answer", async () => {
    on.project.program(other + unreachable + web());
    await on.project.up("--target", urn("web"));
    assert.ok(await seenLink(on.lab, "node1", "web"));
    assert.equal(await seenLink(on.lab, "node2", "other"), undefined);
    await on.project.up("--exclude", urn("far"));
    assert.ok(await seenLink(on.lab, "node2", "other"));
  });

  it("--target: a link that is in the way gives way only if its resource is selected as well", async () => {
    const pair = (x: string, y: string): string =>
      [`"x", { name: "${x}"`, `"y", { name: "${y}"`]
        .map((one) => `new MacvlanInterface(${one}, host: "node1", parent: "eth0" });\n`)
        .join("");
    const [x, y] = [
      ["--target", urn("x")],
      ["--target", urn("y")],
    ] as const;
    on.project.program(pair("x0", "x1"));
    await on.project.up();
    on.project.program(pair("x1", "x0"));
    const before = [await indexOf("x0"), await indexOf("x1")];
    const seen = await on.project.cli(["preview", ...x]);
    assert.match(seen.output, /x1 on node1: x1 .*resource y\b/);
    assert.match(await failedUp(...x), /x1 .*resource y\b.*\[not-selected\]/);
    assert.deepEqual([await indexOf("x0"), await indexOf("x1")], before);
    await on.project.up(...x, ...y);
    assert.deepEqual([await indexOf("x1"), await indexOf("x0")], before);
    await on.project.expectNoChanges();
  });

  it("destroy --target: a parent goes only together with its children", async () => {
    on.project.program(`
      const lan = new HairpinBridge("lan", { host: "node1", name: "br0" });
      new MacvlanInterface("web", { host: "node1", parent: lan.name, name: "web" });
    `);
    await on.project.up();
    const destroy = ["destroy", "--yes", "--skip-preview", "--target", urn("lan", "HairpinBridge")];
    const refused = await on.project.cli(destroy);
    assert.notEqual(refused.code, 0);
    assert.ok(await seenLink(on.lab, "node1", "web"));
    const done = await on.project.cli([...destroy, "--target-dependents"]);
    assert.equal(done.code, 0, done.output);
    assert.equal(await seenLink(on.lab, "node1", "br0"), undefined);
  });

  it("pulumi import: fails with the engine's own message, and adopt takes the link over instead", async () => {
    await on.lab.sh("node1", "ip link add web link eth0 type macvlan mode bridge && ip link set web up");
    const before = await indexOf("web");
    on.project.program(other + web("adopt: true"));
    const refused = await on.project.cli([
      ...["import", "pulumi-nodejs:dynamic/macvlan:MacvlanInterface", "web", "node1/web", "--yes"],
    ]);
    assert.notEqual(refused.code, 0);
    assert.match(refused.output, /code must be a string, not undefined/);
    await on.project.up();
    assert.equal(await indexOf("web"), before);
    await on.project.destroy();
    assert.equal(await indexOf("web"), before);
    await on.lab.sh("node1", "ip link delete web");
  });
});
