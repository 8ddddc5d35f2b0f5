import { MacvlanError } from "../model/error";
import { homedir } from "node:os";

/** How unknown host keys are treated. The first two refuse changed and revoked keys. */
export type HostKeyChecking = "strict" | "accept-new" | "off";

/** A secret and where it came from. The value is behind a function so that no log or JSON ever shows it. */
export interface Secret {
  readonly source: string;
  readonly value: () => string;
}

/** A configured private key: its file, or its text. */
export type KeySetting =
  | { readonly source: string; readonly path: string }
  | { readonly source: string; readonly text: () => string };

/** What environment and stack configuration say about connecting to hosts, checked. Immutable, shared by all hosts. */
export interface Settings {
  /** Keys in the order in which they are tried. */
  readonly keys: readonly KeySetting[];
  readonly passphrase?: Secret;
  readonly password?: Secret;
  readonly becomePassword?: Secret;
  /** User for hosts that name none. */
  readonly user?: string;
  /** Replaces both the user's and the system's client configuration, as `ssh -F`; `none` is no configuration. */
  readonly sshConfigPath?: string;
  /** Replaces the user's and the system's known_hosts files. */
  readonly knownHostsPath?: string;
  readonly hostKeyChecking?: HostKeyChecking;
  /** Handshakes at the same time, over all hosts. */
  readonly maxConnections: number;
  /** The name of a stack whose state is lost, whose links this stack takes over. */
  readonly reclaim?: string;
  /** A preview runs the checks of links that are there. */
  readonly checkOnPreview?: boolean;
  /** `SSH_AUTH_SOCK`. */
  readonly agentSocket?: string;
  /** `MACVLAN_TRACE`. */
  readonly traceTo?: string;
  readonly home: string;
  /** A variable of the environment, for `${NAME}` in the client configuration. */
  readonly env: (name: string) => string | undefined;
}

const CHECKING: readonly HostKeyChecking[] = ["strict", "accept-new", "off"];
/**
 * With distant hosts most of a handshake is waiting; with near ones, more at a time cost no more (npm run bench --
 * micro).
 */
const DEFAULT_MAX_CONNECTIONS = 32;
const MAX_MAX_CONNECTIONS = 256;

interface Found {
  readonly source: string;
  readonly value: string;
}

/**
 * Collects the settings: for each the environment variable, else the stack configuration. An empty value counts as
 * none. Does no I/O.
 *
 * @param env the environment of the process
 * @param get a key of the stack configuration, with its namespace (`macvlan:privateKey`); secrets in plain text
 * @throws Error that names the variable or key whose value cannot be used
 */
export function readSettings(
  env: Readonly<Record<string, string | undefined>>,
  get: (key: string) => string | undefined,
): Settings {
  const fromEnv = (name: string): Found | undefined => found(name, env[name]);
  const fromStack = (key: string): Found | undefined => found(`macvlan:${key}`, get(`macvlan:${key}`));
  const either = (name: string, key: string): Found | undefined => fromEnv(name) ?? fromStack(key);

  const home = env["HOME"] ?? homedir();
  const path = (setting: Found | undefined): string | undefined =>
    setting === undefined ? undefined : expandHome(checkedPath(setting), home);
  const keyPath = (setting: Found | undefined): KeySetting[] =>
    setting === undefined ? [] : [{ source: setting.source, path: expandHome(checkedPath(setting), home) }];
  const keyText = (setting: Found | undefined): KeySetting[] => {
    if (setting === undefined) return [];
    const text = keyTextOf(setting);
    return [{ source: setting.source, text: () => text }];
  };

  const user = either("MACVLAN_USER", "user");
  if (user !== undefined && !/^[A-Za-z0-9_.][A-Za-z0-9_.@+-]*$/.test(user.value)) {
    throw new MacvlanError(
      "invalid-setting",
      `${user.source}: ${JSON.stringify(user.value)} is not a valid login name`,
    );
  }
  const checking = either("MACVLAN_HOST_KEY_CHECKING", "hostKeyChecking");
  const hostKeyChecking = CHECKING.find((choice) => choice === checking?.value);
  if (checking !== undefined && hostKeyChecking === undefined) {
    throw new MacvlanError(
      "invalid-setting",
      `${checking.source} must be strict, accept-new or off, not ${JSON.stringify(checking.value)}`,
    );
  }
  const sshConfigPath = path(either("MACVLAN_SSH_CONFIG_PATH", "sshConfigPath"));
  const knownHostsPath = path(either("MACVLAN_KNOWN_HOSTS_PATH", "knownHostsPath"));
  const passphrase = secret(either("MACVLAN_PASSPHRASE", "passphrase"));
  const password = secret(either("MACVLAN_PASSWORD", "password"));
  const becomePassword = secret(either("MACVLAN_BECOME_PASSWORD", "becomePassword"));
  const reclaim = either("MACVLAN_RECLAIM", "reclaim");
  if (reclaim !== undefined && !/^[^/\s]+(?:\/[^/\s]+){1,2}$/.test(reclaim.value.trim())) {
    throw new MacvlanError(
      "invalid-setting",
      `${reclaim.source} must be the name of a stack, project/stack or organization/project/stack, not ` +
        JSON.stringify(reclaim.value),
    );
  }
  const agent = fromEnv("SSH_AUTH_SOCK");
  const traceTo = fromEnv("MACVLAN_TRACE");

  return {
    keys: [
      ...keyPath(fromEnv("MACVLAN_PRIVATE_KEY_PATH")),
      ...keyText(fromEnv("MACVLAN_PRIVATE_KEY")),
      ...keyText(fromStack("privateKey")),
      ...keyPath(fromStack("privateKeyPath")),
    ],
    ...(passphrase && { passphrase }),
    ...(password && { password }),
    ...(becomePassword && { becomePassword }),
    ...(user && { user: user.value }),
    ...(sshConfigPath !== undefined && { sshConfigPath }),
    ...(knownHostsPath !== undefined && { knownHostsPath }),
    ...(hostKeyChecking && { hostKeyChecking }),
    maxConnections: connections(either("MACVLAN_MAX_CONNECTIONS", "maxConnections")),
    ...(reclaim && { reclaim: reclaim.value.trim() }),
    ...(flag(either("MACVLAN_CHECK_ON_PREVIEW", "checkOnPreview")) && { checkOnPreview: true }),
    ...(agent && { agentSocket: agent.value }),
    ...(traceTo && { traceTo: traceTo.value }),
    home,
    env: (name) => env[name],
  };
}

