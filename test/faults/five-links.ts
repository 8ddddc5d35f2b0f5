/** Five links of one host, each on the one before it or with it as its port, and what they are changed to. */

type Links = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** @param n number of the host: hosts on one LAN have different MAC and IPv6 addresses */
export function fiveLinks(n = 1): { readonly first: Links; readonly second: Links } {
  const below = { kind: "bridge", ports: [{ name: "eth1", hairpin: false }] };
  const above = { kind: "bridge", macAddress: `02:00:5e:00:53:0${n}` };
  return {
    first: {
      br0: { ...below, addresses: ["192.0.2.1/24"] },
      up0: { kind: "macvlan", parent: "br0" },
      br1: { ...above, ports: [{ name: "up0", hairpin: false }], addresses: ["198.51.100.1/24"] },
      web: { kind: "macvlan", parent: "br1", netns: "blue", mtu: 1400, addresses: ["198.51.100.10/24"] },
      shim0: { kind: "shim", parent: "br1", routes: [{ to: "198.51.100.10/32", source: "198.51.100.1" }] },
    },
    // one is replaced, with what is on it, one renamed and moved, one gone and one new
    second: {
      br0: { ...below, addresses: ["192.0.2.2/24", `2001:db8::${n + 1}/64`] },
      up0: { kind: "macvlan", parent: "br0", mode: "passthru" },
      br1: { ...above, ports: [{ name: "up0", hairpin: true }], addresses: ["198.51.100.2/24"], stp: false },
      web: {
        ...{ kind: "macvlan", parent: "br1", netns: "green", name: "other" },
        ...{ mtu: 1400, addresses: ["198.51.100.1/24"] },
      },
      tap0: { kind: "macvtap", parent: "br1", mtu: 1300 },
    },
  };
}
