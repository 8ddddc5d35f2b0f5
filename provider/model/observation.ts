import type { HostState } from "./host";

/** A program of the host that sees to a link by itself. */
export interface LinkManager {
  readonly link: string;
  readonly by: "systemd-networkd" | "NetworkManager";
  /** The file or profile by which it does. */
  readonly file?: string;
}

/** A file of systemd-networkd with its drop-ins, as far as it says which links it is for. */
export interface NetworkFile {
  readonly path: string;
  /** The keys of `[Match]` with their values, in order. None: all links. */
  readonly match: readonly (readonly [key: string, value: string])[];
  /** `[Link]` has `Unmanaged=yes`. */
  readonly isUnmanaged: boolean;
  /** It is empty, or a link to /dev/null: it only keeps another file of its name from being read. */
  readonly isMasked?: boolean;
}

/** What NetworkManager or ifupdown has for a link, whether it is there or not. */
export interface LinkProfile {
  readonly by: "NetworkManager" | "ifupdown";
  readonly path: string;
  /** The link's name; a shell pattern of ifupdown's `allow-hotplug` is none. */
  readonly link: string;
  /** NetworkManager's type of the profile: it is for links of that type. */
  readonly type?: string;
}

/** What a host is able to do, as far as plans and messages depend on it. */
export interface HostFacts {
  /** This boot and network namespace: the same for all addresses by which the machine is known. */
  readonly machine: string;
  /** `6.1.0-18-amd64` */
  readonly kernel: string;
  /** iproute2's version, `6.1.0`; undefined where `ip` is another program (busybox) or there is none. */
  readonly iproute2: string | undefined;
  /** What `ip -V` printed, for messages. */
  readonly ipVersionText: string;
  readonly root: boolean;
  /** Programs that were found. */
  readonly tools: readonly string[];
  /** Links that are 802.11 stations or access points. */
  readonly wireless: readonly string[];
  /** Modules for links (`features.ts`) that the kernel neither has nor can load. */
  readonly lacks: readonly string[];
  /** The kernel can filter VLANs on a bridge; undefined while no bridge is there to tell. */
  readonly vlanFiltering: boolean | undefined;
  readonly portTool: PortTool;
  /** What can have links made again at boot; undefined where there is nothing. */
  readonly init: Init | undefined;
  /** Links that a program of the host manages; those that it only watches are not among them. */
  readonly managers: readonly LinkManager[];
  /** systemd-networkd's files, if it runs. */
  readonly networkFiles?: readonly NetworkFile[];
  /** What NetworkManager, if it runs, and ifupdown would apply by themselves. */
  readonly profiles?: readonly LinkProfile[];
  /** What NetworkManager is told not to manage, as in `unmanaged-devices` (NetworkManager.conf(5)): one device list each. */
  readonly unmanaged?: readonly string[];
  /** udev tells the init system of links that come and go. */
  readonly udev: boolean;
}

/**
 * `cut off`: it was interrupted, and the next change will undo it; `under way`: it holds the lock, or waits to be
 * confirmed.
 */
export const UNFINISHED = ["cut off", "under way"] as const;
export type Unfinished = (typeof UNFINISHED)[number];

/** How a person is told of it. */
export const UNFINISHED_CHANGE: Readonly<Record<Unfinished, string>> = {
  "cut off": "a change that was interrupted",
  "under way": "a change of another run in progress",
};

/** What a host printed of a link or a route, and nobody can read. */
export interface Unreadable {
  readonly netns: string;
  readonly what: "link" | "IPv4 route" | "IPv6 route";
  /** The link that it is, or that the route leads through, if that can be told. */
  readonly link?: string;
  /** `address is a number` */
  readonly reason: string;
  /** The beginning of what was printed; as any text of a host it has to be escaped before it is shown. */
  readonly text: string;
}

/** A host at one moment. */
export interface Observation {
  readonly facts: HostFacts;
  readonly state: HostState;
  /** What is left out of the state, or not whole in it. */
  readonly unreadable: readonly Unreadable[];
  /** The way by which this very observation came. */
  readonly managementPath: ManagementPath;
  /** A change that has begun and not ended: the state is neither the one before nor the one after it. */
  readonly unfinished?: Unfinished;
  /** How often boot scripts have run since the host booted; empty for never. A plan holds until the next one. */
  readonly boots: string;
}

/** What has to go on working for the host to be reached. */
export interface ManagementPath {
  /** IP address of the SSH client, as the host sees it; `""` where it could not be told. */
  readonly client: string;
  /** Links of the host's own namespace that the connection passes, or may pass where that could not be told. */
  readonly links: readonly string[];
  /** Prefix length of the route by which the host answers the client. */
  readonly prefix: number;
}

/** A program that sets a bridge port's options, in the order in which they are preferred. */
export const PORT_TOOLS = ["bridge", "ip", "brctl", "sysfs"] as const;

export type PortTool = (typeof PORT_TOOLS)[number];

/** What runs a host's boot, as far as links can be made again by it. */
export type Init = "systemd" | "openrc" | "ifupdown";

/** An address or a route as the kernel has it, whoever put it there. */
export interface Holder {
  readonly link: string;
  /** Address or destination in CIDR form. */
  readonly cidr: string;
}
