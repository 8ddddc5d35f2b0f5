import assert from "node:assert/strict";
import { commandsOf, describeCommand } from "../../../provider/iproute2/commands";
import type { PortTool } from "../../../provider/model/observation";
import type { Step } from "../../../provider/model/steps";

const MAC0 = { name: "mac0", netns: "" };
const BLUE = { name: "mac0", netns: "blue" };

const set = (
  key: `${"link" | "type" | "port" | "sysctl"}.${string}`,
  value: string,
  more: object = {},
): Step => ({
  do: "set",
  link: MAC0,
  kind: "macvlan",
  key,
  value,
  ...more,
});

const GOLDEN: [step: Step, commands: string | string[]][] = [
  [
    {
      do: "addLink",
      link: BLUE,
      kind: "macvlan",
      parent: "eth0",
      settings: { "link.mtu": "1400", "type.mode": "source", "type.flags": "nodst" },
    },
    "ip link add name mac0 link eth0 mtu 1400 netns blue type macvlan mode source flag nodst",
  ],
  [
    {
      do: "addLink",
      link: BLUE,
      kind: "ipvlan",
      parent: "wlan0",
      settings: { "type.mode": "l3", "type.flag": "private" },
    },
    "ip link add name mac0 link wlan0 netns blue type ipvlan mode l3 private",
  ],
  [
    {
      do: "addLink",
      link: { name: "bond0", netns: "" },
      kind: "bond",
      parent: "",
      settings: { "link.address": "", "type.mode": "active-backup" },
    },
    "ip link add name bond0 type bond mode active-backup",
  ],
  [set("type.flag", "vepa", { kind: "ipvlan" }), "ip link set dev mac0 type ipvlan vepa"],
  [{ do: "deleteLink", link: BLUE }, "ip -n blue link delete dev mac0"],
  [{ do: "moveLink", link: MAC0, netns: "blue" }, "ip link set dev mac0 netns blue"],
  [{ do: "moveLink", link: BLUE, netns: "" }, "ip -n blue link set dev mac0 netns $$"],
  [{ do: "renameLink", link: MAC0, name: "mac1" }, "ip link set dev mac0 name mac1"],
  [{ do: "up", link: MAC0 }, "ip link set dev mac0 up"],
  [
    { do: "addAddress", link: MAC0, address: { cidr: "192.0.2.1/24", broadcast: "192.0.2.255" } },
    "ip address replace 192.0.2.1/24 broadcast 192.0.2.255 dev mac0",
  ],
  [
    { do: "deleteAddress", link: BLUE, address: { cidr: "2001:db8::1/64" } },
    "ip -n blue address delete 2001:db8::1/64 dev mac0",
  ],
  [
    {
      do: "addRoute",
      link: MAC0,
      route: { to: "192.0.2.9/32", source: "192.0.2.1", metric: 5 },
      replace: false,
    },
    "ip route add 192.0.2.9/32 dev mac0 src 192.0.2.1 metric 5 proto static",
  ],
  [
    {
      do: "addRoute",
      link: MAC0,
      route: { to: "0.0.0.0/0", via: "192.0.2.254", protocol: "boot" },
      replace: true,
    },
    "ip route replace 0.0.0.0/0 via 192.0.2.254 dev mac0 proto boot",
  ],
  [
    {
      do: "addRoute",
      link: MAC0,
      route: { to: "0.0.0.0/0", via: "2001:db8::1", selector: "tos 0x10", foreign: "mtu 1300 onlink" },
      replace: false,
    },
    "ip route add 0.0.0.0/0 tos 0x10 via inet6 2001:db8::1 dev mac0 proto static mtu 1300 onlink",
  ],
  [
    {
      do: "deleteRoute",
      link: MAC0,
      route: { to: "192.0.2.9/32", selector: "tos 0x10", foreign: "onlink", protocol: "boot" },
    },
    "ip route delete 192.0.2.9/32 tos 0x10 dev mac0 proto boot",
  ],
  [{ do: "deleteRoute", link: MAC0, route: { to: "192.0.2.9/32" } }, "ip route delete 192.0.2.9/32 dev mac0"],
  [set("link.mtu", "1400"), "ip link set dev mac0 mtu 1400"],
  [set("link.alias", "#2"), "ip link set dev mac0 alias '#2'"],
  [set("link.master", "br0"), "ip link set dev mac0 master br0"],
  [set("link.master", ""), "ip link set dev mac0 nomaster"],
  [set("type.mode", "vepa"), "ip link set dev mac0 type macvlan mode vepa"],
  [set("type.flags", "", { mode: "source" }), "ip link set dev mac0 type macvlan mode source flag null"],
  [set("type.macaddr", ""), "ip link set dev mac0 type macvlan macaddr flush"],
  [
    set("type.macaddr", "02:00:00:00:00:01"),
    "ip link set dev mac0 type macvlan macaddr set 02:00:00:00:00:01",
  ],
  [set("sysctl.ipv4.arp_filter", "1"), "echo 1 > /proc/sys/net/ipv4/conf/mac0/arp_filter"],
  [
    { do: "addNetns", name: "blue", mark: { owner: "lab/test" } },
    ["ip netns add blue", "record the owner of blue", "ip -n blue link set dev lo up"],
  ],
  [{ do: "forget", link: BLUE }, "forget links/blue:mac0"],
];

const PORT: Readonly<Record<PortTool, { hairpin: string; isolated: string }>> = {
  bridge: {
    hairpin: "bridge link set dev mac0 hairpin on",
    isolated: "bridge link set dev mac0 isolated on",
  },
  ip: {
    hairpin: "ip link set dev mac0 type bridge_slave hairpin on",
    isolated: "ip link set dev mac0 type bridge_slave isolated on",
  },
  brctl: {
    hairpin: "brctl hairpin br0 mac0 on",
    isolated: "echo 1 > /sys/class/net/mac0/brport/isolated",
  },
  sysfs: {
    hairpin: "echo 1 > /sys/class/net/mac0/brport/hairpin_mode",
    isolated: "echo 1 > /sys/class/net/mac0/brport/isolated",
  },
};

describe("the commands of a step", () => {
  const texts = (step: Step, tool: PortTool = "bridge"): string[] =>
    commandsOf(step, tool).map(describeCommand);

  for (const [step, commands] of GOLDEN) {
    const desired = [commands].flat();
    it(desired.join("; "), () => assert.deepEqual(texts(step), desired));
  }

  for (const [tool, { hairpin, isolated }] of Object.entries(PORT)) {
    it(`set a port's options with ${tool}`, () => {
      const of = (word: string): string[] =>
        texts(set(`port.${word}`, "on", { bridge: "br0" }), tool as PortTool);
      assert.deepEqual([of("hairpin"), of("isolated")], [[hairpin], [isolated]]);
    });
  }
});
