import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { reasonOf } from "../../model/error";
import { DEFAULT_PORT } from "../address";
import type { ClientState } from "../client-state";
import type { ResolvedHost } from "../config/resolve";
import { isCertificateAlgorithm } from "../config/algorithms";
import {
  type KnownHost,
  type KnownHostsCache,
  judge,
  knownHostLine,
  knownHostName,
  lookup,
  parseKnownHosts,
  revokedAt,
} from "./known-hosts";
import { type Certificate, hostCertificateProblem, parseCertificate, rsaBits } from "../auth/certificate";
import { fingerprint, keyType, parsePublicKey, publicKeyLine } from "../auth/public-key";
import { SshError } from "../error";

/** Why a host key was refused, and what to do about it. */
export interface Refusal {
  readonly what: string;
  readonly remedy: string;
}

/** Checks the keys that a host presents. */
export interface HostKeyCheck {
  /** The algorithms to offer, those of known keys first. Otherwise a server with several keys would look changed. */
  readonly algorithms: () => string[];
  /** Whether the key is the host's. Called again at each rekeying of the connection. */
  readonly verify: (blob: Buffer) => boolean;
  /** Set after `verify` returned false. */
  readonly refusal: () => Refusal | undefined;
  /** Fingerprint of the accepted key, or of the certified one. */
  readonly accepted: () => string;
  /** Why the host gets no password, although its key was accepted: checking is off and the key is not the known one. */
  readonly distrust: () => string | undefined;
  /** Whether the server may still have the key with the pinned fingerprint, of a type that was not requested yet. */
  readonly mayHaveAnother: () => boolean;
  /** Receives further keys that the server has proved to hold, which may be added to the known ones. */
  readonly learn: (blobs: readonly Buffer[]) => void;
}

type Verdict = { readonly refused: Refusal } | { readonly distrust?: string; readonly known?: boolean };

/** What a check needs of its client. */
type Client = Pick<ClientState, "knownHosts" | "warn">;

/**
 * The check of a host's key: `hostKey` of its address alone if there is one, else the known_hosts files under the
 * policy of `hostKeyChecking`. A revoked key is refused in any case.
 *
 * @throws SshError of kind `configuration` if an existing file of keys cannot be read
 */
export function checkHostKey(host: ResolvedHost, client: Client): HostKeyCheck {
  const pin = host.address.hostKey;
  const pinnedType = pin === undefined ? undefined : parsePublicKey(pin)?.type;
  const found = lookup(readEntries(host, client), host.knownAs.host, host.knownAs.port);
  const revoked = readRevoked(host);
  const plain = found.filter(({ marker }) => marker === undefined);
  const knownTypes = new Set(pinnedType === undefined ? plain.map(({ type }) => type) : [pinnedType]);
  const certifies =
    pin === undefined &&
    host.hostKeyChecking !== "off" &&
    found.some(({ marker }) => marker === "@cert-authority");
  const seen = new Set<string>();
  let accepted: Buffer | undefined;
  let refusal: Refusal | undefined;
  let distrust: string | undefined;
  let known = false;

  const algorithms = (): string[] => {
    const left = host.algorithms.hostKey.filter((algorithm) =>
      isCertificateAlgorithm(algorithm) ? certifies : !seen.has(typeOf(algorithm)),
    );
    // Certificates come first, as in ssh.
    const first = left.filter(
      (algorithm) => isCertificateAlgorithm(algorithm) || knownTypes.has(typeOf(algorithm)),
    );
    return [...first, ...left.filter((algorithm) => !first.includes(algorithm))];
  };
  const decide = (blob: Buffer): Verdict => {
    const certificate = parseCertificate(blob);
    const key = certificate?.key ?? blob;
    const refused =
      refuseWeak(host, key) ??
      refuseRevoked(found, revoked, key) ??
      (certificate && refuseRevoked(found, revoked, certificate.authority));
    if (refused !== undefined) return { refused };
    if (certificate !== undefined) return judgeCertificate(host, found, certificate, client);
    if (pin === undefined) return judgeByFiles(host, found, blob, client);
    const other = refuseByPin(pin, blob);
    return other === undefined ? {} : { refused: other };
  };
  return {
    algorithms,
    verify: (blob) => {
      if (accepted?.equals(blob)) return true;
      const verdict = decide(blob);
      if ("refused" in verdict) {
        refusal = verdict.refused;
        seen.add(keyType(blob));
        return false;
      }
      refusal = undefined;
      ({ distrust, known = false } = verdict);
      accepted = Buffer.from(blob);
      return true;
    },
    refusal: () => refusal,
    accepted: () => (accepted === undefined ? "" : fingerprint(parseCertificate(accepted)?.key ?? accepted)),
    distrust: () => distrust,
    mayHaveAnother: () => pin !== undefined && pinnedType === undefined && algorithms().length > 0,
    learn: (blobs) => {
      if (!host.updateHostKeys || !known) return;
      for (const blob of blobs) {
        const isNew = !found.some((entry) => entry.blob.equals(blob));
        if (isNew && refuseWeak(host, blob) === undefined && !revoked.some((one) => one.equals(blob)))
          remember(host, blob, client);
      }
    },
  };
}

