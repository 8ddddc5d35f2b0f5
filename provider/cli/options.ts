/**
 * The options of all commands for reaching hosts: the provider's own settings, with the names of its configuration
 * keys.
 */
import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import { type Settings, readSettings } from "../ssh/settings";

/** The options that were given. */
export interface HostOptions {
  readonly sshConfig?: string;
  readonly knownHosts?: string;
  readonly hostKeyChecking?: string;
  readonly privateKey?: string;
  readonly user?: string;
  readonly maxConnections?: string;
  readonly config?: string;
}

/** The environment variable that an option overrides. */
const VARIABLES = {
  sshConfig: "MACVLAN_SSH_CONFIG_PATH",
  knownHosts: "MACVLAN_KNOWN_HOSTS_PATH",
  hostKeyChecking: "MACVLAN_HOST_KEY_CHECKING",
  privateKey: "MACVLAN_PRIVATE_KEY_PATH",
  user: "MACVLAN_USER",
  maxConnections: "MACVLAN_MAX_CONNECTIONS",
} as const satisfies Partial<Record<keyof HostOptions, string>>;

/** Adds the options to a command. */
export function withHostOptions(command: Command): Command {
  const options = [
    new Option("--ssh-config <path>", "OpenSSH client configuration, as ssh -F").env(VARIABLES.sshConfig),
    new Option("--known-hosts <path>", "known_hosts file, instead of the user's").env(VARIABLES.knownHosts),
    new Option("--host-key-checking <how>", "how to treat unknown host keys")
      .choices(["strict", "accept-new", "off"])
      .env(VARIABLES.hostKeyChecking),
    new Option("--private-key <path>", "private key that is tried first").env(VARIABLES.privateKey),
    new Option("--user <name>", "user for hosts without one").env(VARIABLES.user),
    new Option("--max-connections <n>", "handshakes at the same time (32)").env(VARIABLES.maxConnections),
    new Option(
      "--config <file>",
      'stack configuration, as "pulumi config --json --show-secrets" prints it: its macvlan: keys count',
    ),
  ];
  for (const option of options) command.addOption(option);
  return command;
}

/**
 * The provider's settings for reaching hosts: from options, else the environment, else the configuration.
 *
 * @throws Error that names the option, variable or key that cannot be used
 */
export function settingsOf(options: HostOptions): Settings {
  const environment: Record<string, string | undefined> = { ...process.env };
  for (const [option, variable] of Object.entries(VARIABLES)) {
    const value = options[option as keyof typeof VARIABLES];
    if (value !== undefined) environment[variable] = value;
  }
  const stack = options.config === undefined ? {} : readConfig(options.config);
  return readSettings(environment, (key) => stack[key]?.value);
}

/** `{ "macvlan:user": { "value": "ops", "secret": false } }` */
type Config = Readonly<Record<string, { readonly value?: string } | undefined>>;

function readConfig(file: string): Config {
  const text = readFileSync(file, "utf8");
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Config;
  } catch {
    // told below: the text itself may hold secrets and is not shown
  }
  throw new Error(`${file} is not what "pulumi config --json --show-secrets" prints`);
}
