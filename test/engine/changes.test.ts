/**
 * Every change of a property through the real CLI: in place if the kernel allows it, otherwise by replacement. Each has
 * a link of its own, so that two programs, the one before and the one after, make them all.
 */
import assert from "node:assert/strict";
import { type PreviewStep, type StateResource, useProject } from "./project";

type Args = Record<string, unknown>;
type Kind = "MacvlanInterface" | "HairpinBridge" | "HostShim";

/** A change of a link, and a command on its host whose output then has to match. */
interface Change {
  readonly what: string;
  readonly from?: Args;
  readonly to: Args;
  /** `$L` is the link's name, `$P` that of the bridge's port. */
  readonly look: string;
  readonly shows: RegExp;
}

const HOST = "node2";

const MACVLAN_CHANGES: Change[] = [
  { what: "mtu", to: { mtu: 1400 }, look: "ip link show $L", shows: /mtu 1400/ },
  {
    what: "macAddress",
    to: { macAddress: "02:00:5e:00:53:01" },
    look: "ip link show $L",
    shows: /02:00:5e:00:53:01/,
  },
  {
    what: "addresses: one more, and IPv6",
    from: { addresses: ["192.0.2.10/24"] },
    to: { addresses: ["192.0.2.10/24", "192.0.2.11/24", "2001:db8::10/64"] },
    look: "ip addr show $L",
    shows: /192\.0\.2\.10\/24[^]*192\.0\.2\.11\/24[^]*2001:db8::10\/64/,
  },
  {
    what: "addresses: the first one removed",
    from: { addresses: ["192.0.2.12/24", "192.0.2.13/24", "2001:db8::12/64"] },
    to: { addresses: ["192.0.2.13/24", "2001:db8::12/64"] },
    look: "ip -o addr show $L scope global | grep -c inet",
    shows: /^2$/m,
  },
  {
    what: "alias",
    to: { alias: "web server, 3rd floor" },
    look: "ip link show $L",
    shows: /alias web server, 3rd floor/,
  },
  { what: "txQueueLength", to: { txQueueLength: 500 }, look: "ip link show $L", shows: /qlen 500/ },
  {
    what: "broadcastQueueLength",
    to: { broadcastQueueLength: 2000 },
    look: "ip -d link show $L",
    shows: /bcqueuelen 2000/,
  },
  {
    what: "routes",
    from: { addresses: ["192.0.2.14/24"] },
    to: { routes: ["198.51.100.0/24", { to: "203.0.113.0/24", via: "192.0.2.1", metric: 50 }] },
    look: "ip route show dev $L",
    shows: /198\.51\.100\.0\/24[^]*203\.0\.113\.0\/24 via 192\.0\.2\.1 [^\n]*metric 50/,
  },
  {
    what: "routes: one with another metric",
    from: {
      addresses: ["192.0.2.15/24"],
      routes: [{ to: "203.0.113.128/25", via: "192.0.2.1", metric: 51 }],
    },
    to: { routes: [{ to: "203.0.113.128/25", via: "192.0.2.1", metric: 60 }] },
    look: "ip route show dev $L proto static",
    shows: /^203\.0\.113\.128\/25 via 192\.0\.2\.1 metric 60 *\n$/,
  },
  { what: "mode private", to: { mode: "private" }, look: "ip -d link show $L", shows: /mode private/ },
  {
    what: "mode vepa",
    from: { mode: "private" },
    to: { mode: "vepa" },
    look: "ip -d link show $L",
    shows: /mode vepa/,
  },
  {
    what: "mode source, with its list",
    to: { mode: "source", sourceMacAddresses: ["02:00:5e:00:53:10", "02:00:5e:00:53:11"] },
    look: "ip -d link show $L",
    shows: /mode source .*remotes \(2\)/,
  },
  {
    what: "sourceMacAddresses",
    from: { mode: "source", sourceMacAddresses: ["02:00:5e:00:53:10", "02:00:5e:00:53:11"] },
    to: { sourceMacAddresses: ["02:00:5e:00:53:11"] },
    look: "ip -d link show $L",
    shows: /remotes \(1\) 02:00:5e:00:53:11/,
  },
  {
    what: "nodst",
    from: { mode: "source", sourceMacAddresses: ["02:00:5e:00:53:12"] },
    to: { nodst: true },
    look: "ip -d link show $L",
    shows: /nodst/,
  },
  {
    what: "mode bridge again",
    from: { mode: "source", sourceMacAddresses: ["02:00:5e:00:53:13"], nodst: true },
    to: { mode: "bridge", sourceMacAddresses: undefined, nodst: undefined },
    look: "ip -d link show $L",
    shows: /mode bridge/,
  },
  {
    what: "up: false",
    from: { addresses: ["192.0.2.16/24"], routes: ["198.51.100.16/32"] },
    to: { up: false, routes: undefined },
    look: "ip link show $L",
    shows: /state DOWN/,
  },
  {
    what: "up: true",
    from: { up: false, addresses: ["192.0.2.17/24"] },
    to: { up: true },
    look: "ip addr show $L",
    shows: /,UP[^]*192\.0\.2\.17\/24/,
  },
  {
    what: "name",
    from: { addresses: ["192.0.2.18/24"] },
    to: { name: "renamed" },
    look: "ip addr show renamed",
    shows: /192\.0\.2\.18\/24/,
  },
];

