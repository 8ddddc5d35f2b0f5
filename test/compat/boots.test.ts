/** Persistent links of each kind, on hosts that boot and configure their links in each way: these really boot again. */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import type {
  BridgeArgs,
  IpvlanArgs,
  MacvlanArgs,
  MacvtapArgs,
  ShimArgs,
  VlanArgs,
} from "../../provider/kinds/args";
import { runOrThrow } from "../lab/fleet/run";
import { unpackedPackages, debianMirror } from "../lab/fleet/debian";
import { giveOpenRc } from "../lab/openrc";
import { addressesOf, linkOf, routesOf, seenLink } from "../lab/seen";
import { type Stack, openStack, useLab } from "../lab/stack";
import { eventually } from "../support/eventually";
import { type Outcome, type Table, isWhole, useTable } from "./table";
import { readFileSync } from "node:fs";

const COLUMNS = [
  ...["macvlan in a namespace", "macvlan on the host", "hairpin bridge", "shim"],
  ...["macvtap", "VLAN", "ipvlan on the VLAN"],
];
const TABLE: Table = { name: "boots", of: ["Started by", "Links configured by", "After"], columns: COLUMNS };

/** A host, and what makes or breaks its links. */
interface Row {
  readonly host: string;
  readonly init: string;
  readonly manager: string;
  /** The systemd unit of the manager, which is restarted as well. */
  readonly unit?: string;
  /** Has the manager leave the bridge's port alone, as its warning advises: a restart would take it out. */
  readonly advised?: string;
}

const ROWS: readonly Row[] = [
  {
    ...{
      host: "guest1",
      init: "systemd",
      manager: "systemd-networkd (port as advised)",
      unit: "systemd-networkd",
    },
    advised: `printf '[Match]\nName=eth1\n[Link]\nUnmanaged=yes\n' > /etc/systemd/network/00-eth1.network; networkctl reload`,
  },
  { host: "guest2", init: "systemd", manager: "ifupdown", unit: "networking" },
  {
    ...{
      host: "guest3",
      init: "systemd",
      manager: "NetworkManager (port as advised)",
      unit: "NetworkManager",
    },
    advised:
      "nmcli device set eth1 managed no; mkdir -p /etc/NetworkManager/conf.d; " +
      "printf '[keyfile]\nunmanaged-devices=interface-name:eth1\n' > /etc/NetworkManager/conf.d/eth1.conf",
  },
  { host: "node1", init: "OpenRC", manager: "itself" },
  { host: "node2", init: "ifupdown", manager: "ifupdown" },
];

