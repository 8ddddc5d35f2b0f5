/** What only the native provider does, or does in another way: configuration, import, moving, a host that is down. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse, stringify } from "yaml";
import { cacheFolder } from "../../provider/native/remembered-hosts";
import { blocksOf } from "../unit/docs/pages";
import { eventually } from "../support/eventually";
import { DYNAMIC, NATIVE, NATIVE_NODE, type ProgramCase } from "./doors";
import { stateText, useProject } from "./project";

const LINKS: ProgramCase = {
  lan: { type: "HairpinBridge", args: { host: "node2", name: "br0", stp: false } },
  web: {
    type: "MacvlanInterface",
    args: { host: "node2", parent: "eth0", name: "mac0", netns: "web", addresses: ["192.0.2.10/24"] },
  },
  shim: {
    type: "HostShim",
    args: {
      host: { address: "node2", user: "root" },
      parent: "eth0",
      name: "shim0",
      routes: ["192.0.2.10/32"],
    },
  },
};

const NETWORK: ProgramCase = {
  lan: {
    type: "MacvlanNetwork",
    args: {
      hosts: ["node1", { name: "three", host: "node3" }],
      parent: "eth0",
      children: [{ name: "web", netns: "web" }, "vm"],
      cidr: "192.0.2.0/24",
      range: "192.0.2.100-192.0.2.199",
      reservations: { "node1/web": "192.0.2.10" },
    },
  },
};

const REPOSITORY = resolve(__dirname, "../..");

describe("the native provider", function () {
  this.timeout(300_000);
  const on = useProject("native", undefined, (lab) => NATIVE.open(lab));
  const links = (host: string): Promise<string> =>
    on.lab.sh(
      host,
      "ip -o link | sed 's/ mtu.*//'; ip -n web -o -4 addr 2>/dev/null; cat /run/pulumi-macvlan/links/* || true",
    );
  const yaml = (content: object): void =>
    writeFileSync(
      join(on.project.folder, "Pulumi.yaml"),
      stringify({ name: "fleet", runtime: "yaml", ...content }, { lineWidth: 0 }),
    );

  it("follows the first steps of the page for other languages, word for word", async () => {
    const [program] = blocksOf("docs/languages.md").filter(({ language }) => language === "yaml");
    const text = program?.text ?? "";
    assert.ok(text.includes("runtime: yaml"));
    // the host and its free address are put in; everything else stays
    writeFileSync(join(on.project.folder, "Pulumi.yaml"), text.replace("ops@node1.example", "node2"));
    const { PATH = "" } = on.project.environment;
    const commands = join(REPOSITORY, "node_modules/.bin");
    // only the project says where the plugin is
    on.project.environment["PATH"] = PATH.split(delimiter)
      .filter((folder) => folder !== commands)
      .join(delimiter);
    try {
      // which a YAML program does not need, and the host of such programs may not have
      const added = await on.project.cli(["package", "add", "./node_modules/.bin/pulumi-resource-macvlan"]);
      if (added.code !== 0) assert.match(added.output, /Link not implemented/);
      await on.project.up();
    } finally {
      on.project.environment["PATH"] = PATH;
      rmSync(join(on.project.folder, "sdks"), { recursive: true, force: true });
    }
    const { macAddress } = await on.project.outputs();
    assert.match(await on.lab.sh("node2", "ip -br link show web0"), new RegExp(String(macAddress)));
    await on.project.expectNoChanges();
    await on.project.destroy();
  });

  it("imports a link by its ID, as a program that previews without a change", async () => {
    await on.lab.sh(
      "node1",
      "ip link add web0 link eth0 type macvlan mode private; ip addr add 192.0.2.20/24 dev web0; ip link set web0 mtu 1400 up",
    );
    const before = await links("node1");
    yaml({ resources: {} });
    const out = join(on.project.folder, "imported.yaml");
    const args = [
      "import",
      "macvlan:index:MacvlanInterface",
      "web",
      "node1/web0",
      "--yes",
      "--protect=false",
    ];
    const { code, output } = await on.project.cli([...args, "--out", out]);
    assert.equal(code, 0, output);
    const { resources } = parse(readFileSync(out, "utf8")) as { resources: Record<string, object> };
    const { properties } = resources["web"] as { properties: object };
    assert.deepEqual(properties, {
      ...{ adopt: true, addresses: ["192.0.2.20/24"], host: "node1", mode: "private" },
      ...{
        mtu: 1400,
        name: "web0",
        parent: "eth0",
        macAddress: (properties as { macAddress: string }).macAddress,
      },
    });
    yaml({ resources });
    await on.project.expectNoChanges();
    await on.project.up("--expect-no-changes");
    await on.project.refresh("--expect-no-changes");
    await on.project.expectNoChanges();
    assert.equal(await links("node1"), before, "an import only reads the host");
    // the first change writes down whose it is
    yaml({ resources: { web: { ...resources["web"], properties: { ...properties, mtu: 1300 } } } });
    await on.project.up();
    assert.match(await on.lab.sh("node1", "cat /run/pulumi-macvlan/links/:web0"), /"made":false/);
    await on.project.expectNoChanges();
    await on.project.destroy();
    assert.match(await on.lab.sh("node1", "ip link show web0"), /mtu 1400/, "it is as it was found");
    await on.lab.sh("node1", "ip link del web0");
  });

  it("imports all links of a host by the host, as a program that previews without a change", async () => {
    await on.lab.sh(
      "node1",
      "ip link add web0 link eth0 type macvlan mode private; ip link set web0 up; " +
        "ip link add web1 link eth0 type macvlan mode bridge; ip addr add 192.0.2.21/24 dev web1; ip link set web1 mtu 1400 up",
    );
    const before = await links("node1");
    yaml({ resources: {} });
    const out = join(on.project.folder, "imported.yaml");
    const args = [
      "import",
      "macvlan:index:HostLinks",
      "all",
      "node1",
      "--yes",
      "--protect=false",
      "--out",
      out,
    ];
    const { code, output } = await on.project.cli(args);
    assert.equal(code, 0, output);
    const { resources } = parse(readFileSync(out, "utf8")) as { resources: Record<string, object> };
    const { properties } = resources["all"] as { properties: { links: Record<string, object> } };
    assert.deepEqual(Object.keys(properties.links).toSorted(), ["web0", "web1"]);
    yaml({ resources });
    await on.project.expectNoChanges();
    await on.project.up("--expect-no-changes");
    await on.project.refresh("--expect-no-changes");
    assert.equal(await links("node1"), before, "an import only reads the host");
    properties.links["web1"] = { ...properties.links["web1"], mtu: 1300 };
    yaml({ resources });
    await on.project.up();
    assert.match(await on.lab.sh("node1", "cat /run/pulumi-macvlan/links/:web1"), /"made":false/);
    await on.project.expectNoChanges();
    await on.project.destroy();
    assert.match(await on.lab.sh("node1", "ip link show web1"), /mtu 1400/, "it is as it was found");
    await on.lab.sh("node1", "ip link del web0; ip link del web1");
  });

  it("says why a link cannot be imported", async () => {
    yaml({ resources: {} });
    const cases: [id: string, type: string, reason: RegExp][] = [
      ["node1", "MacvlanInterface", /HOST\/LINK/],
      ["node1/eth0", "MacvlanInterface", /cannot be imported as MacvlanInterface[^]*\[cannot-adopt\]/],
      ["node1/none0", "MacvlanInterface", /does not exist/],
      ["node2", "HostLinks", /no link to adopt[^]*\[cannot-adopt\]/],
    ];
    for (const [id, type, reason] of cases) {
      const { code, output } = await on.project.cli(["import", `macvlan:index:${type}`, "web", id, "--yes"]);
      assert.notEqual(code, 0, id);
      assert.match(output, reason, id);
    }
  });

  it("takes over a stack of dynamic resources, and gives it back, with no change on any host", async () => {
    DYNAMIC.write(on.project, LINKS);
    await on.project.up();
    const before = await links("node2");
    const changes = async (): Promise<string[]> =>
      Object.keys(await on.project.steps()).filter((name) => name in LINKS);

    NATIVE.write(on.project, LINKS);
    assert.deepEqual(await changes(), []);
    await on.project.up();
    await on.project.expectNoChanges();
    const native = await on.project.state();
    for (const [name, { type }] of Object.entries(LINKS))
      assert.equal(native[name]?.type, NATIVE.typeOf(type));
    assert.equal(await links("node2"), before);

    NATIVE_NODE.write(on.project, LINKS);
    assert.deepEqual(await changes(), []);
    await on.project.up();
    await on.project.expectNoChanges();
    assert.equal(await links("node2"), before);

    DYNAMIC.write(on.project, LINKS, {}, (type) => [{ type: NATIVE.typeOf(type) }]);
    assert.deepEqual(await changes(), []);
    await on.project.up();
    await on.project.expectNoChanges();
    const dynamic = await on.project.state();
    for (const [name, { type }] of Object.entries(LINKS))
      assert.equal(dynamic[name]?.type, DYNAMIC.typeOf(type));
    assert.equal(await links("node2"), before);

    // what the other door has made can be changed and deleted by each
    NATIVE.write(on.project, LINKS);
    await on.project.up();
    assert.equal(await links("node2"), before);
    await on.project.destroy();
    assert.doesNotMatch(await on.lab.sh("node2", "ip -br link"), /br0|mac0|shim0/);
  });

  it("has MacvlanNetwork as a component, whose leases are known at preview, and takes over that of a program for Node.js", async () => {
    const changes = async (): Promise<string[]> =>
      Object.keys(await on.project.steps()).filter((name) => name.startsWith("lan"));
    DYNAMIC.write(on.project, NETWORK);
    await on.project.up();
    const before = [await links("node1"), await links("node3")];
    NATIVE.write(on.project, NETWORK, {
      leases: "${lan.leases}",
      mac: '${lan.hosts["node1"].children["vm"].macAddress}',
      index: '${lan.links["three"].shim.ifIndex}',
    });
    assert.deepEqual(await changes(), []);
    await on.project.up();
    await on.project.expectNoChanges();
    assert.deepEqual([await links("node1"), await links("node3")], before);
    const { leases, mac, index } = (await on.project.outputs()) as {
      leases: { host: string; child: string; ipv4: string; macAddress: string }[];
      mac: string;
      index: number;
    };
    assert.deepEqual(
      leases.map(({ host, child, ipv4 }) => [`${host}/${child}`, ipv4]),
      [
        ["node1/web", "192.0.2.10"],
        ["node1/vm", "192.0.2.100"],
        ["three/web", "192.0.2.102"],
        ["three/vm", "192.0.2.103"],
      ],
    );
    assert.match(await on.lab.sh("node1", "ip -br link show vm"), new RegExp(mac));
    assert.equal((await on.lab.sh("node3", "cat /sys/class/net/shim0/ifindex")).trim(), String(index));
    const state = await on.project.state();
    const parts = Object.values(state).filter(({ parent }) => parent === state["lan"]?.urn);
    assert.equal(parts.length, 7);
    for (const { type, urn } of parts) assert.match(type, /^macvlan:index:/, urn);
    assert.equal(
      Object.values(state).filter(({ type }) => type === "pulumi:providers:macvlan").length,
      1,
      "its links are those of the same provider",
    );
    DYNAMIC.write(on.project, NETWORK);
    assert.deepEqual(await changes(), []);
    await on.project.up();
    await on.project.destroy();

    const network = (args: object, options: object = {}): void =>
      yaml({
        resources: {
          lab: { type: "pulumi:providers:macvlan", properties: { maxConnections: 4 } },
          lan: {
            type: "macvlan:MacvlanNetwork",
            properties: { ...NETWORK["lan"]?.args, ...args },
            options: { provider: "${lab}", ...options },
          },
          base: {
            type: "macvlan:MacvlanInterface",
            properties: { host: "node2", parent: "eth0", name: "base", mtu: 1400 },
          },
          other: {
            type: "macvlan:MacvlanInterface",
            properties: { host: "node2", parent: "eth0", name: "other", alias: "${lan.leases[1].ipv4}" },
          },
        },
      });
    network({ children: ["web", { name: "vm", mtu: 9 }] });
    const wrong = await on.project.cli(["preview"]);
    assert.notEqual(wrong.code, 0);
    assert.match(wrong.output, /children\[1\]\.mtu[^]*\[invalid-input\]/);

    const own = { name: "three", host: "node3", children: [{ name: "db", addresses: ["192.0.2.9/24"] }] };
    network({ hosts: ["node1", { ...own, shim: { name: "a name" } }] });
    const wrongOwn = await on.project.cli(["preview"]);
    assert.match(wrongOwn.output, /hosts\[1\]\.shim\.name[^]*\[invalid-input\]/);
    const secret = "correct-horse-battery";
    const ofBase = { mtu: "${base.mtu}", txQueueLength: "${base.ifIndex}" };
    const vm = { name: "vm", alias: { "fn::secret": secret }, ...ofBase };
    network({ children: [vm, { name: "a name" }] });
    const wrongBeside = await on.project.cli(["preview"]);
    assert.match(wrongBeside.output, /children\[1\]\.linkName[^]*\[invalid-input\]/);
    assert.ok(!wrongBeside.output.includes(secret), wrongBeside.output);

    const hosts = ["node1", { ...own, shim: false }];
    network({ hosts, children: [{ name: "web", netns: "web" }, vm], grain: "host" }, { protect: true });
    const steps = await on.project.steps();
    assert.deepEqual(
      Object.keys(steps)
        .filter((name) => name.startsWith("lan"))
        .toSorted(),
      ["lan", "lan/addresses", "lan/node1", "lan/three"],
    );
    // one secret makes all outputs of a host's links secret
    assert.equal(steps["other"]?.newState?.inputs["alias"], "[secret]");
    await on.project.up();
    await on.project.expectNoChanges();
    assert.match(await on.lab.sh("node3", "ip -br addr show db"), /192\.0\.2\.9\/24/);
    assert.match(await on.lab.sh("node1", "ip link show vm"), new RegExp(`alias ${secret}`));
    const ofTheBase = (await on.lab.sh("node2", "cat /sys/class/net/base/ifindex")).trim();
    assert.match(await on.lab.sh("node1", "ip link show vm"), new RegExp(`mtu 1400 .* qlen ${ofTheBase}\\b`));
    const { "lan/node1": onNode1, base } = await on.project.state();
    assert.ok(onNode1?.dependencies?.includes(base?.urn ?? ""), "it is deleted before base");
    assert.ok(!stateText(on.project).includes(secret));
    await on.lab.sh("node1", "ip link set vm alias other");
    const drifted = await on.project.cli(["preview", "--diff"]);
    assert.match(drifted.output, /alias/);
    assert.ok(!drifted.output.includes(secret), drifted.output);
    await on.project.up();
    const { stdout } = await on.project.cli(["stack", "export"]);
    const { deployment } = JSON.parse(stdout) as {
      deployment: { resources: { urn: string; protect?: boolean; provider?: string }[] };
    };
    const made = deployment.resources.filter(({ urn }) => urn.includes("MacvlanNetwork$"));
    assert.equal(made.length, 3);
    for (const { urn, protect, provider } of made) {
      assert.equal(protect, true, urn);
      assert.match(provider ?? "", /::lab::/, urn);
    }
    await on.project.cli(["state", "unprotect", "--all", "--yes"]);
    await on.project.destroy();
    assert.doesNotMatch(await on.lab.sh("node1", "ip -br link"), /web|vm|shim0/);
  });

  it("has all links of a host as one resource, with changes and secrets of each link", async () => {
    const secret = "correct-horse-battery";
    const program = (links: object): void =>
      NATIVE.write(
        on.project,
        { node: { type: "HostLinks", args: { host: "node3", mtu: 1400, links } } },
        "web" in links ? { mac: "${node.links.web.macAddress}" } : {},
      );
    const links = {
      br0: { kind: "bridge", stp: false, mtu: 1500 },
      web: { kind: "macvlan", parent: "br0", alias: { "fn::secret": secret } },
    };
    program(links);
    await on.project.preview();
    await on.project.up();
    const { mac } = await on.project.outputs();
    assert.match(await on.lab.sh("node3", "ip -br link show web"), new RegExp(String(mac)));
    await on.project.expectNoChanges();
    assert.ok(!stateText(on.project).includes(secret));
    const debug = await on.project.cli(["preview", "--logtostderr", "-v=9"]);
    // what the engine itself says of each property that it hands over: docs/credentials.md
    const others = debug.output
      .split("\n")
      .filter((line) => line.includes(secret) && !/"msg":"(Unm|M)arshaling property for RPC/.test(line));
    assert.deepEqual(others, []);
    assert.ok(debug.output.includes(secret), "the log is one with properties");
    await on.lab.sh("node3", "ip link set web mtu 1300; ip link set web alias other-alias");
    const { output } = await on.project.preview();
    assert.match(output, /~ mtu *: 1300 => 1400/);
    assert.match(output, /drift on node3, node: links\.web\.\w+: [^]*found 1300, wanted 1400/);
    assert.ok(!output.includes(secret));
    await on.project.up();
    await on.project.expectNoChanges();
    program({ br0: links.br0 });
    await on.project.up();
    await on.project.expectNoChanges();
    assert.doesNotMatch(await on.lab.sh("node3", "ip -br link"), /web@/);
    await on.project.destroy();
    assert.doesNotMatch(await on.lab.sh("node3", "ip -br link"), /br0/);
  });

  it("is chosen by a program for Node.js with one import, and orders links by their names", async () => {
    const connections = await on.lab.connections("node3");
    NATIVE_NODE.write(
      on.project,
      {
        lan: { type: "HairpinBridge", args: { host: "node3", name: "br0", stp: false } },
        vm: { type: "MacvlanInterface", args: { host: "node3", parent: "br0", name: "vm0", mtu: 1500 } },
        node: {
          type: "HostLinks",
          args: { host: "node3", links: { web: { kind: "macvlan", parent: "br0" } } },
        },
      },
      { vm: "${vm.macAddress}", web: "${node.links.web.macAddress}" },
    );
    await on.project.up();
    assert.equal((await on.lab.connections("node3")) - connections, 1);
    const state = await on.project.state();
    assert.equal(state["vm"]?.type, NATIVE.typeOf("MacvlanInterface"));
    const outputs = await on.project.outputs();
    const shown = await on.lab.sh("node3", "ip -br link");
    assert.match(shown, new RegExp(`vm0@br0 .*${String(outputs["vm"])}`));
    assert.match(shown, new RegExp(`web@br0 .*${String(outputs["web"])}`));
    await on.project.expectNoChanges();
    await on.lab.sh("node3", "ip link set vm0 mtu 1300");
    assert.match((await on.project.preview()).output, /~ mtu *: 1300 => 1500/);
    await on.project.destroy();
    assert.doesNotMatch(await on.lab.sh("node3", "ip -br link"), /br0/);
  });

  it("has a schema that Pulumi's CLI accepts, and that the plugin gives", async () => {
    const schema = join(REPOSITORY, "dist/native/schema.json");
    const check = await on.project.cli(["schema", "check", schema]);
    assert.equal(check.code, 0, check.output);
    const plugin = join(REPOSITORY, "node_modules/.bin/pulumi-resource-macvlan");
    const given = await on.project.cli(["package", "get-schema", plugin]);
    assert.equal(given.code, 0, given.output);
    const { resources } = JSON.parse(given.stdout) as { resources: object };
    const built = JSON.parse(readFileSync(schema, "utf8")) as { resources: object };
    assert.deepEqual(Object.keys(resources).toSorted(), Object.keys(built.resources).toSorted());
  });

  it("checks the configuration of a provider, on the property", async () => {
    const provider = (properties: object): void =>
      yaml({ resources: { lab: { type: "pulumi:providers:macvlan", properties } } });
    provider({ hostKeyChecking: "maybe" });
    const wrong = await on.project.cli(["preview"]);
    assert.notEqual(wrong.code, 0);
    assert.match(wrong.output, /hostKeyChecking[^]*\[invalid-setting\]/);
    provider({ hostKeyChecking: "strict", maxConnections: 4 });
    await on.project.preview();
  });

  it("continues with other hosts if one is down", async () => {
    const web = (host: string): ProgramCase[string] => ({
      type: "MacvlanInterface",
      args: { host: { address: host, connectTimeout: 2 }, parent: "eth0", name: "mac0", mtu: 1400 },
    });
    const program = { one: web("node1"), two: web("node2") };
    NATIVE.write(on.project, program);
    await on.project.up();
    await on.lab.sh("node1", "ip link set mgmt0 down");
    try {
      await on.lab.sh("node2", "ip link set mac0 mtu 1300");
      // the engine ends a preview at the first error: what comes after it may not be shown
      const after = { dependsOn: ["${two}"] };
      NATIVE.write(on.project, { one: { ...program.one, options: after }, two: program.two });
      const preview = await on.project.cli(["preview", "--diff"]);
      assert.match(preview.output, /~ mtu *: 1300 => 1400/);
      assert.match(preview.output, /\[(host-unreachable|connection-timeout)\]/);
      NATIVE.write(on.project, program);
      const update = await on.project.cli(["up", "--yes", "--skip-preview", "--continue-on-error"]);
      assert.notEqual(update.code, 0);
      assert.match(await on.lab.sh("node2", "ip link show mac0"), /mtu 1400/);
    } finally {
      await on.lab.sh("node1", "ip link set mgmt0 up");
    }
    await on.project.up();
    await on.project.expectNoChanges();
    await on.project.destroy();
  });

  it("reads the hosts of a new stack at the same time, and says then what a check did not wait for", async () => {
    const hosts = ["node1", "node2", "node3"];
    const web = (host: string, args: object = {}): ProgramCase[string] => ({
      type: "MacvlanInterface",
      args: { host, parent: "eth0", name: "mac0", ...args },
    });
    const program = { one: web("node1"), two: web("node2"), three: web("node3") };
    const forget = (): void => rmSync(cacheFolder(on.project.environment), { recursive: true, force: true });
    const reading = "/run/pulumi-macvlan-test";
    NATIVE.write(on.project, program);
    forget();
    for (const host of hosts) {
      await on.lab.sh(host, 'mkdir -p /tmp/real; cp "$(command -v ip)" /tmp/real/ip');
      // no host answers before all are asked: one after the other, none of them would
      const wait = `mkdir -p ${reading}; for i in $(seq 600); do [ -e ${reading}/all ] && break; sleep 0.05; done`;
      await on.lab.replace(host, "ip", { script: `#!/bin/sh\n${wait}\nexec /tmp/real/ip "$@"\n` });
    }
    try {
      const preview = on.project.cli(["preview"]);
      for (const host of hosts) {
        await eventually(
          `${host} is read while the others are`,
          async () => (await on.lab.exec(host, ["test", "-d", reading])).code === 0,
        );
      }
      for (const host of hosts) await on.lab.sh(host, `touch ${reading}/all`);
      const { code, output } = await preview;
      assert.equal(code, 0, output);
    } finally {
      for (const host of hosts) {
        await on.lab.unhide(host);
        await on.lab.sh(host, `rm -rf ${reading}`);
      }
    }
    NATIVE.write(on.project, { ...program, two: web("node2", { parent: "eth9" }) });
    for (const command of [["preview"], ["up", "--yes", "--skip-preview"]]) {
      forget();
      const wrong = await on.project.cli(command);
      assert.notEqual(wrong.code, 0);
      assert.match(wrong.output, /parent[^]*\[not-on-host\]/);
      assert.doesNotMatch(await on.lab.sh("node2", "ip -br link"), /mac0/);
    }
    await on.project.destroy();
  });

  it("ends soon after Ctrl-C while a host is read, and while it is changed, and keeps what may have been made", async () => {
    NATIVE.write(on.project, {
      web: {
        type: "MacvlanInterface",
        args: { host: { address: "node3", commandTimeout: 60 }, parent: "eth0", name: "mac0" },
      },
    });
    await interruptAt("*", 100);
    assert.equal((await on.project.state())["web"], undefined);
    await interruptAt("*link?add*", 6);
    // the host undoes a change whose connection is gone, or has completed it
    assert.equal((await on.project.state())["web"]?.id, "node3/mac0");
    await on.project.up();
    await on.project.expectNoChanges();
    await on.project.destroy();
    assert.doesNotMatch(await on.lab.sh("node3", "ip -br link"), /mac0/);
  });

  /** Interrupts an update as soon as the host runs such an `ip`, which hangs. */
  async function interruptAt(pattern: string, seconds: number): Promise<void> {
    await on.lab.sh("node3", 'rm -f /tmp/struck; mkdir -p /tmp/real; cp "$(command -v ip)" /tmp/real/ip');
    const script = `case "$*" in ${pattern}) touch /tmp/struck; sleep ${seconds};; *) exec /tmp/real/ip "$@";; esac`;
    await on.lab.replace("node3", "ip", { script: `#!/bin/sh\n${script}\n` });
    const cli = spawn("pulumi", ["up", "--yes", "--skip-preview", "--non-interactive"], {
      cwd: on.project.folder,
      env: on.project.environment,
      stdio: "ignore",
      detached: true,
    });
    const ended = new Promise((resolve) => cli.on("close", resolve));
    try {
      while ((await on.lab.exec("node3", ["test", "-e", "/tmp/struck"])).code !== 0) {
        assert.equal(cli.exitCode, null, "the run has ended before the host was asked");
        await sleep(50);
      }
      cli.kill("SIGINT");
      const first = await Promise.race([
        ended.then(() => "the run ended"),
        sleep(5000, "the run goes on", { ref: false }),
      ]);
      assert.equal(first, "the run ended");
    } finally {
      if (cli.pid !== undefined && cli.exitCode === null) process.kill(-cli.pid, "SIGKILL");
      await on.lab.unhide("node3");
      await on.project.cli(["cancel", "--yes"]);
    }
  }
});
