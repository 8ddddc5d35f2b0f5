/**
 * The hosts of a stack's last run on this machine. The engine asks for one resource after the other, and there is no
 * program of ours that names the hosts before: so the hosts of the last phase are read at the same time when the next one
 * begins. It is a hint: without it, hosts are read when they are asked for, and a host that is no longer in the stack costs
 * one connection. No secret is in it.
 */
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import { type HostAddress, hostSchema } from "../ssh/address";
import { hostText } from "../ssh/host-text";

export interface RememberedHosts {
  /** Those of the last phase. */
  readonly last: readonly HostAddress[];
  /** Notes a host of this phase. */
  note: (host: HostAddress) => void;
  /** Writes the hosts of this phase down for the next one, if there are any. */
  save(): void;
}

/** The folder for all stacks: `XDG_CACHE_HOME`, else `~/.cache`. */
export function cacheFolder(env: Readonly<Record<string, string | undefined>>): string {
  const { XDG_CACHE_HOME: cache = "", HOME: home = homedir() } = env;
  return join(cache === "" ? join(home, ".cache") : cache, "pulumi-macvlan", "hosts");
}

/** @param stack what tells the stack from others on this machine */
export function openRememberedHosts(folder: string, stack: readonly string[]): RememberedHosts {
  const name = createHash("sha256").update(JSON.stringify(stack)).digest("hex").slice(0, 24);
  const file = join(folder, name);
  const now = new Map<string, HostAddress>();
  return {
    last: isPrivate(folder) ? read(file) : [],
    note: (host) => void now.set(hostText(host), host),
    save() {
      if (now.size === 0) return;
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        if (isPrivate(folder)) write(file, [...now.values()]);
      } catch {
        // a home that is full or cannot be written to: the next phase reads hosts when it is asked for them
      }
    },
  };
}

/** Whether no other user can have written there. */
function isPrivate(folder: string): boolean {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  const { uid } = userInfo();
  return found?.isDirectory() === true && (uid === -1 || (found.uid === uid && (found.mode & 0o022) === 0));
}

/** Whole or not at all: another run of the stack may read it meanwhile. */
function write(file: string, hosts: readonly HostAddress[]): void {
  const part = `${file}.${process.pid}`;
  try {
    writeFileSync(part, JSON.stringify(hosts), { mode: 0o600 });
    renameSync(part, file);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}

function read(file: string): HostAddress[] {
  try {
    const list: unknown = JSON.parse(readFileSync(file, "utf8"));
    return Array.isArray(list) ? list.flatMap((host) => hostSchema.safeParse(host).data ?? []) : [];
  } catch {
    return []; // the first run of the stack here
  }
}
