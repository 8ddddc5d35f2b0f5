import { createHmac, randomBytes } from "node:crypto";
import { DEFAULT_PORT } from "../address";
import { matchesPatterns } from "../config/patterns";
import { fingerprint, parsePublicKey, publicKeyLine } from "../auth/public-key";

/** One line of a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). */
export interface KnownHost {
  /** `@revoked`: the key must never be accepted. `@cert-authority`: it signs the keys of hosts. */
  readonly marker?: "@revoked" | "@cert-authority";
  readonly hosts: HostNames;
  readonly type: string;
  readonly blob: Buffer;
  /** `file:line`, for messages. */
  readonly where: string;
}

type HostNames = { readonly patterns: readonly string[] } | { readonly salt: Buffer; readonly hash: Buffer };

/** What the known_hosts files say about a key that a server presented. */
export type Verdict =
  | { readonly kind: "match"; readonly where: string }
  | { readonly kind: "unknown" }
  | { readonly kind: "changed"; readonly expected: readonly ExpectedKey[] }
  | { readonly kind: "revoked"; readonly where: string };

/** A key that is known for the host. */
export interface ExpectedKey {
  readonly type: string;
  readonly fingerprint: string;
  readonly where: string;
}

/** Entries of files by path, cached because every host of a fleet needs them, and read again if a file has changed. */
export type KnownHostsCache = Map<string, { readonly stamp: string; readonly entries: readonly KnownHost[] }>;

/** Reads known_hosts text. Other lines are skipped, as in OpenSSH. Takes linear time. */
export function parseKnownHosts(text: string, file: string): KnownHost[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    const entry = parseLine(line.trim(), `${file}:${index + 1}`);
    return entry === undefined ? [] : [entry];
  });
}

function parseLine(line: string, where: string): KnownHost | undefined {
  if (line === "" || line.startsWith("#")) return undefined;
  const [first = "", ...more] = line.split(/[ \t]+/, 5);
  const [names, ...keyWords] = first.startsWith("@") ? more : [first, ...more];
  if (names === undefined) return undefined;
  const marker = first === "@revoked" || first === "@cert-authority" ? first : undefined;
  if (first.startsWith("@") && marker === undefined) return undefined;
  const key = parsePublicKey(keyWords.join(" "));
  const hosts = parseNames(names);
  if (key === undefined || hosts === undefined) return undefined;
  return { ...(marker !== undefined && { marker }), hosts, type: key.type, blob: key.blob, where };
}

function parseNames(names: string): HostNames | undefined {
  if (!names.startsWith("|")) return { patterns: names.toLowerCase().split(",") };
  const [, salt, hash] = /^\|1\|([A-Za-z0-9+/=]+)\|([A-Za-z0-9+/=]+)$/.exec(names) ?? [];
  if (salt === undefined || hash === undefined) return undefined;
  return { salt: Buffer.from(salt, "base64"), hash: Buffer.from(hash, "base64") };
}

/** The name of a host in a known_hosts file: `[name]:port` unless the port is 22. A `HostKeyAlias` has no port. */
export function knownHostName(host: string, port: number): string {
  const name = host.toLowerCase();
  return port === DEFAULT_PORT ? name : `[${name}]:${port}`;
}

/**
 * The entries for a host, the ones with its port first. As in ssh(1), entries without a port also stand for another
 * port, but only to accept a key: see {@link judge}.
 */
export function lookup(entries: readonly KnownHost[], host: string, port: number): KnownHost[] {
  const own = entries.filter((entry) => covers(entry.hosts, knownHostName(host, port)));
  if (port === DEFAULT_PORT) return own;
  const plain = entries.filter((entry) => covers(entry.hosts, knownHostName(host, DEFAULT_PORT)));
  return [...new Set([...own, ...plain])];
}

/**
 * What the entries say about the key that `host` presented. Stricter than ssh(1) in one point: if a host is only known
 * by keys of other types, the key counts as changed rather than new, so that `accept-new` does not accept it.
 */
export function judge(entries: readonly KnownHost[], host: string, port: number, blob: Buffer): Verdict {
  const found = lookup(entries, host, port);
  const revoked = revokedAt(found, blob);
  if (revoked !== undefined) return { kind: "revoked", where: revoked };
  const plain = found.filter(({ marker }) => marker === undefined);
  const match = plain.find((entry) => entry.blob.equals(blob));
  if (match) return { kind: "match", where: match.where };
  const expected = plain.filter((entry) => covers(entry.hosts, knownHostName(host, port)));
  if (expected.length === 0) return { kind: "unknown" };
  return {
    kind: "changed",
    expected: expected.map(({ type, blob: known, where }) => ({
      type,
      fingerprint: fingerprint(known),
      where,
    })),
  };
}

/** The entry of a host that revokes a key. */
export function revokedAt(found: readonly KnownHost[], blob: Buffer): string | undefined {
  return found.find(({ marker, blob: known }) => marker === "@revoked" && known.equals(blob))?.where;
}

/** The line to append for a host; hashed as with `HashKnownHosts yes`, with a new salt. */
export function knownHostLine(host: string, port: number, blob: Buffer, hashed: boolean): string {
  const name = knownHostName(host, port);
  if (!hashed) return `${name} ${publicKeyLine(blob)}\n`;
  const salt = randomBytes(20);
  return `|1|${salt.toString("base64")}|${hashName(name, salt).toString("base64")} ${publicKeyLine(blob)}\n`;
}

function covers(hosts: HostNames, name: string): boolean {
  if ("patterns" in hosts) return matchesPatterns(hosts.patterns, name);
  return hashName(name, hosts.salt).equals(hosts.hash);
}

// hostfile.c, host_hash(): HMAC-SHA1 of the name, keyed with the salt.
function hashName(name: string, salt: Buffer): Buffer {
  return createHmac("sha1", salt).update(name).digest();
}
