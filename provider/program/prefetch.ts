/**
 * Prefetch hints: how the provider's process learns the hosts of a run early. The engine sends one resource at a time,
 * and reading fifty hosts one after the other would take fifty handshakes in a row. The hints also name the resources
 * that depend on no other, so that those of a host can be one change, and the links of all, as one resource may give up
 * a link that another gets.
 *
 * The program's process writes them, after its own process ID, to a private file named after the engine's address,
 * which both processes know. The provider's process removes it, or the next program if both were killed. Without that
 * file everything works the same, only one after the other. No secret is in it: credentials are no properties of a
 * host.
 */
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readFileSync, readdirSync, rmSync, rmdirSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { holdsCredential } from "../model/credential";
import type { LinkId } from "../model/host";
import { hostText } from "../ssh/host-text";
import { plainHost } from "./plain";

/**
 * Secrets that are sometimes given as a host key or user name: check refuses them, but only after the program has
 * written the hint.
 */
const MISPLACED = /PRIVATE KEY|"user":"[^"]*:/;

/** A host of a program. */
export interface PrefetchHint {
  /** As given by the program. */
  readonly host: unknown;
  /** Its resources that depend on no other one: `MacvlanInterface "web"`. */
  readonly free: readonly string[];
  /** The links of its resources, as far as the program says them in plain text. */
  readonly links: readonly LinkId[];
  /** What a rollout has to know; absent without one. */
  readonly rollout?: HintOfRollout;
}

/** What is known of a resource when the program makes it. */
export interface ResourceHint {
  /** The resource, if it depends on no other one. */
  readonly free?: string | undefined;
  readonly links?: readonly LinkId[];
  /** The resource and what it waits for, if the run is a rollout. */
  readonly rollout?: HintOfRollout | undefined;
}

/** All resources of a host, and the hosts that these wait for, by their identities. */
export interface HintOfRollout {
  readonly resources: readonly string[];
  readonly needs: readonly string[];
}

/**
 * Writes the hint for a resource's host.
 *
 * @param engine the engine's address, `127.0.0.1:34567`
 * @param hinted the hosts that this run has written already
 */
export function writePrefetchHint(
  engine: string | undefined,
  host: unknown,
  hinted: Set<string>,
  { free, links = [], rollout }: ResourceHint = {},
): void {
  const plain = plainHost(host);
  if (engine === undefined || plain === undefined || holdsCredential(host) || MISPLACED.test(plain)) return;
  const saysMore = free !== undefined || links.length > 0 || rollout !== undefined;
  if (hinted.has(plain) && !saysMore) return;
  const folder = privateFolder();
  if (folder === undefined) return;
  if (!process.listeners("exit").includes(removeOwnFiles)) process.once("exit", removeOwnFiles);
  // the first hint of a run replaces what a killed engine at this address has left
  const isFirst = hinted.size === 0;
  if (isFirst) removeFiles(folder, (writer) => !isRunning(writer));
  hinted.add(plain);
  const text = `${isFirst ? `${process.pid}\n` : ""}${JSON.stringify([host, free, rollout, links])}\n`;
  try {
    writeFileSync(fileOf(folder, engine), text, { mode: 0o600, flag: isFirst ? "w" : "a" });
  } catch {
    // a full /tmp: the host is then looked at when it is asked for
  }
}

/** The hosts that were written so far. */
export function readPrefetchHints(engine: string | undefined): PrefetchHint[] {
  if (engine === undefined) return [];
  const folder = privateFolder();
  if (folder === undefined) return [];
  type Known = { host: unknown; free: string[]; links: LinkId[]; rollout?: HintOfRollout };
  const hosts = new Map<string, Known>();
  try {
    const [, ...lines] = readFileSync(fileOf(folder, engine), "utf8").split("\n").filter(Boolean);
    for (const line of lines) {
      const [host, free, rollout, links = []] = JSON.parse(line) as [
        unknown,
        string | null,
        (HintOfRollout | null)?,
        LinkId[]?,
      ];
      const key = hostText(host);
      const known = hosts.get(key) ?? { host, free: [], links: [] };
      if (free !== null) known.free.push(free);
      known.links.push(...links);
      if (rollout) {
        const { resources = [], needs = [] } = known.rollout ?? {};
        known.rollout = {
          resources: [...resources, ...rollout.resources],
          needs: [...needs, ...rollout.needs],
        };
      }
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

/** Removes the files of this process when it ends. A process that runs many stacks has a file for each. */
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
      // an empty file is just being written
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

/** The folder, if no other user can write to it. */
function privateFolder(): string | undefined {
  const folder = folderPath();
  try {
    mkdirSync(folder, { mode: 0o700, recursive: true });
    const { uid, mode } = lstatSync(folder);
    const { uid: own } = userInfo();
    const isPrivate = own === -1 || (uid === own && (mode & 0o077) === 0);
    return isPrivate && lstatSync(folder).isDirectory() ? folder : undefined;
  } catch {
    return undefined; // a full or read-only /tmp: hosts are then read on demand
  }
}

/** The file of an engine; undefined if there is no folder for it that only this user can write to. */
export function hintFile(engine: string): string | undefined {
  const folder = privateFolder();
  return folder && fileOf(folder, engine);
}

function fileOf(folder: string, engine: string): string {
  return join(folder, createHash("sha256").update(engine).digest("hex").slice(0, 24));
}
