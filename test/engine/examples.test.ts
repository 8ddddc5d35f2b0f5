/** The examples, as a user copies and runs them, each on a lab of its own. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { addressesOf, linkOf, routesOf, seenLink, snapshot } from "../lab/seen";
import { nodeOf, startVm } from "../lab/tap-vm";
import { openExample, useProject, type OnLab } from "./project";

/** Milliseconds: a test here is several calls of the CLI, each of which compiles the program. */
const MINUTES = 240_000;

interface Lease {
  readonly host: string;
  readonly child: string;
  readonly macAddress: string;
  readonly ipv4: string;
}

/** A lab with the example on it, its configuration set to the lab's LAN. */
function useExample(name: string, config: (lan: string) => Record<string, string>): OnLab & { lan: string } {
  const on = useProject(
    name,
    async ({ lab, project }) => {
      const values = Object.entries(config(lanOf(lab.host("node1").lan)));
      const all = values.flatMap(([key, value]) => ["--plaintext", `${key}=${value}`]);
      if (all.length === 0) return;
      const set = await project.cli(["config", "set-all", ...all]);
      assert.equal(set.code, 0, set.output);
    },
    (lab) => openExample(lab, name),
  );
  return {
    get lab() {
      return on.lab;
    },
    get project() {
      return on.project;
    },
    get lan() {
      return lanOf(on.lab.host("node1").lan);
    },
  };
}

/** The first two numbers of the LAN's addresses. */
function lanOf(address: string): string {
  return address.split(".").slice(0, 2).join(".");
}

const SUBNET = (lan: string): Record<string, string> => ({
  cidr: `${lan}.0.0/16`,
  range: `${lan}.200.0/24`,
});

describe("example inventory", function () {
  this.timeout(MINUTES);
  const on = useExample("inventory", SUBNET);

  it("configures hosts by their groups and values, and how each is reached", async () => {
    await on.project.up();
    const outputs = await on.project.outputs();
    const leases = outputs["leases"] as Lease[];
    assert.deepEqual(
      leases.map(({ host, child }) => `${host}/${child}`),
      ["node1/web", "node2/web", "node2/db", "node3/db"],
    );
    for (const { host, child, macAddress, ipv4 } of leases) {
      const link = await linkOf(on.lab, host, child, child);
      assert.deepEqual(
        [link.address, addressesOf(link), link.mtu, link.ifalias],
        [macAddress, [`${ipv4}/16`], host === "node3" ? 1400 : 1500, `${child}, production`],
      );
      assert.ok(await on.lab.ping("node1", ipv4, { netns: "web" }), `web of node1 to ${host}/${child}`);
      assert.ok(await on.lab.ping(host, ipv4), `${host} to its own ${child}`);
    }
    assert.deepEqual(Object.keys((outputs["fleet"] as { hosts: object }).hosts), ["node1", "node2", "node3"]);
    await on.project.expectNoChanges();
  });

  it("reports errors in the file by line and column", async () => {
    const file = join(on.project.folder, "hosts.yaml");
    const text = readFileSync(file, "utf8");
    writeFileSync(
      file,
      text.replace("mtu: 1400", "mtu: high").replace("stage: production", "stag: production"),
    );
    const { code, output } = await on.project.cli(["preview"]);
    assert.notEqual(code, 0);
    assert.match(
      output,
      /hosts\.yaml:13:12: hosts\.node3\.vars\.mtu does not match the schema of vars: .*number.*\[node3\]/,
    );
    assert.match(output, /hosts\.yaml:7:3: hosts\.node1\.vars\.stage does not match the schema of vars: /);
    writeFileSync(file, text);
  });
});

