/** All links of a host as one resource: made, changed and removed in one transaction, whatever fails. */
import assert from "node:assert/strict";
import { addressesOf, linkOf, routesOf, seenLink } from "./seen";
import { useLab } from "./stack";
import { type Transition, assertTransition } from "./transitions";

const HOST = "node1";

/** A bridge, a macvlan in a namespace and a shim on it, which is named before what it needs. */
const CHAIN = {
  shim0: { kind: "shim", parent: "br0", routes: [{ to: "192.0.2.10/32", source: "192.0.2.1" }] },
  web: { kind: "macvlan", parent: "br0", netns: "web", addresses: ["192.0.2.10/24"], alias: "one" },
  br0: { kind: "bridge", ports: [{ name: "eth1", hairpin: false }], addresses: ["192.0.2.1/24"] },
} as const;

const WEB = { kind: "macvlan", netns: "web", addresses: ["192.0.2.10/24"] };
/** The kernel takes the address of a bridge from its ports. */
const mac = (n: number): object => ({ macAddress: `02:00:5e:00:53:0${n}` });
const OF_ETH1 = [{ name: "eth1", hairpin: false }];

/** VLANs and bonds, which this machine's kernel may not have, are in test/compat/chains.test.ts. */
const TRANSITIONS: readonly Transition[] = [
  {
    title: "the bridge below is renamed",
    from: {
      lan: { kind: "bridge", name: "br0", ports: OF_ETH1, addresses: ["192.0.2.1/24"] },
      web: { ...WEB, parent: "br0" },
      shim: { kind: "shim", parent: "br0", routes: [{ to: "192.0.2.10/32", source: "192.0.2.1" }] },
    },
    to: {
      lan: { kind: "bridge", name: "lan0", ports: OF_ETH1, addresses: ["192.0.2.1/24"] },
      web: { ...WEB, parent: "lan0" },
      shim: { kind: "shim", parent: "lan0", routes: [{ to: "192.0.2.10/32", source: "192.0.2.1" }] },
    },
    shows: ["lan0 bridge", "eth1 in lan0", "shim macvlan@lan0"],
    keeps: ["lan", "web", "shim"],
  },
  {
    title: "two bridges exchange their names",
    from: {
      a: { kind: "bridge", name: "x0", ports: OF_ETH1, ...mac(1) },
      up1: { kind: "macvlan", parent: "eth0" },
      b: { kind: "bridge", name: "x1", ports: [{ name: "up1", hairpin: false }], ...mac(2) },
      web: { ...WEB, parent: "x0" },
    },
    to: {
      a: { kind: "bridge", name: "x1", ports: OF_ETH1, ...mac(1) },
      up1: { kind: "macvlan", parent: "eth0" },
      b: { kind: "bridge", name: "x0", ports: [{ name: "up1", hairpin: false }], ...mac(2) },
      web: { ...WEB, parent: "x1" },
    },
    shows: ["eth1 in x1", "up1 macvlan@eth0 in x0", "x0 bridge", "x1 bridge"],
    keeps: [],
  },
  {
    title: "a bridge and a macvlan exchange their names",
    from: {
      a: { kind: "bridge", name: "x0", ports: OF_ETH1 },
      b: { kind: "macvlan", name: "x1", parent: "eth0" },
      web: { ...WEB, parent: "x0" },
    },
    to: {
      a: { kind: "bridge", name: "x1", ports: OF_ETH1 },
      b: { kind: "macvlan", name: "x0", parent: "eth0" },
      web: { ...WEB, parent: "x1" },
    },
    shows: ["eth1 in x1", "x0 macvlan@eth0", "x1 bridge"],
    keeps: [],
  },
  {
    title: "a port moves to another bridge, and the link on the first one goes",
    from: {
      up0: { kind: "macvlan", parent: "eth1" },
      br0: { kind: "bridge", ports: [{ name: "up0", hairpin: false }] },
      tap0: { kind: "macvtap", parent: "br0" },
    },
    to: {
      up0: { kind: "macvlan", parent: "eth1" },
      br1: { kind: "bridge", ports: [{ name: "up0", hairpin: true }] },
      web: { ...WEB, parent: "br1" },
    },
    shows: ["br1 bridge", "up0 macvlan@eth1 in br1"],
    keeps: ["up0"],
  },
];

