import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { ServerHostKeyAlgorithm } from "ssh2";
import { DEFAULT_PORT } from "../address";
import type { ResolvedHost } from "../config/resolve";
import { type KnownHost, judge, knownHostLine, knownHostName, lookup, parseKnownHosts } from "./known-hosts";
import { fingerprint, keyType, parsePublicKey, publicKeyLine } from "../auth/public-key";
import { SshError } from "../error";

/** Why a host key was refused, and what to do about it. */
export interface Refusal {
  readonly what: string;
  readonly remedy: string;
}

/** Decides about the keys that one host presents. */
export interface HostKeyCheck {
  /** The algorithms to offer, those of the keys that are known first: else a server with several keys looks changed. */
  readonly algorithms: () => ServerHostKeyAlgorithm[];
  /** Whether the key is the host's. Called again when keys are exchanged anew on the same connection. */
  readonly verify: (blob: Buffer) => boolean;
  /** Set after `verify` said no. */
  readonly refusal: () => Refusal | undefined;
  /** Fingerprint of the accepted key. */
  readonly accepted: () => string;
  /** Whether the server may still hold the key that a pinned fingerprint means, of a type not yet asked for. */
  readonly mayHaveAnother: () => boolean;
}

// The defaults of ssh2, in its order.
const ALGORITHMS: readonly ServerHostKeyAlgorithm[] = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
  "ssh-rsa",
];

const files = new Map<string, { readonly stamp: string; readonly entries: readonly KnownHost[] }>();
const warned = new Set<string>();

/**
 * The check of a host's key: `hostKey` of its address alone if there is one, else the known_hosts files under the
 * policy of `hostKeyChecking`.
 *
 * @throws SshError of kind `configuration` when a known_hosts file is there but cannot be read
 */
export function checkHostKey(host: ResolvedHost): HostKeyCheck {
  const pin = host.address.hostKey;
  const entries = pin === undefined && host.hostKeyChecking !== "off" ? readEntries(host) : [];
  const pinnedType = pin === undefined ? undefined : parsePublicKey(pin)?.type;
  const knownTypes = new Set(
    pinnedType === undefined
      ? lookup(entries, host.knownAs.host, host.knownAs.port)
          .filter((entry) => !entry.revoked)
          .map((entry) => entry.type)
      : [pinnedType],
  );
  const seen = new Set<string>();
  let accepted: Buffer | undefined;
  let refusal: Refusal | undefined;

  const algorithms = (): ServerHostKeyAlgorithm[] => {
    const left = ALGORITHMS.filter((algorithm) => !seen.has(typeOf(algorithm)));
    const known = left.filter((algorithm) => knownTypes.has(typeOf(algorithm)));
    return [...known, ...left.filter((algorithm) => !known.includes(algorithm))];
  };
  return {
    algorithms,
    verify: (blob) => {
      if (accepted?.equals(blob)) return true;
      refusal = pin === undefined ? refuseByFiles(host, entries, blob) : refuseByPin(pin, blob);
      if (refusal === undefined) accepted = Buffer.from(blob);
      else seen.add(keyType(blob));
      return refusal === undefined;
    },
    refusal: () => refusal,
    accepted: () => (accepted === undefined ? "" : fingerprint(accepted)),
    mayHaveAnother: () => pin !== undefined && pinnedType === undefined && algorithms().length > 0,
  };
}

/** The type of key that a signature algorithm uses: three of them use the one of RSA (RFC 8332). */
function typeOf(algorithm: ServerHostKeyAlgorithm): string {
  return algorithm.startsWith("rsa-sha2-") ? "ssh-rsa" : algorithm;
}

function refuseByPin(pin: string, blob: Buffer): Refusal | undefined {
  const pinned = parsePublicKey(pin);
  const expected = pinned ? fingerprint(pinned.blob) : pin;
  const found = fingerprint(blob);
  if (pinned ? pinned.blob.equals(blob) : expected === found) return undefined;
  return {
    what: `its host key is not the one that hostKey names: found ${keyType(blob)} ${found}, expected ${expected}`,
    remedy: `Somebody may be in between. If the host has a new key, set hostKey to "${publicKeyLine(blob)}"`,
  };
}

