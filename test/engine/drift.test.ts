/** What others change on a host: shown by a plain preview, property by property, and put back by the next up. */
import assert from "node:assert/strict";
import { useProject } from "./project";

const HOST = "node2";

const PROGRAM = `
const host = "${HOST}";
const lan = new HairpinBridge("lan", {
  host, name: "br0", stp: false, ageingTime: 300, mcastSnooping: true, priority: 32768, addresses: ["198.51.100.1/24"],
  ports: [{ name: "eth1", hairpin: false, isolated: false, learning: true, flood: true, mcastFlood: true, cost: 2, priority: 32,
    guard: false, rootBlock: false }],
});
new MacvlanInterface("vm", { host, parent: lan.name, name: "vm0", mode: "source", sourceMacAddresses: ["02:00:5e:00:53:10"], nodst: true });
new MacvlanInterface("web", {
  host, parent: "eth0", name: "mac0", mtu: 1500, alias: "web", txQueueLength: 1000, broadcastQueueLength: 1000,
  macAddress: "02:00:5e:00:53:01", addresses: ["192.0.2.10/24", "2001:db8::10/64"], routes: ["203.0.113.0/24"],
});
new HostShim("shim", { host, parent: "eth0", name: "shim0", addresses: ["192.0.2.250/32"], routes: ["192.0.2.10/32", "192.0.2.11/32"] });
`;

/** Changes by hand, and the drift that the preview then has to show: resource, property, text. */
const DRIFTS: readonly (readonly [command: string, resource: string, property: string, shown: string])[] = [
  ["ip route del 203.0.113.0/24 dev mac0", "web", "routes", "found none, wanted 203.0.113.0/24"],
  ["ip link set mac0 mtu 1400", "web", "mtu", "found 1400, wanted 1500"],
  ["ip link set mac0 alias other", "web", "alias", "found other, wanted web"],
  ["ip link set mac0 txqueuelen 10", "web", "txQueueLength", "found 10, wanted 1000"],
  ["ip link set mac0 type macvlan bcqueuelen 10", "web", "broadcastQueueLength", "found 10, wanted 1000"],
  [
    "ip link set mac0 address 02:00:5e:00:53:77",
    "web",
    "macAddress",
    "found 02:00:5e:00:53:77, wanted 02:00:5e:00:53:01",
  ],
  ["ip link set mac0 type macvlan mode private", "web", "mode", "found private, wanted bridge"],
  [
    "ip addr del 192.0.2.10/24 dev mac0",
    "web",
    "addresses",
    "found 2001:db8::10/64, wanted 192.0.2.10/24, 2001:db8::10/64",
  ],

  [
    "ip link set vm0 type macvlan macaddr flush",
    "vm",
    "sourceMacAddresses",
    "found none, wanted 02:00:5e:00:53:10",
  ],
  ["ip link set vm0 type macvlan mode source flag null", "vm", "nodst", "found false, wanted true"],
  ["ip link set vm0 down", "vm", "up", "found false, wanted true"],
  ["ip link set br0 type bridge stp_state 1", "lan", "stp", "found true, wanted false"],
  ["ip link set br0 type bridge ageing_time 1000", "lan", "ageingTime", "found 10, wanted 300"],
  ["ip link set br0 type bridge mcast_snooping 0", "lan", "mcastSnooping", "found false, wanted true"],
  ["ip link set br0 type bridge priority 4096", "lan", "priority", "found 4096, wanted 32768"],
  [
    "ip addr add 198.51.100.9/24 dev br0",
    "lan",
    "addresses",
    "found 198.51.100.1/24, 198.51.100.9/24, wanted 198.51.100.1/24",
  ],
  ["bridge link set dev eth1 hairpin on", "lan", "ports[0].hairpin", "found true, wanted false"],
  ["bridge link set dev eth1 isolated on", "lan", "ports[0].isolated", "found true, wanted false"],
  ["bridge link set dev eth1 learning off", "lan", "ports[0].learning", "found false, wanted true"],
  ["bridge link set dev eth1 flood off", "lan", "ports[0].flood", "found false, wanted true"],
  ["bridge link set dev eth1 mcast_flood off", "lan", "ports[0].mcastFlood", "found false, wanted true"],
  ["bridge link set dev eth1 cost 77", "lan", "ports[0].cost", "found 77, wanted 2"],
  ["bridge link set dev eth1 priority 7", "lan", "ports[0].priority", "found 7, wanted 32"],
  ["bridge link set dev eth1 guard on", "lan", "ports[0].guard", "found true, wanted false"],
  ["bridge link set dev eth1 root_block on", "lan", "ports[0].rootBlock", "found true, wanted false"],
  [
    "ip route del 192.0.2.11/32 dev shim0",
    "shim",
    "routes",
    "found 192.0.2.10/32, wanted 192.0.2.10/32, 192.0.2.11/32",
  ],
  ["echo 0 >/proc/sys/net/ipv4/conf/shim0/arp_filter", "shim", "arp", "found kernel, wanted exclusive"],
];

