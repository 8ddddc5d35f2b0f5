import { createPublicKey, verify, type KeyObject } from "node:crypto";
import { WireReader, wireString } from "./wire";
import { matchesPattern } from "../config/patterns";
import { isCertificateAlgorithm, plainAlgorithm } from "../config/algorithms";

/** An OpenSSH certificate (OpenSSH's PROTOCOL.certkeys), with its signature not yet verified. */
export interface Certificate {
  /** `ssh-ed25519-cert-v01@openssh.com` */
  readonly type: string;
  readonly blob: Buffer;
  /** The certified key, in its own binary form. */
  readonly key: Buffer;
  readonly role: "user" | "host" | "other";
  readonly keyId: string;
  readonly principals: readonly string[];
  /** Seconds since 1970. */
  readonly validAfter: bigint;
  readonly validBefore: bigint;
  readonly criticalOptions: readonly string[];
  /** The authority's key, in its binary form. */
  readonly authority: Buffer;
  readonly signed: Buffer;
  readonly signature: Buffer;
}

/** The number of key fields between the nonce and the serial number. */
const KEY_FIELDS: ReadonlyMap<string, number> = new Map([
  ["ssh-ed25519", 1],
  ["ecdsa-sha2-nistp256", 2],
  ["ecdsa-sha2-nistp384", 2],
  ["ecdsa-sha2-nistp521", 2],
  ["ssh-rsa", 2],
]);

