/** The main stories of a stack, through both doors: each case is described once. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DOORS, type Door, NATIVE, type ProgramCase } from "./doors";
import { isSample } from "../support/extent";
import { cacheFolder } from "../../provider/native/remembered-hosts";
import { callTool } from "../setup/tool";
import { stateText, useProject } from "./project";

const HOST = "node2";
const ALIAS = "correct-horse-battery";

/** A link of each kind that the kernels of most machines have. */
const LINKS: ProgramCase = {
  lan: { type: "HairpinBridge", args: { host: HOST, name: "br0", stp: false, ports: ["eth1"] } },
  vm: { type: "MacvlanInterface", args: { host: HOST, parent: "${lan.name}", name: "vm0", mode: "vepa" } },
  web: {
    type: "MacvlanInterface",
    args: {
      host: HOST,
      parent: "eth0",
      name: "mac0",
      netns: "web",
      mtu: 1500,
      addresses: ["192.0.2.10/24", "2001:db8::10/64"],
    },
  },
  tap: { type: "MacvtapInterface", args: { host: HOST, parent: "eth0", name: "tap0" } },
  shim: {
    type: "HostShim",
    args: { host: HOST, parent: "eth0", name: "shim0", routes: ["192.0.2.10/32"] },
    options: { dependsOn: ["${web}"] },
  },
};

// beside other suites, the native door alone: they have such stories through the dynamic one
for (const door of isSample ? [NATIVE] : DOORS) {
  describe(`through the ${door.name} door, a stack`, function () {
    this.timeout(300_000);
    tell(door);
  });
}

