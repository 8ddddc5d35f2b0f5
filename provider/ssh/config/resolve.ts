import { reasonOf } from "../../model/error";
import { join } from "node:path";
import {
  DEFAULT_COMMAND_TIMEOUT,
  DEFAULT_PORT,
  type Become,
  type HostAddress,
  MAX_JUMPS,
  hostIdentity,
  hostLabel,
  hostSchema,
} from "../address";
import {
  type Algorithms,
  CA_SIGNATURES,
  CIPHERS,
  HOST_KEYS,
  KEX,
  MACS,
  PUBLIC_KEYS,
  chosenAlgorithms,
} from "./algorithms";
import {
  type ClientConfiguration,
  type ClientOptions,
  type ConfigFile,
  type ParsedFiles,
  clientConfiguration,
  expandTokens,
  localTokens,
  localUser,
  namedHosts,
} from "./options";
import { OPTIONS } from "./supported";
import { type HostKeyChecking, type Settings, expandHome } from "../settings";
import { SshError, cannotConnect } from "../error";

/** An authentication method of ssh. */
export type AuthMethod = "publickey" | "password" | "keyboard-interactive";

/** The algorithms to offer or accept, by purpose. */
export interface ChosenAlgorithms {
  readonly kex: readonly string[];
  readonly cipher: readonly string[];
  readonly mac: readonly string[];
  /** Of the host's signature, those of certificates among them. */
  readonly hostKey: readonly string[];
  /** Of the user's signature, those of certificates among them. */
  readonly publicKey: readonly string[];
  /** Of the authority's signature on a host's certificate. */
  readonly caSignature: readonly string[];
}

/** All that is needed to connect to a host, from its address, the settings and the OpenSSH client configuration. */
export interface ResolvedHost {
  readonly address: HostAddress;
  /** `user@address:port` with the address as the program gave it. */
  readonly label: string;
  /** DNS name or IP address to connect to. */
  readonly hostname: string;
  readonly port: number;
  readonly user: string;
  readonly become: Become;
  /** IP version to connect with, if the configuration sets one. */
  readonly family?: 4 | 6;
  /** Local address to connect from. */
  readonly bindAddress?: string;
  readonly algorithms: ChosenAlgorithms;
  /** The least bits of an RSA key, of a host or a user. */
  readonly requiredRsaBits: number;
  /** The authentication methods in the order in which they are tried. */
  readonly authMethods: readonly AuthMethod[];
  /** The methods that the configuration forbids, each with the option that does. */
  readonly forbiddenMethods: readonly { readonly method: AuthMethod; readonly by: string }[];
  /** Lines of the configuration that ssh would obey and that are ignored here. */
  readonly passedOver: readonly string[];
  /** The host's name in the known_hosts files; with `HostKeyAlias` the port does not matter. */
  readonly knownAs: {
    readonly host: string;
    readonly port: number;
    /** The name that a certificate of the host must contain. */
    readonly name: string;
  };
  readonly userKnownHostsFiles: readonly string[];
  readonly globalKnownHostsFiles: readonly string[];
  readonly hashKnownHosts: boolean;
  /** A file of keys that are never accepted. */
  readonly revokedHostKeysFile?: string;
  /** Whether the other keys of a known host are added to the user's first file. */
  readonly updateHostKeys: boolean;
  readonly hostKeyChecking: HostKeyChecking;
  /** `IdentityFile`s in order, as absolute paths. */
  readonly identityFiles: readonly string[];
  /** `CertificateFile`s, as absolute paths. */
  readonly certificateFiles: readonly string[];
  /** Use only those keys of the agent that identity files name. */
  readonly identitiesOnly: boolean;
  /** Socket of the agent; undefined if there is none. */
  readonly agentSocket?: string;
  /** Seconds. */
  readonly connectTimeout: number;
  /** Seconds. */
  readonly commandTimeout: number;
  /** Seconds between keepalives. */
  readonly keepaliveInterval: number;
  /** Keepalives without an answer after which the connection counts as lost. */
  readonly keepaliveCount: number;
  readonly jump?: ResolvedHost;
}

