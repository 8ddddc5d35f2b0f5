import { createPrivateKey } from "node:crypto";
import { statSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import type { ParsedKey } from "ssh2";
import { ssh2 } from "../ssh2";
import { parsePublicKey } from "./public-key";
import type { KeySetting, Secret } from "../settings";
import { reasonOf } from "../../model/error";

/** The result of reading a private key. */
export type LoadedKey =
  | { readonly kind: "key"; readonly key: ParsedKey }
  /** Only the public half is there, or only it can be read: the agent may hold the private one. */
  | { readonly kind: "public"; readonly blob: Buffer; readonly problem: string }
  | { readonly kind: "missing" }
  | { readonly kind: "unusable"; readonly problem: string };

/** Keys that were read for one host, as most hosts of a fleet have the same. */
export interface KeyCache {
  /** By their text: decrypting one takes up to a second of bcrypt in JavaScript (PROTOCOL.key of OpenSSH). */
  readonly texts: Map<string, ParsedKey | Error>;
  /** By their path: a file is read again if it has changed. */
  readonly files: Map<string, { readonly stamp: string; readonly loaded: Promise<LoadedKey> }>;
}

/** Reads a private key from its file or text, with the configured passphrase if it needs one. Never throws. */
export async function loadKey(
  setting: KeySetting,
  passphrase: Secret | undefined,
  cache: KeyCache,
): Promise<LoadedKey> {
  if ("text" in setting) return parse(setting.text(), undefined, passphrase, cache);
  const { path } = setting;
  const stamp = stampOf(path);
  const known = cache.files.get(path);
  if (known !== undefined && known.stamp === stamp) return known.loaded;
  const loaded = loadFile(path, passphrase, cache);
  if (stamp === undefined) return loaded;
  cache.files.set(path, { stamp, loaded });
  const key = await loaded;
  // what is beside the file may be put right as well
  if (key.kind !== "key") cache.files.delete(path);
  return key;
}

/** Changes with the file and its mode; undefined if there is no such file. */
function stampOf(path: string): string | undefined {
  try {
    const { ctimeMs, mtimeMs, size, ino } = statSync(path);
    return [ctimeMs, mtimeMs, size, ino].join(" ");
  } catch {
    return undefined; // reading the file reports why
  }
}

async function loadFile(path: string, passphrase: Secret | undefined, cache: KeyCache): Promise<LoadedKey> {
  const text = await readText(path);
  if (typeof text !== "string") return text;
  const own = parsePublicKey(text)?.blob;
  const blob = own ?? (await publicHalf(path));
  const problem = own === undefined ? await exposure(path) : undefined;
  if (problem !== undefined) return blob ? { kind: "public", blob, problem } : { kind: "unusable", problem };
  return parse(text, blob, passphrase, cache);
}

/** As in ssh (authfile.c, sshkey_perm_ok): a private key of the user that others can read is not used. */
async function exposure(path: string): Promise<string | undefined> {
  const { uid, mode } = await stat(path);
  if (uid !== process.getuid?.() || (mode & 0o077) === 0) return undefined;
  return `can be read by others (mode ${(mode & 0o777).toString(8).padStart(4, "0")}), so it is not used; run chmod 600 ${path}`;
}

function parse(
  text: string,
  blob: Buffer | undefined,
  passphrase: Secret | undefined,
  cache: KeyCache,
): LoadedKey {
  if (parsePublicKey(text) && blob) {
    return { kind: "public", blob, problem: "is a public key, and the agent does not hold its private key" };
  }
  const key = cache.texts.get(text) ?? parseText(text, passphrase?.value());
  cache.texts.set(text, key);
  if (!(key instanceof Error)) {
    return key.isPrivateKey() ? { kind: "key", key } : { kind: "unusable", problem: "holds no private key" };
  }
  const problem = problemOf(key, passphrase);
  return blob ? { kind: "public", blob, problem } : { kind: "unusable", problem };
}

function parseText(text: string, passphrase: string | undefined): ParsedKey | Error {
  try {
    const parsed: unknown = ssh2.utils.parseKey(pkcs8ToTraditional(text, passphrase), passphrase);
    // Contrary to the declarations, an OpenSSH key file yields a list (of one, in practice).
    const key = (Array.isArray(parsed) ? parsed[0] : parsed) as ParsedKey | Error | undefined;
    return key ?? new Error("holds no key");
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** ssh2 cannot read PKCS#8, which openssl writes. RSA and ECDSA keys are converted to their older forms. */
function pkcs8ToTraditional(text: string, passphrase: string | undefined): string {
  const encrypted = text.includes("-----BEGIN ENCRYPTED PRIVATE KEY-----");
  if (!encrypted && !text.includes("-----BEGIN PRIVATE KEY-----")) return text;
  if (encrypted && passphrase === undefined) throw new Error("encrypted, but no passphrase given");
  const key = createPrivateKey({ key: text, format: "pem", ...(encrypted && { passphrase }) });
  switch (key.asymmetricKeyType) {
    case "rsa":
      return key.export({ type: "pkcs1", format: "pem" }).toString();
    case "ec":
      return key.export({ type: "sec1", format: "pem" }).toString();
    default:
      throw new Error(
        `${key.asymmetricKeyType ?? "this"} keys must be in OpenSSH form; ssh-keygen -p -f FILE converts one`,
      );
  }
}

function problemOf(error: Error, passphrase: Secret | undefined): string {
  if (/no passphrase given/i.test(error.message)) {
    return "is encrypted, and no passphrase is set (set MACVLAN_PASSPHRASE or macvlan:passphrase, or use the agent)";
  }
  if (passphrase !== undefined && /bad passphrase|bad decrypt|integrity check failed/i.test(error.message)) {
    return `cannot be decrypted: ${passphrase.source} is not its passphrase`;
  }
  return `cannot be used: ${error.message}`;
}

async function readText(path: string): Promise<string | LoadedKey> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code === "ENOENT") {
      const blob = await publicHalf(path);
      return blob
        ? { kind: "public", blob, problem: "does not exist, only its .pub does" }
        : { kind: "missing" };
    }
    const reason = reasonOf(error);
    return { kind: "unusable", problem: `cannot be read: ${reason}` };
  }
}

/** As in ssh, the `.pub` file beside a key identifies the key in the agent. */
async function publicHalf(path: string): Promise<Buffer | undefined> {
  try {
    return parsePublicKey(await readFile(`${path}.pub`, "utf8"))?.blob;
  } catch {
    // Usually there is no such file. Any other error means the same: it cannot identify a key.
    return undefined;
  }
}
