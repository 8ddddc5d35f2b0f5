/** Whose a link is: replacements, renamed stacks and resources, two stacks of one name, lost states. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Project, openProject, useProject } from "./project";

/** A record on the host, with the index of the link before it. */
interface HostRecord {
  readonly ifIndex: number;
  readonly name: string;
  readonly owner: string;
  readonly stack?: string;
  readonly making?: string;
  readonly stackName?: string;
  readonly resource: string;
  readonly made: boolean;
}

/** A link of each kind that the kernels of most machines have; `more` are arguments by resource. */
function linksOf(
  host: string,
  more: Record<string, object> = {},
  options: Record<string, object> = {},
): string {
  const links: [type: string, resource: string, args: object][] = [
    ["MacvlanInterface", "mac", { parent: "eth1", name: "mac0", addresses: ["192.0.2.10/24"] }],
    ["MacvtapInterface", "tap", { parent: "eth1", name: "tap0" }],
    ["HostShim", "shim", { parent: "eth1", name: "shim0", routes: ["192.0.2.10/32"] }],
    ["HairpinBridge", "bridge", { name: "br0", stp: false }],
  ];
  return links
    .map(([type, resource, args]) => {
      const all = JSON.stringify({ host, ...args, ...more[resource] });
      return `new ${type}("${resource}", ${all}, ${JSON.stringify(options[resource] ?? {})});`;
    })
    .join("\n");
}

const RESOURCES = ["mac", "tap", "shim", "bridge"];

