import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { type GuestNetwork, labDown, labUp, type Lab } from "../lab/fleet";
import { run } from "../lab/fleet/run";
import { addressesOf, linkOf } from "../lab/seen";

const NAME = `guest-${process.pid}`;

/** The systemd units of each way of configuring links. */
const UNITS: Readonly<Record<GuestNetwork, string>> = {
  networkd: "systemd-networkd",
  ifupdown: "networking",
  NetworkManager: "NetworkManager",
};

/** Everything on this machine that is of a lab's guests: processes, links in any namespace, files, memory. */
async function traces(name: string): Promise<string[]> {
  const lines = async (command: string): Promise<string[]> =>
    (await run(command.split(" "))).stdout.split("\n");
  const shown = ["ps -eo args", "ip netns list", "ip -o link show", "findmnt -no TARGET"].map(lines);
  const folders = ["/run/pulumi-macvlan-lab", "/dev/shm", "/tmp", `${process.env["HOME"] ?? "/root"}/.uml`];
  const files = folders.flatMap((folder) => (existsSync(folder) ? readdirSync(folder) : []));
  // a guest's NICs are no links of the machine, of whatever lab it is: they belong into the namespace of its switch
  const links = (await lines("ip -o link show")).filter((line) => /guest[0-9]-[01c]/.test(line));
  return [...(await Promise.all(shown)).flat(), ...files].filter((line) => line.includes(name)).concat(links);
}

describe("guests", function () {
  this.timeout(300_000);
  let lab: Lab;
  before(async () => {
    lab = await labUp(0, {
      name: NAME,
      guests: [{}, { network: "ifupdown" }, { network: "NetworkManager" }],
    });
  });
  after(() => labDown(NAME));

  for (const [position, network] of (["networkd", "ifupdown", "NetworkManager"] as const).entries()) {
    it(`have their links configured by ${network} if that is asked for, and by nothing else`, async () => {
      const { name, lan, lan6, mac, mac1 } = lab.guests[position] ?? lab.guest("none");
      const active = Object.values(UNITS).map((unit) => `systemctl is-active ${unit} || true`);
      const states = (await lab.sh(name, active.join("; "))).trim().split("\n");
      assert.deepEqual(
        states,
        Object.keys(UNITS).map((known) => (known === network ? "active" : "inactive")),
      );
      assert.equal((await lab.sh(name, `systemctl is-enabled ${UNITS[network]}`)).trim(), "enabled");
      assert.equal((await lab.ssh(name, "systemctl is-system-running")).stdout, "running\n");
      const [eth0, eth1] = [await linkOf(lab, name, "eth0"), await linkOf(lab, name, "eth1")];
      assert.deepEqual([eth0.address, eth1.address], [mac, mac1]);
      assert.deepEqual(addressesOf(eth0), [`${lan}/16`, `${lan6}/64`]);
      assert.deepEqual(eth1.addr_info, []);
      assert.ok(eth1.flags.includes("UP"));
    });
  }

  it("reach each other on the LAN, which the machine is not on", async () => {
    assert.ok(await lab.ping("guest1", lab.guest("guest3").lan));
    assert.ok(await lab.ping("guest2", lab.guest("guest1").lan6));
    assert.equal(
      (await run(["ping", "-c", "1", "-W", "1", "-q", lab.guest("guest1").lan])).code === 0,
      false,
    );
  });

  it("are known by host keys of their own, as root and as a user with sudo", async () => {
    assert.equal(new Set(lab.guests.map(({ hostKey }) => hostKey)).size, 3);
    assert.equal((await lab.ssh("guest1", "id -un")).stdout, "root\n");
    assert.equal((await lab.ssh("guest2", "id -un; sudo -n id -un")).stdout, "ops\nroot\n");
    const { stdout } = await run(["ssh-keyscan", "-t", "ed25519", lab.guest("guest3").control]);
    assert.ok(stdout.includes(lab.guest("guest3").hostKey));
  });

  it("have what a stock kernel has as modules", async () => {
    const modules = "8021q bonding ipvlan macvlan macvtap bridge dummy veth sch_netem";
    await lab.sh("guest1", `for m in ${modules}; do modprobe $m || exit 1; done`);
    await lab.sh(
      "guest1",
      "ip link add link eth1 name eth1.10 type vlan id 10; ip link add bond0 type bond mode active-backup miimon 100;" +
        "ip link add iv0 link eth0 type ipvlan mode l3; ip link add br0 type bridge vlan_filtering 1;" +
        "tc qdisc add dev eth1 root netem delay 5ms; tc qdisc del dev eth1 root",
    );
    const kinds = ["eth1.10", "bond0", "iv0", "br0"].map((link) => linkOf(lab, "guest1", link));
    const found = (await Promise.all(kinds)).map((link) => link.linkinfo?.info_kind);
    assert.deepEqual(found, ["vlan", "bond", "ipvlan", "bridge"]);
  });

  it("run a command with its input, and report how it ended", async () => {
    const { stdout, stderr, code } = await lab.exec(
      "guest1",
      ["sh", "-c", "cat; echo 'it''s' $A >&2; exit 3"],
      {
        input: "α\n",
        env: { A: "$B" },
      },
    );
    assert.deepEqual([stdout, stderr, code], ["α\n", "its $B\n", 3]);
    assert.equal((await lab.exec("guest1", ["sleep", "30"], { timeout: 300 })).code, 137);
    await assert.rejects(lab.sh("guest1", "echo why >&2; false"), /guest1: .*exit 1\nwhy/);
  });

  it("stay as they are when the lab is brought up again", async () => {
    const pids = lab.guests.map(({ pid }) => pid);
    const again = await labUp(0, { name: NAME, guests: [{}] });
    assert.deepEqual(
      again.guests.map(({ pid }) => pid),
      pids,
    );
  });

  it("are as they were created after a reset, including their disk", async () => {
    await lab.sh("guest2", "touch /etc/left; sync");
    await lab.switch.hairpin("guest2", true);
    assert.equal(await lab.reset("guest2"), "rebooted");
    assert.equal(await lab.sh("guest2", "ls /etc/left 2>/dev/null || echo gone"), "gone\n");
    const { stdout } = await lab.switch.exec([
      "bridge",
      "-d",
      "link",
      "show",
      "dev",
      lab.guest("guest2").switchPort,
    ]);
    assert.match(stdout, /hairpin off/);
  });

  it("are removed without a trace, even if one was killed", async () => {
    assert.notDeepEqual(await traces(NAME), []);
    const switchLinks = await lab.switch.exec(["ip", "-o", "link", "show"]);
    assert.match(switchLinks.stdout, /guest1-0/);
    process.kill(lab.guest("guest1").pid, "SIGKILL");
    await labDown(NAME);
    assert.deepEqual(await traces(NAME), []);
  });
});
