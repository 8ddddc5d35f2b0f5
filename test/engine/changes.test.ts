/** Every change of a property through the real CLI: in place where the kernel allows it, a replacement where not. */
import assert from "node:assert/strict";
import { useProject } from "./project";

type Args = Record<string, unknown>;

/** A change, and a command on the host whose output then has to match. */
interface Change {
  readonly what: string;
  readonly change: Args;
  readonly look: string;
  readonly shows: RegExp;
}

const HOST = "node2";

const MACVLAN = { host: HOST, parent: "eth0", name: "mac0", addresses: ["192.0.2.10/24"] };
const MACVLAN_CHANGES: Change[] = [
  { what: "mtu", change: { mtu: 1400 }, look: "ip link show mac0", shows: /mtu 1400/ },
  {
    what: "macAddress",
    change: { macAddress: "02:00:5e:00:53:01" },
    look: "ip link show mac0",
    shows: /02:00:5e:00:53:01/,
  },
  {
    what: "addresses: one more, and IPv6",
    change: { addresses: ["192.0.2.10/24", "192.0.2.11/24", "2001:db8::10/64"] },
    look: "ip addr show mac0",
    shows: /192\.0\.2\.10\/24[^]*192\.0\.2\.11\/24[^]*2001:db8::10\/64/,
  },
  {
    what: "addresses: the first one taken away",
    change: { addresses: ["192.0.2.11/24", "2001:db8::10/64"] },
    look: "ip -o addr show mac0 scope global | grep -c inet",
    shows: /^2$/m,
  },
  {
    what: "alias",
    change: { alias: "web server, 3rd floor" },
    look: "ip link show mac0",
    shows: /alias web server, 3rd floor/,
  },
  { what: "txQueueLength", change: { txQueueLength: 500 }, look: "ip link show mac0", shows: /qlen 500/ },
  {
    what: "broadcastQueueLength",
    change: { broadcastQueueLength: 2000 },
    look: "ip -d link show mac0",
    shows: /bcqueuelen 2000/,
  },
  {
    what: "routes",
    change: { routes: ["198.51.100.0/24", { to: "203.0.113.0/24", via: "192.0.2.1", metric: 50 }] },
    look: "ip route show dev mac0",
    shows: /198\.51\.100\.0\/24[^]*203\.0\.113\.0\/24 via 192\.0\.2\.1 [^\n]*metric 50/,
  },
  {
    what: "routes: one with another metric",
    change: { routes: [{ to: "203.0.113.0/24", via: "192.0.2.1", metric: 60 }] },
    look: "ip route show dev mac0 proto static",
    shows: /^203\.0\.113\.0\/24 via 192\.0\.2\.1 metric 60 *\n$/,
  },
  { what: "mode private", change: { mode: "private" }, look: "ip -d link show mac0", shows: /mode private/ },
  { what: "mode vepa", change: { mode: "vepa" }, look: "ip -d link show mac0", shows: /mode vepa/ },
  {
    what: "mode source, with its list",
    change: { mode: "source", sourceMacAddresses: ["02:00:5e:00:53:10", "02:00:5e:00:53:11"] },
    look: "ip -d link show mac0",
    shows: /mode source .*remotes \(2\)/,
  },
  {
    what: "sourceMacAddresses",
    change: { sourceMacAddresses: ["02:00:5e:00:53:11"] },
    look: "ip -d link show mac0",
    shows: /remotes \(1\) 02:00:5e:00:53:11/,
  },
  { what: "nodst", change: { nodst: true }, look: "ip -d link show mac0", shows: /nodst/ },
  {
    what: "mode bridge again",
    change: { mode: "bridge", sourceMacAddresses: undefined, nodst: undefined },
    look: "ip -d link show mac0",
    shows: /mode bridge/,
  },
  {
    what: "up: false",
    change: { up: false, routes: undefined },
    look: "ip link show mac0",
    shows: /state DOWN/,
  },
  { what: "up: true", change: { up: true }, look: "ip addr show mac0", shows: /,UP[^]*192\.0\.2\.11\/24/ },
  { what: "name", change: { name: "mac9" }, look: "ip addr show mac9", shows: /192\.0\.2\.11\/24/ },
];

