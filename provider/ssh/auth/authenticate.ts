import type { AnyAuthMethod, AuthenticationType, AuthHandlerMiddleware, ParsedKey } from "ssh2";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { printable } from "../../model/outside-text";
import { agentKeys } from "./agent";
import { rsaBits } from "./certificate";
import { type PresentedKey, certificateOf, presentedKey } from "./presented-key";
import type { ResolvedHost } from "../config/resolve";
import { type LoadedKey, loadKey } from "./private-key";
import { fingerprint } from "./public-key";
import type { ClientState } from "../client-state";
import type { KeySetting, Secret } from "../settings";
import { reasonOf } from "../../model/error";

/** A source of credentials and its result, for the message if nothing worked. Contains no secret. */
export interface AuthAnswer {
  readonly source: string;
  answer: string;
}

/** Authenticating to one host on one connection. */
export interface Authentication {
  /** Returns one method after the other to ssh2. */
  readonly handler: AuthHandlerMiddleware;
  /** What has been tried so far. */
  readonly answers: readonly AuthAnswer[];
  /** The methods that the server accepts, known once it has refused one. */
  readonly offered: () => readonly string[];
}

interface Attempt {
  readonly source: string;
  readonly method: AnyAuthMethod;
  /** The method's name in the server's list. */
  readonly via: AuthenticationType;
}

/**
 * sshd ends the connection at the sixth failure (MaxAuthTries 6). A password takes up to two of them: as a password,
 * and as the answer to a prompt.
 */
const MAX_KEYS = 5;
const MAX_KEYS_BEFORE_PASSWORD = 4;

const DEFAULT_KEY_FILES = ["id_ed25519", "id_ecdsa", "id_rsa"];

/**
 * Tries all credentials in this order: the keys of environment and stack configuration, the identity files of the
 * client configuration, the agent, the default key files, the password. A key is read when its turn comes, and offered
 * only once, even if several sources name it.
 */
export function authenticate(
  host: ResolvedHost,
  client: ClientState,
  /** Why no password may be sent to the host, if there is a reason. */
  distrust: () => string | undefined,
): Authentication {
  const answers: AuthAnswer[] = [];
  const note = (source: string, answer: string): AuthAnswer => {
    const entry = { source, answer };
    answers.push(entry);
    return entry;
  };
  const attempts = allAttempts(host, client, note, distrust);
  let current: AuthAnswer | undefined;
  let offered: readonly string[] = [];

  const next = async (left: readonly AuthenticationType[] | null): Promise<Attempt | undefined> => {
    for (;;) {
      const turn = await attempts.next();
      if (turn.done === true) return undefined;
      // "agent" is ssh2's name for a public key that an agent signs with.
      if (left === null || left.includes(turn.value.via)) return turn.value;
      note(turn.value.source, `not tried, as the server does not accept ${turn.value.via}`);
    }
  };

  return {
    answers,
    offered: () => offered,
    handler: (left: readonly AuthenticationType[] | null, partial: boolean | null, proceed) => {
      if (left !== null) offered = left;
      if (current?.answer === "pending") {
        current.answer =
          partial === true ? "accepted, but the server requires another method too" : "refused";
      }
      next(left).then(
        (attempt) => {
          if (attempt === undefined) {
            stop(proceed);
          } else {
            current = note(attempt.source, "pending");
            proceed(attempt.method);
          }
        },
        (error: unknown) => {
          note("credentials", reasonOf(error));
          stop(proceed);
        },
      );
    },
  };
}

/** For ssh2, `false` means that there is nothing more to try; its declarations omit it. */
function stop(proceed: (method: AnyAuthMethod) => void): void {
  (proceed as (method: unknown) => void)(false);
}

type Note = (source: string, answer: string) => AuthAnswer;

