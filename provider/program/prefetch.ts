/**
 * How the provider's process learns which hosts a run has before it is asked for the first one: the engine asks
 * resource by resource, and fifty hosts looked at one after the other take fifty handshakes in a row. And which
 * resources it will be asked for at once, as they wait for no other, so that those of a host can be one change.
 *
 * The program's process writes both, after its own number, to a private file, named after the engine's address, which
 * both processes know. The provider's removes it, or the next program where both were killed.
 * Without that file everything works the same, only one after the other. No secret is in it: credentials are no
 * properties of a host.
 */
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readFileSync, readdirSync, rmSync, rmdirSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { holdsCredential } from "../model/redact";
import { hostText } from "../ssh/host-text";
import { plainHost } from "./plain";

/** What people put where a host key or a user's name belongs: check refuses it, after the program has noted the host. */
const MISPLACED = /PRIVATE KEY|"user":"[^"]*:/;

/** A host of a program. */
export interface PrefetchHint {
  /** As the program gave it. */
  readonly host: unknown;
  /** Those of its resources that wait for no other one: `MacvlanInterface "web"`. */
  readonly free: readonly string[];
}

/**
 * Notes a resource's host for the provider's process.
 *
 * @param engine the engine's address, `127.0.0.1:34567`
 * @param hinted the hosts that the same run of a program has noted already
 * @param free the resource, where it waits for no other one
 */
export function writePrefetchHint(
  engine: string | undefined,
  host: unknown,
  hinted: Set<string>,
  free?: string,
): void {
  const plain = plainHost(host);
  if (engine === undefined || plain === undefined || holdsCredential(host) || MISPLACED.test(plain)) return;
  if (hinted.has(plain) && free === undefined) return;
  const folder = privateFolder();
  if (folder === undefined) return;
  if (!process.listeners("exit").includes(removeOwnFiles)) process.once("exit", removeOwnFiles);
  // the first one of a run replaces what an engine that was killed at this address has left
  const isFirst = hinted.size === 0;
  if (isFirst) removeFiles(folder, (writer) => !isRunning(writer));
  hinted.add(plain);
  const text = `${isFirst ? `${process.pid}\n` : ""}${JSON.stringify([host, free])}\n`;
  try {
    writeFileSync(fileOf(folder, engine), text, { mode: 0o600, flag: isFirst ? "w" : "a" });
  } catch {
    // a full /tmp: the host is then looked at when it is asked for
  }
}

/** The hosts that were noted so far. */
export function readPrefetchHints(engine: string | undefined): PrefetchHint[] {
  if (engine === undefined) return [];
  const folder = privateFolder();
  if (folder === undefined) return [];
  const hosts = new Map<string, { host: unknown; free: string[] }>();
  try {
    const [, ...lines] = readFileSync(fileOf(folder, engine), "utf8").split("\n").filter(Boolean);
    for (const line of lines) {
      const [host, free] = JSON.parse(line) as [unknown, string | null];
      const key = hostText(host);
      const known = hosts.get(key) ?? { host, free: [] };
      if (free !== null) known.free.push(free);
      hosts.set(key, known);
    }
  } catch {
    // no program has written one: refresh and destroy run none
  }
  return [...hosts.values()];
}

/** Removes the file, and the folder with the last one. */
export function removePrefetchHints(engine: string | undefined): void {
  if (engine === undefined) return;
  rmSync(fileOf(folderPath(), engine), { force: true });
  removeFolder();
}

/** Removes what this process has written, when it ends: one that runs many stacks has a file for each. */
function removeOwnFiles(): void {
  removeFiles(folderPath(), (writer) => writer === process.pid);
  removeFolder();
}

/** Removes the files of some of the programs that have written here. */
function removeFiles(folder: string, isMeant: (writer: number) => boolean): void {
  try {
    for (const name of readdirSync(folder)) {
      const file = join(folder, name);
      const [writer = ""] = readFileSync(file, "utf8").split("\n");
      // an empty one is just being written
      if (writer !== "" && isMeant(Number(writer))) rmSync(file, { force: true });
    }
  } catch {
    // another run removes them, or has just removed the folder, or there never was one
  }
}

function removeFolder(): void {
  try {
    rmdirSync(folderPath());
  } catch {
    // another run has its file there, or there never was a folder
  }
}

function isRunning(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function folderPath(): string {
  return join(tmpdir(), `pulumi-macvlan-${userInfo().uid}`);
}

/** The folder, provided that it is nobody else's to write to. */
function privateFolder(): string | undefined {
  const folder = folderPath();
  try {
    mkdirSync(folder, { mode: 0o700, recursive: true });
    const { uid, mode } = lstatSync(folder);
    const { uid: own } = userInfo();
    const isPrivate = own === -1 || (uid === own && (mode & 0o077) === 0);
    return isPrivate && lstatSync(folder).isDirectory() ? folder : undefined;
  } catch {
    return undefined; // a full or read-only /tmp: hosts are then looked at when they are asked for
  }
}

function fileOf(folder: string, engine: string): string {
  return join(folder, createHash("sha256").update(engine).digest("hex").slice(0, 24));
}
