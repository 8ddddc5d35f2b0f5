/** Two resources that claim the same thing are refused at preview; apparent conflicts are not. */
import assert from "node:assert/strict";
import { useProject } from "./project";

const web = (name: string, more: string, host = "node1"): string =>
  `new MacvlanInterface("${name}", { host: "${host}", parent: "eth0", netns: "${name}", name: "mac0", ${more} });\n`;

describe("conflicts", () => {
  const on = useProject("conflicts");

  afterEach(async () => {
    await on.project.forget();
    for (const { name } of on.lab.hosts) await on.lab.reset(name);
  });

  // test/lab/conflicts.test.ts has the others
  it("within a stack are refused at preview, naming the other resource", async () => {
    const one = web("one", `addresses: ["192.0.2.9/24"], macAddress: "02:00:00:00:00:01"`);
    on.project.program(one + web("two", `addresses: ["192.0.2.8/24", "192.0.2.9/32"]`));
    const { code, output } = await on.project.cli(["preview"]);
    assert.notEqual(code, 0, output);
    // the engine checks resources in no particular order: either of two may be refused
    assert.match(
      output,
      /property addresses\[[01]\][^]*192\.0\.2\.9 is also used by MacvlanInterface "(one|two)"/,
    );
  });

  it("are not reported if a port or a route moves from one resource to another in one update", async function () {
    this.timeout(240_000);
    await on.lab.sh(
      "node1",
      "for n in 0 1; do ip link add p$n type veth peer name q$n; ip link set p$n up; ip link set q$n up; done",
    );
    const program = (first: string, second: string, from: string, to: string): string =>
      `new HairpinBridge("br0", { host: "node1", ports: ["${first}"] });
      new HairpinBridge("br1", { host: "node1", ports: ["${second}"] });
      new HostShim("s0", { host: "node1", parent: "eth1", routes: [${from}] });
      new HostShim("s1", { host: "node1", parent: "eth1", routes: [${to}] });\n`;
    on.project.program(program("p0", "p1", `"198.51.100.7/32"`, ""));
    await on.project.up();
    on.project.program(program("p1", "p0", "", `"198.51.100.7/32"`));
    await on.project.up();
    const found = await on.lab.sh(
      "node1",
      "basename $(readlink /sys/class/net/p0/master) $(readlink /sys/class/net/p1/master); ip route show 198.51.100.7",
    );
    assert.match(JSON.stringify(found), /s1/);
    const { code, output } = await on.project.cli(["preview", "--expect-no-changes"]);
    assert.equal(code, 0, output);
    // the second bridge is taken out of the program, and the first one has its port: it stays there
    on.project.program(`new HairpinBridge("br0", { host: "node1", ports: ["p1", "p0"] });\n`);
    await on.project.up();
    assert.match(
      JSON.stringify(await on.lab.sh("node1", "ip -o link show master br0")),
      /p0@[^]*p1@|p1@[^]*p0@/,
    );
  });

  it("are not reported if names, parents, ports and addresses move between resources in one update, and back", async function () {
    this.timeout(300_000);
    await on.lab.sh(
      "node1",
      "for n in 0 1 2 3 4 5; do ip link add v$n type veth peer name w$n; ip link set v$n up; ip link set w$n up; done; " +
        "ip address add 203.0.113.1/24 dev v0; ip address add 203.0.113.129/25 dev v5",
    );
    const of = (type: string, name: string, more: string): string =>
      `new ${type}("${name}", { host: "node1", ${more} });\n`;
    const [bridge, macvlan, shim] = ["HairpinBridge", "MacvlanInterface", "HostShim"] as const;
    const takes = "takeOverAddresses: true";
    const before =
      // a port with its addresses becomes a parent, a parent a port
      of(bridge, "b0", `ports: ["v0"], ${takes}`) +
      of(bridge, "b1", "") +
      of(macvlan, "m1", `parent: "v1"`) +
      // a passthru child gives way to another one
      of(macvlan, "p", `parent: "v2", mode: "passthru"`) +
      // names and MAC addresses are exchanged
      of(
        macvlan,
        "x",
        `parent: "v3", name: "x0", macAddress: "02:00:00:00:03:01", addresses: ["192.0.2.1/32"]`,
      ) +
      of(macvlan, "y", `parent: "v3", name: "x1", macAddress: "02:00:00:00:03:02"`) +
      // an IPv6 address moves to a sibling
      of(macvlan, "a", `parent: "v4", addresses: ["2001:db8::5/128"]`) +
      of(shim, "s", `parent: "v4"`) +
      // a port moves with its addresses
      of(bridge, "b2", `ports: ["v5"], ${takes}`) +
      of(bridge, "b3", takes);
    const after =
      of(bridge, "b0", takes) +
      of(macvlan, "m0", `parent: "v0"`) +
      `const b1 = ${of(bridge, "b1", `ports: ["v1"]`)}` +
      of(macvlan, "m1", "parent: b1.name") +
      of(macvlan, "q", `parent: "v2"`) +
      of(
        macvlan,
        "x",
        `parent: "v3", name: "x1", macAddress: "02:00:00:00:03:02", addresses: ["192.0.2.1/32"]`,
      ) +
      of(macvlan, "y", `parent: "v3", name: "x0", macAddress: "02:00:00:00:03:01"`) +
      of(macvlan, "a", `parent: "v4", addresses: []`) +
      of(shim, "s", `parent: "v4", addresses: ["2001:db8::5/128"]`) +
      of(bridge, "b2", takes) +
      of(bridge, "b3", `ports: ["v5"], ${takes}`);
    const seen = (): Promise<string> =>
      on.lab.sh(
        "node1",
        "for l in v0 b0 x0 x1 a s b2 b3; do echo $l $(ip -o address show dev $l scope global | awk '{print $4}'); done",
      );
    const all = (holders: Record<string, string>): string =>
      ["v0", "b0", "x0", "x1", "a", "s", "b2", "b3"]
        .map((name) => `${name}${holders[name] === undefined ? "" : ` ${holders[name]}`}\n`)
        .join("");
    const HELD = { b0: "203.0.113.1/24", x0: "192.0.2.1/32", a: "2001:db8::5/128", b2: "203.0.113.129/25" };
    const MOVED = { v0: "203.0.113.1/24", x1: "192.0.2.1/32", s: "2001:db8::5/128", b3: "203.0.113.129/25" };
    on.project.program(before);
    await on.project.up();
    assert.equal(await seen(), all(HELD));
    for (const [program, held] of [
      [after, MOVED],
      [before, HELD],
    ] as const) {
      on.project.program(program);
      await on.project.preview();
      await on.project.up();
      assert.equal(await seen(), all(held));
    }
    await on.project.expectNoChanges();
    await on.project.destroy();
    assert.match(
      await on.lab.sh("node1", "ip -o address show dev v0; ip -o address show dev v5"),
      /\.1\/24[^]*\.129\/25/,
    );
    assert.doesNotMatch(await on.lab.sh("node1", "ls /sys/class/net"), /^(?:[abmpqsxy]\d?)$/m);
  });

  it("between two hosts are a warning, and an address may move from one resource to another in one update", async function () {
    this.timeout(240_000);
    on.project.program(
      web("one", `addresses: ["192.0.2.9/24"]`) + web("two", `addresses: ["192.0.2.9/24"]`, "node2"),
    );
    const { output } = await on.project.up();
    assert.match(
      output,
      /MacvlanInterface "(one|two)" on node[12]: 192\.0\.2\.9 is also used by MacvlanInterface "(one|two)"/,
    );

    on.project.program(
      `exports.macs = ${web("one", `addresses: ["192.0.2.8/24"]`).replace(";", "")}.parentMacs;` +
        web("three", `addresses: ["192.0.2.9/24"], duplicateAddressDetection: "error"`) +
        web("two", `addresses: ["192.0.2.7/24"]`, "node2"),
    );
    await on.project.up();
    assert.ok(Number((await on.project.outputs())["macs"]) >= 2);
    await on.project.expectNoChanges();
    const [link] = await on.lab.ipJson<{ addr_info: { local: string }[] }[]>("node1", [
      ...["-n", "three", "-4", "address", "show", "dev", "mac0"],
    ]);
    assert.equal(link?.addr_info[0]?.local, "192.0.2.9");
  });
});