describe("drift", () => {
  const on = useProject("drift", async ({ lab, project }) => {
    await lab.switch.cable("node2", "node3");
    project.program(PROGRAM);
    await project.up();
  });

  const driftOf = async (): Promise<Record<string, Record<string, string>>> => {
    const steps = await on.project.steps();
    return Object.fromEntries(
      Object.entries(steps).map(([name, { newState }]) => [
        name,
        (newState?.inputs["drift"] ?? {}) as Record<string, string>,
      ]),
    );
  };

  const heals = async (): Promise<void> => {
    await on.project.up();
    await on.project.expectNoChanges();
  };

  it("of each property is shown with the found and the desired value, and repaired", async () => {
    for (const [command] of DRIFTS) await on.lab.sh(HOST, command);
    const drift = await driftOf();
    for (const [command, resource, property, shown] of DRIFTS) {
      assert.equal(drift[resource]?.[property], shown, `${command}: ${JSON.stringify(drift[resource])}`);
    }
    const { code, output } = await on.project.cli(["preview", "--expect-no-changes"]);
    assert.notEqual(code, 0, "a preview that expects no changes fails");
    assert.match(output, /no changes were expected/);
    await heals();
    const settings = await on.lab.sh(
      HOST,
      "ip -d link show mac0; ip -d link show vm0; bridge -d link show dev eth1",
    );
    for (const word of [
      "mtu 1500",
      "mode bridge",
      "mode source",
      "02:00:5e:00:53:10",
      "hairpin off",
      "cost 2",
    ]) {
      assert.ok(settings.includes(word), `${word} in ${settings}`);
    }
  });

  it("of deleted links is shown as such, and they are re-created", async () => {
    await on.lab.sh(HOST, "ip link del mac0; ip link del shim0; ip link del br0");
    const { output } = await on.project.preview();
    const missing = [...output.matchAll(/drift on node2, (\S+): the link is missing/g)];
    assert.deepEqual([...new Set(missing.map(([, link]) => link))].toSorted(), [
      "br0",
      "mac0",
      "shim0",
      "vm0",
    ]);
    await heals();
    assert.match(
      await on.lab.sh(HOST, "ip addr show mac0; ip route show dev shim0"),
      /192\.0\.2\.10\/24[^]*192\.0\.2\.11/,
    );
  });

  it("of a parent's MTU shows on the child, whose MTU does not rise again; a swapped parent is shown; both are repaired", async () => {
    await on.lab.sh(HOST, "ip link set eth0 mtu 1300; ip link set eth0 mtu 1500");
    assert.equal((await driftOf())["web"]?.["mtu"], "found 1300, wanted 1500");
    await on.lab.sh(
      HOST,
      "ip link del shim0; ip link add shim0 link eth0 type dummy 2>/dev/null || ip link add shim0 link mgmt0 type macvlan mode bridge",
    );
    const { output } = await on.project.cli(["preview", "--diff"]);
    assert.match(output, /shim0/);
    await on.lab.sh(HOST, "ip link del shim0");
    await heals();
  });

  it("is the same in refresh, preview --refresh and up --refresh", async () => {
    await on.lab.sh(HOST, "ip link set mac0 mtu 1400; bridge link set dev eth1 hairpin on");
    const { output } = await on.project.preview("--refresh");
    assert.match(output, /mtu[^\n]*1400[^\n]*1500|mtu[^\n]*1500[^\n]*1400/);
    await on.project.refresh();
    assert.equal((await on.project.state())["web"]?.outputs["mtu"], 1400);
    const steps = await on.project.steps();
    assert.deepEqual(
      Object.keys(steps)
        .filter((n) => n !== "fleet-dev")
        .toSorted(),
      ["lan", "web"],
    );
    await on.project.up("--refresh");
    assert.match(await on.lab.sh(HOST, "ip link show mac0"), /mtu 1500/);
    await on.lab.sh(HOST, "ip link del mac0");
    await on.project.refresh();
    assert.equal((await on.project.state())["web"], undefined);
    await on.project.up();
    await on.project.expectNoChanges();
  });
});