const DEFAULT_CONNECT_TIMEOUT = 10;
const DEFAULT_KEEPALIVE_INTERVAL = 15;
const DEFAULT_KEEPALIVE_COUNT = 3;
/** OpenSSH's own. */
const DEFAULT_RSA_BITS = 1024;
const AUTH_METHODS: readonly AuthMethod[] = ["publickey", "password", "keyboard-interactive"];

/**
 * Resolves a host with the OpenSSH client configuration. The address takes precedence, then the settings, then the
 * configuration. One exception, as with ssh(1): the user of a jump host without one comes from the configuration first,
 * because `macvlan:user` is meant for managed hosts.
 *
 * @throws SshError of kind `configuration`
 */
export function resolveHost(
  host: HostAddress,
  settings: Settings,
  parsed: ParsedFiles = new Map(),
): ResolvedHost {
  return resolve(host, settings, parsed, []);
}

/**
 * The hosts that the OpenSSH client configuration names, not only matches by a pattern.
 *
 * @public for the inventory, which loads it on demand
 * @throws Error that names the file which cannot be read or parsed
 */
export function configuredHosts(settings: Settings): string[] {
  return namedHosts(configFiles(settings), settings.home);
}

function resolve(
  host: HostAddress,
  settings: Settings,
  parsed: ParsedFiles,
  behind: readonly string[],
): ResolvedHost {
  const fail = (message: string, cause?: unknown): SshError =>
    cannotConnect("configuration", hostLabel(host), message, "", { cause });
  if (behind.length > MAX_JUMPS) throw fail("ProxyJump in the OpenSSH client configuration forms a loop");

  const isJump = behind.length > 0;
  const givenUser = host.user ?? (isJump ? undefined : settings.user);
  let configuration: ClientConfiguration;
  try {
    configuration = clientConfiguration(configFiles(settings), host.address, givenUser, settings, parsed);
  } catch (error) {
    throw fail(reasonOf(error), error);
  }
  const { options, passedOver } = configuration;
  refuseOptions(configuration, fail);
  const first = (name: string): string | undefined => options.get(name)?.[0];
  const number = (name: string): number | undefined => {
    const text = first(name);
    if (text === undefined || text.toLowerCase() === "none") return undefined;
    if (!/^\d{1,5}$/.test(text))
      throw fail(`${name} ${text} of the OpenSSH client configuration is not a number`);
    return Number(text);
  };

  const user = givenUser ?? first("user") ?? settings.user ?? localUser(settings.env);
  const port = host.port ?? number("port") ?? DEFAULT_PORT;
  const hostname = expandTokens(first("hostname") ?? "%h", { h: host.address });
  const tokens = { ...localTokens(settings), h: hostname, n: host.address, p: String(port), r: user };
  const path = (text: string): string => expandPath(expandTokens(text, tokens), settings);
  const checked = checkedAddress({ address: hostname, port, user });
  if (checked !== undefined) throw fail(`the OpenSSH client configuration gives ${checked}`);

  const family = { inet: 4 as const, inet6: 6 as const }[first("addressfamily")?.toLowerCase() ?? ""];
  const hostKeyAlias = first("hostkeyalias");
  const bindAddress = first("bindaddress");
  const revoked = first("revokedhostkeys");
  const agentSocket = agentOf(first("identityagent"), settings, path);
  const identity = hostIdentity({ address: host.address, port });
  const jump = host.jump ?? proxyJump(configuration, identity, fail);
  return {
    address: host,
    label: hostLabel({ address: host.address, port, user }),
    hostname,
    port,
    user,
    become: host.become ?? (user === "root" ? "none" : "sudo"),
    ...(family !== undefined && { family }),
    ...(bindAddress !== undefined && bindAddress !== "*" && { bindAddress }),
    algorithms: algorithmsOf(configuration, fail),
    requiredRsaBits: number("requiredrsasize") ?? DEFAULT_RSA_BITS,
    ...authMethodsOf(configuration),
    passedOver,
    knownAs:
      hostKeyAlias === undefined
        ? { host: hostname, port, name: hostname }
        : {
            host: expandTokens(hostKeyAlias, tokens),
            port: DEFAULT_PORT,
            name: expandTokens(hostKeyAlias, tokens),
          },
    ...knownHostsFiles(options, settings, path),
    hashKnownHosts: isYes(first("hashknownhosts")),
    ...(revoked !== undefined && revoked.toLowerCase() !== "none" && { revokedHostKeysFile: path(revoked) }),
    updateHostKeys: isYes(first("updatehostkeys")),
    hostKeyChecking: settings.hostKeyChecking ?? checkingOf(first("stricthostkeychecking")),
    identityFiles: (options.get("identityfile") ?? []).filter((file) => file !== "none").map(path),
    certificateFiles: (options.get("certificatefile") ?? []).filter((file) => file !== "none").map(path),
    identitiesOnly: isYes(first("identitiesonly")),
    ...(agentSocket !== undefined && { agentSocket }),
    connectTimeout: host.connectTimeout ?? (number("connecttimeout") || DEFAULT_CONNECT_TIMEOUT),
    commandTimeout: host.commandTimeout ?? DEFAULT_COMMAND_TIMEOUT,
    keepaliveInterval: number("serveraliveinterval") || DEFAULT_KEEPALIVE_INTERVAL,
    keepaliveCount: number("serveralivecountmax") ?? DEFAULT_KEEPALIVE_COUNT,
    ...(jump !== undefined && { jump: resolve(jump, settings, parsed, [...behind, identity]) }),
  };
}

