/**
 * How the provider's process learns which hosts a run has before it is asked for the first one: the engine asks
 * resource by resource, and fifty hosts looked at one after the other take fifty handshakes in a row.
 *
 * The program's process writes each host that a resource is made for to a private file, named after the engine's
 * address, which both processes know. Without that file everything works the same, only one host after the other.
 * No secret is in it: credentials are no properties of a host.
 */
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readFileSync, rmSync, rmdirSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { holdsCredential } from "./secrets";

/** The engines whose files this process has to remove when it ends; one that runs many stacks has many of them. */
const engines = new Set<string>();

/**
 * Notes a host for the provider's process.
 *
 * @param engine the engine's address, `127.0.0.1:34567`
 * @param noted what the same run of a program has noted already
 */
export function noteHost(engine: string | undefined, host: unknown, noted: Set<string>): void {
  const plain = plainHost(host);
  if (engine === undefined || plain === undefined || noted.has(plain) || holdsCredential(host)) return;
  const folder = privateFolder();
  if (folder === undefined) return;
  if (engines.size === 0) process.once("exit", () => engines.forEach((address) => forgetHosts(address)));
  engines.add(engine);
  // the first one of a run replaces what an engine that was killed at this address has left
  const flag = noted.size === 0 ? "w" : "a";
  noted.add(plain);
  try {
    writeFileSync(fileOf(folder, engine), `${plain}\n`, { mode: 0o600, flag });
  } catch {
    // a full /tmp: the host is then looked at when it is asked for
  }
}

/** The hosts that were noted so far, as the program gave them. */
export function notedHosts(engine: string | undefined): unknown[] {
  if (engine === undefined) return [];
  const folder = privateFolder();
  if (folder === undefined) return [];
  try {
    const lines = readFileSync(fileOf(folder, engine), "utf8").split("\n").filter(Boolean);
    return lines.map((line) => JSON.parse(line) as unknown);
  } catch {
    return []; // no program has written one: refresh and destroy run none
  }
}

/** Removes the file, and the folder with the last one. */
export function forgetHosts(engine: string | undefined): void {
  if (engine === undefined) return;
  const folder = folderPath();
  rmSync(fileOf(folder, engine), { force: true });
  try {
    rmdirSync(folder);
  } catch {
    // another run has its file there, or there never was a folder
  }
}

/** One line of JSON; undefined where the host, or a part of it, is an output that is not known yet. */
export function plainHost(host: unknown): string | undefined {
  const isPlain = (value: unknown): boolean =>
    typeof value === "string" ||
    typeof value === "number" ||
    value === undefined ||
    (typeof value === "object" &&
      value !== null &&
      Object.getPrototypeOf(value) === Object.prototype &&
      Object.values(value).every(isPlain));
  return host !== undefined && isPlain(host) ? JSON.stringify(host) : undefined;
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
