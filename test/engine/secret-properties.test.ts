/** Properties that a program marks as secret: of what kind and length they may be, their values get into no text. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { useProject } from "./project";

const SIGNATURE = "4dabf18193072939515e22adb298388d";

/** How each value may look when it gets out. */
const PLANTED: readonly (readonly [what: string, pattern: RegExp])[] = [
  // not within random hexadecimal digits, as markers and identities have them; but after a line feed of JSON
  ["number", /(?<!(?<!\\)\w|\.)14(?:77|78)(?![\w.])/],
  ["large number", /(?<!(?<!\\)\w)64321(?!\w)/],
  ["MAC address", /02[:-]?00[:-]?5e[:-]?ab[:-]?cd[:-]?(?:ef|01)/i],
  ["short text", /x§/],
  ["IPv4 address", /192\.0\.2\.7[78]/],
  ["IPv6 address", /2001:db8:(?:0:|:)*77/i],
  ["route", /203\.0\.113\.\d/],
  ["leased address", /192\.0\.2\.6[4-9]/],
  ["gateway", /198\.51\.100\.9/],
  ["priority in a bridge's ID", /115c\./i],
];

/** The program, with some of the values replaced. */
const program = (changed: Record<string, string> = {}, more = ""): string => {
  const value = {
    mtu: "1477",
    addresses: `["192.0.2.77/24", "2001:DB8:0::77/64"]`,
    routes: `["203.0.113.64/26"]`,
    ...changed,
  };
  return `
  const s = pulumi.secret, node = { host: "node1", parent: "eth0" };
  new MacvlanInterface("numbers", { ...node, name: "num0", mtu: s(${value.mtu}), txQueueLength: s(64321) });
  const mac = new MacvlanInterface("mac", { ...node, name: "mac0", macAddress: s("02-00-5E-AB-CD-EF") });
  new MacvlanInterface("alias", { ...node, name: "ali0", alias: s("x§") });
  const address = new MacvlanInterface("address", { ...node, name: "adr0", addresses: s(${value.addresses}) });
  new HostShim("shim", { ...node, name: "rou0", addresses: ["192.0.2.5/24"], routes: s(${value.routes}) });
  const bridge = new HairpinBridge("bridge", { host: "node1", name: "bri0", macAddress: s("02:00:5e:ab:cd:01"), priority: s(4444) });
  new MacvlanInterface("child", { host: "node1", name: "chi0", parent: "bri0" }, { dependsOn: bridge });
  ${more}`;
};

const ALL = ["num0", "mac0", "ali0", "adr0", "rou0", "bri0"];

