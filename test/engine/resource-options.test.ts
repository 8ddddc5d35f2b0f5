/** Pulumi's resource options and the flags beside them, on single links, as docs/resource-options.md has them. */
import assert from "node:assert/strict";
import { linkOf, seenLink } from "../lab/seen";
import { stateText, useProject } from "./project";

const SECRET_MARK = "4dabf18193072939515e22adb298388d";

/** A macvlan of node1, which is named as its resource. */
const macvlan = (name: string, properties = "", options = ""): string =>
  `new MacvlanInterface("${name}", { host: "node1", parent: "eth0", name: "${name}", ${properties} }, { ${options} });`;

/** A resource or a few for each option, all in one stack. */
const RESOURCES = {
  secret: macvlan("secret", "", `additionalSecretOutputs: ["macAddress"]`),
  guarded: macvlan("guarded", "mtu: 1400", "protect: true"),
  x: `new MacvlanInterface("x", { host: "node1", parent: "eth0", name: "x0" });`,
  y: `new MacvlanInterface("y", { host: "node1", parent: "eth0", name: "x1" });`,
  kept: macvlan("kept", "", "retainOnDelete: true"),
  forgotten: macvlan("forgotten"),
  adopted: `new MacvlanInterface("adopted", { host: "node2", parent: "eth0", adopt: true });`,
  lower: `const lower = new HairpinBridge("lower", { host: "node1", name: "br0" });
    new MacvlanInterface("upper", { host: "node1", parent: lower.name });`,
  lan: `const lan = new HairpinBridge("lan", { host: "node1", name: "br1" });
    new MacvlanInterface("web", { host: "node1", parent: lan.name }, { deletedWith: lan });`,
} as const;