describe("example docker", function () {
  this.timeout(MINUTES);
  const on = useExample("docker", (lan) => ({ network: lan }));

  it("prints the docker command and the part of the compose file that match the host's shim", async () => {
    await on.project.up();
    const { create, compose } = (await on.project.outputs()) as {
      create: Record<string, string>;
      compose: Record<string, unknown>;
    };
    assert.equal(
      create["node2"],
      `docker network create --driver macvlan --opt parent=eth0 --opt macvlan_mode=bridge --subnet ${on.lan}.0.0/16 ` +
        `--gateway ${on.lan}.0.254 --ip-range ${on.lan}.201.16/28 --aux-address host=${on.lan}.201.17 lan`,
    );
    assert.deepEqual(compose["node1"], {
      networks: {
        lan: {
          driver: "macvlan",
          driver_opts: { parent: "eth0" },
          ipam: {
            config: [
              {
                subnet: `${on.lan}.0.0/16`,
                gateway: `${on.lan}.0.254`,
                ip_range: `${on.lan}.201.0/28`,
                aux_addresses: { host: `${on.lan}.201.1` },
              },
            ],
          },
        },
      },
    });
    assert.deepEqual(addressesOf(await linkOf(on.lab, "node1", "docker-shim")), [`${on.lan}.201.1/32`]);
  });

  it("lets hosts and the containers that the driver makes of that command reach each other", async () => {
    const { create } = (await on.project.outputs()) as { create: Record<string, string> };
    const containers: Record<string, string> = {};
    for (const [host, command] of Object.entries(create)) {
      const option = (name: string): string =>
        new RegExp(`${name}[= ](\\S+)`).exec(command)?.[1] ?? assert.fail(`${name} in ${command}`);
      const [network = "", prefix = ""] = option("--subnet").split("/");
      const first = option("--ip-range").replace(/(\d+)\/\d+$/, (_, last: string) =>
        String(Number(last) + 2),
      );
      assert.notEqual(first, option("--aux-address host"), network);
      containers[host] = first;
      await on.lab.sh(
        host,
        `ip netns add container
        ip link add link ${option("parent")} name c0 netns container type macvlan mode ${option("macvlan_mode")}
        ip -n container addr add ${first}/${prefix} dev c0; ip -n container link set c0 up
        ip -n container route add default via ${option("--gateway")}`,
      );
    }
    const [one = "", two = ""] = [containers["node1"], containers["node2"]];
    assert.ok(await on.lab.ping("node1", one), "host to container");
    assert.ok(
      await on.lab.ping("node1", on.lab.host("node1").lan, { netns: "container" }),
      "container to host",
    );
    assert.ok(
      await on.lab.ping("node1", two, { netns: "container" }),
      "container to the other host's container",
    );
    await on.project.expectNoChanges();
    await on.project.destroy();
    assert.ok(!(await on.lab.ping("node1", one)), "host to container without the shim");
  });
});

describe("example vms", function () {
  this.timeout(MINUTES);
  const on = useExample("vms", () => ({}));

  /** An attribute of an element in the XML of a domain's interface. */
  const attribute = (xml: string, element: string, name: string): string =>
    new RegExp(`<${element}[^>]* ${name}="([^"]+)"`).exec(xml)?.[1] ??
    assert.fail(`${element} ${name} in ${xml}`);

  it("lets VMs in vepa mode reach each other and their host through the reflector", async () => {
    await on.lab.switch.cable("node1", "node2");
    await on.project.up();
    const { vepa } = (await on.project.outputs()) as { vepa: Record<string, string> };
    for (const [name, xml] of Object.entries(vepa)) {
      assert.equal(attribute(xml, "interface", "type"), "direct");
      const [device, mode] = [attribute(xml, "source", "dev"), attribute(xml, "source", "mode")];
      // as libvirt does it (virNetDevMacVLanCreate), with a macvlan for the macvtap of which a machine has the other end
      await on.lab.sh(
        "node2",
        `ip netns add ${name}
        ip link add link ${device} name nic address ${attribute(xml, "mac", "address")} netns ${name} type macvlan mode ${mode}
        ip -n ${name} addr add 192.0.2.${name.slice(2)}/24 dev nic; ip -n ${name} link set nic up`,
      );
    }
    assert.ok(await on.lab.ping("node2", "192.0.2.2", { netns: "vm1" }), "machine to machine");
    assert.ok(await on.lab.ping("node2", "192.0.2.1"), "host to machine");
    assert.ok(await on.lab.ping("node2", "192.0.2.250", { netns: "vm2" }), "machine to host");
    await on.lab.sh("node1", "bridge link set dev eth1 hairpin off");
    assert.ok(!(await on.lab.ping("node2", "192.0.2.2", { netns: "vm1" })), "without hairpin");
    await on.project.up();
    assert.ok(await on.lab.ping("node2", "192.0.2.2", { netns: "vm1" }), "healed");
  });

  it("passes the NIC's frames for the firewall VM's own MAC address to it", async () => {
    const { passthru } = (await on.project.outputs()) as { passthru: string };
    const lan = lanOf(on.lab.host("node1").lan);
    const target = attribute(passthru, "target", "dev");
    await startVm(on.lab, "node3", {
      device: await nodeOf(on.lab, "node3", target),
      macAddress: attribute(passthru, "mac", "address"),
      address: `${lan}.200.9`,
    });
    assert.ok(await on.lab.ping("node1", `${lan}.200.9`), "the LAN to the firewall and back");
    assert.match(
      await on.lab.sh("node1", `ip neigh show ${lan}.200.9`),
      new RegExp(attribute(passthru, "mac", "address")),
    );
    await on.project.expectNoChanges();
    await on.project.destroy();
    assert.equal(await seenLink(on.lab, "node3", target), undefined);
  });
});

