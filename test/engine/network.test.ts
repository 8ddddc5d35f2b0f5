/** A MacvlanNetwork on three hosts: created, used, and changed. */
import assert from "node:assert/strict";
import type { SeenLink } from "../lab/seen";
import { addressesOf, linkOf, routesOf, seenLink, snapshot } from "../lab/seen";
import { useProject } from "./project";

const HOSTS = ["node1", "node2", "node3"];

interface Lease {
  readonly host: string;
  readonly child: string;
  readonly macAddress: string;
  readonly ipv4: string;
  readonly ipv6?: string;
}

describe("a macvlan network", function () {
  this.timeout(240_000); // a test here is several calls of the CLI
  const on = useProject("network", async () => {
    for (const host of HOSTS) fresh.set(host, await snapshot(on.lab, host));
  });
  const fresh = new Map<string, string>();

  /** The first two numbers of the LAN's addresses, and what of the LAN the network gives. */
  const lan = (): string => on.lab.host("node1").lan.split(".").slice(0, 2).join(".");
  const given = (last: number): string => `${lan()}.200.${last}`;

  const networkOf = (hosts: string, children: string, more = ""): string => `
    const net = new MacvlanNetwork("net", {
      hosts: ${hosts}, parent: "eth0", children: ${children},
      cidr: ["${lan()}.0.0/16", "2001:db8:5::/64"], range: ["${lan()}.200.0/24", "2001:db8:5::/112"],
      exclude: ["${given(0)}-${given(9)}"], ${more}
    });
    exports.leases = net.leases;
    exports.macs = Object.fromEntries(
      Object.values(net.hosts).map((h) => [h.name, Object.fromEntries(Object.values(h.children).map((c) => [c.name, c.macAddress]))]),
    );
  `;
  const CHILDREN = `[{ name: "web", netns: "web" }, { name: "db", netns: "db" }]`;
  const leases = async (): Promise<Record<string, Lease>> => {
    const list = (await on.project.outputs())["leases"] as Lease[];
    return Object.fromEntries(list.map((lease) => [`${lease.host}/${lease.child}`, lease]));
  };
  const ipv4 = async (): Promise<Record<string, string>> =>
    Object.fromEntries(Object.entries(await leases()).map(([key, lease]) => [key, lease.ipv4]));

  it("reports all problems at once, on their paths, and creates nothing", async () => {
    on.project.program(
      networkOf(
        `["node1", "node2", "node1"]`,
        `[{ name: "web", mtu: 10 }, "web", { name: "a/b" }, { name: "db", addresses: ["192.0.2.1"] }]`,
      ),
    );
    const structure = await on.project.cli(["up", "--yes", "--skip-preview"]);
    assert.notEqual(structure.code, 0);
    for (const line of [
      "hosts[2] has the same name as hosts[0]",
      "children[1] has the same name as children[0]",
      "children[2] has a slash in its name, which separates host and child in keys",
    ]) {
      assert.ok(structure.output.includes(line), `${line}\n${structure.output}`);
    }
    on.project.program(
      networkOf(
        `["node1", "node2"]`,
        `[{ name: "web", mtu: 10 }, { name: "db", addresses: ["192.0.2.1"] }, { name: "a", colour: 1 }]`,
        `reservations: { "node1/web": "192.0.2.9", "node2/web": "${given(4)}" }, gateway: "192.0.2.254", shim: { mode: "private" },`,
      ),
    );
    const values = await on.project.cli(["up", "--yes", "--skip-preview"]);
    assert.notEqual(values.code, 0);
    for (const line of [
      "children[0].mtu must be a whole number from 68 to 65535 bytes",
      "children[1].addresses[0] is not an address in CIDR form",
      "children[2].colour is not a property of MacvlanInterface",
      "shim.mode must be one of",
      `gateway is not in ${lan()}.0.0/16 or 2001:db8:5::/64`,
    ]) {
      assert.ok(values.output.includes(line), `${line}\n${values.output}`);
    }
    assert.deepEqual(
      Object.keys(await on.project.state()).filter((name) => name.startsWith("net")),
      [],
    );
    for (const host of HOSTS) assert.equal(await snapshot(on.lab, host), fresh.get(host));
  });

  it("previews with addresses, MACs and routes known, and touches nothing", async () => {
    on.project.program(networkOf(JSON.stringify(HOSTS), CHILDREN));
    const steps = await on.project.steps();
    assert.equal(steps["net"]?.op, "create");
    const inputs = steps["net/node2/web"]?.newState?.inputs ?? {};
    assert.deepEqual(inputs["addresses"], [`${given(13)}/16`, "2001:db8:5::4/64"]);
    assert.match(String(inputs["macAddress"]), /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/);
    const shim = steps["net/node2/shim0"]?.newState?.inputs ?? {};
    assert.deepEqual(shim["routes"], [
      { to: `${given(13)}/32` },
      { to: `${given(14)}/32` },
      { to: "2001:db8:5::4/127" },
    ]);
    for (const host of HOSTS) assert.equal(await snapshot(on.lab, host), fresh.get(host));
  });

  it("is created by one up, with outputs that match the hosts", async () => {
    await on.project.up();
    const all = await leases();
    assert.deepEqual(
      Object.keys(all),
      HOSTS.flatMap((host) => [`${host}/web`, `${host}/db`]),
    );
    const macs = (await on.project.outputs())["macs"] as Record<string, Record<string, string>>;
    for (const { host, child, macAddress, ipv4, ipv6 } of Object.values(all)) {
      const link = await linkOf(on.lab, host, child, child);
      assert.equal(link.address, macAddress);
      assert.deepEqual(addressesOf(link), [`${ipv4}/16`, `${ipv6 ?? ""}/64`]);
      assert.equal(macs[host]?.[child], macAddress);
    }
    const every = Object.values(all).flatMap((lease) => [lease.ipv4, lease.ipv6, lease.macAddress]);
    assert.equal(new Set(every).size, 18);
  });

  it("gives each host a shim with the fewest routes that cover exactly its children", async () => {
    const all = await leases();
    for (const host of HOSTS) {
      const own = ["web", "db"].flatMap((child) => all[`${host}/${child}`] ?? []);
      const routes = (await routesOf(on.lab, host, "shim0")).map((route) => route.split(" ")[0]);
      const [first, second] = own.map((lease) => Number(lease.ipv4.split(".")[3]));
      const isPair = first !== undefined && first % 2 === 0 && second === first + 1;
      assert.deepEqual(
        routes.slice(0, isPair ? 1 : 2),
        isPair ? [`${given(first)}/31`] : own.map((lease) => lease.ipv4),
      );
      const shim = await linkOf(on.lab, host, "shim0");
      assert.ok(addressesOf(shim).every((cidr) => /\/(32|128)$/.test(cidr)));
    }
  });

  it("carries packets: child to child over hosts, host to its own children and back, in both families", async () => {
    const all = await leases();
    const to = (key: string): Lease => all[key] ?? assert.fail(`no lease ${key}`);
    const ping = async (host: string, address: string, netns?: string): Promise<void> => {
      const options = { deadline: 6000, ...(netns === undefined ? {} : { netns }) };
      assert.ok(await on.lab.ping(host, address, options), `${netns ?? ""} ${host} to ${address}`);
    };
    await ping("node1", to("node3/db").ipv4, "web");
    await ping("node1", to("node3/db").ipv6 ?? "", "web");
    for (const host of HOSTS) {
      await ping(host, to(`${host}/web`).ipv4);
      await ping(host, to(`${host}/db`).ipv6 ?? "");
      await ping(host, on.lab.host(host).lan, "web");
    }
  });

  it("keeps every address when hosts and children come and go in the middle", async () => {
    const before = await ipv4();
    on.project.program(
      networkOf(
        `["node3", "node1"]`,
        `(host) => [{ name: "new", netns: "new" }, ...(host.name === "node1" ? [] : [{ name: "db", netns: "db" }]), { name: "web", netns: "web" }]`,
      ),
    );
    const steps = await on.project.steps();
    assert.deepEqual(
      Object.entries(steps).flatMap(([name, { op }]) => (name.endsWith("/web") ? [`${name} ${op}`] : [])),
      ["net/node2/web delete"],
    );
    await on.project.up();
    const after = await ipv4();
    for (const key of ["node1/web", "node3/web", "node3/db"]) assert.equal(after[key], before[key]);
    // the addresses of node2 and node1/db are not assigned again in the run that frees them
    const had = Object.values(before);
    for (const key of ["node1/new", "node3/new"]) assert.ok(!had.includes(after[key] ?? ""), key);
    assert.equal(await snapshot(on.lab, "node2"), fresh.get("node2"));
    assert.ok(await on.lab.ping("node3", after["node1/new"] ?? "", { netns: "web" }));
    on.project.program(networkOf(JSON.stringify(HOSTS), CHILDREN));
    await on.project.up();
    const again = await ipv4();
    for (const key of ["node1/web", "node3/web", "node3/db"]) assert.equal(again[key], before[key]);
    await on.project.refresh();
    await on.project.expectNoChanges();
  });

  it("follows a reservation, moves only the child that had the address, and reports addresses reserved for no child", async () => {
    const before = await ipv4();
    const own = before["node1/web"] ?? "";
    on.project.program(
      networkOf(
        JSON.stringify(HOSTS),
        CHILDREN,
        `reservations: { "node2/web": "${own}", "node9/web": "${given(99)}" }`,
      ),
    );
    const { output } = await on.project.up();
    assert.match(output, /has no node9\/web; the addresses that are reserved for it stay unused/);
    const after = await ipv4();
    assert.equal(after["node2/web"], own);
    assert.notEqual(after["node1/web"], own);
    for (const key of ["node1/db", "node2/db", "node3/web", "node3/db"])
      assert.equal(after[key], before[key]);
    assert.ok(await on.lab.ping("node3", own, { netns: "web" }));
    assert.deepEqual(addressesOf(await linkOf(on.lab, "node2", "web", "web")).slice(0, 1), [`${own}/16`]);
  });

  it("gives no static address to a DHCP child, and a default route to a namespace if there is a router", async () => {
    on.project.program(
      networkOf(
        `["node1"]`,
        `[{ name: "phone", netns: "phone", addressing: "dhcp" }, { name: "db", netns: "db" }]`,
        `gateway: "${on.lab.host("node2").lan}", `,
      ),
    );
    await on.project.up();
    const all = await leases();
    assert.deepEqual(addressesOf(await linkOf(on.lab, "node1", "phone", "phone")), []);
    assert.match(all["node1/phone"]?.ipv4 ?? "", /^10\./);
    assert.deepEqual(await routesOf(on.lab, "node1", "db", "db"), [
      `default via ${on.lab.host("node2").lan}`,
    ]);
    assert.ok(
      (await routesOf(on.lab, "node1", "shim0")).some((r) => r.startsWith(all["node1/phone"]?.ipv4 ?? "-")),
    );
    // an address that DHCP gave is no drift
    await on.lab.sh("node1", `ip -n phone addr add ${all["node1/phone"]?.ipv4 ?? ""}/16 dev phone`);
    await on.project.expectNoChanges();
  });

  it("takes values that are known only once other resources are created: parent, subnet and MTU", async () => {
    on.project.program(`
      const bridge = new HairpinBridge("bridge", { host: "node1", name: "br0", mtu: 1400 });
      const first = new MacvlanInterface("first", { host: "node1", parent: bridge.name, netns: "first" });
      // unknown in a preview: what only the host can tell
      const subnet = first.ifIndex.apply((i) => "192.0.2.0/24");
      const net = new MacvlanNetwork("net", {
        hosts: [{ name: "one", host: pulumi.output({ address: "node1" }) }], parent: bridge.name, mtu: bridge.mtu,
        children: ["a", { name: "b", netns: "b", addresses: [first.ifIndex.apply(() => "192.0.2.1/24")] }], cidr: subnet,
      });
      exports.leases = net.leases;
    `);
    const { output } = await on.project.preview();
    assert.match(output, /net\/one\/a/);
    await on.project.up();
    assert.deepEqual(await ipv4(), { "one/a": "192.0.2.2", "one/b": "192.0.2.1" });
    const link: SeenLink = await linkOf(on.lab, "node1", "b", "b");
    assert.deepEqual([link.mtu, addressesOf(link)], [1400, ["192.0.2.1/24"]]);
    await on.project.expectNoChanges();
  });

  it("leaves the hosts as they were", async () => {
    await on.project.destroy();
    for (const host of HOSTS) assert.equal(await snapshot(on.lab, host), fresh.get(host));
    assert.equal(await seenLink(on.lab, "node1", "shim0"), undefined);
  });
});