describe("whose a link is", function () {
  this.timeout(300_000);
  const on = useProject("identity");

  const records = async (host: string): Promise<Record<string, HostRecord>> => {
    const text = await on.lab.sh(host, "cat /run/pulumi-macvlan/links/* 2>/dev/null || true");
    const lines = text.split("\n").filter(Boolean);
    return Object.fromEntries(
      lines.map((line) => {
        const [, index = "", json = ""] = /^([0-9]+) (.*)$/.exec(line) ?? [];
        const record = { ...(JSON.parse(json) as HostRecord), ifIndex: Number(index) };
        return [record.resource, record];
      }),
    );
  };
  const links = async (host: string): Promise<string> =>
    (await on.lab.sh(host, "cd /sys/class/net && ls -d br0 late0 mac0 shim0 tap0 2>/dev/null || true"))
      .trim()
      .replace(/\s+/g, " ");
  const ALL = "br0 mac0 shim0 tap0";
  const urns = async (names: readonly string[], project: Project = on.project): Promise<string[]> => {
    const state = await project.state();
    return names.map((name) => state[name]?.urn ?? "");
  };
  const makings = async (host: string): Promise<Record<string, string | undefined>> =>
    Object.fromEntries(
      Object.entries(await records(host)).map(([resource, { making }]) => [resource, making]),
    );
  const identity = async (project: Project = on.project): Promise<unknown> =>
    (await project.state())["stack-identity"]?.outputs["identity"];
  /** Asserts that the state and the host's records agree on each link. */
  const expectAgreed = async (host: string): Promise<void> => {
    const state = await on.project.state();
    for (const [resource, { making, stack }] of Object.entries(await records(host))) {
      assert.equal(state[resource]?.outputs["__making"], making, resource);
      assert.equal(stack, await identity(), resource);
    }
  };
  /** The same, and that the next preview has nothing to do. */
  const expectSettled = async (host: string): Promise<void> => {
    await expectAgreed(host);
    await on.project.expectNoChanges();
  };

  it("is recorded on the host and in the state: one identity per stack, one making per create", async () => {
    on.project.program(linksOf("node1"));
    const first = await on.project.up();
    assert.match(first.output, /StackIdentity/);
    const all = Object.values(await records("node1"));
    assert.deepEqual(all.map((r) => r.resource).toSorted(), RESOURCES.toSorted());
    assert.match(String(await identity()), /^[0-9a-f]{32}$/);
    for (const { making } of all) assert.match(making ?? "", /^[0-9a-f]{16}$/);
    assert.equal(new Set(all.map((r) => r.making)).size, all.length);
    await expectSettled("node1");
    assert.deepEqual((await on.project.state())["mac"]?.dependencies ?? [], []);
  });

  it("stays with the new making if the link is replaced by --replace", async () => {
    const before = await records("node1");
    const id = await identity();
    const all = await urns([...RESOURCES, "stack-identity"]);
    await on.project.up(...all.flatMap((urn) => ["--replace", urn]));
    const after = await records("node1");
    for (const resource of RESOURCES) {
      assert.equal(after[resource]?.ifIndex, before[resource]?.ifIndex, "the link itself stays");
      assert.notEqual(after[resource]?.making, before[resource]?.making);
    }
    assert.equal(await links("node1"), ALL);
    assert.equal(await identity(), id, "a replaced identity is the same one");
    await expectAgreed("node1");
  });

  it("stays with the new making after --target-replace, and after pulumi state taint and up", async () => {
    const before = await makings("node1");
    const [mac = "", tap = "", ...others] = await urns(RESOURCES);
    await on.project.up("--target-replace", mac, "--target-replace", tap);
    assert.equal((await on.project.cli(["state", "taint", ...others, "--yes"])).code, 0);
    const { output } = await on.project.up();
    assert.doesNotMatch(output, /was not deleted/);
    const after = await makings("node1");
    for (const resource of RESOURCES) assert.notEqual(after[resource], before[resource], resource);
    assert.equal(await links("node1"), ALL);
    await expectSettled("node1");
  });

  it("stays with the new making if a changed parent or replaceOnChanges replaces it, also with deleteBeforeReplace: false", async () => {
    const first = { deleteBeforeReplace: false };
    const moved = { mac: { parent: "eth0" }, tap: { parent: "eth0" }, shim: { parent: "eth0" } };
    on.project.program(
      linksOf(
        "node1",
        { ...moved, bridge: { mtu: 1400 } },
        { mac: first, tap: first, shim: first, bridge: { replaceOnChanges: ["mtu"] } },
      ),
    );
    const before = await records("node1");
    await on.project.up();
    const after = await records("node1");
    for (const resource of RESOURCES) {
      assert.notEqual(after[resource]?.ifIndex, before[resource]?.ifIndex, `${resource} is another link`);
      assert.notEqual(after[resource]?.making, before[resource]?.making);
    }
    assert.equal(await links("node1"), ALL);
    assert.match(await on.lab.sh("node1", "ip -br addr show mac0"), /^mac0@eth0 .*192\.0\.2\.10\/24/);
    assert.match(await on.lab.sh("node1", "cat /sys/class/net/br0/mtu"), /1400/);
    await expectSettled("node1");
  });

  it("is taken over by a resource that was renamed without an alias", async () => {
    on.project.program(linksOf("node1"));
    await on.project.up();
    const before = await records("node1");
    const renamed = linksOf("node1").replace(/\("(\w+)", /g, '("$1-2", ');
    on.project.program(renamed);
    const { output } = await on.project.up();
    assert.doesNotMatch(output, /was not deleted/);
    const after = await records("node1");
    assert.deepEqual(Object.keys(after).toSorted(), RESOURCES.map((r) => `${r}-2`).toSorted());
    for (const resource of RESOURCES)
      assert.equal(after[`${resource}-2`]?.ifIndex, before[resource]?.ifIndex, resource);
    await expectSettled("node1");
  });

  it("is recognised after a run that was killed before the state was written", async () => {
    on.project.program(linksOf("node1"));
    await on.project.up();
    assert.equal(await links("node1"), ALL);
    const save = join(on.project.folder, "saved.json");
    assert.equal((await on.project.cli(["stack", "export", "--file", save])).code, 0);
    const made = `new MacvlanInterface("late", { host: "node1", parent: "eth1", name: "late0" });`;
    on.project.program(linksOf("node1") + made);
    const [mac = "", bridge = ""] = await urns(["mac", "bridge"]);
    await on.project.up("--replace", mac, "--replace", bridge);
    // the state as it was before that run
    assert.equal((await on.project.cli(["stack", "import", "--file", save])).code, 0);
    const steps = await on.project.steps();
    assert.deepEqual(Object.fromEntries(Object.entries(steps).map(([name, { op }]) => [name, op])), {
      mac: "update",
      bridge: "update",
      late: "create",
    });
    await on.project.up();
    await expectAgreed("node1");
    // a refresh learns it as well
    assert.equal((await on.project.cli(["stack", "import", "--file", save])).code, 0);
    await on.project.refresh();
    await on.project.up();
    await expectSettled("node1");
  });

  it("follows a renamed stack and a renamed project, with empty previews in between, and keeps its MAC address", async () => {
    const mac = (name = "mac0"): Promise<string> => on.lab.sh("node1", `cat /sys/class/net/${name}/address`);
    on.project.program(linksOf("node1"));
    await on.project.up();
    assert.equal(await links("node1"), ALL);
    const before = await mac();
    const rename = async (stack: string, project: string): Promise<void> => {
      assert.equal((await on.project.cli(["stack", "rename", `organization/${project}/${stack}`])).code, 0);
      const yaml = join(on.project.folder, "Pulumi.yaml");
      writeFileSync(yaml, readFileSync(yaml, "utf8").replace(/^name: .*/m, `name: ${project}`));
      assert.equal((await on.project.cli(["stack", "select", stack])).code, 0);
    };
    assert.equal((await on.project.cli(["stack", "rename", "prod"])).code, 0);
    await on.project.expectNoChanges();
    await rename("prod", "works");
    await on.project.expectNoChanges();
    // replaced
    on.project.program(linksOf("node1", { mac: { parent: "eth0" } }));
    await on.project.up();
    assert.equal(await mac(), before);
    const { mac: changed, bridge: unchanged } = await records("node1");
    assert.deepEqual([changed?.owner, changed?.stackName], ["fleet/dev", "works/prod"]);
    assert.deepEqual([unchanged?.owner, unchanged?.stackName], ["fleet/dev", undefined]);
    await expectAgreed("node1");
    await rename("dev", "fleet");
    on.project.program(linksOf("node1", { mac: { parent: "eth0", name: "mac1" } }));
    await on.project.up();
    assert.equal(await mac("mac1"), before);
    await expectAgreed("node1");
  });

  describe("beside a stack of the same name in another backend", () => {
    let other: Project | undefined;
    const second = (): Project => {
      if (!other) throw new Error("the second project is open within these tests only");
      return other;
    };
    before(async () => (other = await openProject(on.lab)));
    after(() => other?.remove());

    it("is refused at preview and in up, on the property, and nothing is touched", async () => {
      second().program(linksOf("node1"));
      const before = [await on.lab.sh("node1", "ip link"), await records("node1")];
      for (const command of [["preview"], ["up", "--yes", "--skip-preview"]]) {
        const { code, output } = await second().cli(command);
        assert.notEqual(code, 0);
        assert.match(
          output,
          /0 belongs to another stack called fleet\/dev \(resource \w+\), whose state is kept elsewhere; .*MACVLAN_RECLAIM=fleet\/dev/,
        );
      }
      assert.deepEqual([await on.lab.sh("node1", "ip link"), await records("node1")], before);
    });

    it("stays if the other stack is destroyed, which says so", async () => {
      second().program(`new MacvlanInterface("mac", { host: "node2", parent: "eth1", name: "mac0" });`);
      await second().up();
      await on.lab.sh("node2", "ip link delete mac0");
      on.project.program(
        linksOf("node1") + `new MacvlanInterface("web", { host: "node2", parent: "eth1", name: "mac0" });`,
      );
      await on.project.up();
      const before = [await on.lab.sh("node2", "ip link"), await records("node2")];
      const { output } = await second().destroy();
      assert.match(
        output,
        /mac0 on node2: it now belongs to the stack fleet\/dev \(resource web\)\. It was not deleted/,
      );
      assert.deepEqual([await on.lab.sh("node2", "ip link"), await records("node2")], before);
      await on.project.expectNoChanges();
    });

    it("is reclaimed after the state was lost, with MACVLAN_RECLAIM", async () => {
      second().program(linksOf("node1", { mac: { mtu: 1300 } }));
      second().environment["MACVLAN_RECLAIM"] = "fleet/dev";
      const before = await records("node1");
      await second().up();
      delete second().environment["MACVLAN_RECLAIM"];
      await second().expectNoChanges();
      const after = await records("node1");
      for (const resource of RESOURCES) {
        assert.equal(after[resource]?.ifIndex, before[resource]?.ifIndex, "the link itself stays");
        assert.equal(after[resource]?.stack, await identity(second()));
        assert.equal(after[resource]?.made, true);
      }
      // the stack that had them is the foreign one by now
      const { code, output } = await on.project.cli(["preview"]);
      assert.notEqual(code, 0);
      assert.match(output, /belongs to another stack called fleet\/dev/);
      await second().destroy();
      assert.equal(await links("node1"), "");
    });
  });

  describe("of a stack of its own", () => {
    let stack: Project | undefined;
    const own = (): Project => stack ?? assert.fail("the project is open within these tests only");
    before(async () => (stack = await openProject(on.lab, "own")));
    after(() => stack?.remove());

    it("is known by the stack's name to a run that leaves the identity out: --target in the first up", async () => {
      own().program(
        `new MacvlanInterface("a", { host: "node3", parent: "eth1", name: "ta" });
         new MacvlanInterface("b", { host: "node3", parent: "eth1", name: "tb" });`,
      );
      const type = "pulumi-nodejs:dynamic/macvlan:MacvlanInterface";
      await own().up("--target", `urn:pulumi:dev::own::${type}::a`);
      assert.deepEqual(Object.keys(await records("node3")), ["a"]);
      assert.equal((await records("node3"))["a"]?.stack, undefined);
      await own().up();
      await own().expectNoChanges();
      const [a = ""] = await urns(["a"], own());
      await own().up("--target", a, "--replace", a);
      assert.equal((await records("node3"))["a"]?.stack, await identity(own()));
      await own().destroy();
      assert.deepEqual(await records("node3"), {});
    });

    it("is still known if its host was down in a destroy, with --continue-on-error or not, for an up and another destroy", async () => {
      const program = ["node2", "node3"]
        .map((host) => `new MacvlanInterface("m-${host}", { host: "${host}", parent: "eth1", name: "hm" });`)
        .join("\n");
      const theirs = "ip link add theirs link eth1 type macvlan mode bridge";
      const shown = (): Promise<string> => on.lab.sh("node3", "ls -d /sys/class/net/*");
      try {
        await on.lab.sh("node3", theirs);
        const bare = await shown();
        own().program(program);
        await own().up();
        for (const [option, next] of [
          [[], "up"],
          [["--continue-on-error"], "destroy"],
        ] as const) {
          await on.lab.sh("node3", "ip link set mgmt0 down");
          const failed = await own().cli(["destroy", "--yes", "--skip-preview", ...option]);
          assert.notEqual(failed.code, 0);
          await on.lab.sh("node3", "ip link set mgmt0 up");
          assert.ok((await own().state())["m-node3"]);
          await own()[next]();
          if (next === "up") await own().expectNoChanges();
        }
        assert.equal(await shown(), bare);
        assert.equal(await on.lab.sh("node2", "ls -d /sys/class/net/hm 2>/dev/null || true"), "");
        assert.deepEqual(await records("node3"), {});
      } finally {
        await on.lab.sh("node3", "ip link set mgmt0 up; ip link delete theirs");
      }
    });
  });
});
