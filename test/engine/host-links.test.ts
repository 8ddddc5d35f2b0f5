/** All links of a host as one resource, by the real engine; and the way between it and a resource per link. */
import assert from "node:assert/strict";
import { linkOf, seenLink } from "../lab/seen";
import { useProject } from "./project";

const HOST = "node1";

/** The same links in the two forms. */
const ONE = `
const node1 = new HostLinks("all", { host: "node1", links: {
  shim0: { kind: "shim", parent: "br0", routes: [{ to: "192.0.2.10/32", source: "192.0.2.1" }] },
  br0: { kind: "bridge", ports: [{ name: "eth1", hairpin: false }], addresses: ["192.0.2.1/24"] },
  web: { kind: "macvlan", parent: "br0", netns: "web", addresses: ["192.0.2.10/24"] },
} });
exports.mac = node1.links.web.macAddress;
exports.index = node1.links.web.ifIndex;
exports.bridge = node1.links.br0.bridgeId;
`;
const EACH = `
const br0 = new HairpinBridge("br0", { host: "node1", ports: [{ name: "eth1", hairpin: false }], addresses: ["192.0.2.1/24"] });
const web = new MacvlanInterface("web", { host: "node1", parent: "br0", netns: "web", addresses: ["192.0.2.10/24"] });
new HostShim("shim0", { host: "node1", parent: "br0", routes: [{ to: "192.0.2.10/32", source: "192.0.2.1" }] });
exports.mac = web.macAddress;
exports.index = web.ifIndex;
exports.bridge = br0.bridgeId;
`;