/** A path with `~` or `~/` in front made absolute; other users' homes (`~name`) are left as they are. */
export function expandHome(path: string, home: string): string {
  return path === "~" || path.startsWith("~/") ? home + path.slice(1) : path;
}

function found(source: string, value: string | undefined): Found | undefined {
  return value === undefined || value.trim() === "" ? undefined : { source, value };
}

function secret(setting: Found | undefined): Secret | undefined {
  if (setting === undefined) return undefined;
  const { source, value } = setting;
  // At a prompt, a line break would end the password early.
  if (/[\r\n\0]/.test(value.replace(/\r?\n$/, "")))
    throw new MacvlanError("invalid-setting", `${source} must be one line of text`);
  return { source, value: () => value.replace(/\r?\n$/, "") };
}

function checkedPath({ source, value }: Found): string {
  if (/[\r\n\0]/.test(value)) {
    const hint = value.includes("PRIVATE KEY")
      ? "; the text of a key goes into the setting without Path"
      : "";
    throw new MacvlanError("invalid-setting", `${source} must be the path of a file${hint}`);
  }
  return value;
}

/** CI systems store keys with `\n` for line breaks, with CRLF or without the last line break: all are accepted. */
function keyTextOf({ source, value }: Found): string {
  const lines = value.includes("\n") ? value.replaceAll("\r\n", "\n") : value.replaceAll("\\n", "\n");
  if (!/^\s*(-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----|PuTTY-User-Key-File)/.test(lines)) {
    // The value itself must not be shown: it may be a damaged key.
    throw new MacvlanError(
      "invalid-setting",
      `${source} must be the text of a private key (-----BEGIN … PRIVATE KEY-----), not a path`,
    );
  }
  return `${lines.trim()}\n`;
}

function flag(setting: Found | undefined): boolean {
  if (setting === undefined) return false;
  const word = setting.value.trim().toLowerCase();
  if (["true", "1"].includes(word)) return true;
  if (["false", "0"].includes(word)) return false;
  throw new MacvlanError(
    "invalid-setting",
    `${setting.source} must be true or false, not ${JSON.stringify(setting.value)}`,
  );
}

function connections(setting: Found | undefined): number {
  if (setting === undefined) return DEFAULT_MAX_CONNECTIONS;
  const count = /^\d{1,4}$/.test(setting.value.trim()) ? Number(setting.value) : 0;
  if (count >= 1 && count <= MAX_MAX_CONNECTIONS) return count;
  const value = JSON.stringify(setting.value);
  throw new MacvlanError(
    "invalid-setting",
    `${setting.source} must be a whole number from 1 to ${MAX_MAX_CONNECTIONS}, not ${value}`,
  );
}