const port = (flags: Args): Args => ({ ports: [{ name: "$P", hairpin: false, ...flags }] });
const BRIDGE_CHANGES: Change[] = [
  ...(
    [
      ["isolated", true, "isolated on"],
      ["learning", false, "learning off"],
      ["flood", false, "flood off"],
      ["mcastFlood", false, "mcast_flood off"],
      ["cost", 55, "cost 55"],
      ["priority", 9, "priority 9"],
      ["guard", true, "guard on"],
      ["rootBlock", true, "root_block on"],
      ["hairpin", true, "hairpin on"],
    ] as const
  ).map(([flag, value, shown]) => ({
    what: `ports[0].${flag}: ${value}`,
    from: port({}),
    to: port({ [flag]: value }),
    look: "bridge -d link show dev $P",
    shows: new RegExp(shown),
  })),
  {
    what: "ports[0].hairpin: false",
    from: port({ hairpin: true }),
    to: port({}),
    look: "bridge -d link show dev $P",
    shows: /hairpin off/,
  },
  ...(
    [
      ["ageingTime", 30, "ageing_time 3000"],
      ["priority", 4096, "priority 4096"],
      ["forwardDelay", 4, "forward_delay 400"],
      ["helloTime", 1, "hello_time 100"],
      ["maxAge", 10, "max_age 1000"],
      ["mcastSnooping", false, "mcast_snooping 0"],
      ["stp", true, "stp_state 1"],
      ["mtu", 1400, "mtu 1400"],
      ["macAddress", "02:00:5e:00:53:99", "02:00:5e:00:53:99"],
    ] as const
  ).map(([property, value, shown]) => ({
    what: `${property}: ${value}`,
    from: port({}),
    to: { [property]: value },
    look: "ip -d link show $L",
    shows: new RegExp(shown),
  })),
  {
    what: "addresses",
    to: { addresses: ["203.0.113.1/25"] },
    look: "ip addr show $L",
    shows: /203\.0\.113\.1\/25/,
  },
  {
    what: "ports: none",
    from: port({}),
    to: { ports: [] },
    look: "ip link show $P",
    shows: /^(?!.*master)/,
  },
];

const SHIM_CHANGES: Change[] = [
  {
    what: "routes",
    from: { routes: ["198.51.100.20/32"] },
    to: { routes: ["198.51.100.20/32", "198.51.100.21/32"] },
    look: "ip route show dev $L",
    shows: /198\.51\.100\.20[^]*198\.51\.100\.21/,
  },
  {
    what: "addresses",
    to: { addresses: ["192.0.2.250/32"] },
    look: "ip addr show $L",
    shows: /192\.0\.2\.250\/32/,
  },
  {
    what: "arp: kernel",
    to: { arp: "kernel" },
    look: "cat /proc/sys/net/ipv4/conf/$L/arp_filter",
    shows: /0/,
  },
  {
    what: "arp: exclusive",
    from: { arp: "kernel" },
    to: { arp: "exclusive" },
    look: "cat /proc/sys/net/ipv4/conf/$L/arp_filter",
    shows: /1/,
  },
  { what: "mode", to: { mode: "vepa" }, look: "ip -d link show $L", shows: /mode vepa/ },
];

