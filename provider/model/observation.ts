import type { HostState } from "./host";

/** A program of the host that manages a link. */
export interface LinkManager {
  readonly link: string;
  readonly by: "systemd-networkd" | "NetworkManager";
  /** The file or profile with its configuration. */
  readonly file?: string;
}

/** A file of systemd-networkd with its drop-ins, reduced to the links that it matches. */
export interface NetworkFile {
  readonly path: string;
  /** The keys of `[Match]` with their values, in order. None: all links. */
  readonly match: readonly (readonly [key: string, value: string])[];
  /** `[Link]` has `Unmanaged=yes`. */
  readonly isUnmanaged: boolean;
  /** It is empty, or a link to /dev/null: it only masks another file of its name. */
  readonly isMasked?: boolean;
}

/** What another program of the host has for links, whether they are there or not, and applies by itself. */
export interface LinkProfile {
  readonly by: "NetworkManager" | "ifupdown" | "ifcfg" | "netplan" | "dhcpcd" | "connman";
  readonly path: string;
  /** Shell patterns of the names that it is for; all names if there are none. */
  readonly names?: readonly string[];
  /** Shell patterns of the names that it is not for. */
  readonly except?: readonly string[];
  /** The MAC address that it is for. */
  readonly macAddress?: string;
  /** Shell patterns of the drivers that it is for. */
  readonly drivers?: readonly string[];
  /** The type of links that it is for, in NetworkManager's words. */
  readonly type?: string;
}

/** The abilities of a host that plans and messages depend on. */
export interface HostFacts {
  /** Identifies boot and network namespace: the same for all addresses of the machine. */
  readonly machine: string;
  /** `6.1.0-18-amd64` */
  readonly kernel: string;
  /** iproute2's version, `6.1.0`; undefined if `ip` is another program (busybox) or missing. */
  readonly iproute2: string | undefined;
  /** What `ip -V` printed, for messages. */
  readonly ipVersionText: string;
  readonly root: boolean;
  /** Available programs. */
  readonly tools: readonly string[];
  /** Links that are 802.11 stations or access points. */
  readonly wireless: readonly string[];
  /** Modules for links (`features.ts`) that the kernel neither has nor can load. */
  readonly lacks: readonly string[];
  /** Whether the kernel can filter VLANs on a bridge; undefined if there is no bridge that shows it. */
  readonly vlanFiltering: boolean | undefined;
  readonly portTool: PortTool;
  /** The init system that can make links at boot; undefined if there is none. */
  readonly init: Init | undefined;
  /** Links that a program of the host manages, without those that it only watches. */
  readonly managers: readonly LinkManager[];
  /** systemd-networkd's files, if it runs. */
  readonly networkFiles?: readonly NetworkFile[];
  /** What other programs than networkd would apply by themselves, now or at the next boot. */
  readonly profiles?: readonly LinkProfile[];
  /** What NetworkManager is configured not to manage, as in `unmanaged-devices` (NetworkManager.conf(5)): one device list each. */
  readonly unmanaged?: readonly string[];
  /** Whether udev reports links to the init system. */
  readonly udev: boolean;
}

/**
 * `interrupted`: it was interrupted, and the next change will undo it; `in progress`: it holds the lock, or waits to be
 * confirmed.
 */
export const UNFINISHED = ["interrupted", "in progress"] as const;
export type Unfinished = (typeof UNFINISHED)[number];

/** The text for users. */
export const UNFINISHED_CHANGE: Readonly<Record<Unfinished, string>> = {
  interrupted: "a change that was interrupted",
  "in progress": "a change of another run in progress",
};

/** A link or route in a host's output that cannot be parsed. */
export interface Unreadable {
  readonly netns: string;
  readonly what: "link" | "IPv4 route" | "IPv6 route";
  /** The link itself, or the one that the route leads through, if known. */
  readonly link?: string;
  /** `address is a number` */
  readonly reason: string;
  /** The beginning of the output; like any text from a host it must be escaped before it is shown. */
  readonly text: string;
}

/** The state of a host at one moment. */
export interface Observation {
  readonly facts: HostFacts;
  readonly state: HostState;
  /** Links and routes that are missing or incomplete in the state. */
  readonly unreadable: readonly Unreadable[];
  /** How many namespaces without a name were not read, as there are too many; absent if all were. */
  readonly unreadNamespaces?: number;
  /** The management path of the connection that made this observation. */
  readonly managementPath: ManagementPath;
  /** A change that has begun and not ended: the state is in between. */
  readonly unfinished?: Unfinished;
  /** How often boot scripts have run since boot; empty for never. A plan is valid until the next run. */
  readonly boots: string;
}

/** The network path by which the host is reached, and which must keep working. */
export interface ManagementPath {
  /** IP address of the SSH client, as seen from the host; `""` if unknown. */
  readonly client: string;
  /** Links of the host's own namespace that carry the connection, or may carry it if that is not known. */
  readonly links: readonly string[];
  /** Prefix length of the route by which the host answers the client. */
  readonly prefix: number;
}

/** A program that sets a bridge port's options, in the order in which they are preferred. */
export const PORT_TOOLS = ["bridge", "ip", "brctl", "sysfs"] as const;

export type PortTool = (typeof PORT_TOOLS)[number];

/** An init system by which links can be made at boot. */
export type Init = "systemd" | "openrc" | "ifupdown";

/** An address or a route of any origin. */
export interface Holder {
  readonly link: string;
  /** Address or destination in CIDR form. */
  readonly cidr: string;
}
