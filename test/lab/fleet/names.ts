/**
 * Names and addresses of a lab: pure functions of the lab's name, its slot and a host's number, so that whoever
 * has those three can compute everything, also after a crash.
 */
import { createHash } from "node:crypto";

/** The lab's login on a host: root itself, or an ordinary user with sudo that asks for no password. */
export type Login = "root" | "ops";

/** Hosts a lab can have: a Linux bridge takes 1,024 ports (net/bridge/br_private.h, BR_MAX_PORTS), a host two of them. */
export const MAX_HOSTS = 500;

/** Guests a lab can have beside them: two ports of that bridge each, and about 300 MB of memory. */
export const MAX_GUESTS = 8;

/** Slots for labs: slot n has the IPv4 networks 10.(77+2n).0.0/16 for the LAN and 10.(78+2n).0.0/16 for control. */
export const MAX_SLOTS = 88;

/** The lab's name: the argument, else `MACVLAN_LAB`, else `default`. @throws if it is not 1–16 of a–z, 0–9, `-`. */
export function labNameOf(name?: string): string {
  const chosen = name ?? process.env.MACVLAN_LAB ?? "default";
  if (!/^[a-z][a-z0-9-]{0,15}$/.test(chosen)) {
    throw new Error(`"${chosen}" is no name for a lab: 1 to 16 of a-z, 0-9 and -, beginning with a letter`);
  }
  return chosen;
}

/** The folder of all labs: `MACVLAN_LAB_FOLDER`, else one under /run, which like the lab is gone after a reboot. */
export function labsFolder(): string {
  return process.env.MACVLAN_LAB_FOLDER ?? "/run/pulumi-macvlan-lab";
}

/** The folder of one lab: its state, keys, client configuration and the hosts' files. */
export function labFolder(lab: string): string {
  return `${labsFolder()}/${lab}`;
}

/** Name of a network namespace of the lab (`ip netns`): the dot is in no lab's name, so no two labs share a prefix. */
export function netnsName(lab: string, part: string): string {
  return `mvlab.${lab}.${part}`;
}

/** Whether a host of the lab is a guest, with a kernel of its own: these are called `guest1` …, namespaces `node1` …. */
export function isGuest(host: string): boolean {
  return host.startsWith("guest");
}

/** The folder of a host's files on the machine. */
export function hostFolder(lab: string, host: string): string {
  return `${labFolder(lab)}/hosts/${host}`;
}

/** The network namespace of the machine that a host's processes are in: a guest's program is in the switch's. */
export function hostNetns(lab: string, host: string): string {
  return netnsName(lab, isGuest(host) ? "switch" : host);
}

/** Whether a network namespace of this name belongs to the lab. */
export function isNetnsOf(lab: string, netns: string): boolean {
  return new RegExp(`^mvlab\\.${lab}\\.(switch|node[0-9]+)$`).test(netns);
}

/** The link of the root namespace that leads to the control bridge. */
export function rootLink(slot: number): string {
  return `mvlab${slot}`;
}

const lastOctets = (index: number): string => `${Math.floor((index - 1) / 250)}.${((index - 1) % 250) + 1}`;

const mac = (kind: number, slot: number, index: number): string =>
  [0x02, kind, slot, 0, index >> 8, index & 0xff].map((byte) => byte.toString(16).padStart(2, "0")).join(":");

/** Networks of a slot: IPv4 /16s and IPv6 /64s of the LAN and of control, and the root namespace's own addresses. */
export function networksOf(slot: number) {
  return {
    lan: `10.${77 + 2 * slot}.0.0/16`,
    control: `10.${78 + 2 * slot}.0.0/16`,
    lan6: `fd77:0:0:${(slot + 1).toString(16)}::/64`,
    control6: `fd78:0:0:${(slot + 1).toString(16)}::/64`,
    rootControl: `10.${78 + 2 * slot}.255.254`,
    rootControl6: `fd78:0:0:${(slot + 1).toString(16)}::ffff`,
    rootMac: mac(0x7a, slot, 1),
    lanBridgeMac: mac(0x7a, slot, 2),
    controlBridgeMac: mac(0x7a, slot, 3),
  };
}

/** Addresses of guest number `index` (1 …) in a slot: after those of all hosts that a lab can have. */
export function guestAddressesOf(slot: number, index: number): Addresses {
  const name = `guest${index}`;
  const ports = { port: `${name}-0`, port1: `${name}-1`, controlPort: `${name}-c` };
  return { ...addressesOf(slot, MAX_HOSTS + index), ...ports };
}

/** What `addressesOf` gives. */
export type Addresses = ReturnType<typeof addressesOf>;

/** Addresses of host number `index` (1 …) in a slot. Every NIC and every switch port has a fixed MAC. */
export function addressesOf(slot: number, index: number) {
  const net6 = (slot + 1).toString(16);
  return {
    lan: `10.${77 + 2 * slot}.${lastOctets(index)}`,
    control: `10.${78 + 2 * slot}.${lastOctets(index)}`,
    lan6: `fd77:0:0:${net6}::${index.toString(16)}`,
    control6: `fd78:0:0:${net6}::${index.toString(16)}`,
    mac: mac(0x77, slot, index),
    mac1: mac(0x79, slot, index),
    controlMac: mac(0x78, slot, index),
    portMac: mac(0x7b, slot, index),
    portMac1: mac(0x7c, slot, index),
    controlPortMac: mac(0x7d, slot, index),
    port: `node${index}-0`,
    port1: `node${index}-1`,
    controlPort: `node${index}-c`,
  };
}

/** What a host is reached by, as `LabHost` names it. */
export function reachable(addresses: Addresses) {
  const { control, control6, lan, lan6, mac, mac1, port, port1 } = addresses;
  const [lanPrefix, lan6Prefix] = [16, 64];
  return {
    control,
    control6,
    lan,
    lanPrefix,
    lan6,
    lan6Prefix,
    mac,
    mac1,
    switchPort: port,
    switchPort1: port1,
  };
}

/** A machine-id (machine-id(5): 32 hexadecimal digits) that is the same each time the lab's host is made. */
export function machineIdOf(lab: string, host: string): string {
  return createHash("sha256").update(`pulumi-macvlan lab ${lab} ${host}`).digest("hex").slice(0, 32);
}
