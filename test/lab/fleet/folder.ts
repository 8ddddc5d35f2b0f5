/** The folder of the labs' files, and the machine's folder of named network namespaces. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { labFolder, labsFolder } from "./names";
import { runOrThrow } from "./run";

/** statfs(2), f_type. */
const OVERLAYFS_MAGIC = 0x794c7630;

/** An overlay cannot have its writable layer on another overlay (a container's root is one): a tmpfs then. */
export async function makeFolder(lab: string): Promise<void> {
  mkdirSync(labFolder(lab), { recursive: true });
  if (statfsSync(labFolder(lab)).type !== OVERLAYFS_MAGIC) return;
  await runOrThrow(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", labFolder(lab)]);
}

/** Removes the lab's folder, mounted or not. */
export async function removeFolder(lab: string): Promise<void> {
  const mounted = readFileSync("/proc/mounts", "utf8").includes(` ${labFolder(lab)} tmpfs `);
  if (mounted) await runOrThrow(["umount", labFolder(lab)]);
  rmSync(labFolder(lab), { recursive: true, force: true });
}

/** @throws for a folder of the labs that cannot work: the overlays of the hosts' /etc, /var/lib and /var/log cannot have their files
 * inside the folder they cover. */
export function refuseUnusableFolder(): void {
  const folder = labsFolder();
  if (!/^\/[\w./-]+$/.test(folder))
    throw new Error(`MACVLAN_LAB_FOLDER: "${folder}" is not an absolute, plain path`);
  const covered = ["/etc", "/var/lib", "/var/log", "/proc", "/sys"].find((path) =>
    `${folder}/`.startsWith(`${path}/`),
  );
  if (covered !== undefined)
    throw new Error(`MACVLAN_LAB_FOLDER: the lab's files cannot be under ${covered}`);
}

const NETNS_NOTE = "made-netns-folder";

/** The first `ip netns add` of a machine makes /run/netns and mounts it on itself: notes that the labs did. */
export function noteNetnsFolder(): void {
  mkdirSync(labsFolder(), { recursive: true });
  if (!existsSync("/run/netns")) writeFileSync(`${labsFolder()}/${NETNS_NOTE}`, "");
}

/** Takes away what `noteNetnsFolder` noted, and the folder of the labs, when no lab is left. */
export async function forgetNetnsFolder(): Promise<void> {
  if (!existsSync(labsFolder())) return;
  const note = `${labsFolder()}/${NETNS_NOTE}`;
  if (readdirSync(labsFolder()).some((entry) => entry !== NETNS_NOTE)) return;
  if (existsSync(note) && existsSync("/run/netns") && readdirSync("/run/netns").length === 0) {
    await runOrThrow(["umount", "/run/netns"]);
    rmdirSync("/run/netns");
  }
  rmSync(note, { force: true });
  rmdirSync(labsFolder());
}