/** What links of a kind have, besides what is changed. */
const BASES: Readonly<Record<Kind, Args>> = {
  MacvlanInterface: { host: HOST, parent: "eth0" },
  HairpinBridge: { host: HOST, stp: false },
  HostShim: { host: HOST, parent: "eth0" },
};

const CHANGES = (
  [
    ["MacvlanInterface", MACVLAN_CHANGES],
    ["HairpinBridge", BRIDGE_CHANGES],
    ["HostShim", SHIM_CHANGES],
  ] as const
).flatMap(([kind, changes]) => changes.map((change) => ({ kind, ...change })));

describe("changes", () => {
  const on = useProject("changes");

  /** A change's own names for what is written `$L` and `$P`. */
  const nameIn = (text: string, i: number): string =>
    text.replaceAll("$L", `l${i}`).replaceAll("$P", `p${i}`);
  const writeProgram = (links: readonly { kind: string; args: Args }[]): void =>
    on.project.program(
      links
        .map(({ kind, args }, i) => nameIn(`new ${kind}("l${i}", ${JSON.stringify(args)});`, i))
        .join("\n"),
    );

  describe("in place", () => {
    let steps: Record<string, PreviewStep>;
    let earlier: Record<string, StateResource>;
    let later: Record<string, StateResource>;

    before(async function () {
      this.timeout(300_000);
      const ports = CHANGES.map((_, i) => `ip link add p${i} type veth peer name q${i}`);
      await on.lab.sh(HOST, ports.join("\n"));
      const first = CHANGES.map(({ kind, from }) => ({ kind, args: { ...BASES[kind], ...from } }));
      writeProgram(first);
      await on.project.up();
      earlier = await on.project.state();
      writeProgram(first.map(({ kind, args }, i) => ({ kind, args: { ...args, ...CHANGES[i]?.to } })));
      steps = await on.project.steps();
      await on.project.up();
      later = await on.project.state();
    });
    after(() => on.project.destroy());

    for (const [i, { kind, what, look, shows }] of CHANGES.entries()) {
      it(`of a ${kind}: ${what}`, async () => {
        assert.equal(steps[`l${i}`]?.op, "update");
        assert.match(await on.lab.sh(HOST, nameIn(look, i)), shows);
        const [was, is] = [earlier[`l${i}`], later[`l${i}`]].map((link) => link?.outputs["ifIndex"]);
        assert.equal(typeof is, "number");
        assert.equal(is, was);
      });
    }

    it("leave nothing to do", () => on.project.expectNoChanges());
  });

  it("that need a replacement: of the parent, of the mode to passthru, of the host", async function () {
    this.timeout(300_000);
    const first = [
      { host: "node1", parent: "eth0" },
      { host: "node2", parent: "eth0" },
      { host: "node1", parent: "eth1" },
    ];
    const then = [{ parent: "eth1" }, { mode: "passthru" }, { host: "node3" }];
    const changed = first.map((args, i) => ({ ...args, ...then[i] }));
    writeProgram(first.map((args) => ({ kind: "MacvlanInterface", args })));
    await on.project.up();
    writeProgram(changed.map((args) => ({ kind: "MacvlanInterface", args })));
    const steps = await on.project.steps();
    for (const i of first.keys())
      assert.ok(steps[`l${i}`]?.op.includes("replace"), `previewed as ${steps[`l${i}`]?.op ?? "nothing"}`);
    await on.project.up();
    for (const [i, { host, parent }] of changed.entries())
      assert.match(await on.lab.sh(host, `ip -d -o link show l${i}`), new RegExp(`l${i}@${parent}`));
    assert.match(await on.lab.sh("node2", "ip -d -o link show l1"), /mode passthru/);
    assert.equal((await on.lab.exec("node1", ["ip", "link", "show", "l2"])).code, 1);
    await on.project.expectNoChanges();
    await on.project.destroy();
  });
});
