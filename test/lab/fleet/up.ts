/** Bringing a lab up and taking it down. */
import { existsSync, readdirSync } from "node:fs";
import { cpus } from "node:os";
import { writeClientFiles, writeHostFiles, writeSharedFiles } from "./files";
import { forgetNetnsFolder, makeFolder, noteNetnsFolder, refuseUnusableFolder, removeFolder } from "./folder";
import { alivePid, endProcesses, netnsIdentity, processesIn, startHost, stopHost, wireHosts } from "./host";
import { guestDisk } from "./guest/image";
import { startGuests } from "./guest/reboot";
import { writeSeed } from "./guest/seed";
import { uninstall } from "./install";
import { openLab, type Lab } from "./lab";
import { alone } from "./lock";
import {
  isNetnsOf,
  labFolder,
  labNameOf,
  labsFolder,
  MAX_GUESTS,
  MAX_HOSTS,
  MAX_SLOTS,
  netnsName,
  type Login,
} from "./names";
import { GUEST_PACKAGES, requirePrograms, requireRoot } from "./requirements";
import { inParallel, run, runOrThrow } from "./run";
import { readState, writeState, type GuestNetwork, type LabState } from "./state";
import { bringUpSwitch } from "./switch";

/** How to bring a lab up; all of it concerns the hosts that this call adds, not those that are there. */
export interface LabOptions {
  /** The lab's name: `MACVLAN_LAB`, else `default`. Each has its own networks, folder and processes. */
  name?: string;
  /** How one logs in to host number `index` (1 …): root on odd ones, `ops` with sudo on even ones by default. */
  login?: (index: number) => Login;
  /** Options of sshd_config(5) besides the lab's own, such as `{ MaxSessions: 3 }`. */
  sshd?: Readonly<Record<string, string | number>>;
  /**
   * The hosts do not hear each other (ip-link(8), bridge_slave isolated). For hundreds of them, whose broadcasts to all
   * would fill the machine's receive queues (net.core.netdev_max_backlog), from which loopback's packets are lost, too.
   */
  isolated?: boolean;
  /** Guests besides the hosts, from `guest1` on; none by default. */
  guests?: readonly GuestOptions[];
  /** Where lines about what takes time go; nowhere by default. */
  progress?: (line: string) => void;
}

/** How a guest is made; one that is there already stays as it is. */
export interface GuestOptions {
  /** Who configures its links at boot; default: networkd. */
  network?: GuestNetwork;
  /** The release of Debian that its kernel is of, such as `trixie`; default: this machine's. */
  kernel?: string;
  /** How the lab's ssh_config logs in: as root on odd ones, as `ops` with sudo on even ones by default. */
  login?: Login;
}

/**
 * Brings a lab up to at least `count` hosts (3; none will do if it has guests) and opens it. What is running stays as it is: only missing hosts are
 * added, and those that ended are booted again with the files they had. Calls of several processes wait for another.
 * @throws without root, if programs are missing and cannot be installed, and if a host does not boot.
 */
export async function labUp(count = 3, options: LabOptions = {}): Promise<Lab> {
  const name = labNameOf(options.name);
  const guests = options.guests ?? [];
  const least = guests.length > 0 ? 0 : 1;
  if (!Number.isInteger(count) || count < least || count > MAX_HOSTS) {
    throw new Error(`a lab has 1 to ${MAX_HOSTS} hosts, not ${count}`);
  }
  if (guests.length > MAX_GUESTS)
    throw new Error(`a lab has up to ${MAX_GUESTS} guests, not ${guests.length}`);
  requireRoot();
  refuseUnusableFolder();
  const progress = options.progress ?? ((): void => undefined);
  const state = await alone(async () => {
    await requirePrograms(progress);
    if (guests.length > 0) await requirePrograms(progress, GUEST_PACKAGES);
    const { isolated = false } = options;
    const state = readState(name) ?? { name, slot: await freeSlot(name), isolated, hosts: [], guests: [] };
    noteNetnsFolder();
    await makeFolder(name);
    writeState(state);
    await writeSharedFiles(name);
    await bringUpSwitch(name, state.slot);
    await addHosts(state, count, options);
    await addGuests(state, guests);
    writeClientFiles(state);
    return state;
  });
  if (state.guests.length > 0) await startGuests(state, await guestDisk());
  return openLab(state);
}

/**
 * Takes a lab down: afterwards none of its processes, namespaces, links, mounts and files is there, even if `up`
 * broke off half-way. Taking down what is not there succeeds.
 */