describe("example hairpin", function () {
  this.timeout(MINUTES);
  const on = useExample("hairpin", () => ({ host: "node1", bridge: "br0", port: "eth1" }));

  it("switches hairpin mode on for one port of an existing bridge, repairs it, and leaves the bridge as it was", async () => {
    await on.lab.switch.cable("node1", "node2");
    await on.lab.sh(
      "node1",
      "ip link add br0 type bridge stp_state 0; ip link set eth1 master br0 up; ip link set br0 up",
    );
    for (const n of [1, 2]) {
      await on.lab.sh(
        "node2",
        `ip netns add vm${n}; ip link set eth1 up
        ip link add link eth1 name nic netns vm${n} type macvlan mode vepa
        ip -n vm${n} addr add 192.0.2.${n}/24 dev nic; ip -n vm${n} link set nic up`,
      );
    }
    const ping = (): Promise<boolean> => on.lab.ping("node2", "192.0.2.2", { netns: "vm1" });
    assert.ok(!(await ping()));
    // the bridge has its carrier, and with it its link-local address, some time after its port
    await on.lab.sh("node1", "timeout 20 sh -c 'until ip addr show br0 | grep -q fe80; do sleep 0.1; done'");
    const before = await snapshot(on.lab, "node1");
    await on.project.up();
    assert.ok(await ping());
    const [port] = (await on.project.outputs())["ports"] as {
      name: string;
      hairpin: boolean;
      state: string;
    }[];
    assert.deepEqual([port?.name, port?.hairpin, port?.state], ["eth1", true, "forwarding"]);
    await on.project.expectNoChanges();
    await on.project.destroy();
    assert.ok(!(await ping()));
    assert.equal(await snapshot(on.lab, "node1"), before);
  });
});

describe("example dhcp", function () {
  this.timeout(MINUTES);
  const on = useExample("dhcp", SUBNET);

  it("makes DHCP reservations that give each child exactly its address", async () => {
    const planned = await on.project.preview();
    await on.project.up();
    const { dnsmasqHosts, keaReservations } = (await on.project.outputs()) as {
      dnsmasqHosts: string;
      keaReservations: Record<string, string>[];
    };
    const lines = dnsmasqHosts.trim().split("\n");
    assert.equal(lines.length, 4);
    for (const line of lines)
      assert.ok(planned.output.includes(line.split(",")[0] ?? "?"), "MACs are known before");
    await on.lab.exec("node1", ["tee", "/run/macvlan.hosts"], { input: dnsmasqHosts });
    await on.lab.sh(
      "node1",
      `dnsmasq --conf-file=/dev/null --port=0 --user=root --interface=eth0 --bind-interfaces \
      --dhcp-range=${on.lan}.0.0,static,255.255.0.0 --dhcp-authoritative --dhcp-hostsfile=/run/macvlan.hosts \
      --dhcp-leasefile=/run/dnsmasq.leases --pid-file=/run/dnsmasq.pid`,
    );
    const script = `#!/bin/sh
[ "$1" = bound ] && ip addr replace "$ip/$mask" dev "$interface"; true\n`;
    for (const { "hw-address": mac = "", "ip-address": ip = "", hostname = "" } of keaReservations) {
      const [child = "", host = ""] = hostname.split("-");
      assert.ok(lines.includes(`${mac},${ip},${hostname}`));
      assert.deepEqual(addressesOf(await linkOf(on.lab, host, child, child)), []);
      await on.lab.exec(host, ["tee", "/run/udhcpc.sh"], { input: script });
      await on.lab.sh(
        host,
        `chmod +x /run/udhcpc.sh
        ip netns exec ${child} busybox udhcpc -i ${child} -n -q -f -t 10 -T 1 -s /run/udhcpc.sh 2>&1`,
      );
      const link = await linkOf(on.lab, host, child, child);
      assert.deepEqual([link.address, addressesOf(link)], [mac, [`${ip}/16`]]);
      assert.ok(await on.lab.ping(host, ip), `${host} to its own ${child}, by the shim`);
      assert.ok((await routesOf(on.lab, host, "shim0")).length > 0);
    }
    // an unknown client gets nothing
    await on.lab.sh(
      "node3",
      "ip link add link eth0 name other type macvlan mode bridge; ip link set other up",
    );
    const other = await on.lab.exec("node3", [
      ...["busybox", "udhcpc", "-i", "other", "-n", "-q", "-f", "-t", "2", "-T", "1", "-s", "/run/udhcpc.sh"],
    ]);
    assert.notEqual(other.code, 0);
    await on.lab.sh("node3", "ip link del other");
    await on.project.expectNoChanges();
  });
});