function tell(door: Door): void {
  const isNative = door.name === "native";
  const on = useProject(
    `door-${door.name.slice(0, 3)}`,
    async ({ lab }) => {
      await lab.switch.cable("node2", "node3");
    },
    (lab) => door.open(lab),
  );
  const write = (program: ProgramCase): void => door.write(on.project, program, { mac: "${web.macAddress}" });
  /** The program with other arguments of some resources. */
  const changed = (changes: Readonly<Record<string, object>>): ProgramCase =>
    Object.fromEntries(
      Object.entries(LINKS).map(([name, resource]) => [
        name,
        { ...resource, args: { ...resource.args, ...changes[name] } },
      ]),
    );
  const ops = async (...options: string[]): Promise<Record<string, string>> =>
    Object.fromEntries(
      Object.entries(await on.project.steps(...options))
        .filter(([name]) => name in LINKS)
        .map(([name, { op }]) => [name, op]),
    );
  const urnOf = async (name: string): Promise<string> => (await on.project.state())[name]?.urn ?? "";

  it("previews with the outputs that are already known, and touches nothing", async () => {
    write(LINKS);
    const steps = await on.project.steps();
    const { newState } = steps["web"] ?? {};
    assert.match(String(newState?.inputs["macAddress"]), /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/);
    assert.equal(newState?.inputs["label"], "mac0@eth0");
    assert.equal((await on.lab.sh(HOST, "ls /run/pulumi-macvlan/links 2>/dev/null || true")).trim(), "");
  });

  it("is created, and its outputs match the host", async () => {
    await on.project.up();
    const state = await on.project.state();
    assert.equal(state["web"]?.type, door.typeOf("MacvlanInterface"));
    assert.equal(state["web"].id, `${HOST}/web/mac0`);
    const [link] = await on.lab.ipJson<{ address: string; ifindex: number }[]>(HOST, [
      ...["-n", "web", "link", "show", "dev", "mac0"],
    ]);
    assert.equal(state["web"].outputs["macAddress"], link?.address);
    assert.equal(state["web"].outputs["ifIndex"], link?.ifindex);
    assert.equal((await on.project.outputs())["mac"], link?.address);
    if (isNative) {
      const folder = cacheFolder(on.project.environment);
      const [file = ""] = readdirSync(folder);
      assert.match(readFileSync(join(folder, file), "utf8"), new RegExp(HOST));
    }
  });

  it("is left unchanged by the next runs", async () => {
    await on.project.expectNoChanges();
    const [connections, commands] = [await on.lab.connections(HOST), await on.lab.commands(HOST)];
    await on.project.up("--expect-no-changes");
    assert.equal((await on.lab.connections(HOST)) - connections, 1);
    assert.equal((await on.lab.commands(HOST)) - commands, 1);
    await on.project.refresh("--expect-no-changes");
    await on.project.expectNoChanges();
  });

  it("shows drift by property, and repairs it", async () => {
    await on.lab.sh(HOST, "ip -n web link set mac0 mtu 1400; bridge link set dev eth1 hairpin off");
    const { output } = await on.project.preview();
    if (isNative) {
      assert.match(output, /~ mtu *: 1400 => 1500/);
      assert.match(output, /~ hairpin *: false => true/);
    }
    assert.match(output, /drift on \S*node2, mac0: mtu: found 1400, wanted 1500/);
    const { stdout: input } = await on.project.cli(["preview", "--json"]);
    const report = await callTool(["report"], { input, env: on.project.environment });
    assert.match(report.stdout, /mtu[^\n]*1500[^\n]*1400/);
    const { stdout: exported } = await on.project.cli(["stack", "export"]);
    const graph = await callTool(["graph", "--stack", "-", "-f", "mermaid"], {
      input: exported,
      env: on.project.environment,
    });
    assert.match(graph.stdout, /mac0[^]*shim0|shim0[^]*mac0/);
    assert.deepEqual(await ops(), { lan: "update", web: "update" });
    const strict = await on.project.cli(["preview", "--expect-no-changes"]);
    assert.notEqual(strict.code, 0);
    await on.project.up();
    await on.project.expectNoChanges();
    assert.match(await on.lab.sh(HOST, "ip -n web link show mac0"), /mtu 1500/);
  });

  it("re-creates what was deleted by hand", async () => {
    await on.lab.sh(HOST, "ip link del tap0");
    assert.deepEqual(Object.keys(await ops()), ["tap"]);
    await on.project.up();
    await on.project.expectNoChanges();
    assert.match(await on.lab.sh(HOST, "ip -br link show tap0"), /tap0@eth0/);
  });

  it("changes properties in place, and lists entry by entry", async () => {
    const web = { mtu: 1450, addresses: ["192.0.2.10/24", "192.0.2.11/24"] };
    write(changed({ web }));
    const { output } = await on.project.preview();
    assert.match(output, /~ mtu *: 1500 => 1450/);
    assert.match(output, /192\.0\.2\.11\/24/);
    assert.deepEqual(await ops(), { web: "update" });
    const index = (await on.project.state())["web"]?.outputs["ifIndex"];
    await on.project.up();
    assert.equal((await on.project.state())["web"]?.outputs["ifIndex"], index);
    await on.project.expectNoChanges();
    write(LINKS);
    await on.project.up();
  });

  it("replaces a link if its parent changes, in dependency order", async () => {
    write(changed({ tap: { parent: "mgmt0" } }));
    assert.deepEqual(await ops(), { tap: "replace" });
    await on.project.up();
    assert.match(await on.lab.sh(HOST, "ip -br link show tap0"), /tap0@mgmt0/);
    await on.project.expectNoChanges();
    write(LINKS);
    await on.project.up();
    await on.project.expectNoChanges();
  });

  it("keeps its links with --replace and --target", async () => {
    const before = (await on.project.state())["shim"]?.outputs;
    const [shim, web] = [await urnOf("shim"), await urnOf("web")];
    await on.project.up("--replace", shim);
    const after = (await on.project.state())["shim"]?.outputs;
    assert.notEqual(after?.["__making"], before?.["__making"]);
    await on.project.expectNoChanges();
    write(changed({ web: { mtu: 1460 }, tap: { mtu: 1460 } }));
    await on.project.up("--target", web);
    assert.deepEqual(await ops(), { tap: "update" });
    write(LINKS);
    await on.project.up();
  });

  it("leaves ignored properties as the host has them", async () => {
    const options = { ignoreChanges: ["mtu"] };
    const web = LINKS["web"];
    assert.ok(web);
    write({ ...LINKS, web: { ...web, options } });
    await on.project.up();
    await on.lab.sh(HOST, "ip -n web link set mac0 mtu 1300");
    assert.deepEqual(await ops(), {});
    await on.project.up();
    assert.match(await on.lab.sh(HOST, "ip -n web link show mac0"), /mtu 1300/);
    write(LINKS);
    await on.project.up();
    assert.match(await on.lab.sh(HOST, "ip -n web link show mac0"), /mtu 1500/);
  });

  it("refuses invalid inputs, on the property, with the code", async () => {
    write(changed({ web: { addresses: ["192.0.2.10/24", "192.0.2.300/24"] } }));
    const wrong = await on.project.cli(["preview"]);
    assert.notEqual(wrong.code, 0);
    assert.match(wrong.output, /addresses\[1\][^]*\[invalid-input\]/);
    write(changed({ tap: { parent: "eth9" } }));
    const absent = await on.project.cli(["preview"]);
    assert.notEqual(absent.code, 0);
    assert.match(absent.output, /parent[^]*\[not-on-host\]/);
    write(LINKS);
  });

  it("shows no secret in the state, event log, trace or diff", async () => {
    write(changed({ tap: { alias: { "fn::secret": ALIAS } } }));
    const [events, trace] = ["events.json", "trace.jsonl"].map((name) => join(on.project.folder, name)) as [
      string,
      string,
    ];
    // the flag for events is one of the debugging commands
    on.project.environment["PULUMI_DEBUG_COMMANDS"] = "1";
    const texts = [(await on.project.preview("--event-log", events)).output];
    on.project.environment["MACVLAN_TRACE"] = trace;
    try {
      texts.push((await on.project.up("--diff", "--event-log", events)).output);
    } finally {
      delete on.project.environment["MACVLAN_TRACE"];
    }
    assert.match(await on.lab.sh(HOST, "cat /sys/class/net/tap0/ifalias"), new RegExp(ALIAS));
    texts.push(readFileSync(trace, "utf8"), readFileSync(events, "utf8"), stateText(on.project));
    assert.match(texts[2] ?? "", /link set dev tap0/);
    await on.lab.sh(HOST, "ip link set tap0 alias other-alias");
    texts.push((await on.project.preview()).output, (await on.project.cli(["preview", "--json"])).output);
    await on.project.up();
    await on.project.expectNoChanges();
    texts.push(stateText(on.project));
    for (const [index, text] of texts.entries())
      assert.deepEqual(
        // the SDK's own debugging messages have all that a program registers, secrets too: docs/credentials.md
        text
          .split("\n")
          .filter(
            (line) => line.includes(ALIAS) && !line.includes('"message":"RegisterResource RPC finished'),
          ),
        [],
        `text ${index}`,
      );
    write(LINKS);
    await on.project.up();
    await on.project.expectNoChanges();
  });

  it("has one identity on its hosts, and another stack of the same name is refused", async () => {
    const records = await on.lab.sh(HOST, "cat /run/pulumi-macvlan/links/*");
    const identities = new Set([...records.matchAll(/"stack":"([0-9a-f]{32})"/g)].map(([, id]) => id));
    assert.equal(identities.size, 1);
    assert.equal([...records.matchAll(/"making":"/g)].length, Object.keys(LINKS).length);
    const other = await door.open(on.lab);
    try {
      door.write(other, { shim: LINKS["tap"] ?? assert.fail() });
      const { code, output } = await other.cli(["preview"]);
      assert.notEqual(code, 0);
      assert.match(output, /\[foreign-owner\]/);
    } finally {
      other.remove();
    }
  });

  it("leaves the host as it was when it is destroyed", async () => {
    await on.project.destroy();
    assert.equal((await on.lab.sh(HOST, "ls /run/netns; ls /run/pulumi-macvlan/links")).trim(), "");
    assert.doesNotMatch(await on.lab.sh(HOST, "ip -br link"), /br0|mac0|tap0|shim0|vm0/);
  });
}
