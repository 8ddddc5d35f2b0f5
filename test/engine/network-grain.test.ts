/** A MacvlanNetwork with a resource per host, by the real engine; and the way between it and a resource per link. */
import assert from "node:assert/strict";
import { addressesOf, linkOf, seenLink, snapshot } from "../lab/seen";
import { useProject } from "./project";

const HOST = "node1";

describe("the grain of a macvlan network", function () {
  this.timeout(300_000); // a test here is several calls of the CLI
  const on = useProject("grain", async ({ lab }) => {
    await lab.sh(HOST, "mkdir -p /etc/network/if-up.d; : > /etc/network/interfaces");
  });

  /** Two children, one of which a DHCP server gives its address, a shim, reservations, boot files. (The lab has no VLANs.) */
  const net = (grain: string, more = "", options = ""): string => `
    const net = new MacvlanNetwork("net", {
      hosts: ["${HOST}"], parent: "eth0", persist: true, grain: "${grain}",
      children: [{ name: "web", netns: "web" }, { name: "phone", netns: "phone", addressing: "dhcp" }],
      cidr: "192.0.2.0/24", gateway: "192.0.2.1", reservations: { "${HOST}/web": "192.0.2.10" }, ${more}
    }, { ${options} });
    exports.leases = net.leases;
    exports.index = net.child("${HOST}", "web").link.ifIndex;
    exports.shim = net.hosts["${HOST}"].shim.addresses;
  `;
  const indexes = async (): Promise<number[]> => [
    (await linkOf(on.lab, HOST, "shim0")).ifindex,
    (await linkOf(on.lab, HOST, "web", "web")).ifindex,
    (await linkOf(on.lab, HOST, "phone", "phone")).ifindex,
  ];
  const named = async (): Promise<string[]> =>
    Object.keys(await on.project.state()).filter((name) => name.startsWith("net/"));

  it("host: leases, reservations, DHCP and shim in one resource and one transaction", async () => {
    on.project.program(net("host"));
    const { output } = await on.project.preview();
    assert.match(output, /\+ +pulumi-nodejs:dynamic\/macvlan:HostLinks: \(create\)[^]*net\/node1/);
    assert.match(output, /macAddress *: "(?:[0-9a-f]{2}:){5}[0-9a-f]{2}"/);
    await on.project.up();
    assert.deepEqual((await named()).toSorted(), ["net/addresses", "net/node1"]);
    const web = await linkOf(on.lab, HOST, "web", "web");
    const outputs = await on.project.outputs();
    const [lease] = outputs["leases"] as { macAddress: string; ipv4: string }[];
    assert.deepEqual([lease?.macAddress, lease?.ipv4], [web.address, "192.0.2.10"]);
    assert.equal(outputs["index"], web.ifindex);
    assert.deepEqual(addressesOf(web).slice(0, 1), ["192.0.2.10/24"]);
    assert.deepEqual(addressesOf(await linkOf(on.lab, HOST, "phone", "phone")), []);
    assert.ok(await on.lab.ping(HOST, "192.0.2.10", { deadline: 6000 }), "through the shim");
    assert.match(await on.lab.sh(HOST, "ls /etc/pulumi-macvlan"), /shim0\.sh[^]*web/);
  });

  it("host: has the checks of its children, of which one that fails undoes the change of all", async () => {
    const checks = (child: string): string =>
      `mtu: 1400, checks: (host, { name }) => name === "${child}" ? [{ ping: "link", from: "host" }] : ` +
      `[{ command: "test $LINK = web", within: 1, required: true }],`;
    const before = await snapshot(on.lab, HOST);
    on.project.program(net("host", checks("web")));
    const { code, output } = await on.project.cli(["up", "--yes", "--skip-preview"]);
    assert.notEqual(code, 0);
    assert.match(output, /the check "command [^]* of phone [^]*\[check-failed\]/);
    assert.equal(await snapshot(on.lab, HOST), before);
  });

  it("moves between a resource per host and a resource per link in one up, without touching the host", async () => {
    const before = await indexes();
    const leases = (await on.project.outputs())["leases"];
    const files = (): Promise<string> => on.lab.sh(HOST, "ls -i /etc/pulumi-macvlan");
    const start = "ping -D -i 0.005 -c 100000 192.0.2.10 >/tmp/pings 2>&1 & echo $! >/tmp/ping.pid";
    await on.lab.sh(HOST, `(${start})`);
    for (const grain of ["link", "host"]) {
      on.project.program(net(grain));
      await on.project.up();
      assert.deepEqual(await indexes(), before, grain);
      assert.deepEqual((await on.project.outputs())["leases"], leases);
      assert.equal((await named()).includes("net/node1/web"), grain === "link");
      assert.match(await files(), /web/);
    }
    const stop = "kill -INT $(cat /tmp/ping.pid); sleep 0.3; tail -2 /tmp/pings; rm /tmp/pings /tmp/ping.pid";
    assert.match(await on.lab.sh(HOST, stop), /, 0% packet loss|, 0\.0+\d*% packet loss/);
    await on.project.expectNoChanges();
  });

  it("host: has the options of a component, and says with --target that an address is missing", async () => {
    const changed = `
      transformations: [({ type, props, opts }) => type.endsWith(":HostLinks")
        ? { props: { ...props, links: { ...props.links, web: { ...props.links.web, mtu: 1400 } } }, opts }
        : undefined],
      protect: true, aliases: [{ name: "net" }],`;
    on.project.program(net("host", "", changed).replace('"net"', '"lan"'));
    await on.project.up();
    assert.equal((await linkOf(on.lab, HOST, "web", "web")).mtu, 1400);
    const refused = await on.project.cli(["destroy", "--yes", "--skip-preview"]);
    assert.notEqual(refused.code, 0);
    assert.match(refused.output, /lan\/(?:node1|addresses)[^]*protect/);
    const more = net("host").replace('"net"', '"lan"').replace("children: [", 'children: ["db", ');
    // without exports, which would wait for the resource that is not made
    on.project.program(more.replaceAll(/^ *exports.*$/gm, ""));
    const urn = "urn:pulumi:dev::fleet::macvlan:index:MacvlanNetwork";
    const target = `${urn}$pulumi-nodejs:dynamic/macvlan:HostLinks::lan/node1`;
    const alone = await on.project.cli(["up", "--yes", "--skip-preview", "--target", target]);
    assert.notEqual(alone.code, 0);
    assert.match(alone.output, /node1\/db has no address yet, because --target leaves out/);
    // without protect, and with all links kept on the host
    on.project.program(net("host", "", "retainOnDelete: true").replace('"net"', '"lan"'));
    await on.project.up();
    await on.project.destroy();
    assert.ok(await seenLink(on.lab, HOST, "web", "web"));
    on.project.program(net("host"));
    on.project.environment["MACVLAN_RECLAIM"] = "fleet/dev";
    await on.project.up();
    delete on.project.environment["MACVLAN_RECLAIM"];
    await on.project.destroy();
    assert.equal(await seenLink(on.lab, HOST, "shim0"), undefined);
  });
});