/** The type of key that a signature algorithm uses: three algorithms use RSA keys (RFC 8332). */
function typeOf(algorithm: string): string {
  return algorithm.startsWith("rsa-sha2-") ? "ssh-rsa" : algorithm;
}

function refuseWeak(host: ResolvedHost, blob: Buffer): Refusal | undefined {
  const bits = rsaBits(blob);
  if (bits === undefined || bits >= host.requiredRsaBits) return undefined;
  return {
    what: `its RSA host key has ${bits} bits, and ${host.requiredRsaBits} are required (RequiredRSASize)`,
    remedy: "Give the host a longer key, or one of another type: ssh-keygen -A",
  };
}

function refuseRevoked(
  found: readonly KnownHost[],
  revoked: readonly Buffer[],
  blob: Buffer,
): Refusal | undefined {
  const name = `${keyType(blob)} ${fingerprint(blob)}`;
  const remedy = "Do not trust this host until its key has been replaced";
  const where = revokedAt(found, blob);
  if (where !== undefined) return { what: `its host key ${name} is marked @revoked at ${where}`, remedy };
  if (!revoked.some((one) => one.equals(blob))) return undefined;
  return { what: `its host key ${name} is in the file of RevokedHostKeys`, remedy };
}

/** As in ssh, a certificate of a trusted authority must be valid; of any other one, only its key counts. */
function judgeCertificate(
  host: ResolvedHost,
  found: readonly KnownHost[],
  certificate: Certificate,
  client: Client,
): Verdict {
  const authority = found.find(
    ({ marker, blob }) => marker === "@cert-authority" && blob.equals(certificate.authority),
  );
  if (authority === undefined) return judgeByFiles(host, found, certificate.key, client);
  const problem = hostCertificateProblem(
    certificate,
    host.knownAs.name,
    Date.now() / 1000,
    host.algorithms.caSignature,
  );
  if (problem === undefined) return {};
  return {
    refused: {
      what: `its certificate ${JSON.stringify(certificate.keyId.slice(0, 100))} of the authority at ${authority.where} ${problem}`,
      remedy: "Sign the host's key again with the authority: ssh-keygen -s CA -h -I ID -n NAMES KEY.pub",
    },
  };
}

function refuseByPin(pin: string, blob: Buffer): Refusal | undefined {
  const pinned = parsePublicKey(pin);
  const expected = pinned ? fingerprint(pinned.blob) : pin;
  const found = fingerprint(blob);
  if (pinned ? pinned.blob.equals(blob) : expected === found) return undefined;
  return {
    what: `its host key is not the one that hostKey names: found ${keyType(blob)} ${found}, expected ${expected}`,
    remedy: `This may be a man-in-the-middle attack. If the host has a new key, set hostKey to "${publicKeyLine(blob)}"`,
  };
}