describe("secret properties", () => {
  const on = useProject("hush");
  const trace = (): string => join(on.project.folder, "trace.jsonl");
  const events = (): string => join(on.project.folder, "events.jsonl");

  function assertNone(where: string, text: string): void {
    for (const [what, pattern] of PLANTED) {
      const line = text.split("\n").find((l) => pattern.test(l));
      assert.equal(line, undefined, `${where} has the ${what}`);
    }
  }

  /** Everything that the engine keeps. */
  function keptText(): string {
    const state = join(on.project.folder, "state");
    const files = readdirSync(state, { recursive: true, encoding: "utf8" }).map((name) => join(state, name));
    return files.flatMap((path) => (statSync(path).isFile() ? [readFileSync(path, "utf8")] : [])).join("\n");
  }

  /** Calls the CLI with everything logged, and looks for the values in all that it prints and writes. */
  async function call(name: string, args: readonly string[], code = 0): Promise<string> {
    const { output, code: ended } = await on.project.cli([...args, "--event-log", events()]);
    assert.equal(ended === 0, code === 0, `${name}: ${output.slice(-3000)}`);
    assertNone(name, output);
    for (const path of [trace(), events()].filter(existsSync)) {
      // the SDK's own debugging messages have all that a program registers, secrets too: docs/credentials.md
      const lines = readFileSync(path, "utf8").split("\n");
      const ours = lines.filter((line) => !line.includes('"message":"RegisterResource RPC finished'));
      assertNone(`${name}, ${path}`, ours.join("\n"));
      rmSync(path);
    }
    assertNone(`${name}, the state`, keptText());
    return output;
  }

  const drift = (): Promise<string> =>
    on.lab.sh(
      "node1",
      `ip link set num0 mtu 1400 txqueuelen 7
       ip link set mac0 address 02:00:5e:00:00:01
       ip link set ali0 alias other
       ip address flush dev adr0 scope global
       ip route flush dev rou0 proto static
       ip link set bri0 type bridge priority 8`,
    );

  before(() => {
    Object.assign(on.project.environment, { MACVLAN_TRACE: trace(), PULUMI_DEBUG_COMMANDS: "1" });
  });

  it("are on the host, and in no output of preview, up, drift, refresh and destroy", async function () {
    this.timeout(400_000);
    on.project.program(program());
    await call("preview", ["preview", "--diff"]);
    await call("up", ["up", "--yes", "--skip-preview"]);
    const shown = await on.lab.sh(
      "node1",
      "ip -d link show; ip address show dev adr0; ip route show dev rou0",
    );
    for (const text of ["mtu 1477", "qlen 64321", "02:00:5e:ab:cd:ef", "x§", "192.0.2.77", "203.0.113.64/26"])
      assert.ok(shown.includes(text), text);

    await drift();
    const drifted = await call("drift", ["preview", "--diff"]);
    for (const property of ["mtu", "txQueueLength", "macAddress", "alias", "addresses", "routes", "priority"])
      assert.match(drifted, new RegExp(`${property} *: "differs"`));
    await call("drift as JSON", ["preview", "--json"]);
    await call("refresh", ["refresh", "--yes", "--skip-preview"]);
    const { numbers, bridge, child } = await on.project.state();
    for (const outputs of [numbers?.outputs["mtu"], numbers?.inputs["mtu"], numbers?.outputs["__inputs"]])
      assert.ok(typeof outputs === "object" && outputs !== null && SIGNATURE in outputs);
    assert.ok(SIGNATURE in (bridge?.outputs["bridgeId"] as object));
    assert.ok(SIGNATURE in (child?.outputs["parentMacAddress"] as object));
    assert.equal(numbers?.outputs["__secretNames"], "mtu,txQueueLength");
    await call("up after a refresh", ["up", "--yes", "--skip-preview"]);
    await on.project.expectNoChanges();
    await drift();
    await call("up that mends", ["up", "--yes", "--skip-preview"]);
  });

  it("are in no error message", async function () {
    this.timeout(400_000);
    const failing = `[{ to: "203.0.113.128/26", via: "198.51.100.9" }]`;
    on.project.program(program({ routes: failing, mtu: "1478" }));
    const failed = await call("failing up", ["up", "--yes", "--skip-preview"], 1);
    assert.match(failed, /ip route add '\[secret\]' dev rou0/);
    const refusals: [changed: Record<string, string>, more: string, says: RegExp[]][] = [
      [{ mtu: "9999" }, "", [/mtu/]],
      [{ routes: `["203.0.113.65/26"]` }, "", [/has bits set behind its prefix/]],
      [
        {},
        `new MacvlanInterface("twin", { ...node, name: "twi0", addresses: ["192.0.2.77/24"] }, { dependsOn: address });`,
        [/\[secret\] is also used by/],
      ],
      [
        {},
        `new MacvlanInterface("known", { host: s("x§"), name: s("x§"), netns: s("x§"), parent: s("x§") });`,
        ["host", "name", "netns", "parent"].map((name) => new RegExp(`${name} cannot be a secret`)),
      ],
    ];
    for (const [changed, more, says] of refusals) {
      on.project.program(program(changed, more));
      const output = await call(`refusal ${String(says)}`, ["preview"], 1);
      for (const one of says) assert.match(output, one);
    }

    await drift();
    await on.lab.sh(
      "node1",
      "mount --bind /run/pulumi-macvlan /run/pulumi-macvlan && mount -o remount,bind,ro /run/pulumi-macvlan",
    );
    await call("failing destroy", ["destroy", "--yes", "--skip-preview"], 1);
    await on.lab.sh("node1", "umount /run/pulumi-macvlan");
    await call("destroy", ["destroy", "--yes", "--skip-preview"]);
    const left = await on.lab.sh("node1", "ls /sys/class/net");
    assert.deepEqual(
      ALL.filter((name) => left.includes(name)),
      [],
    );
  });

  it("are in no output if they come from a network or a transformation", async function () {
    this.timeout(400_000);
    const network = (reserved: string, mtu: number): string => `
  const s = pulumi.secret;
  const lan = new MacvlanNetwork("lan", {
    hosts: ["node2"], parent: "eth0", children: ["web", { name: "db", mtu: s(${mtu}) }],
    cidr: s("192.0.2.64/26"), reservations: { "node2/web": s("${reserved}") },
  });
  new MacvlanInterface("transformed", { host: "node1", name: "tra0", parent: "eth0" }, {
    transformations: [({ props, opts }) => ({ props: { ...props, mtu: s(${mtu}) }, opts })],
  });
  exports.leases = lan.leases;`;
    on.project.program(network("192.0.2.77", 1477));
    await call("up", ["up", "--yes", "--skip-preview"]);
    const shown = await on.lab.sh("node2", "ip address; ip route");
    for (const text of ["192.0.2.77/26", "192.0.2.65/26", "mtu 1477"]) assert.ok(shown.includes(text), text);
    assert.match(await on.lab.sh("node1", "ip link show dev tra0"), /mtu 1477/);
    await on.lab.sh("node2", "ip address flush dev db scope global; ip link set db mtu 1400");
    await on.lab.sh("node1", "ip link set tra0 mtu 1400");
    const drifted = await call("drift", ["preview", "--diff"]);
    for (const property of ["mtu", "addresses"])
      assert.match(drifted, new RegExp(`${property} *: "differs"`));
    await call("refresh", ["refresh", "--yes", "--skip-preview"]);
    on.project.program(network("192.0.2.78", 1478));
    await call("changing up", ["up", "--yes", "--diff"]);
    on.project.program(network("198.51.100.9", 1478));
    await call("refusal", ["preview"], 1);
    await call("destroy", ["destroy", "--yes", "--skip-preview"]);
  });

  it("are in no output if all links of a host are one resource, some of them secret and some not", async function () {
    this.timeout(400_000);
    const links = (mtu: string, routes: string, more = "", beside = ""): string => `
  const s = pulumi.secret, on = { kind: "macvlan", parent: "eth0" };
  const all = new HostLinks("all", { host: "node1", ${beside} links: {
    num0: { ...on, mtu: s(${mtu}), txQueueLength: s(64321) },
    mac0: { ...on, macAddress: s("02-00-5E-AB-CD-EF") },
    ali0: { ...on, alias: s("x§"), mtu: 1400 },
    adr0: { ...on, addresses: s(["192.0.2.77/24", "2001:DB8:0::77/64"]) },
    rou0: { ...on, kind: "shim", addresses: ["192.0.2.5/24"], routes: s(${routes}) },
    bri0: { kind: "bridge", macAddress: s("02:00:5e:ab:cd:01"), priority: s(4444) },
    chi0: { kind: "macvlan", parent: "bri0" },
    ${more}
  } });
  exports.mac = all.links.mac0.macAddress;`;
    const routes = `["203.0.113.64/26"]`;
    on.project.program(links("1477", routes));
    await call("preview", ["preview", "--diff"]);
    await call("up", ["up", "--yes", "--skip-preview"]);
    const shown = await on.lab.sh("node1", "ip -d link show; ip address show; ip route show dev rou0");
    for (const text of ["mtu 1477", "qlen 64321", "02:00:5e:ab:cd:ef", "x§", "192.0.2.77", "203.0.113.64/26"])
      assert.ok(shown.includes(text), text);
    await drift();
    await on.lab.sh("node1", "ip link set ali0 mtu 1300");
    const drifted = await call("drift", ["preview", "--diff"]);
    for (const path of [
      "num0.mtu",
      "num0.txQueueLength",
      "mac0.macAddress",
      "ali0.alias",
      "adr0.addresses",
      "rou0.routes",
    ])
      assert.match(drifted, new RegExp(`links\\.${path.replace(".", "\\.")} *: "differs"`));
    assert.match(drifted, /links\.ali0\.mtu *: "found 1300, wanted 1400"/);
    await call("refresh", ["refresh", "--yes", "--skip-preview"]);
    await call("up after a refresh", ["up", "--yes", "--skip-preview"]);
    await on.project.expectNoChanges();

    on.project.program(links("1478", `[{ to: "203.0.113.128/26", via: "198.51.100.9" }]`));
    const failed = await call("failing up", ["up", "--yes", "--skip-preview"], 1);
    assert.match(failed, /ip route add '\[secret\]' dev rou0/);
    const refusals: [text: string, says: RegExp][] = [
      [links("9999", `["203.0.113.65/26"]`), /links\.rou0\.routes.*has bits set behind its prefix/],
      [
        links("9999", routes, `twi0: { ...on, addresses: ["192.0.2.77/24"] }`),
        /links\.num0\.mtu[^]*\[secret\] is also used by|\[secret\] is also used by[^]*links\.num0\.mtu/,
      ],
      [
        links("1477", routes, "", "txQueueLength: s(64321),"),
        /txQueueLength cannot be a secret beside links/,
      ],
      [links("1477", routes, `kno0: { ...on, parent: s("x§") }`), /links\.kno0\.parent cannot be a secret/],
    ];
    for (const [text, says] of refusals) {
      on.project.program(text);
      assert.match(await call(`refusal ${String(says)}`, ["preview"], 1), says);
    }
    await call("destroy", ["destroy", "--yes", "--skip-preview"]);
  });
});