const BRIDGE = { host: HOST, name: "br0", stp: false, ports: [{ name: "eth1", hairpin: false }] };
const port = (flags: Args): Args => ({ ports: [{ name: "eth1", hairpin: false, ...flags }] });
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
      ["hairpin", false, "hairpin off"],
    ] as const
  ).map(([flag, value, shown]) => ({
    what: `ports[0].${flag}: ${value}`,
    change: port({ [flag]: value }),
    look: "bridge -d link show dev eth1",
    shows: new RegExp(shown),
  })),
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
    change: { [property]: value },
    look: "ip -d link show br0",
    shows: new RegExp(shown),
  })),
  {
    what: "addresses",
    change: { addresses: ["192.0.2.1/25"] },
    look: "ip addr show br0",
    shows: /192\.0\.2\.1\/25/,
  },
  { what: "ports: none", change: { ports: [] }, look: "ip link show eth1; echo", shows: /^(?!.*master)/ },
];

const SHIM = { host: HOST, parent: "eth0", name: "shim0", routes: ["198.51.100.10/32"] };
const SHIM_CHANGES: Change[] = [
  {
    what: "routes",
    change: { routes: ["198.51.100.10/32", "198.51.100.11/32"] },
    look: "ip route show dev shim0",
    shows: /198\.51\.100\.10[^]*198\.51\.100\.11/,
  },
  {
    what: "addresses",
    change: { addresses: ["192.0.2.250/32"] },
    look: "ip addr show shim0",
    shows: /192\.0\.2\.250\/32/,
  },
  {
    what: "arp: kernel",
    change: { arp: "kernel" },
    look: "cat /proc/sys/net/ipv4/conf/shim0/arp_filter",
    shows: /0/,
  },
  {
    what: "arp: exclusive",
    change: { arp: "exclusive" },
    look: "cat /proc/sys/net/ipv4/conf/shim0/arp_filter",
    shows: /1/,
  },
  { what: "mode", change: { mode: "vepa" }, look: "ip -d link show shim0", shows: /mode vepa/ },
];

describe("changes", () => {
  const on = useProject("changes");

  const programOf = (kind: string, args: Args): void =>
    on.project.program(`new ${kind}("link", ${JSON.stringify(args)});`);

  function inPlace(kind: string, first: Args, changes: readonly Change[]): void {
    describe(`of a ${kind}, in place`, () => {
      let args = first;
      let ifIndex: unknown;

      before(async () => {
        programOf(kind, args);
        await on.project.up();
        ifIndex = (await on.project.state())["link"]?.outputs["ifIndex"];
      });
      after(() => on.project.destroy());

      for (const { what, change, look, shows } of changes) {
        it(what, async () => {
          args = { ...args, ...change };
          programOf(kind, args);
          const { output } = await on.project.up();
          assert.match(output, /~ 1 updated/);
          assert.match(await on.lab.sh(HOST, look), shows);
          assert.equal((await on.project.state())["link"]?.outputs["ifIndex"], ifIndex);
        });
      }

      it("and nothing is left to do", () => on.project.expectNoChanges());
    });
  }

  inPlace("MacvlanInterface", MACVLAN, MACVLAN_CHANGES);
  inPlace("HairpinBridge", BRIDGE, BRIDGE_CHANGES);
  inPlace("HostShim", SHIM, SHIM_CHANGES);

  describe("that only a replacement brings about", () => {
    const first = { host: HOST, parent: "eth0", name: "mac0" };
    beforeEach(async () => {
      programOf("MacvlanInterface", first);
      await on.project.up();
    });
    after(() => on.project.destroy());

    for (const [what, change] of Object.entries<Args>({
      parent: { parent: "eth1" },
      "mode: to passthru": { parent: "eth0", mode: "passthru" },
      host: { host: "node3" },
    })) {
      it(what, async () => {
        programOf("MacvlanInterface", { ...first, ...change });
        const steps = await on.project.steps();
        assert.ok(steps["link"]?.op.includes("replace"), `previewed as ${steps["link"]?.op ?? "nothing"}`);
        await on.project.up();
        const { host } = { ...first, ...change };
        const shown = await on.lab.sh(host, "ip -d -o link show mac0");
        assert.match(shown, new RegExp(`mac0@${String(({ ...first, ...change } as Args)["parent"])}`));
        if (host !== HOST) assert.equal((await on.lab.exec(HOST, ["ip", "link", "show", "mac0"])).code, 1);
        await on.project.expectNoChanges();
      });
    }
  });
});
