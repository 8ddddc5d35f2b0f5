/** The provider's configuration: the settings of `macvlan:`, and the stack's identity, which the engine keeps with it. */
import { randomBytes } from "node:crypto";
import type { Json } from "../kinds/kind";
import { reasonOf } from "../model/error";
import { isUnknown } from "../model/unknown";
import { readSettings } from "../ssh/settings";

/** A setting, for the schema. */
export interface SettingSpec {
  readonly description: string;
  readonly type: "string" | "integer" | "boolean";
  readonly secret?: true;
  readonly enum?: readonly string[];
}

/** All settings (docs/settings.md). */
export const SETTINGS: Readonly<Record<string, SettingSpec>> = {
  user: { type: "string", description: "Login for hosts that name none." },
  sshConfigPath: {
    type: "string",
    description: "OpenSSH client configuration, in place of the user's and the system's, as `ssh -F`.",
  },
  knownHostsPath: {
    type: "string",
    description: "known_hosts file, in place of the user's and the system's.",
  },
  hostKeyChecking: {
    type: "string",
    enum: ["strict", "accept-new", "off"],
    description: "How unknown host keys are treated. Default: `strict`.",
  },
  maxConnections: {
    type: "integer",
    description: "SSH handshakes at the same time, over all hosts: 1–256. Default: 32.",
  },
  privateKeyPath: { type: "string", description: "Path of a private key." },
  privateKey: { type: "string", secret: true, description: "Text of a private key." },
  passphrase: { type: "string", secret: true, description: "Passphrase of the private keys." },
  password: { type: "string", secret: true, description: "Password of the login." },
  becomePassword: { type: "string", secret: true, description: "Password for sudo or doas." },
  checkOnPreview: {
    type: "boolean",
    description: "Whether a preview runs the checks of links that are there. Default: false.",
  },
  reclaim: {
    type: "string",
    description: "Name of a stack whose state was lost: its links become this stack's.",
  },
};

/**
 * Where the state of the provider has the identity of its links. There is no program of ours that could register a
 * resource for it, as there is in the dynamic door.
 */
const IDENTITY = "__stack";

/** A failure at a setting; an empty property if the engine would print a secret value. */
export interface SettingFailure {
  readonly property: string;
  readonly reason: string;
}

/**
 * Checks the settings, and gives a provider that has no identity yet a new one. The engine keeps what this returns as
 * the provider's inputs: the next run finds the identity among the old ones.
 */
export function checkConfiguration(
  olds: Json,
  news: Json,
): { readonly inputs: Json; readonly failures: readonly SettingFailure[] } {
  const given = Object.entries(news).filter(([key, value]) => isOfUser(key) && value != null);
  const failures = given.flatMap(([key, value]): SettingFailure[] => {
    const spec = Object.hasOwn(SETTINGS, key) ? SETTINGS[key] : undefined;
    if (spec === undefined) return [{ property: "", reason: whyNoSetting(key) }];
    const reason = isUnknown(value) ? undefined : whyNot(key, value);
    if (reason === undefined) return [];
    return [{ property: spec.secret === true ? "" : key, reason }];
  });
  const identity = identityOf(olds) ?? identityOf(news) ?? randomBytes(16).toString("hex");
  return { inputs: { ...news, [IDENTITY]: identity }, failures };
}

/** The identity in a provider's inputs. */
export function identityOf({ [IDENTITY]: identity }: Json): string | undefined {
  return typeof identity === "string" && identity !== "" && !isUnknown(identity) ? identity : undefined;
}

/** Names of the settings that differ. */
export function changedSettings(olds: Json, news: Json): string[] {
  return Object.keys(SETTINGS).filter((key) => textOf(olds[key]) !== textOf(news[key]));
}

/** Reads a setting by its full name, `macvlan:user`. */
export function settingReader(values: Json): (key: string) => string | undefined {
  return (key) => textOf(values[key.replace(/^macvlan:/, "")]);
}

/** `version` and the like are the engine's. */
function isOfUser(key: string): boolean {
  return !key.startsWith("__") && !["version", "pluginDownloadURL"].includes(key);
}

function whyNoSetting(key: string): string {
  // silently changing all hosts at once would be worse than to refuse
  return key === "rollout"
    ? "rollout has no effect here: only programs with this package's classes change hosts in waves; leave it out"
    : `${key} is not a setting; settings are ${Object.keys(SETTINGS).join(", ")}`;
}

function whyNot(key: string, value: unknown): string | undefined {
  try {
    readSettings({}, (name) => (name === `macvlan:${key}` ? textOf(value) : undefined));
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

/** The engine passes what is not text as JSON or as it is, depending on the program's language. */
function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === "string" ? value : JSON.stringify(value);
}
