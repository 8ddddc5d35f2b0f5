/**
 * The job that every contender does, and what a host then has. On each host one macvlan with MAC, MTU, an IPv4 and an
 * IPv6 address; one bridge with a hairpin port; one shim with four routes. Pure.
 */

/** The tasks of a contender. `drift`: a run after one link of one host was changed by hand. */
export const PHASES = ["apply", "noop", "preview", "drift", "destroy"] as const;
export type Phase = (typeof PHASES)[number];

/** The link that is changed behind the contenders' backs, and to what. */
export const DRIFT = { link: "web", mtu: 1300 } as const;

/** The port of the bridges: one end of a veth pair, as two hairpin ports on one switch would make frames circle. */
export const PORT = { name: "port0", peer: "port0p" } as const;

/** What is made on a host, in the words of this package's resource classes. */
export interface HostJob {
  readonly web: {
    readonly name: string;
    readonly parent: string;
    readonly macAddress: string;
    readonly mtu: number;
    readonly addresses: readonly [string, string];
  };
  readonly bridge: { readonly name: string; readonly ports: readonly [string] };
  readonly shim: {
    readonly name: string;
    readonly parent: string;
    readonly addresses: readonly [string];
    readonly routes: readonly string[];
  };
}

/** The job of host number `index` (1 …). Addresses are those for benchmarks and documentation (RFC 2544, 5737, 3849). */
export function jobOf(index: number): HostJob {
  const high = index >> 8;
  const low = index & 0xff;
  const hex = (byte: number): string => byte.toString(16).padStart(2, "0");
  return {
    web: {
      name: "web",
      parent: "eth0",
      macAddress: `02:be:00:00:${hex(high)}:${hex(low)}`,
      mtu: 1400,
      addresses: [`198.18.${high}.${low}/16`, `2001:db8::${index.toString(16)}/64`],
    },
    bridge: { name: "br0", ports: [PORT.name] },
    shim: {
      name: "shim0",
      parent: "eth0",
      addresses: [`198.19.${high}.${low}/32`],
      routes: [0, 64, 128, 192].map((last) => `198.51.100.${last}/26`),
    },
  };
}

/** The parts of `ip -j -d address show` that the job uses. */
export interface SeenLink {
  readonly ifname: string;
  readonly link?: string;
  readonly master?: string;
  readonly address?: string;
  readonly mtu?: number;
  readonly flags?: readonly string[];
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[];
  readonly linkinfo?: {
    readonly info_kind?: string;
    readonly info_data?: { readonly mode?: string };
    readonly info_slave_data?: { readonly hairpin?: boolean };
  };
}

/** A route from `ip -j route show`. */
export interface SeenRoute {
  readonly dst: string;
  readonly dev?: string;
}

/** Describes what on a host differs from the job's result; none if the job was done. */
export function missesOf(job: HostJob, links: readonly SeenLink[], routes: readonly SeenRoute[]): string[] {
  const misses: string[] = [];
  const expect = (what: string, found: unknown, wanted: unknown): void => {
    if (found !== wanted) misses.push(`${what} is ${String(found)}, not ${String(wanted)}`);
  };
  const named = (name: string): SeenLink | undefined => links.find((link) => link.ifname === name);
  const common = (name: string, kind: string, addresses: readonly string[]): SeenLink | undefined => {
    const link = named(name);
    expect(`${name}: kind`, link?.linkinfo?.info_kind, kind);
    expect(`${name}: up`, link?.flags?.includes("UP"), true);
    const found = (link?.addr_info ?? []).map((a) => `${a.local ?? ""}/${a.prefixlen ?? ""}`);
    for (const address of addresses) expect(`${name}: ${address}`, found.includes(address), true);
    return link;
  };
  const web = common("web", "macvlan", job.web.addresses);
  expect("web: parent", web?.link, job.web.parent);
  expect("web: mode", web?.linkinfo?.info_data?.mode, "bridge");
  expect("web: MAC", web?.address, job.web.macAddress);
  expect("web: MTU", web?.mtu, job.web.mtu);
  common("br0", "bridge", []);
  const port = named(PORT.name);
  expect(`${PORT.name}: bridge`, port?.master, "br0");
  expect(`${PORT.name}: hairpin`, port?.linkinfo?.info_slave_data?.hairpin, true);
  const shim = common("shim0", "macvlan", job.shim.addresses);
  expect("shim0: parent", shim?.link, job.shim.parent);
  expect("shim0: mode", shim?.linkinfo?.info_data?.mode, "bridge");
  for (const to of job.shim.routes)
    expect(`route ${to}`, routes.find(({ dst }) => dst === to)?.dev, job.shim.name);
  return misses;
}

/** Describes what is left of the job on a host after its destruction. */
export function restOf(links: readonly SeenLink[]): string[] {
  const left = links.filter(({ ifname }) => ["web", "br0", "shim0"].includes(ifname));
  const port = links.find(({ ifname }) => ifname === PORT.name);
  return [
    ...left.map(({ ifname }) => `${ifname} is still there`),
    ...(port?.master === undefined ? [] : [`${PORT.name} is still a port of ${port.master}`]),
  ];
}

/** The iproute2 commands that make each link of the job, for contenders that are given commands. */
export function commandsOf({ web, bridge, shim }: HostJob): Readonly<Record<keyof HostJob, string[]>> {
  const macvlan = `type macvlan mode bridge`;
  return {
    web: [
      `ip link add link ${web.parent} name ${web.name} address ${web.macAddress} mtu ${web.mtu} ${macvlan}`,
      ...web.addresses.map((address) => `ip address add ${address} dev ${web.name}`),
      `ip link set dev ${web.name} up`,
    ],
    bridge: [
      `ip link add ${bridge.name} type bridge`,
      ...bridge.ports.flatMap((port) => [
        `ip link set dev ${port} master ${bridge.name}`,
        `bridge link set dev ${port} hairpin on`,
      ]),
      `ip link set dev ${bridge.name} up`,
    ],
    shim: [
      `ip link add link ${shim.parent} name ${shim.name} ${macvlan}`,
      ...shim.addresses.map((address) => `ip address add ${address} dev ${shim.name}`),
      `ip link set dev ${shim.name} up`,
      ...shim.routes.map((to) => `ip route add ${to} dev ${shim.name}`),
    ],
  };
}

/** The variables of programs/converge.sh. */
export function variablesOf({ web, shim }: HostJob): Readonly<Record<string, string>> {
  const [ADDRESS4, ADDRESS6] = web.addresses;
  return { MAC: web.macAddress, ADDRESS4, ADDRESS6, SHIM: shim.addresses[0], ROUTES: shim.routes.join(" ") };
}
