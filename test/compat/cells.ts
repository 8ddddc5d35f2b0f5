/** What the matrix has been tried with, as data: a kind of link, or a parent, that comes later is one more entry. */
import type { Kinds, Preview, Stack } from "../lab/stack";

/** Where a cell makes its link. */
export interface Place {
  readonly host: string;
  readonly parent: string;
  /** An address of the network that the peer has one on, with its prefix length. */
  readonly address: string;
  /** MAC address of the peer, for links that only take what certain senders send. */
  readonly peerMac: string;
}

/** A link that a cell makes, of any kind. */
export interface Made {
  up(stack: Stack, place: Place): Promise<unknown>;
  preview(stack: Stack, place: Place): Promise<Preview>;
}

/** A resource of a kind, called `cell`. */
export function made<K extends keyof Kinds>(kind: K, args: (place: Place) => Kinds[K]["args"]): Made {
  return {
    up: (stack, place) => stack.up(kind, "cell", args(place)),
    preview: (stack, place) => stack.preview(kind, "cell", args(place)),
  };
}

/** A column of the matrix of kernels and parents: a child of the parent, and what packets have to say of it. */
export interface Child {
  /** `macvlan bridge` */
  readonly title: string;
  /** The link `cell` in the namespace `cell`, with the place's address. */
  readonly made: Made;
  /** `link` in `ip -j`: what shows the requested mode. */
  readonly shows: Readonly<Record<string, string>>;
  /** Another child of the parent, by hand, and whether it is reached; undefined if the parent has only one. */
  readonly sibling?: { readonly type: string; readonly isReached: boolean };
}

const macvlan = (
  mode: "bridge" | "vepa" | "private" | "passthru" | "source",
  isReached?: boolean,
): Child => ({
  title: `macvlan ${mode}`,
  made: made("MacvlanInterface", ({ host, parent, address, peerMac }) => ({
    ...{ host, parent, name: "cell", netns: "cell", mode, addresses: [address] },
    ...(mode === "source" ? { sourceMacAddresses: [peerMac] } : {}),
  })),
  shows: { kind: "macvlan", mode },
  ...(isReached === undefined ? {} : { sibling: { type: `macvlan mode ${mode}`, isReached } }),
});

export const CHILDREN: readonly Child[] = [
  macvlan("bridge", true),
  macvlan("vepa", false),
  macvlan("private", false),
  macvlan("passthru"),
  macvlan("source"),
  {
    title: "macvtap",
    made: made("MacvtapInterface", ({ host, parent, address }) => ({
      ...{ host, parent, name: "cell", netns: "cell", addresses: [address] },
    })),
    shows: { kind: "macvtap", mode: "bridge" },
    sibling: { type: "macvtap mode bridge", isReached: true },
  },
  {
    title: "ipvlan",
    made: made("IpvlanInterface", ({ host, parent, address }) => ({
      ...{ host, parent, name: "cell", netns: "cell", addresses: [address] },
    })),
    shows: { kind: "ipvlan", mode: "l2" },
    sibling: { type: "ipvlan mode l2", isReached: true },
  },
];

/** A row of that matrix: a link of the host that children sit on, made by hand on `eth1`. */
export interface Parent {
  readonly title: string;
  readonly link: string;
  /** Shell commands; they fail if the kernel does not have such links. */
  readonly make: string;
  /** Its frames have the VLAN tag 10. */
  readonly isTagged?: boolean;
}

export const PARENTS: readonly Parent[] = [
  { title: "NIC", link: "eth1", make: "ip link set eth1 up" },
  {
    title: "VLAN",
    link: "eth1.10",
    make: "ip link set eth1 up && ip link add link eth1 name eth1.10 type vlan id 10 && ip link set eth1.10 up",
    isTagged: true,
  },
  {
    title: "bond",
    link: "bond0",
    make:
      "ip link add bond0 type bond mode active-backup miimon 100 && ip link set eth1 down && " +
      "ip link set eth1 master bond0 && ip link set bond0 up",
  },
  {
    title: "bridge",
    link: "br0",
    make:
      "ip link add br0 type bridge forward_delay 0 && ip link set eth1 master br0 && ip link set eth1 up && " +
      "ip link set br0 up",
  },
];

