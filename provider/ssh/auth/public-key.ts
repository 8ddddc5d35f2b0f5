import { createHash } from "node:crypto";

/** An SSH public key: its type as on the wire (`ssh-ed25519`, `ssh-rsa`, …) and its binary form (RFC 4253, 6.6). */
export interface PublicKey {
  readonly type: string;
  readonly blob: Buffer;
}

/**
 * Reads a line of OpenSSH's public key form, `ssh-ed25519 AAAA… comment` (sshd(8), AUTHORIZED_KEYS FILE FORMAT, without
 * options).
 *
 * @returns undefined for anything else, also if the type in front is not the one inside the key.
 */
export function parsePublicKey(line: string): PublicKey | undefined {
  const [type, base64] = line.trim().split(/[ \t]+/);
  if (type === undefined || base64 === undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined;
  const blob = Buffer.from(base64, "base64");
  return keyType(blob) === type ? { type, blob } : undefined;
}

/** The type that a key's binary form contains, or `unknown` if it is not a key. */
export function keyType(blob: Buffer): string {
  if (blob.length < 4) return "unknown";
  const length = blob.readUInt32BE(0);
  const type = length > 0 && length <= 64 ? blob.subarray(4, 4 + length).toString("latin1") : "";
  return /^[a-z0-9@.-]+$/.test(type) && type.length === length ? type : "unknown";
}

/** The fingerprint as OpenSSH prints it since 6.8: `SHA256:` and base64 without padding. */
export function fingerprint(blob: Buffer): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replaceAll("=", "")}`;
}

/** The OpenSSH public key line of a key, without a comment. */
export function publicKeyLine(blob: Buffer): string {
  return `${keyType(blob)} ${blob.toString("base64")}`;
}