describe("all links of a host as one resource", () => {
  const on = useProject("host-links");

  it("previews by path, with the outputs that follow from its inputs, and is created in one step", async function () {
    this.timeout(300_000);
    const { project, lab } = on;
    project.program(ONE);
    const preview = await project.preview();
    assert.match(preview.output, /\+ pulumi-nodejs:dynamic\/macvlan:HostLinks: \(create\)/);
    assert.match(preview.output, /mac +: +"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}"/);
    assert.match(preview.output, /index +: +\[unknown\]/);
    await project.up();
    const web = await linkOf(lab, HOST, "web", "web");
    const outputs = await project.outputs();
    assert.deepEqual([outputs["mac"], outputs["index"]], [web.address, web.ifindex]);
    assert.match(String(outputs["bridge"]), /^8000\./);
    await project.expectNoChanges();
    await lab.sh(HOST, "ip -n web link set web mtu 1400; ip -n web address del 192.0.2.10/24 dev web");
    const { all } = await project.steps();
    assert.deepEqual(all?.newState?.inputs["drift"], {
      "links.web.addresses": "found none, wanted 192.0.2.10/24",
    });
    await project.refresh();
    project.program(
      ONE.replace('addresses: ["192.0.2.10/24"] }', 'addresses: ["192.0.2.11/24"], mtu: 1300 }'),
    );
    await project.up();
    assert.equal((await linkOf(lab, HOST, "web", "web")).mtu, 1300);
    project.program(ONE.replace(/kind: "shim"/, 'kind: "macvlan"'));
    const failed = await project.cli(["preview"]);
    assert.equal(failed.code === 0, true, failed.output);
    project.program(ONE.replace('"192.0.2.1" }', '"192.0.2.99" }'));
    const refused = await project.cli(["preview"]);
    assert.match(refused.output, /links\.shim0\.routes\[0\]\.source/);
    await project.destroy();
    for (const name of ["br0", "shim0"]) assert.equal(await seenLink(lab, HOST, name), undefined);
  });

  it("takes over links from other resources of the stack, and gives them back, without touching the host", async function () {
    this.timeout(300_000);
    const { project, lab } = on;
    project.program(EACH);
    await project.up();
    const indexes = async (): Promise<number[]> => [
      (await linkOf(lab, HOST, "br0")).ifindex,
      (await linkOf(lab, HOST, "shim0")).ifindex,
      (await linkOf(lab, HOST, "web", "web")).ifindex,
    ];
    const before = await indexes();
    const mac = (await project.outputs())["mac"];
    await lab.sh(
      HOST,
      "(ip netns exec web ping -D -i 0.005 -c 100000 192.0.2.1 >/tmp/pings 2>&1 & echo $! >/tmp/ping.pid)",
    );
    for (const program of [ONE, EACH, ONE]) {
      project.program(program);
      await project.up();
      assert.deepEqual(await indexes(), before);
      assert.equal((await project.outputs())["mac"], mac);
      await project.expectNoChanges();
    }
    const lost = await lab.sh(
      HOST,
      "kill -INT $(cat /tmp/ping.pid); sleep 0.3; tail -2 /tmp/pings; rm /tmp/pings /tmp/ping.pid",
    );
    assert.match(lost, /, 0% packet loss/);
    await project.destroy();
    assert.equal(await seenLink(lab, HOST, "br0"), undefined);
  });

  it("hands some of its links over and gets them back, without touching the host, in either order", async function () {
    this.timeout(400_000);
    const { project, lab } = on;
    const br0 = `br0: { kind: "bridge", ports: [{ name: "eth1", hairpin: false }], addresses: ["192.0.2.1/24"] },`;
    const web = `parent: "br0", netns: "web", addresses: ["192.0.2.10/24"]`;
    const all = (more: string): string =>
      `const all = new HostLinks("all", { host: "node1", links: { ${br0} ${more} } });`;
    const one = `const one = new MacvlanInterface("one", { host: "node1", name: "web", ${web} });`;
    const whole = all(`web: { kind: "macvlan", ${web} },`);
    const apart = all("") + one.replace(");", ", { dependsOn: all });");
    const below = `const below = new HairpinBridge("br0", { host: "node1", ports: [{ name: "eth1", hairpin: false }], addresses: ["192.0.2.1/24"] });`;
    const onTop = `${below} new HostLinks("all", { host: "node1", links: { web: { kind: "macvlan", ${web} } } }, { dependsOn: below });`;
    // without it the host and its own macvlan do not hear each other
    const shim = `new HostShim("shim0", { host: "node1", parent: "br0", routes: [{ to: "192.0.2.10/32", source: "192.0.2.1" }] });`;
    project.program(whole + shim);
    await project.up();
    const indexes = async (): Promise<number[]> => [
      (await linkOf(lab, HOST, "br0")).ifindex,
      (await linkOf(lab, HOST, "web", "web")).ifindex,
    ];
    const before = await indexes();
    await lab.sh(
      HOST,
      "(ip netns exec web ping -D -i 0.005 -c 100000 192.0.2.1 >/tmp/pings 2>&1 & echo $! >/tmp/ping.pid)",
    );
    for (const [name, program] of Object.entries({ apart, whole, onTop, again: whole })) {
      project.program(program + shim);
      // the program decides which of the two is updated first, and the other one may not be checked yet
      await project.up(...(name === "again" ? [] : ["--parallel", "1"]));
      assert.deepEqual(await indexes(), before, name);
      await project.expectNoChanges();
    }
    const lost = await lab.sh(
      HOST,
      "kill -INT $(cat /tmp/ping.pid); sleep 0.3; tail -2 /tmp/pings; rm /tmp/pings /tmp/ping.pid",
    );
    assert.match(lost, /, 0% packet loss/);
    await project.destroy();
    assert.equal(await seenLink(lab, HOST, "br0"), undefined);
  });

  it("leaves nothing if one of its links cannot be created, while a resource per link leaves the link below", async function () {
    this.timeout(300_000);
    const { project, lab } = on;
    // the host refuses it only when it is made
    const failing = (program: string): string =>
      program.replace(
        'addresses: ["192.0.2.10/24"]',
        'addresses: ["192.0.2.10/24"], routes: [{ to: "198.51.100.0/24", via: "203.0.113.9" }]',
      );
    for (const [program, isLeft] of [
      [EACH, true],
      [ONE, false],
    ] as const) {
      project.program(failing(program));
      const { code, output } = await project.cli(["up", "--yes", "--skip-preview"]);
      assert.notEqual(code, 0);
      assert.match(output, /203\.0\.113\.9.*\[change-failed\]/s);
      assert.equal((await seenLink(lab, HOST, "br0")) !== undefined, isLeft);
      await project.destroy();
      assert.equal(await seenLink(lab, HOST, "br0"), undefined);
    }
  });
});