export async function labDown(name?: string): Promise<void> {
  const lab = labNameOf(name);
  requireRoot();
  await alone(async () => {
    const state = readState(lab);
    const netns = existsSync("/run/netns")
      ? readdirSync("/run/netns").filter((entry) => isNetnsOf(lab, entry))
      : [];
    await endProcesses(processesIn(new Set(netns)));
    const sw = netnsName(lab, "switch");
    // Its other end is the root namespace's link: deleted here, it is gone at once and not some time later.
    if (netns.includes(sw)) await run(["ip", "-n", sw, "link", "del", "dev", "root"]);
    const batch = netns.map((entry) => `netns del ${entry}\n`).join("");
    if (batch !== "") await runOrThrow(["ip", "-force", "-batch", "-"], { input: batch });
    if (state?.installed !== undefined) uninstall(state.name, state.installed);
    await removeFolder(lab);
    await forgetNetnsFolder();
  });
}

/** Opens the lab that is running. @throws if it is not, and says how to start it. */
export function labOpen(name?: string): Promise<Lab> {
  const lab = labNameOf(name);
  const state = readState(lab);
  if (state === undefined || netnsIdentity(netnsName(lab, "switch")) === undefined) {
    const environment = lab === "default" ? "" : `MACVLAN_LAB=${lab} `;
    return Promise.reject(
      new Error(`lab ${lab} is not running: start it with \`${environment}npm run lab -- up\``),
    );
  }
  return Promise.resolve(openLab(state));
}

async function addHosts(state: LabState, count: number, options: LabOptions): Promise<void> {
  const desired = Array.from({ length: Math.max(count, state.hosts.length) }, (_, position) => position + 1);
  const missing = desired.filter((index) => alivePid(state.name, `node${index}`) === undefined);
  if (missing.length === 0) return;
  const width = 2 * cpus().length;
  const login = options.login ?? defaultLogin;
  const lines = Object.entries(options.sshd ?? {})
    .map(([key, value]) => `${key} ${value}\n`)
    .join("");
  await inParallel(missing, width, async (index) => {
    if (netnsIdentity(netnsName(state.name, `node${index}`)) !== undefined) {
      await stopHost(state.name, state.slot, index); // the rest of one that ended, or was only half made
    }
    const known = state.hosts.find((host) => host.index === index);
    const sshd = known?.sshd ?? lines;
    const hostKey = await writeHostFiles(state.name, index, sshd);
    if (known === undefined) state.hosts.push({ index, login: login(index), hostKey, sshd });
    else known.hostKey = hostKey;
  });
  state.hosts.sort((a, b) => a.index - b.index);
  await wireHosts(state, missing);
  await inParallel(missing, width, (index) => startHost(state.name, state.slot, index));
  writeState(state);
}

/** Writes down the guests that are not known yet, and makes the files that they take over. */
async function addGuests(state: LabState, desired: readonly GuestOptions[]): Promise<void> {
  for (const [position, { network = "networkd", kernel, login }] of desired.entries()) {
    const index = position + 1;
    if (state.guests.some((guest) => guest.index === index)) continue;
    const hostKey = await writeSeed(state.name, state.slot, { index, network });
    state.guests.push({
      ...{ index, network, hostKey, login: login ?? defaultLogin(index) },
      ...(kernel === undefined ? {} : { kernel }),
    });
  }
  writeState(state);
}

const defaultLogin = (index: number): Login => (index % 2 === 1 ? "root" : "ops");

/** The first slot to whose networks this machine has no route; the default lab's is 0 if that is free. */
async function freeSlot(lab: string): Promise<number> {
  const routes = JSON.parse(await runOrThrow(["ip", "-j", "-4", "route", "show", "table", "all"])) as {
    dst?: string;
  }[];
  const destinations = routes.map(({ dst }) => dst ?? "");
  const taken = (slot: number): boolean =>
    destinations.some(
      (dst) => dst.startsWith(`10.${77 + 2 * slot}.`) || dst.startsWith(`10.${78 + 2 * slot}.`),
    );
  const others = existsSync(labsFolder()) ? readdirSync(labsFolder()).filter((other) => other !== lab) : [];
  const used = new Set(
    others.flatMap((other) =>
      existsSync(`${labFolder(other)}/lab.json`) ? (readState(other)?.slot ?? []) : [],
    ),
  );
  // Slot 0 is the default lab's, so that its addresses are the ones that documentation shows.
  for (let slot = lab === "default" ? 0 : 1; slot < MAX_SLOTS; slot++) {
    if (!used.has(slot) && !taken(slot)) return slot;
  }
  throw new Error("no networks 10.77.0.0/16 and above are free for another lab");
}
