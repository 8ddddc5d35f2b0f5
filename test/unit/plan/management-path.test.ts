import assert from "node:assert/strict";
import { parseManagementPath } from "../../../provider/host/management-path";
import type { HostState, LinkState } from "../../../provider/model/host";
import type { ManagementPath } from "../../../provider/model/observation";
import type { Step } from "../../../provider/model/steps";
import { disruptiveStep, linksBelow } from "../../../provider/plan/management-path";
import { nic } from "../../support/hosts";

const link = (name: string, ifIndex: number, over: Partial<LinkState> = {}): LinkState => ({
  ...nic(name, ifIndex),
  ...over,
});
const master = (name: string, ifIndex: number, of: string): LinkState => {
  const plain = nic(name, ifIndex);
  return { ...plain, settings: { ...plain.settings, "link.master": of } };
};

/** eth0 and eth1 in bond0, bond0.10 on it, which carries the address; eth2 beside it. */
const LINKS = [
  master("eth0", 2, "bond0"),
  master("eth1", 3, "bond0"),
  link("eth2", 4),
  link("bond0", 5, { kind: "bond" }),
  link("bond0.10", 6, { kind: "vlan", parent: "bond0" }),
];

describe("the links that carry the connection", () => {
  const addresses = [
    { link: "lo", cidr: "127.0.0.1/8" },
    { link: "bond0.10", cidr: "192.0.2.1/24" },
    { link: "bond0.10", cidr: "2001:db8::1/64" },
  ];
  const routes = [
    { link: "bond0.10", cidr: "192.0.2.0/24" },
    { link: "eth2", cidr: "0.0.0.0/0" },
  ];
  const parse = (client: string): ManagementPath => parseManagementPath(client, LINKS, addresses, routes);

  it("are the one with the server's address, the one that leads back, and all below them", () => {
    assert.deepEqual(parse("192.0.2.9 50000 192.0.2.1 22\n"), {
      client: "192.0.2.9",
      links: ["bond0.10", "bond0", "eth0", "eth1"],
      prefix: 24,
    });
    assert.deepEqual(parse("203.0.113.5 50000 192.0.2.1 22").links, [
      "bond0.10",
      "bond0",
      "eth0",
      "eth1",
      "eth2",
    ]);
    assert.deepEqual(parse("2001:DB8::9 50000 2001:db8:0::1 22").links, [
      "bond0.10",
      "bond0",
      "eth0",
      "eth1",
    ]);
  });

  it("are known by the zone of a link-local address", () => {
    assert.deepEqual(parse("fe80::1%eth2 50000 fe80::2%eth2 22").links, ["eth2"]);
  });

  it("are all of several links by which packets take the same way", () => {
    const ways = [...routes, { link: "bond0.10", cidr: "0.0.0.0/0" }];
    const found = parseManagementPath("203.0.113.5 50000 192.0.2.1 22", LINKS, addresses, ways);
    assert.deepEqual(found.links, ["bond0.10", "bond0", "eth0", "eth1", "eth2"]);
  });

  it("may be any that is up below a tunnel, and for a client on the host itself", () => {
    const all = LINKS.map((l) => l.name);
    for (const self of ["127.0.0.1 50000 127.0.0.1 22", "192.0.2.1 50000 192.0.2.1 22"])
      assert.deepEqual(parse(self).links.toSorted(), all.toSorted());
    const wg0 = link("wg0", 9, { kind: "wireguard" });
    const tunnel = [{ link: "wg0", cidr: "198.51.100.1/24" }];
    const found = parseManagementPath("198.51.100.9 50000 198.51.100.1 22", [...LINKS, wg0], tunnel, []);
    assert.deepEqual(found.links.toSorted(), [...all, "wg0"].toSorted());
  });

  it("may be any that is up if nothing shows which", () => {
    const all = LINKS.map((l) => l.name);
    assert.deepEqual(parse("").links.toSorted(), all.toSorted());
    assert.deepEqual(parse("203.0.113.5 50000 10.0.0.1 22").links.toSorted(), all.toSorted());
  });

  it("do not go round in circles", () => {
    const odd = [master("a", 1, "b"), master("b", 2, "a")];
    assert.deepEqual(linksBelow(odd, ["a"]), ["a", "b"]);
  });
});

describe("a step that could cut the connection", () => {
  const passthru = link("pass0", 9, { kind: "macvlan", parent: "eth0", netns: "blue" });
  const state: HostState = {
    links: [
      nic("eth0", 2),
      nic("eth1", 3),
      { ...passthru, settings: { ...passthru.settings, "type.mode": "passthru" } },
    ],
    netns: [],
    records: [],
    bootFiles: [],
  };
  const managementPath: ManagementPath = { client: "192.0.2.9", links: ["eth0"], prefix: 24 };
  const cuts = (step: Step): string | undefined => disruptiveStep(state, managementPath, [step])?.link;
  const eth0 = { name: "eth0", netns: "" };
  const eth1 = { name: "eth1", netns: "" };
  const child = { name: "mac0", netns: "" };
  const set = (id: typeof eth0, key: `link.${string}`, value: string): Step => ({
    do: "set",
    link: id,
    kind: "",
    key,
    value,
  });
  const add = (mode: string, parent: string): Step => ({
    do: "addLink",
    link: child,
    kind: "macvlan",
    parent,
    settings: { "type.mode": mode },
  });

  const YES: readonly Step[] = [
    set(eth0, "link.master", "br0"),
    set(eth1, "link.master", "eth0"),
    set(eth0, "link.mtu", "1400"),
    set(eth0, "link.address", "02:00:00:00:00:01"),
    set({ name: "pass0", netns: "blue" }, "link.address", "02:00:00:00:00:01"),
    { do: "up", link: { name: "pass0", netns: "blue" } },
    { do: "down", link: eth0 },
    { do: "deleteLink", link: eth0 },
    { do: "moveLink", link: eth0, netns: "blue" },
    { do: "deleteAddress", link: eth0, address: { cidr: "192.0.2.1/24" } },
    add("passthru", "eth0"),
    { do: "addAddress", link: child, address: { cidr: "192.0.2.8/29" } },
    { do: "addRoute", link: child, route: { to: "192.0.2.0/24" }, replace: false },
    { do: "addRoute", link: child, route: { to: "192.0.2.9/32" }, replace: false },
    { do: "deleteRoute", link: eth0, route: { to: "0.0.0.0/0" } },
  ];
  const NO: readonly Step[] = [
    set(eth1, "link.master", "br0"),
    set(eth0, "link.alias", "uplink"),
    add("bridge", "eth0"),
    add("passthru", "eth1"),
    { do: "up", link: child },
    { do: "down", link: { name: "eth0", netns: "blue" } },
    { do: "addAddress", link: child, address: { cidr: "192.0.2.10/24" } },
    { do: "addAddress", link: { name: "mac0", netns: "blue" }, address: { cidr: "192.0.2.8/29" } },
    { do: "addAddress", link: child, address: { cidr: "2001:db8::1/128" } },
    { do: "addRoute", link: child, route: { to: "192.0.2.10/32" }, replace: false },
    { do: "addRoute", link: child, route: { to: "0.0.0.0/0" }, replace: false },
  ];

  for (const step of YES) {
    it(`is ${JSON.stringify(step)}`, () => assert.equal(cuts(step), "eth0"));
  }
  for (const step of NO) {
    it(`is not ${JSON.stringify(step)}`, () => assert.equal(cuts(step), undefined));
  }
});