describe("a host that boots:", function () {
  this.timeout(500_000);
  const on = useLab(3, isWhole ? [{}, { network: "ifupdown" }, { network: "NetworkManager" }] : []);
  const note = useTable(TABLE);
  const tried = isWhole ? ROWS : ROWS.filter(({ host }) => !host.startsWith("guest"));

  const kinds = (host: string) =>
    [
      [
        "MacvlanInterface",
        "web",
        {
          ...{
            host,
            parent: "eth0",
            name: "web0",
            netns: "web",
            alias: "the web's",
            mtu: 1400,
            persist: true,
          },
          ...{ addresses: ["192.0.2.1/24", "2001:db8::1/64"], routes: ["198.51.100.0/24"] },
        } satisfies MacvlanArgs,
      ],
      [
        "MacvlanInterface",
        "plain",
        {
          ...{ host, parent: "eth0", name: "mac0", persist: true },
          ...{ addresses: ["203.0.113.1/24"], routes: [{ to: "198.51.100.0/24", via: "203.0.113.9" }] },
        } satisfies MacvlanArgs,
      ],
      [
        "HairpinBridge",
        "lan",
        {
          ...{ host, name: "br7", stp: false, ageingTime: 30, addresses: ["203.0.114.1/24"], persist: true },
          // it leads to the lab's switch, which must not get its frames back
          ports: [{ name: "eth1", hairpin: false, isolated: true }],
        } satisfies BridgeArgs,
      ],
      [
        "HostShim",
        "shim",
        {
          ...{ host, parent: "br7", name: "shim0", persist: true },
          routes: [{ to: "203.0.114.9/32", source: "203.0.114.1" }],
        } satisfies ShimArgs,
      ],
      [
        "MacvtapInterface",
        "vm",
        { host, parent: "eth0", name: "vm0", mode: "private", persist: true } satisfies MacvtapArgs,
      ],
      [
        "VlanInterface",
        "tagged",
        { host, parent: "eth0", name: "vlan30", vlanId: 30, mtu: 1480, persist: true } satisfies VlanArgs,
      ],
      [
        "IpvlanInterface",
        "app",
        {
          ...{ host, parent: "vlan30", name: "app0", netns: "app", mode: "l3", persist: true },
          ...{ addresses: ["203.0.115.1/24"], routes: ["198.51.100.0/24"] },
        } satisfies IpvlanArgs,
      ],
    ] as const;

  /** Columns that the host's kernel has no links for, and why. Only the machine's own may be without: a stock one has all. */
  const refused = new Map<string, string>();
  async function isRefused(host: string, position: number): Promise<boolean> {
    const [kind, name, args] = kinds(host)[position] ?? [];
    if (kind === undefined) return true;
    const { failures } = await stack.preview(kind as "HairpinBridge", name, args);
    // what sits on a link that the kernel has none of is refused for its parent
    const isOnRefused = name === "app" && refused.has("VLAN");
    const why = failures.find((failure) => isOnRefused || failure.includes("has no module"));
    if (why === undefined) return false;
    assert.ok(host.startsWith("node"), why);
    refused.set(COLUMNS[position] ?? "", why);
    return true;
  }

  let stack: Stack;
  for (const row of tried)
    it(`${row.init}, ${row.manager}: has its links back`, async () => {
      const { host, unit } = row;
      await prepare(row);
      stack = openStack(on.lab);
      refused.clear();
      for (const [position, [kind, name, args]] of kinds(host).entries())
        if (!(await isRefused(host, position))) await up(stack, kind, name, args);
      const before = await all(host);
      await on.lab.sh("node3", "ip address replace 192.0.2.9/24 dev eth0");
      await boot(row);
      await isWholeAgain(row, stack, before, "a boot");
      if (unit !== undefined) {
        await on.lab.sh(host, `systemctl restart ${unit}; sleep 3`);
        await isWholeAgain(row, stack, before, `a restart of ${unit}`);
      }
      await stack.down();
      assert.equal(await on.lab.sh(host, "find /etc -name '*pulumi-macvlan-*'; ls /run/netns"), "");
    });

  /** The engine's calls take the kinds one by one. */
  const up = (stack: Stack, kind: string, name: string, args: object): Promise<unknown> =>
    stack.up(kind as "HairpinBridge", name, args as BridgeArgs);

  async function isWholeAgain(
    { host, init, manager }: Row,
    stack: Stack,
    before: unknown,
    after: string,
  ): Promise<void> {
    await eventually(`${host} is whole again ${after}`, async () =>
      isDeepStrictEqual(await all(host), before),
    ).catch(async () => assert.deepEqual(await all(host), before, after));
    assert.ok(await on.lab.ping("node3", "192.0.2.1", { deadline: 10_000 }), `${after}: answers`);
    for (const [position, [kind, name, args]] of kinds(host).entries()) {
      const column = COLUMNS[position] ?? "";
      const why = refused.get(column);
      if (why === undefined) {
        const { drift, changes } = await stack.preview(kind as "HairpinBridge", name, args);
        assert.deepEqual([drift, changes], [{}, false], `${after}: ${name}`);
      }
      const outcome: Outcome = why === undefined ? { is: "works" } : { is: "refused", why };
      note([init, manager, after], column, outcome);
    }
  }

  /** What is to be there again; nothing if a link or a namespace is not there. */
  async function all(host: string): Promise<unknown> {
    const netns = await on.lab.sh(host, "ls /run/netns 2>/dev/null || true");
    const one = async (name: string, within = ""): Promise<unknown> => {
      if (within !== "" && !netns.includes(within)) return undefined;
      if (!(await seenLink(on.lab, host, name, within))) return undefined;
      const link = await linkOf(on.lab, host, name, within);
      const { address, mtu, ifalias, linkinfo, flags } = link;
      const mode = linkinfo?.info_data?.["mode"];
      const routes = await routesOf(on.lab, host, name, within);
      const isUp = flags.includes("UP");
      return { name, address, mtu, ifalias, mode, isUp, routes, addresses: addressesOf(link) };
    };
    const port = await on.lab.sh(host, "cat /sys/class/net/br7/brif/eth1/isolated 2>/dev/null || true");
    const own = await Promise.all(["mac0", "br7", "shim0", "vm0", "vlan30"].map((name) => one(name)));
    return [await one("web0", "web"), ...own, await one("app0", "app"), port];
  }

  async function prepare({ host, init, advised }: Row): Promise<void> {
    if (advised !== undefined) await on.lab.sh(host, advised);
    if (init === "OpenRC") await giveOpenRc(on.lab, host);
    if (init !== "ifupdown") return;
    const { suite } = await debianMirror();
    const root = await unpackedPackages(suite, ["ifupdown"]);
    const found = await runOrThrow(["find", root, "-type", "f", "-name", "ifup", "-path", "*sbin/*"]);
    const input = readFileSync(found.trim());
    const install = "cat > /run/ifup && chmod 755 /run/ifup && mkdir -p /run/network /etc/network/if-up.d";
    assert.equal((await on.lab.exec(host, ["sh", "-c", install], { input })).code, 0);
    const stanzas = ["eth0", "eth1"].map(
      (nic) => `auto ${nic}\\niface ${nic} inet manual\\n  up ip link set dev $IFACE up\\n`,
    );
    await on.lab.sh(
      host,
      `printf 'auto lo\\niface lo inet loopback\\n${stanzas.join("")}' > /etc/network/interfaces`,
    );
  }

  /** Guests reboot; on a lab host all that a boot does not find is taken away, and its init runs for real. */
  async function boot({ host, init }: Row): Promise<void> {
    if (host.startsWith("guest")) {
      await on.lab.sh(host, "sync");
      await on.lab.guest(host).reboot();
      return;
    }
    await on.lab.sh(
      host,
      `for n in web app; do ip netns del $n; done; for l in shim0 br7 mac0 vm0 vlan30; do ip link del $l; done
       rm -rf /run/pulumi-macvlan
       ip link set eth1 down; ${init === "OpenRC" ? "openrc default" : "/run/ifup -a"} >&2`,
    );
  }

  afterEach(async () => {
    // also of a test that failed: the next one has the same addresses on the same LAN
    await stack.down();
    for (const host of ["node1", "node2"]) await on.lab.reboot(host, { fresh: true });
  });
});