function judgeByFiles(
  host: ResolvedHost,
  entries: readonly KnownHost[],
  blob: Buffer,
  client: Client,
): Verdict {
  const found = `${keyType(blob)} ${fingerprint(blob)}`;
  const { host: name, port } = host.knownAs;
  const verdict = judge(entries, name, port, blob);
  if (verdict.kind === "match") return { known: true };
  if (host.hostKeyChecking === "off" && verdict.kind !== "revoked") {
    client.warn(
      `warning: ${host.label}: host key ${found} is not verified, as hostKeyChecking is off`,
      host.label,
    );
    if (verdict.kind === "unknown") return {};
    return {
      distrust: `no password is sent, as its host key has changed (${verdict.expected[0]?.where ?? ""})`,
    };
  }
  switch (verdict.kind) {
    case "revoked":
      return {
        refused: {
          what: `its host key ${found} is marked @revoked at ${verdict.where}`,
          remedy: "Do not trust this host until its key has been replaced",
        },
      };
    case "changed": {
      const expected = verdict.expected
        .map((key) => `${key.type} ${key.fingerprint} (${key.where})`)
        .join(", ");
      const first = verdict.expected[0]?.where.replace(/:\d+$/, "") ?? "";
      const forget = `ssh-keygen -R '${knownHostName(name, port)}' -f ${first}`;
      return {
        refused: {
          what: `its host key has changed: found ${found}, expected ${expected}`,
          remedy: `This may be a man-in-the-middle attack. If the host has a new key, forget the old one: ${forget} and then ${howToTrust(host, blob)}`,
        },
      };
    }
    case "unknown":
      if (host.hostKeyChecking === "accept-new") {
        remember(host, blob, client);
        return { known: true };
      }
      return {
        refused: {
          what: `its host key is not known: ${found} is not in ${allFiles(host).join(", ") || "any known_hosts file"}`,
          remedy: `Compare it with "ssh-keygen -lf" of the key on the host itself, then ${howToTrust(host, blob)}`,
        },
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

function readEntries(host: ResolvedHost, { knownHosts }: Client): KnownHost[] {
  return allFiles(host).flatMap((file) => {
    try {
      return readFile(file, knownHosts);
    } catch (error) {
      const reason = reasonOf(error);
      const message = `cannot connect to ${host.label}: the known_hosts file ${file} cannot be read: ${reason}`;
      throw new SshError("configuration", host.label, message, { cause: error });
    }
  });
}

/** The keys of `RevokedHostKeys`. As in ssh, no key is accepted if that file cannot be read. */
function readRevoked(host: ResolvedHost): Buffer[] {
  const file = host.revokedHostKeysFile;
  if (file === undefined) return [];
  const fail = (reason: string, cause?: unknown): SshError => {
    const message = `cannot connect to ${host.label}: the file ${file} of RevokedHostKeys ${reason}`;
    return new SshError("configuration", host.label, message, { cause });
  };
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw fail(`cannot be read, so no host key is accepted: ${reasonOf(error)}`, error);
  }
  if (text.startsWith("SSHKRL\n\0")) {
    throw fail("is a binary KRL, which is not supported; list the keys as text, one public key per line");
  }
  return text.split("\n").flatMap((line, at) => {
    if (/^[ \t\r]*(#|$)/.test(line)) return [];
    const key = parsePublicKey(line);
    // A skipped line could be the one that matters.
    if (key === undefined) throw fail(`has no public key in line ${at + 1}`);
    return [key.blob];
  });
}

function readFile(file: string, cache: KnownHostsCache): readonly KnownHost[] {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return [];
  const stamp = `${stat.mtimeMs} ${stat.size} ${stat.ino}`;
  const cached = cache.get(file);
  if (cached?.stamp === stamp) return cached.entries;
  const entries = parseKnownHosts(readFileSync(file, "utf8"), file);
  cache.set(file, { stamp, entries });
  return entries;
}

/** Appends a new host to the user's first file. As in ssh, a failure here does not prevent the connection. */
function remember(host: ResolvedHost, blob: Buffer, { warn }: Client): void {
  const file = host.userKnownHostsFiles[0];
  if (file === undefined) return;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const needsBreak = existsSync(file) && !/(^|\n)$/.test(readFileSync(file, "utf8"));
    const line = knownHostLine(host.knownAs.host, host.knownAs.port, blob, host.hashKnownHosts);
    appendFileSync(file, (needsBreak ? "\n" : "") + line, { mode: 0o600 });
  } catch (error) {
    const reason = reasonOf(error);
    warn(
      `warning: ${host.label}: its host key cannot be added to ${file}: ${reason}`,
      `${host.label} ${file}`,
    );
  }
}