function refuseByFiles(host: ResolvedHost, entries: readonly KnownHost[], blob: Buffer): Refusal | undefined {
  const found = `${keyType(blob)} ${fingerprint(blob)}`;
  if (host.hostKeyChecking === "off") {
    warnOnce(
      host.label,
      `warning: ${host.label}: host key ${found} is not verified, as hostKeyChecking is off`,
    );
    return undefined;
  }
  const { host: name, port } = host.knownAs;
  const verdict = judge(entries, name, port, blob);
  switch (verdict.kind) {
    case "match":
      return undefined;
    case "revoked":
      return {
        what: `its host key ${found} is marked @revoked at ${verdict.where}`,
        remedy: "Do not trust this host until its key has been replaced",
      };
    case "changed": {
      const expected = verdict.expected
        .map((key) => `${key.type} ${key.fingerprint} (${key.where})`)
        .join(", ");
      const first = verdict.expected[0]?.where.replace(/:\d+$/, "") ?? "";
      const forget = `ssh-keygen -R '${knownHostName(name, port)}' -f ${first}`;
      return {
        what: `its host key has changed: found ${found}, expected ${expected}`,
        remedy: `Somebody may be in between. If the host has a new key, forget the old one: ${forget} and then ${howToTrust(host, blob)}`,
      };
    }
    case "unknown":
      if (host.hostKeyChecking === "accept-new") {
        remember(host, blob);
        return undefined;
      }
      return {
        what: `its host key is not known: ${found} is not in ${allFiles(host).join(", ") || "any known_hosts file"}`,
        remedy: `Compare it with "ssh-keygen -lf" of the key on the host itself, then ${howToTrust(host, blob)}`,
      };
  }
}

function howToTrust(host: ResolvedHost, blob: Buffer): string {
  const pin = `set hostKey: "${publicKeyLine(blob)}" on the host`;
  const file = host.userKnownHostsFiles[0];
  if (file === undefined) return pin;
  const port = host.port === DEFAULT_PORT ? "" : `-p ${host.port} `;
  const add = host.jump
    ? `log in once by hand with ssh ${port}-J ${host.jump.label} ${host.user}@${host.hostname}`
    : `run ssh-keyscan ${port}${host.hostname} >> ${file}`;
  return `${add} or ${pin}`;
}

function allFiles(host: ResolvedHost): string[] {
  return [...host.userKnownHostsFiles, ...host.globalKnownHostsFiles];
}

function readEntries(host: ResolvedHost): KnownHost[] {
  return allFiles(host).flatMap((file) => {
    try {
      return readFile(file);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const message = `cannot connect to ${host.label}: the known_hosts file ${file} cannot be read: ${reason}`;
      throw new SshError("configuration", host.label, message, { cause: error });
    }
  });
}

/** A file's entries; read again only when the file has changed, as every host of a fleet asks for them. */
function readFile(file: string): readonly KnownHost[] {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return [];
  const stamp = `${stat.mtimeMs} ${stat.size} ${stat.ino}`;
  const cached = files.get(file);
  if (cached?.stamp === stamp) return cached.entries;
  const entries = parseKnownHosts(readFileSync(file, "utf8"), file);
  files.set(file, { stamp, entries });
  return entries;
}

/** Appends a new host to the user's first file. As with ssh, that this fails does not keep it from connecting. */
function remember(host: ResolvedHost, blob: Buffer): void {
  const file = host.userKnownHostsFiles[0];
  if (file === undefined) return;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const needsBreak = existsSync(file) && !/(^|\n)$/.test(readFileSync(file, "utf8"));
    const line = knownHostLine(host.knownAs.host, host.knownAs.port, blob, host.hashKnownHosts);
    appendFileSync(file, (needsBreak ? "\n" : "") + line, { mode: 0o600 });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    warnOnce(
      `${host.label} ${file}`,
      `warning: ${host.label}: its host key cannot be added to ${file}: ${reason}`,
    );
  }
}

function warnOnce(about: string, message: string): void {
  if (warned.has(about)) return;
  warned.add(about);
  console.warn(message);
}