/** Reads a certificate from its binary form; undefined for anything else. */
export function parseCertificate(blob: Buffer): Certificate | undefined {
  try {
    const reader = new WireReader(blob);
    const type = reader.text();
    const plain = plainAlgorithm(type);
    const fields = KEY_FIELDS.get(plain);
    if (!isCertificateAlgorithm(type) || fields === undefined) return undefined;
    reader.string(); // the nonce
    const from = reader.position;
    for (let field = 0; field < fields; field++) reader.string();
    const key = Buffer.concat([wireString(plain), blob.subarray(from, reader.position)]);
    reader.uint64(); // the serial number
    const role = reader.uint32();
    const keyId = reader.text();
    const principals = texts(reader.string());
    const validAfter = reader.uint64();
    const validBefore = reader.uint64();
    const critical = texts(reader.string());
    reader.string(); // extensions
    reader.string(); // reserved
    const authority = reader.string();
    const signed = blob.subarray(0, reader.position);
    const signature = reader.string();
    if (!reader.done) return undefined;
    return {
      type,
      blob,
      key,
      role: role === 1 ? "user" : role === 2 ? "host" : "other",
      keyId,
      principals,
      validAfter,
      validBefore,
      // names and values alternate
      criticalOptions: critical.filter((_, at) => at % 2 === 0),
      authority,
      signed,
      signature,
    };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/**
 * Why a certificate is not valid for a host (sshkey.c, sshkey_cert_check_host); undefined if it is. The caller must
 * know whether to trust its authority.
 *
 * @param seconds the time, since 1970
 * @param algorithms the signatures that an authority may use
 */
export function hostCertificateProblem(
  certificate: Certificate,
  host: string,
  seconds: number,
  algorithms: readonly string[],
): string | undefined {
  if (certificate.role !== "host") return "is not a host certificate";
  const now = BigInt(Math.floor(seconds));
  if (now < certificate.validAfter) return `is valid only from ${day(certificate.validAfter)} on`;
  if (now >= certificate.validBefore) return `has expired on ${day(certificate.validBefore)}`;
  if (certificate.principals.length === 0) return "is for no host";
  if (!certificate.principals.some((principal) => matchesPattern(principal, host.toLowerCase()))) {
    return `is for ${certificate.principals.slice(0, 10).join(", ")} and not for ${host}`;
  }
  if (certificate.criticalOptions.length > 0) {
    return `has unknown critical options: ${certificate.criticalOptions.slice(0, 10).join(", ")}`;
  }
  return signatureProblem(certificate, algorithms);
}

function signatureProblem(
  { authority, signed, signature }: Certificate,
  algorithms: readonly string[],
): string | undefined {
  try {
    const reader = new WireReader(signature);
    const algorithm = reader.text();
    const bytes = reader.string();
    if (!algorithms.includes(algorithm)) {
      return `is signed with ${algorithm.slice(0, 64)}, which CASignatureAlgorithms does not allow`;
    }
    return isSignature(authority, algorithm, signed, bytes) ? undefined : "has an invalid signature";
  } catch {
    return "has a signature that cannot be read";
  }
}

/**
 * Whether a signature in SSH's form was made by the key.
 *
 * @throws Error if the key or the signature cannot be read
 */
function isSignature(blob: Buffer, algorithm: string, data: Buffer, signature: Buffer): boolean {
  const { type, key } = publicKeyOf(blob);
  switch (algorithm) {
    case "ssh-ed25519":
      return type === algorithm && verify(null, data, key, signature);
    case "rsa-sha2-512":
    case "rsa-sha2-256":
    case "ssh-rsa":
      return type === "ssh-rsa" && verify(RSA_HASHES[algorithm], data, key, signature);
    default: {
      const curve = CURVES.get(algorithm);
      if (curve === undefined || type !== algorithm) return false;
      const reader = new WireReader(signature);
      const numbers = [reader.mpint(), reader.mpint()].map((number) => padded(number, curve.bytes));
      return verify(curve.hash, data, { key, dsaEncoding: "ieee-p1363" }, Buffer.concat(numbers));
    }
  }
}

const RSA_HASHES = { "rsa-sha2-512": "sha512", "rsa-sha2-256": "sha256", "ssh-rsa": "sha1" } as const;

const CURVES: ReadonlyMap<string, { readonly name: string; readonly bytes: number; readonly hash: string }> =
  new Map([
    ["ecdsa-sha2-nistp256", { name: "P-256", bytes: 32, hash: "sha256" }],
    ["ecdsa-sha2-nistp384", { name: "P-384", bytes: 48, hash: "sha384" }],
    ["ecdsa-sha2-nistp521", { name: "P-521", bytes: 66, hash: "sha512" }],
  ]);

function publicKeyOf(blob: Buffer): { type: string; key: KeyObject } {
  const reader = new WireReader(blob);
  const type = reader.text();
  const base64 = (bytes: Buffer): string => bytes.toString("base64url");
  if (type === "ssh-ed25519") {
    const key = createPublicKey({
      key: { kty: "OKP", crv: "Ed25519", x: base64(reader.string()) },
      format: "jwk",
    });
    return { type, key };
  }
  if (type === "ssh-rsa") {
    const [e, n] = [reader.mpint(), reader.mpint()];
    return { type, key: createPublicKey({ key: { kty: "RSA", e: base64(e), n: base64(n) }, format: "jwk" }) };
  }
  const curve = CURVES.get(type);
  reader.string(); // the curve's name again
  const point = reader.string();
  // 4: an uncompressed point (SEC 1, 2.3.3)
  if (curve === undefined || point[0] !== 4 || point.length !== 1 + 2 * curve.bytes) {
    throw new Error("a key of an unknown type");
  }
  const x = base64(point.subarray(1, 1 + curve.bytes));
  const y = base64(point.subarray(1 + curve.bytes));
  return { type, key: createPublicKey({ key: { kty: "EC", crv: curve.name, x, y }, format: "jwk" }) };
}

/** The bits of an RSA key; undefined for another type. */
export function rsaBits(blob: Buffer): number | undefined {
  try {
    const reader = new WireReader(blob);
    if (reader.text() !== "ssh-rsa") return undefined;
    reader.mpint();
    const modulus = reader.mpint();
    return modulus.length === 0 ? 0 : modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function texts(packed: Buffer): string[] {
  const reader = new WireReader(packed);
  const all: string[] = [];
  while (!reader.done) all.push(reader.text());
  return all;
}

function padded(number: Buffer, length: number): Buffer {
  if (number.length > length) throw new RangeError("a number is too long");
  return Buffer.concat([Buffer.alloc(length - number.length), number]);
}

function day(seconds: bigint): string {
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime()) ? "a day far away" : date.toISOString().slice(0, 10);
}