/** A column of the matrix of userlands: one thing that the host's own tools have to do. */
export interface Operation {
  readonly title: string;
  readonly made: Made;
  /** The oldest iproute2 that can do it; undefined if hosts without any can. */
  readonly since?: string;
  /** What the machine's own `ip` shows of it afterwards. */
  readonly shows: RegExp;
}

/** The oldest iproute2 that prints all that is read here as JSON. */
export const OLDEST = "4.17";

const child = (more: Partial<Kinds["MacvlanInterface"]["args"]>): Made =>
  made("MacvlanInterface", ({ host }) => ({ host, parent: "eth1", name: "cell", ...more }));

/** On a host with a hand-made bridge `br0` with the port `p1`, whose other end is `q1`. */
export const OPERATIONS: readonly Operation[] = [
  {
    title: "macvlan with addresses and routes",
    made: child({
      mtu: 1400,
      alias: "a cell",
      addresses: ["192.0.2.1/24", "2001:db8::1/64"],
      routes: ["198.51.100.0/24"],
    }),
    since: OLDEST,
    shows:
      /cell@eth1: .* mtu 1400 [^]*macvlan mode bridge[^]*alias a cell[^]*192\.0\.2\.1\/24[^]*2001:db8::1\/64[^]*198\.51\.100\.0\/24 dev cell/,
  },
  {
    title: "in a namespace",
    made: child({ netns: "cell", mode: "vepa", addresses: ["192.0.2.1/24"] }),
    since: OLDEST,
    shows: /macvlan mode vepa[^]*192\.0\.2\.1\/24/,
  },
  {
    title: "senders (mode source)",
    made: child({ mode: "source", sourceMacAddresses: ["02:00:5e:00:53:01", "02:00:5e:00:53:02"] }),
    since: OLDEST,
    shows: /mode source[^]*02:00:5e:00:53:01/,
  },
  {
    title: "passthru, noPromisc",
    made: child({ mode: "passthru", noPromisc: true }),
    since: OLDEST,
    shows: /mode passthru nopromisc/,
  },
  {
    title: "broadcastQueueLength",
    made: child({ broadcastQueueLength: 4000 }),
    since: "5.11",
    shows: /bcqueuelen 4000/,
  },
  {
    title: "broadcastQueueThreshold",
    made: child({ broadcastQueueThreshold: 7 }),
    since: "6.4",
    // an own ip before 6.4 does not show it; the host's does, or the preview would have a difference
    shows: /cell@eth1: [^]*macvlan mode bridge/,
  },
  {
    title: "nodst",
    made: child({ mode: "source", nodst: true, sourceMacAddresses: ["02:00:5e:00:53:01"] }),
    since: "5.14",
    shows: /mode source nodst/,
  },
  {
    title: "hairpin bridge",
    made: made("HairpinBridge", ({ host }) => ({
      ...{ host, name: "cell", stp: false, ageingTime: 30, priority: 4096 },
      ports: [{ name: "q1", hairpin: true, learning: false }],
    })),
    since: OLDEST,
    shows: /q1@p1: [^]*hairpin on [^]*learning off /,
  },
  {
    title: "isolated port",
    made: made("HairpinBridge", ({ host }) => ({
      ...{ host, name: "cell", stp: false },
      ports: [{ name: "q1", hairpin: false, isolated: true }],
    })),
    since: "4.18",
    shows: /q1@p1: [^]*isolated on/,
  },
  {
    title: "shim",
    made: made("HostShim", ({ host }) => ({
      ...{ host, parent: "eth0", name: "cell" },
      routes: ["203.0.113.10/32"],
    })),
    since: OLDEST,
    shows: /cell@eth0: [^]*macvlan mode bridge[^]*203\.0\.113\.10 dev cell/,
  },
  {
    title: "hairpin on another's bridge",
    made: made("HairpinBridge", ({ host }) => ({ host, name: "br0", ports: ["p1"], adopt: true })),
    shows: /p1@q1: [^]*hairpin on /,
  },
];
