/**
 * Two stacks with links of every kind, by which a version of the package is recorded (`record.ts`) and a later one is
 * tested. A change here asks for a new record of every version.
 */

/** A program, and what its hosts have before it runs. */
export interface UpgradeStack {
  readonly hosts: readonly string[];
  /** JavaScript, for `Project.program`. */
  readonly program: string;
  /** A shell script by host: what others than the provider have made there. */
  readonly before: Readonly<Record<string, string>>;
}

/** The host can make links again at boot, by ifupdown. */
const IFUPDOWN = "mkdir -p /etc/network/if-up.d && : > /etc/network/interfaces";

export const UPGRADE_STACKS: Readonly<Record<"nodes" | "guest", UpgradeStack>> = {
  /** What a kernel without modules has. node1: links until a reboot; node2: links made at boot; a network over two hosts. */
  nodes: {
    hosts: ["node1", "node2", "node3"],
    before: {
      node1: `${IFUPDOWN}
ip link add link eth0 name old0 address 02:00:5e:00:53:77 type macvlan mode private
ip address add 192.0.2.77/24 dev old0 && ip link set old0 up
ip link add name oldbr0 type bridge && ip link set oldbr0 up`,
      node2: IFUPDOWN,
      node3: IFUPDOWN,
    },
    program: `
const eth0 = { host: "node1", parent: "eth0" };
const bridge = new HairpinBridge("bridge", {
  host: "node1", name: "br0", ports: [{ name: "eth1", hairpin: true, isolated: false }], stp: false,
  addresses: ["198.51.100.1/24"],
});
new MacvlanInterface("on-bridge", { host: { address: "node1" }, parent: bridge.name, name: "onbr0", mtu: 1400 });
new MacvlanInterface("web", {
  ...eth0, netns: "web", alias: 'it\\'s "web"', addresses: ["192.0.2.10/24", "2001:db8::10/64"],
  routes: [{ to: "203.0.113.0/24", via: "192.0.2.1" }],
});
new MacvlanInterface("source", {
  ...eth0, name: "src0", mode: "source", sourceMacAddresses: ["02:00:5e:00:53:01", "02:00:5e:00:53:02"], up: false,
});
new MacvtapInterface("tap", { ...eth0, name: "tap0", mode: "private" });
new HostShim("shim", { ...eth0, name: "shim0", routes: ["192.0.2.10/32", "2001:db8::10/128"] });
new MacvlanInterface("adopted", { ...eth0, name: "old0", adopt: true, mode: "bridge", mtu: 1400 });
new HairpinBridge("adopted-bridge", { host: "node1", name: "oldbr0", adopt: true, ageingTime: 30 });

const lasting = { host: "node2", parent: "eth0", persist: true };
new MacvlanInterface("lasting", {
  ...lasting, name: "mac0", netns: "blue", addresses: ["192.0.2.20/24"], routes: [{ to: "default", via: "192.0.2.1" }],
});
new MacvtapInterface("lasting-tap", { ...lasting, name: "tap0", macAddress: "02:00:5e:00:53:20" });
new HostShim("lasting-shim", { ...lasting, name: "shim0", addresses: ["192.0.2.29/32"], routes: ["192.0.2.20/32"] });
new HairpinBridge("lasting-bridge", { host: "node2", name: "br0", persist: true, stp: true, forwardDelay: 4 });
new MacvlanInterface("lasting-passthru", { ...lasting, name: "pass0", parent: "eth1", mode: "passthru" });

const net = new MacvlanNetwork("net", {
  hosts: ["node3", "node1"], parent: "eth0", cidr: ["203.0.113.0/24", "2001:db8:5::/64"],
  range: ["203.0.113.16/28", "2001:db8:5::10/124"], reservations: { "node1/b": "203.0.113.20" },
  children: [{ name: "a", netns: "a" }, { name: "b", linkName: "lanb", persist: true }],
  shim: (host) => host.name === "node3",
});
exports.leases = net.leases;
`,
  },
  /** What needs a kernel with modules, and systemd. */
  guest: {
    hosts: ["guest1"],
    before: {},
    program: `
const host = "guest1";
const persist = true;
const bond = new Bond("bond", { host, name: "bond0", mode: "active-backup", ports: ["eth1"], miimon: 100, persist });
const tagged = new VlanInterface("tagged", { host, parent: bond.name, name: "bond0.20", vlanId: 20, persist });
new MacvlanInterface("web", { host, parent: tagged.name, name: "web0", netns: "web", addresses: ["192.0.2.10/24"], persist });
new HostShim("shim", { host, parent: "bond0.20", name: "shim0", routes: ["192.0.2.10/32"] });
const lan = new VlanInterface("lan", {
  host, parent: "eth0", vlanId: 30, protocol: "802.1ad", egressQosMap: [{ from: 0, to: 3 }], name: "lan30",
});
new IpvlanInterface("ipvlan", { host, parent: lan.name, name: "ip0", mode: "l3", netns: "ip", addresses: ["198.51.100.10/32"] });
new IpvlanInterface("lasting-ipvlan", { host, parent: "lan30", name: "ip1", mode: "l3", addresses: ["198.51.100.11/32"] });
new MacvlanNetwork("net", {
  hosts: [host], parent: { parent: "eth0", vlanId: 40 }, cidr: "203.0.113.0/24", children: ["a"], shim: false,
});
`,
  },
};