async function* allAttempts(
  host: ResolvedHost,
  client: ClientState,
  note: Note,
  distrust: () => string | undefined,
): AsyncGenerator<Attempt> {
  const { password } = client.settings;
  for (const { method, by } of host.forbiddenMethods) {
    const isThere = method === "publickey" || password !== undefined;
    if (isThere) note(method, `not tried, as ${by} of the OpenSSH client configuration forbids it`);
  }
  for (const method of host.authMethods) {
    if (method === "publickey") {
      yield* limitedKeyAttempts(host, client, note);
    } else if (password !== undefined) {
      const source = `password of ${password.source}`;
      const reason = distrust();
      if (reason !== undefined) note(source, reason);
      else if (method === "keyboard-interactive") yield promptAttempt(password, host.user, note);
      else
        yield {
          source,
          via: method,
          method: { type: method, username: host.user, password: password.value() },
        };
    }
  }
}

async function* limitedKeyAttempts(
  host: ResolvedHost,
  client: ClientState,
  note: Note,
): AsyncGenerator<Attempt> {
  const limit = client.settings.password === undefined ? MAX_KEYS : MAX_KEYS_BEFORE_PASSWORD;
  let tried = 0;
  for await (const attempt of keyAttempts(host, client, note)) {
    if (tried++ === limit) {
      // Later keys are not read either, as that may mean to decrypt them.
      note(
        attempt.source,
        "not tried, nor any key after it, because servers end the connection after a few refused keys",
      );
      break;
    }
    yield attempt;
  }
}

/** Answers only prompts for the password: one-time codes cannot be given. */
function promptAttempt(password: Secret, username: string, note: Note): Attempt {
  const source = `password of ${password.source} at the server's prompt`;
  let rounds = 0;
  return {
    source,
    via: "keyboard-interactive",
    method: {
      type: "keyboard-interactive",
      username,
      prompt: (_name, _instructions, _language, prompts, finish) => {
        const first = ++rounds === 1;
        const responses = prompts.map(({ prompt, echo }) => {
          const isPassword = echo !== true && !/code|token|otp|verification/i.test(prompt);
          if (first && isPassword) return password.value();
          note(source, `the server asked "${printable(prompt.trim(), 100)}", which cannot be answered here`);
          return "";
        });
        finish(responses);
      },
    },
  };
}