function configFiles({ sshConfigPath, home }: Settings): ConfigFile[] {
  const includeFrom = join(home, ".ssh");
  if (sshConfigPath === "none") return [];
  if (sshConfigPath !== undefined)
    return [{ path: sshConfigPath, includeFrom, required: true, guarded: false }];
  return [
    { path: join(includeFrom, "config"), includeFrom, required: false, guarded: true },
    { path: "/etc/ssh/ssh_config", includeFrom: "/etc/ssh", required: false, guarded: false },
  ];
}

type Fail = (message: string) => SshError;

/** Fails for an option that cannot be obeyed and must not be ignored. */
function refuseOptions({ options, where }: ClientConfiguration, fail: Fail): void {
  for (const { name, treatment, harmless = [], note } of OPTIONS) {
    const keyword = name.toLowerCase();
    const value = options.get(keyword)?.[0];
    // Whether ProxyCommand is used is known only later.
    if (treatment !== "refused" || value === undefined || keyword === "proxycommand") continue;
    if (harmless.includes(value.toLowerCase())) continue;
    throw fail(
      `${name} of the OpenSSH client configuration cannot be obeyed (${note}): ${where.get(keyword) ?? ""}`,
    );
  }
  const refusal = options.get("refuseconnection")?.[0];
  if (refusal !== undefined) {
    throw fail(`RefuseConnection of the OpenSSH client configuration says: ${refusal}`);
  }
}

function algorithmsOf({ options, where }: ClientConfiguration, fail: Fail): ChosenAlgorithms {
  const chosen = (name: string, all: Algorithms): string[] => {
    const keyword = name.toLowerCase();
    const left = chosenAlgorithms(all, options.get(keyword)?.[0]);
    if (left.length > 0) return left;
    const known = [...all.defaults, ...all.weak].join(", ");
    throw fail(
      `${name} of the OpenSSH client configuration leaves no algorithm that ssh2 has (${known}): ${where.get(keyword) ?? ""}`,
    );
  };
  return {
    kex: chosen("KexAlgorithms", KEX),
    cipher: chosen("Ciphers", CIPHERS),
    mac: chosen("MACs", MACS),
    hostKey: chosen("HostKeyAlgorithms", HOST_KEYS),
    publicKey: chosen("PubkeyAcceptedAlgorithms", PUBLIC_KEYS),
    caSignature: chosen("CASignatureAlgorithms", CA_SIGNATURES),
  };
}

function authMethodsOf({
  options,
}: ClientConfiguration): Pick<ResolvedHost, "authMethods" | "forbiddenMethods"> {
  const preferred = options.get("preferredauthentications")?.[0]?.split(",");
  const isNo = (name: string): boolean => /^(no|false)$/i.test(options.get(name)?.[0] ?? "");
  const by = (method: AuthMethod): string | undefined => {
    if (method === "publickey" && isNo("pubkeyauthentication")) return "PubkeyAuthentication no";
    if (method === "password" && isNo("passwordauthentication")) return "PasswordAuthentication no";
    if (method === "keyboard-interactive" && isNo("kbdinteractiveauthentication")) {
      return "KbdInteractiveAuthentication no";
    }
    return preferred?.includes(method) === false ? "PreferredAuthentications" : undefined;
  };
  const ordered = AUTH_METHODS.filter((method) => by(method) === undefined);
  if (preferred !== undefined) ordered.sort((a, b) => preferred.indexOf(a) - preferred.indexOf(b));
  return {
    authMethods: ordered,
    forbiddenMethods: AUTH_METHODS.flatMap((method) => {
      const option = by(method);
      return option === undefined ? [] : [{ method, by: option }];
    }),
  };
}

