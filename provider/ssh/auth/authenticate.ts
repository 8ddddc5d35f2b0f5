import type { AnyAuthMethod, AuthenticationType, AuthHandlerMiddleware, ParsedKey } from "ssh2";
import { join } from "node:path";
import { type AgentKey, agentKeys } from "./agent";
import type { ResolvedHost } from "../config/resolve";
import { type LoadedKey, loadKey } from "./private-key";
import { fingerprint } from "./public-key";
import type { KeySetting, Secret, Settings } from "../settings";

export { type Settings, readSettings } from "../settings";

/** A source of credentials and what came of it, for the message when nothing worked. Holds no secret. */
export interface AuthAnswer {
  readonly source: string;
  answer: string;
}

/** Authenticating to one host on one connection. */
export interface Authentication {
  /** Gives ssh2 one method after the other. */
  readonly handler: AuthHandlerMiddleware;
  /** What has been tried so far. */
  readonly answers: readonly AuthAnswer[];
  /** The methods that the server said it takes, once it has refused something. */
  readonly offered: () => readonly string[];
}

interface Attempt {
  readonly source: string;
  readonly method: AnyAuthMethod;
  /** What ssh calls the method in the server's list. */
  readonly via: AuthenticationType;
}

/**
 * sshd ends the connection at its sixth failure (MaxAuthTries 6). A password takes up to two of them: once as such and
 * once as the answer to a prompt.
 */
const MAX_KEYS = 5;
const MAX_KEYS_BEFORE_PASSWORD = 4;

const DEFAULT_KEY_FILES = ["id_ed25519", "id_ecdsa", "id_rsa"];

/**
 * Tries what there is, in this order: the keys of environment and stack configuration, the identity files of the
 * client configuration, the agent, the default key files, the password. Keys are read when their turn comes; a key is
 * offered once, whatever names it.
 */
export function authenticate(host: ResolvedHost, settings: Settings): Authentication {
  const answers: AuthAnswer[] = [];
  const note = (source: string, answer: string): AuthAnswer => {
    const entry = { source, answer };
    answers.push(entry);
    return entry;
  };
  const attempts = allAttempts(host, settings, note);
  let current: AuthAnswer | undefined;
  let offered: readonly string[] = [];

  const next = async (left: readonly AuthenticationType[] | null): Promise<Attempt | undefined> => {
    for (;;) {
      const turn = await attempts.next();
      if (turn.done === true) return undefined;
      // "agent" is ssh2's name for a public key that an agent signs with.
      if (left === null || left.includes(turn.value.via)) return turn.value;
      note(turn.value.source, `not tried, as the server does not take ${turn.value.via}`);
    }
  };

  return {
    answers,
    offered: () => offered,
    handler: (left: readonly AuthenticationType[] | null, partial: boolean | null, proceed) => {
      if (left !== null) offered = left;
      if (current?.answer === "pending") {
        current.answer = partial === true ? "accepted, but the server wants another method too" : "refused";
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
          note("credentials", error instanceof Error ? error.message : String(error));
          stop(proceed);
        },
      );
    },
  };
}

/** ssh2 takes `false` for "there is nothing more to try"; its declarations leave it out. */
function stop(proceed: (method: AnyAuthMethod) => void): void {
  (proceed as (method: unknown) => void)(false);
}

type Note = (source: string, answer: string) => AuthAnswer;

async function* allAttempts(host: ResolvedHost, settings: Settings, note: Note): AsyncGenerator<Attempt> {
  const { password } = settings;
  const limit = password === undefined ? MAX_KEYS : MAX_KEYS_BEFORE_PASSWORD;
  let tried = 0;
  for await (const attempt of keyAttempts(host, settings, note)) {
    if (tried++ === limit) {
      // Also what comes after it is left alone: reading it may mean to decrypt it.
      note(
        attempt.source,
        "not tried, nor is any key after it: servers end the connection after a few refused keys",
      );
      break;
    }
    yield attempt;
  }
  if (password === undefined) return;
  const username = host.user;
  yield {
    source: `password of ${password.source}`,
    via: "password",
    method: { type: "password", username, password: password.value() },
  };
  yield promptAttempt(password, username, note);
}

/** Answers prompts for the password and nothing else: a code that somebody has to type cannot be given. */
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
          note(source, `the server asked for ${JSON.stringify(prompt.trim())}, which has no answer here`);
          return "";
        });
        finish(responses);
      },
    },
  };
}

async function* keyAttempts(host: ResolvedHost, settings: Settings, note: Note): AsyncGenerator<Attempt> {
  const offered = new Set<string>();
  const wanted = new Set<string>();
  const unread = new Map<string, AuthAnswer>();
  const isNew = (blob: Buffer): boolean => {
    const print = fingerprint(blob);
    if (offered.has(print)) return false;
    offered.add(print);
    return true;
  };

  async function* fileAttempts(keys: readonly KeySetting[], optional: boolean): AsyncGenerator<Attempt> {
    for (const setting of keys) {
      const source = "path" in setting ? `${setting.source} ${setting.path}` : setting.source;
      const loaded: LoadedKey = await loadKey(setting, settings);
      switch (loaded.kind) {
        case "key":
          wanted.add(fingerprint(loaded.key.getPublicSSH()));
          if (isNew(loaded.key.getPublicSSH())) yield keyAttempt(source, loaded.key, host.user);
          break;
        case "public":
          wanted.add(fingerprint(loaded.blob));
          unread.set(fingerprint(loaded.blob), note(source, loaded.problem));
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
    const keys = await agentKeys(host.agentSocket, (problem) => note(agent, problem));
    if (keys.length === 0) note(agent, "holds no key that can be used");
    // The keys that the files name first: the agent may hold more than the server lets us try.
    const named = keys.filter(({ print }) => wanted.has(print));
    const others = host.identitiesOnly ? [] : keys.filter(({ print }) => !wanted.has(print));
    if (keys.length > 0 && named.length + others.length === 0)
      note(agent, "holds no key that IdentitiesOnly allows");
    for (const key of [...named, ...others]) {
      const file = unread.get(key.print);
      if (file) file.answer = "its key is in the agent";
      if (isNew(key.blob)) yield agentAttempt(key, host.user);
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

function keyAttempt(source: string, key: ParsedKey, username: string): Attempt {
  return { source, via: "publickey", method: { type: "publickey", username, key } };
}

function agentAttempt({ label, agent }: AgentKey, username: string): Attempt {
  return { source: `agent key ${label}`, via: "publickey", method: { type: "agent", username, agent } };
}

/** What was tried and what came of each, as lines of a message. */
export function explainAnswers({ answers, offered }: Authentication): string {
  const lines = answers.map(
    ({ source, answer }) => `  - ${source}: ${answer === "pending" ? "no answer" : answer}`,
  );
  const methods = offered();
  const takes = methods.length === 0 ? "" : ` The server takes ${methods.join(", ")}.`;
  if (lines.length === 0) return `there are no credentials to try.${takes}`;
  return `none of the credentials was accepted:\n${lines.join("\n")}\n${takes.trim()}`.trim();
}