async function* keyAttempts(host: ResolvedHost, client: ClientState, note: Note): AsyncGenerator<Attempt> {
  const { settings } = client;
  const offered = new Set<string>();
  const wanted = new Set<string>();
  const unread = new Map<string, AuthAnswer>();
  const certificates = await configuredCertificates(host, note);
  /** A key with each of its certificates, and finally without one. */
  const presentations = (
    source: string,
    key: ParsedKey,
    own: readonly Buffer[],
  ): [string, PresentedKey][] => {
    const blob = key.getPublicSSH();
    const bits = rsaBits(blob);
    if (bits !== undefined && bits < host.requiredRsaBits) {
      note(
        source,
        `not tried, as it has ${bits} bits and ${host.requiredRsaBits} are required (RequiredRSASize)`,
      );
      return [];
    }
    const given = certificates.filter((one) => one.key.equals(blob)).map((one) => one.blob);
    return [...own, ...given, undefined].flatMap((certificate): [string, PresentedKey][] => {
      const print = fingerprint(certificate ?? blob);
      if (offered.has(print)) return [];
      offered.add(print);
      const name = certificate === undefined ? source : `${source} with its certificate`;
      const presented = presentedKey(key, host.algorithms.publicKey, certificate);
      if (presented !== undefined) return [[name, presented]];
      note(name, `not tried, as PubkeyAcceptedAlgorithms allows no algorithm for ${key.type}`);
      return [];
    });
  };

  async function* fileAttempts(keys: readonly KeySetting[], optional: boolean): AsyncGenerator<Attempt> {
    for (const setting of keys) {
      const source = "path" in setting ? `${setting.source} ${setting.path}` : setting.source;
      const loaded: LoadedKey = await loadKey(setting, settings.passphrase, client.keys);
      switch (loaded.kind) {
        case "key": {
          wanted.add(fingerprint(loaded.key.getPublicSSH()));
          const beside = "path" in setting ? await readCertificate(certificatePath(setting.path)) : undefined;
          const own = beside?.key.equals(loaded.key.getPublicSSH()) === true ? [beside.blob] : [];
          for (const [name, key] of presentations(source, loaded.key, own)) {
            yield { source: name, via: "publickey", method: { type: "publickey", username: host.user, key } };
          }
          break;
        }
        case "public":
          wanted.add(fingerprint(loaded.blob));
          unread.set(fingerprint(loaded.blob), note(source, loaded.problem));
          if ("path" in setting) {
            const beside = await readCertificate(certificatePath(setting.path));
            if (beside !== undefined) certificates.push(beside);
          }
          break;
        case "unusable":
          note(source, loaded.problem);
          break;
        case "missing":
          if (!optional) note(source, "does not exist");
      }
    }
  }

  yield* fileAttempts(settings.keys, false);
  yield* fileAttempts(
    host.identityFiles.map((path) => ({ source: "IdentityFile", path })),
    false,
  );
  if (host.agentSocket !== undefined) {
    const agent = `agent at ${host.agentSocket}`;
    const before = notes(note);
    const keys = await agentKeys(host.agentSocket, (problem) => before.add(agent, problem));
    if (keys.length === 0 && !before.any()) note(agent, "holds no key that can be used");
    // The keys that identity files name come first, as the agent may hold more than the server allows to try.
    const named = keys.filter(({ print }) => wanted.has(print));
    const others = host.identitiesOnly ? [] : keys.filter(({ print }) => !wanted.has(print));
    if (keys.length > 0 && named.length + others.length === 0)
      note(agent, "holds no key that IdentitiesOnly allows");
    for (const { key, print, label, certificate, agentFor } of [...named, ...others]) {
      const file = unread.get(print);
      if (file) file.answer = "its key is in the agent";
      const own = certificate === undefined ? [] : [certificate];
      for (const [name, presented] of presentations(`agent key ${label}`, key, own)) {
        yield {
          source: name,
          via: "publickey",
          method: { type: "agent", username: host.user, agent: agentFor(presented) },
        };
      }
    }
  }
  if (host.identityFiles.length === 0) {
    const files = DEFAULT_KEY_FILES.map((name) => join(settings.home, ".ssh", name));
    yield* fileAttempts(
      files.map((path) => ({ source: "default key", path })),
      true,
    );
  }
}

/** Collects notes, and knows whether there was one. */
function notes(note: Note): { add: Note; any: () => boolean } {
  let some = false;
  return {
    add: (source, answer) => {
      some = true;
      return note(source, answer);
    },
    any: () => some,
  };
}

type KnownCertificate = NonNullable<ReturnType<typeof certificateOf>>;

/** The certificates that `CertificateFile` names. */
async function configuredCertificates(host: ResolvedHost, note: Note): Promise<KnownCertificate[]> {
  const certificates: KnownCertificate[] = [];
  for (const path of host.certificateFiles) {
    const certificate = await readCertificate(path);
    if (certificate === undefined) note(`CertificateFile ${path}`, "holds no certificate that can be read");
    else certificates.push(certificate);
  }
  return certificates;
}

/** The path at which ssh looks for the certificate of a key file. */
function certificatePath(path: string): string {
  return `${path.replace(/\.pub$/, "")}-cert.pub`;
}

async function readCertificate(path: string): Promise<KnownCertificate | undefined> {
  try {
    if (!existsSync(path)) return undefined;
    return certificateOf(await readFile(path, "utf8"));
  } catch {
    // Usually there is none; for CertificateFile there is a note of its own.
    return undefined;
  }
}

/** The credentials that were tried, with their results, as lines of a message. */
export function explainAnswers({ answers, offered }: Authentication): string {
  const lines = answers.map(
    ({ source, answer }) => `  - ${source}: ${answer === "pending" ? "no answer" : answer}`,
  );
  const methods = offered();
  const takes = methods.length === 0 ? "" : ` The server accepts ${printable(methods.join(", "), 200)}.`;
  if (lines.length === 0) return `there are no credentials to try.${takes}`;
  return `none of the credentials was accepted:\n${lines.join("\n")}\n${takes.trim()}`.trim();
}