describe("all links of a host as one resource", () => {
  const on = useLab(1);

  const up = (links: Readonly<Record<string, object>>, more: object = {}): Promise<{ links: Links }> =>
    on.stack.up("HostLinks", "node1", { host: HOST, links, ...more });
  const preview = (links: Readonly<Record<string, object>>) =>
    on.stack.preview("HostLinks", "node1", { host: HOST, links });
  type Links = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** All that a host has of links, addresses and routes, for comparisons. */
  async function everything(): Promise<string> {
    const text = await on.lab.sh(
      HOST,
      "for n in '' $(ip netns list | cut -d' ' -f1); do echo \"ns $n\"; ip ${n:+-n $n} -o address show; " +
        "ip ${n:+-n $n} -d -o link show; ip ${n:+-n $n} route show; done; cd /run/pulumi-macvlan 2>/dev/null && { ls | grep -e undo -e progress; grep -r . links netns; }; true",
    );
    const lines = text
      .replaceAll(/ (?:valid_lft|preferred_lft) \S+| tentative|\w+_timer +\S+/g, "")
      // links that are made again have another index
      .replaceAll(/^\d+: |(?<=@)if\d+|(?<=^links\/\S*):\d+ /gm, "");
    return lines.split("\n").toSorted().join("\n");
  }
  const hears = async (): Promise<string> =>
    (
      await on.lab.sh(
        HOST,
        "ip netns exec web ping -c 1 -W 2 192.0.2.1 >/dev/null && ping -c 1 -W 2 192.0.2.10 >/dev/null && echo yes",
      )
    ).trim();

  it("are undone as a whole if a check of one of them does not pass, and have the results of each", async () => {
    const before = await everything();
    const shared = { checks: [{ command: 'ip -o link show dev "$LINK"', within: 1 }] };
    const web = { ...CHAIN.web, checks: [{ ping: "192.0.2.77", within: 1 }] };
    await assert.rejects(up({ ...CHAIN, web }, shared), (error: Error & { code?: string }) => {
      assert.equal(error.code, "check-failed", error.message);
      assert.match(error.message, /\(links\.web\.checks\[0\]\)/);
      return true;
    });
    assert.equal(await everything(), before);
    const proven = { ...CHAIN.shim0, checks: [{ ping: "192.0.2.10", from: "host", within: 5 }] };
    const { links } = await up({ ...CHAIN, shim0: proven }, shared);
    for (const name of ["shim0", "web", "br0"]) {
      const [result] = links[name]?.["checks"] as { passed?: boolean }[];
      assert.equal(result?.passed, true, name);
    }
    const { failures } = await on.stack.preview("HostLinks", "node1", {
      ...{ host: HOST, links: { ...CHAIN, web } },
      checks: [{ arp: "192.0.2.1/24" }],
    });
    // said once, of the property that is shared
    assert.deepEqual(
      failures.map((text) => text.split(" ")[0]),
      ["checks[0].arp:"],
    );
  });

  it("are created with one read and one script, in dependency order", async () => {
    const before = await on.lab.commands(HOST);
    const { links }: { links: Partial<Links> } = await up(CHAIN);
    assert.equal((await on.lab.commands(HOST)) - before, 2);
    assert.equal(await hears(), "yes");
    const web = await linkOf(on.lab, HOST, "web", "web");
    assert.equal(links["web"]?.["macAddress"], web.address);
    assert.equal(links["web"]["ifIndex"], web.ifindex);
    assert.equal(links["br0"]?.["bridgeId"], `8000.${(await linkOf(on.lab, HOST, "br0")).address}`);
    assert.deepEqual(await routesOf(on.lab, HOST, "shim0"), ["192.0.2.10 scope link src 192.0.2.1"]);
    assert.deepEqual(await preview(CHAIN), { drift: {}, failures: [], changes: false, replaces: [] });
    await on.stack.down();
    for (const name of ["br0", "shim0"]) assert.equal(await seenLink(on.lab, HOST, name), undefined);
    assert.equal(await on.lab.sh(HOST, "ip netns list"), "");
    assert.equal((await linkOf(on.lab, HOST, "eth1")).master, undefined);
  });

  it("show drift and differences by path, and are repaired in place", async () => {
    await up(CHAIN);
    const { ifindex } = await linkOf(on.lab, HOST, "web", "web");
    await on.lab.sh(HOST, "ip -n web link set web mtu 1400 alias other; ip link del shim0");
    const { drift, changes } = await preview(CHAIN);
    assert.deepEqual(drift, {
      "links.web.alias": "found other, wanted one",
      "links.shim0.name": "found none, wanted shim0@br0",
    });
    assert.equal(changes, true);
    await up(CHAIN);
    assert.equal((await linkOf(on.lab, HOST, "web", "web")).ifindex, ifindex);
    assert.equal(await hears(), "yes");
    const inputs = await on.stack.refresh("node1");
    assert.deepEqual(Object.keys(inputs?.["links"] ?? {}).toSorted(), ["br0", "shim0", "web"]);
    assert.equal((await preview(CHAIN)).changes, false);
  });

  it("are renamed, replaced with what is on them, and removed, all in one update", async () => {
    await up({ ...CHAIN, old: { kind: "macvlan", parent: "eth1", up: false } }).then(
      () => assert.fail("a macvlan was made on a bridge's port"),
      (error: unknown) => assert.match(String(error), /links\.old\.parent/),
    );
    await up({ ...CHAIN, old: { kind: "macvlan", parent: "br0", macAddress: "02:00:5e:00:53:99" } });
    const before = await on.lab.commands(HOST);
    const { index, bridge } = {
      index: (await linkOf(on.lab, HOST, "web", "web")).ifindex,
      bridge: (await linkOf(on.lab, HOST, "br0")).ifindex,
    };
    const second = {
      // the same link under another key and with another address; the one that had its MAC address is removed
      shim: { ...CHAIN.shim0, name: "shim0", macAddress: "02:00:5e:00:53:99", routes: ["192.0.2.11/32"] },
      web: { ...CHAIN.web, name: "web2", addresses: ["192.0.2.11/24"] },
      br0: CHAIN.br0,
    };
    await up(second);
    assert.equal((await on.lab.commands(HOST)) - before, 2);
    const web = await linkOf(on.lab, HOST, "web2", "web");
    assert.deepEqual([web.ifindex, addressesOf(web)], [index, ["192.0.2.11/24"]]);
    assert.equal(await seenLink(on.lab, HOST, "old"), undefined);
    // passthru cannot be changed in place, and a kind is another link
    const third = {
      web: { kind: "macvlan", parent: "br0", mode: "passthru", netns: "web" },
      br0: { ...CHAIN.br0, addresses: [] },
    };
    await up(third);
    const replaced = await linkOf(on.lab, HOST, "web", "web");
    assert.notEqual(replaced.ifindex, index);
    assert.equal((await linkOf(on.lab, HOST, "br0")).ifindex, bridge);
    const shown = await preview({ web: { kind: "macvtap", parent: "br0" } });
    assert.match(shown.failures.join(), /^links\.web\.parent: .*br0.*\[not-on-host\]$/);
    await up({ web: { kind: "macvtap", parent: "eth1" } });
    assert.equal((await linkOf(on.lab, HOST, "web")).linkinfo?.info_kind, "macvtap");
    assert.equal(await seenLink(on.lab, HOST, "br0"), undefined);
    assert.equal((await preview({ web: { kind: "macvtap", parent: "eth1" } })).changes, false);
  });

  it("stay on their host if the new one cannot be read, and say which of two with one name has drifted", async () => {
    const nowhere = { address: "127.0.0.1", port: 1, connectTimeout: 1 };
    const other = { ...CHAIN.web, name: "web", netns: "other", addresses: [], mtu: 1500 };
    await up({ ...CHAIN, other });
    const made = await everything();
    await assert.rejects(up(CHAIN, { host: nowhere }), (error: Error & { code?: string }) => {
      assert.equal(error.code, "connection-refused", error.message);
      assert.match(error.message, /stays on node1/);
      return true;
    });
    assert.equal(await everything(), made);
    await on.lab.sh(HOST, "ip -n other link set web mtu 1400; ip -n web link set web alias x");
    await preview({ ...CHAIN, other });
    assert.deepEqual(
      on.stack
        .said()
        .map((line) => line.split(":")[0])
        .toSorted(),
      ["drift on node1, web in the namespace other", "drift on node1, web in the namespace web"],
    );
  });

  it("are all as they were if a command fails at any of them", async () => {
    const unreachable = { routes: [{ to: "198.51.100.0/24", via: "203.0.113.9" }] };
    const bare = await everything();
    const failing = { ...CHAIN, shim0: { ...CHAIN.shim0, ...unreachable } };
    await assert.rejects(up(failing), /HostLinks "node1" on .*203\.0\.113\.9.*as it was/);
    assert.equal(await everything(), bare);
    await up(CHAIN);
    const made = await everything();
    const other = {
      br0: { ...CHAIN.br0, addresses: ["192.0.2.2/24"], stp: true, forwardDelay: 4 },
      web: { ...CHAIN.web, parent: "br0", mode: "vepa", addresses: ["192.0.2.12/24"], alias: "two" },
      api: { kind: "macvlan", parent: "br0", ...unreachable },
    };
    await assert.rejects(up(other), /203\.0\.113\.9.*as it was/);
    assert.equal(await everything(), made);
    assert.equal(await hears(), "yes");
    assert.equal((await preview(CHAIN)).changes, false);
  });

  for (const transition of TRANSITIONS)
    it(`are changed in one transaction when ${transition.title}, or not at all`, () =>
      assertTransition(on, HOST, transition));

  it("are back after a boot, as they were", async () => {
    await on.lab.sh(HOST, "mkdir -p /etc/network/if-up.d; : > /etc/network/interfaces");
    try {
      await up(CHAIN, { persist: true });
      assert.equal(await hears(), "yes");
      await on.lab.reboot(HOST);
      assert.equal(await hears(), "yes");
      const again = await on.stack.preview("HostLinks", "node1", { host: HOST, links: CHAIN, persist: true });
      assert.deepEqual(again, { drift: {}, failures: [], changes: false, replaces: [] });
      await on.stack.down();
      assert.equal(await on.lab.sh(HOST, "ls /etc/network/if-up.d"), "");
    } finally {
      await on.lab.reboot(HOST, { fresh: true });
    }
  });

  it("are changed as a whole on the link that carries the SSH connection, or not at all", async () => {
    const host = on.lab.host(HOST);
    const move = {
      web: { kind: "macvlan", parent: "lan0", macAddress: "02:00:5e:00:53:42" },
      lan0: { kind: "bridge", ports: [{ name: "mgmt0", hairpin: false }], takeOverAddresses: true },
    };
    await up(move);
    assert.deepEqual(
      on.stack.said().filter((line) => line.includes("confirms it")).length,
      1,
      "one confirmation",
    );
    assert.equal((await linkOf(on.lab, HOST, "mgmt0")).master, "lan0");
    assert.ok(addressesOf(await linkOf(on.lab, HOST, "lan0")).some((a) => a.startsWith(`${host.control}/`)));
    await on.stack.down();
    assert.equal((await linkOf(on.lab, HOST, "mgmt0")).master, undefined);
    const mistaken = { ...move, lan0: { ...move.lan0, takeOverAddresses: undefined, adopt: false } };
    const { failures } = await preview(mistaken);
    assert.match(failures.join(), /links\.lan0\.ports\[0\]\.name/);
  });

  it("are checked on the exact path, against each other and against other resources", async () => {
    const failures = async (
      links: Readonly<Record<string, object>>,
      more: object = {},
    ): Promise<readonly string[]> =>
      (await on.stack.preview("HostLinks", "other", { host: HOST, links, ...more })).failures;
    const invalid: readonly (readonly [
      links: Readonly<Record<string, object>>,
      path: string,
      more?: object,
    ])[] = [
      [
        { a: { kind: "macvlan", parent: "eth0", routes: [{ to: "192.0.2.1", via: "x" }] } },
        "links.a.routes[0].via",
      ],
      [{ "a.b": { kind: "vlan", parent: "eth0" } }, 'links["a.b"].vlanId'],
      [{ a: { kind: "dummy" } }, "links.a.kind"],
      [{ a: { kind: "macvlan", parent: "b" }, b: { kind: "macvlan", parent: "a" } }, "links.b"],
      [{ a: { kind: "macvlan", parent: "eth0", host: "node2" } }, "links.a.host"],
      [{ a: { kind: "macvlan", parent: "eth0" } }, "mtu", { mtu: 3 }],
    ];
    for (const [links, path, more] of invalid) {
      const [first = "", ...others] = await failures(links, more);
      assert.deepEqual([first.split(": ")[0], others], [path, []]);
      assert.match(first, /\[invalid-input\]$/);
    }
    const address = { kind: "macvlan", parent: "eth0", addresses: ["192.0.2.20/24"] };
    const [first = ""] = await failures({ a: address, b: address });
    assert.match(first, /^links\.b\.addresses\[0\]: .*HostLinks "other" links\.a.*\[program-conflict\]$/);
    const [second = ""] = await failures({
      a: { ...address, name: "x" },
      b: { ...address, name: "x", addresses: [] },
    });
    assert.match(second, /^links\.b\.name: HostLinks "other" links\.a of this stack.*\[program-conflict\]$/);
  });
});