describe("options of a resource", function () {
  this.timeout(240_000); // a test here is several calls of the CLI
  const on = useProject("resopts");

  const urn = (name: string, type = "MacvlanInterface"): string =>
    `urn:pulumi:dev::fleet::pulumi-nodejs:dynamic/macvlan:${type}::${name}`;
  /** Writes the program, with some of its resources changed, or left out. */
  const write = (changed: Partial<Record<keyof typeof RESOURCES | "more", string>> = {}): void =>
    on.project.program(Object.values({ ...RESOURCES, ...changed }).join("\n"));
  const indexOf = async (name: string, host = "node1"): Promise<number> =>
    (await linkOf(on.lab, host, name)).ifindex;
  /** An update that has to fail, and what it prints. */
  const failedUp = async (...options: string[]): Promise<string> => {
    const result = await on.project.cli(["up", "--yes", "--skip-preview", ...options]);
    assert.notEqual(result.code, 0, result.output);
    return result.output;
  };
  let adopted = 0;

  before(async () => {
    await on.lab.sh(
      "node2",
      "ip link add adopted link eth0 type macvlan mode bridge; ip link set adopted up",
    );
    adopted = await indexOf("adopted", "node2");
    write();
    await on.project.up();
  });

  it("pulumi import: fails with the engine's own message, and adopt takes the link over instead", async () => {
    const refused = await on.project.cli([
      ...["import", "pulumi-nodejs:dynamic/macvlan:MacvlanInterface", "other", "node2/adopted", "--yes"],
    ]);
    assert.notEqual(refused.code, 0);
    assert.match(refused.output, /code must be a string, not undefined/);
    assert.equal((await on.project.state())["adopted"]?.outputs["ifIndex"], adopted);
  });

  it("additionalSecretOutputs: the output is encrypted in the state", async () => {
    const state = (await on.project.state())["secret"];
    const output = state?.outputs["macAddress"] as Record<string, unknown> | undefined;
    assert.equal(typeof output?.[SECRET_MARK], "string", JSON.stringify(output));
    const { address } = await linkOf(on.lab, "node1", "secret");
    const inOutputs = (
      JSON.parse(stateText(on.project)) as { checkpoint: { latest: { resources: unknown[] } } }
    ).checkpoint.latest.resources;
    assert.ok(
      !JSON.stringify((inOutputs as { outputs?: unknown }[]).map((r) => r.outputs)).includes(address),
    );
  });

  it("protect: the link changes in place and is repaired, and is neither deleted nor replaced", async () => {
    const before = await indexOf("guarded");
    await on.lab.sh("node1", "ip link set guarded mtu 1300");
    write({ guarded: macvlan("guarded", `mtu: 1400, alias: "shop"`, "protect: true") });
    await on.project.up();
    const { mtu, ifalias } = await linkOf(on.lab, "node1", "guarded");
    assert.deepEqual({ mtu, ifalias }, { mtu: 1400, ifalias: "shop" });

    write({ guarded: "" });
    assert.match(await failedUp(), /protect/);
    const replaced = `protect: true, replaceOnChanges: ["alias"]`;
    write({ guarded: macvlan("guarded", `mtu: 1400, alias: "store"`, replaced) });
    assert.match(await failedUp(), /protect/);
    assert.equal(await indexOf("guarded"), before);
    assert.equal((await linkOf(on.lab, "node1", "guarded")).ifalias, "shop");
  });

  it("--target: a link that is in the way gives way only if its resource is selected as well", async () => {
    const [x, y] = [
      ["--target", urn("x")],
      ["--target", urn("y")],
    ] as const;
    const before = [await indexOf("x0"), await indexOf("x1")];
    write({ x: RESOURCES.x.replace("x0", "x1"), y: RESOURCES.y.replace("x1", "x0") });
    const seen = await on.project.cli(["preview", ...x]);
    assert.match(seen.output, /x1 on node1: x1 .*resource y\b/);
    assert.match(await failedUp(...x), /x1 .*resource y\b.*\[not-selected\]/);
    assert.deepEqual([await indexOf("x0"), await indexOf("x1")], before);
    await on.project.up(...x, ...y);
    assert.deepEqual([await indexOf("x1"), await indexOf("x0")], before);
  });

  it("retainOnDelete, state delete: a resource that comes back takes its link over without adopt", async () => {
    const indexes = (): Promise<number[]> => Promise.all(["kept", "forgotten"].map((name) => indexOf(name)));
    const before = await indexes();
    write({ kept: "" });
    await on.project.up();
    const forgotten = await on.project.cli(["state", "delete", urn("forgotten"), "--yes"]);
    assert.equal(forgotten.code, 0, forgotten.output);
    assert.deepEqual(await indexes(), before);
    write({ kept: macvlan("kept") });
    await on.project.up();
    assert.deepEqual(await indexes(), before);
    await on.project.expectNoChanges();
  });

  it("--target and --exclude: hosts of other resources need not answer", async () => {
    const host = `{ address: "127.0.0.1", port: 1, connectTimeout: 2 }`;
    write({
      kept: macvlan("kept"),
      more: `new MacvlanInterface("far", { host: ${host}, parent: "eth0" });
        ${macvlan("one")} new MacvlanInterface("two", { host: "node2", parent: "eth0" });`,
    });
    await on.project.up("--target", urn("one"));
    assert.ok(await seenLink(on.lab, "node1", "one"));
    assert.equal(await seenLink(on.lab, "node2", "two"), undefined);
    await on.project.up("--exclude", urn("far"));
    assert.ok(await seenLink(on.lab, "node2", "two"));
  });

  it("destroy --target: a parent goes only together with its children", async () => {
    const destroy = ["destroy", "--yes", "--skip-preview", "--target", urn("lower", "HairpinBridge")];
    const refused = await on.project.cli(destroy);
    assert.notEqual(refused.code, 0);
    assert.ok(await seenLink(on.lab, "node1", "upper"));
    const done = await on.project.cli([...destroy, "--target-dependents"]);
    assert.equal(done.code, 0, done.output);
    assert.equal(await seenLink(on.lab, "node1", "br0"), undefined);
  });

  it("deletedWith: the child's link goes with its parent, and its record on the host stays, but no other", async () => {
    assert.equal((await on.project.cli(["state", "unprotect", "--all", "--yes"])).code, 0);
    await on.project.destroy();
    for (const name of ["web", "br1", "guarded", "kept"])
      assert.equal(await seenLink(on.lab, "node1", name), undefined, name);
    assert.equal(await on.lab.sh("node1", "ls /run/pulumi-macvlan/links"), ":web\n");
    assert.equal(await on.lab.sh("node2", "ls /run/pulumi-macvlan/links"), "");
    assert.equal(await indexOf("adopted", "node2"), adopted);
  });
});
