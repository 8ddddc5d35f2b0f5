import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { type Lab, labDown, labOpen, labUp } from "./fleet";
import { run } from "./fleet/run";
import { addressesOf, linkOf, seenLink, snapshot } from "./seen";

const NAME = "fleet-test";

/** Everything on this machine that belongs to the lab of this name, from any source. */
async function traces(name: string): Promise<string[]> {
  const shown = await Promise.all(
    [
      ["ip", "netns", "list"],
      ["ip", "-o", "link", "show"],
      ["ps", "-eo", "args"],
    ].map((command) => run(command)),
  );
  const mounts = readFileSync("/proc/self/mountinfo", "utf8");
  const lines = [...shown.map(({ stdout }) => stdout), mounts].join("\n").split("\n");
  const folder = "/run/pulumi-macvlan-lab";
  const files = existsSync(folder) ? readdirSync(folder) : [];
  return [
    ...lines.filter((l) => l.includes(`mvlab.${name}.`) || l.includes(`/${name}/`)),
    ...files.filter((f) => f === name),
  ];
}

describe("the lab", function () {
  this.timeout(120_000);
  let lab: Lab;
  before(async () => {
    lab = await labUp(2, { name: NAME });
  });
  after(() => labDown(NAME));

  it("stays as it is when it is brought up again, and grows", async () => {
    const pids = lab.hosts.map(({ pid }) => pid);
    const again = await labUp(1, { name: NAME });
    assert.deepEqual(
      again.hosts.map(({ pid }) => pid),
      pids,
    );
    lab = await labUp(3, { name: NAME });
    assert.deepEqual(lab.hosts.map(({ pid }) => pid).slice(0, 2), pids);
    const opened = await labOpen(NAME);
    assert.deepEqual(
      opened.hosts.map(({ name }) => name),
      ["node1", "node2", "node3"],
    );
  });

  it("accepts plain ssh, as root and as a user with sudo, and counts the logins", async () => {
    const [connections, commands] = [await lab.connections("node1"), await lab.commands("node1")];
    assert.equal((await lab.ssh("node1", "id -un; hostname")).stdout, "root\nnode1\n");
    assert.equal((await lab.ssh("node2", "id -un; sudo -n id -un")).stdout, "ops\nroot\n");
    assert.equal((await lab.connections("node1")) - connections, 1);
    assert.equal((await lab.commands("node1")) - commands, 1);
  });

  it("connects all hosts by one LAN, which nothing else reaches", async () => {
    const { lan, lan6, control } = lab.host("node2");
    assert.ok(await lab.ping("node1", lan));
    assert.ok(await lab.ping("node1", lan6, { deadline: 5000 }));
    assert.equal((await run(["ping", "-c", "1", "-W", "1", "-q", lan])).code === 0, false);
    assert.equal((await run(["ping", "-c", "1", "-W", "2", "-q", control])).code, 0);
  });

  it("restores a host's network, and reboots the host if that is not possible", async () => {
    const before = await snapshot(lab, "node1");
    await lab.sh(
      "node1",
      "ip netns add x; ip link add m0 link eth0 type macvlan; ip addr add 192.0.2.1/24 dev eth1; sysctl -qw net.ipv4.conf.eth0.arp_ignore=1",
    );
    await lab.switch.hairpin("node1", true);
    assert.equal(await lab.reset("node1"), "restored");
    assert.equal(await snapshot(lab, "node1"), before);
    const port = await lab.switch.exec(["bridge", "-d", "link", "show", "dev", lab.host("node1").switchPort]);
    assert.match(port.stdout, /hairpin off/);
    await lab.sh("node1", "ip link del eth0");
    assert.equal(await lab.reset("node1"), "rebooted");
    assert.deepEqual(addressesOf(await linkOf(lab, "node1", "eth0"))[0], `${lab.host("node1").lan}/16`);
    assert.equal((await lab.ssh("node1", "true")).code, 0);
  });

  it("reboots a host: links and processes go, files under /etc stay unless it is to be fresh", async () => {
    const { pid } = lab.host("node2");
    await lab.sh("node2", "ip link add m0 link eth0 type macvlan; echo kept > /etc/kept");
    await lab.reboot("node2");
    assert.notEqual(lab.host("node2").pid, pid);
    assert.equal(await seenLink(lab, "node2", "m0"), undefined);
    assert.equal(await lab.sh("node2", "cat /etc/kept"), "kept\n");
    await lab.reboot("node2", { fresh: true });
    assert.equal(await lab.sh("node2", "ls /etc/kept 2>/dev/null || echo gone"), "gone\n");
    assert.equal((await lab.ssh("node2", "true")).code, 0);
  });

  it("removes programs from a host, or replaces them, for that host alone", async () => {
    await lab.hide("node1", ["bridge"]);
    await lab.replace("node1", "ip", { script: "#!/bin/sh\necho no ip here\n" });
    assert.equal((await lab.ssh("node1", "ip link")).stdout, "no ip here\n");
    assert.equal(await lab.sh("node1", "command -v bridge || echo none"), "none\n");
    assert.match(await lab.sh("node2", "command -v bridge"), /bridge/);
    await lab.unhide("node1");
    assert.match(await lab.sh("node1", "command -v bridge; ip -V"), /bridge\n.*iproute2/);
  });

  it("counts and shows frames on the ports of its switch", async () => {
    const before = await lab.switch.counters("node1");
    // replies: the requests may come in by eth1, which answers ARP for the address as well
    const capture = await lab.capture("node2", "eth0", "icmp[0] = 0");
    assert.ok(await lab.ping("node1", lab.host("node2").lan, { count: 10 }));
    assert.equal((await capture.stop()).length, 10);
    assert.ok((await lab.switch.counters("node1")).rxPackets - before.rxPackets >= 10);
  });

  it("is removed without a trace, even if its processes were killed, and twice", async () => {
    const name = `${NAME}-2`;
    const other = await labUp(2, { name });
    assert.notDeepEqual(await traces(name), []);
    process.kill(other.host("node1").pid, "SIGKILL");
    await labDown(name);
    assert.deepEqual(await traces(name), []);
    await labDown(name);
    assert.ok(await lab.ping("node1", lab.host("node2").lan), "another lab is not touched");
  });

  it("brings 50 hosts up", async () => {
    const name = `${NAME}-50`;
    try {
      const many = await labUp(50, { name });
      assert.ok(await many.ping("node1", many.host("node50").lan));
      await labDown(name);
    } finally {
      await labDown(name);
    }
    assert.deepEqual(await traces(name), []);
  });
});
