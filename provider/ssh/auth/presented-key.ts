import { createPrivateKey, sign } from "node:crypto";
import type { ParsedKey } from "ssh2";
import { certificateAlgorithm, plainAlgorithm } from "../config/algorithms";
import { keptPer } from "../../model/lists";
import { parseCertificate } from "./certificate";

/**
 * A key as it is presented to a server: with its signature algorithm, and perhaps with a certificate instead of the
 * public key. ssh2 uses its `type` as the name of the algorithm.
 */
export interface PresentedKey extends ParsedKey {
  /** The algorithm of the signature itself, which has no certificate. */
  readonly signatureType: string;
  /** The hash to sign with; undefined: the key's own. */
  readonly hash: string | undefined;
}

/** All servers that accept RSA keys without SHA-1 accept the first (dropbear has no other). */
const RSA = ["rsa-sha2-256", "rsa-sha2-512", "ssh-rsa"];

const HASHES: ReadonlyMap<string, string> = new Map([
  ["rsa-sha2-256", "sha256"],
  ["rsa-sha2-512", "sha512"],
  ["ssh-rsa", "sha1"],
]);

/**
 * A key with the algorithm that the configuration allows for it; undefined if it allows none. If a certificate of this
 * key is given in binary form, it is presented.
 */
export function presentedKey(
  key: ParsedKey,
  allowed: readonly string[],
  certificate?: Buffer,
): PresentedKey | undefined {
  const name = (algorithm: string): string =>
    certificate === undefined ? algorithm : certificateAlgorithm(algorithm);
  const algorithm = (key.type === "ssh-rsa" ? RSA : [key.type]).find((one) => allowed.includes(name(one)));
  if (algorithm === undefined) return undefined;
  const hash = HASHES.get(algorithm);
  return Object.create(key, {
    type: { value: name(algorithm), enumerable: true },
    signatureType: { value: algorithm },
    hash: { value: hash },
    sign: { value: (data: Buffer) => signWith(key, data, hash) },
    ...(certificate !== undefined && { getPublicSSH: { value: () => certificate } }),
  }) as PresentedKey;
}

/** ssh2 reads a key anew for each signature. With the usual type of key, this takes ten times as long as to sign. */
function signWith(key: ParsedKey, data: Buffer, hash: string | undefined): Buffer {
  return key.type === "ssh-ed25519" && key.isPrivateKey()
    ? sign(null, data, privateKeyOf(key))
    : key.sign(data, hash);
}

const privateKeyOf = keptPer((key: ParsedKey) => createPrivateKey(key.getPrivatePEM()));

/** Reads the certificate of a `-cert.pub` line; undefined for anything else. */
export function certificateOf(line: string): { readonly key: Buffer; readonly blob: Buffer } | undefined {
  const [type = "", base64 = ""] = line.trim().split(/[ \t]+/, 2);
  if (plainAlgorithm(type) === type) return undefined;
  const certificate = parseCertificate(Buffer.from(base64, "base64"));
  return certificate?.type === type ? { key: certificate.key, blob: certificate.blob } : undefined;
}