/** The configured jump hosts: the last one is the nearest to the host, and each is reached through the one before. */
function proxyJump(
  { options, where }: ClientConfiguration,
  identity: string,
  fail: Fail,
): HostAddress | undefined {
  const command = options.get("proxycommand")?.join(" ");
  if (command !== undefined && command.toLowerCase() !== "none") {
    throw fail(
      `its ProxyCommand in the OpenSSH client configuration cannot be used (${where.get("proxycommand") ?? ""}). ` +
        "Use ProxyJump there, or jump on the host",
    );
  }
  const chain = options.get("proxyjump")?.[0];
  if (chain === undefined || chain.toLowerCase() === "none") return undefined;
  let jump: HostAddress | undefined;
  for (const hop of chain.split(",")) {
    const parsed = hostSchema.safeParse(hop.trim().replace(/^ssh:\/\//, ""));
    if (!parsed.success) {
      throw fail(
        `ProxyJump ${hop} of the OpenSSH client configuration: ${parsed.error.issues[0]?.message ?? ""}`,
      );
    }
    jump = jump === undefined ? parsed.data : { ...parsed.data, jump };
  }
  // "Host *" with a ProxyJump also covers the jump host itself, which is then reached directly.
  if (jump !== undefined && hostIdentity(withoutJump(jump)) === identity) return undefined;
  return jump;
}

function withoutJump(host: HostAddress): HostAddress {
  return { address: host.address, ...(host.port !== undefined && { port: host.port }) };
}

/** Checks values from the configuration like those from a program. */
function checkedAddress(host: HostAddress): string | undefined {
  const parsed = hostSchema.safeParse(host);
  if (parsed.success) return undefined;
  const issue = parsed.error.issues[0];
  return `a value that cannot be used: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`;
}

function knownHostsFiles(
  options: ClientOptions,
  settings: Settings,
  path: (text: string) => string,
): Pick<ResolvedHost, "userKnownHostsFiles" | "globalKnownHostsFiles"> {
  if (settings.knownHostsPath !== undefined) {
    return { userKnownHostsFiles: [settings.knownHostsPath], globalKnownHostsFiles: [] };
  }
  const files = (name: string, fallback: readonly string[]): string[] =>
    (options.get(name) ?? fallback).filter((file) => file.toLowerCase() !== "none").map(path);
  return {
    userKnownHostsFiles: files("userknownhostsfile", ["~/.ssh/known_hosts", "~/.ssh/known_hosts2"]),
    globalKnownHostsFiles: files("globalknownhostsfile", [
      "/etc/ssh/ssh_known_hosts",
      "/etc/ssh/ssh_known_hosts2",
    ]),
  };
}

function agentOf(
  option: string | undefined,
  settings: Settings,
  path: (text: string) => string,
): string | undefined {
  if (option === undefined || option === "SSH_AUTH_SOCK") return settings.agentSocket;
  if (option.toLowerCase() === "none") return undefined;
  return option.startsWith("$") && !option.startsWith("${") ? settings.env(option.slice(1)) : path(option);
}

/** Expands `~` and `${NAME}`. A relative path stays relative to the working folder, as in ssh. */
function expandPath(text: string, { home, env }: Settings): string {
  return expandHome(
    text.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (all, name: string) => env(name) ?? all),
    home,
  );
}

function checkingOf(option: string | undefined): HostKeyChecking {
  switch (option?.toLowerCase()) {
    case "accept-new":
      return "accept-new";
    case "no":
    case "off":
    case "false":
      return "off";
    // `ask` cannot be answered here, as there is no user at a terminal.
    default:
      return "strict";
  }
}

function isYes(option: string | undefined): boolean {
  return option !== undefined && /^(yes|true)$/i.test(option);
}
