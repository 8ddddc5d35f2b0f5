/**
 * How an option of the OpenSSH client configuration is treated:
 * - `obeyed`
 * - `refused`: the login fails and names the option, because without it the host would be reached differently than by
 *   ssh, or less securely
 * - `named`: without effect here, but ssh might log in with it; a failed login names the line
 * - `none`: without effect here, and no login depends on it
 */
export type Treatment = "obeyed" | "refused" | "named" | "none";

/** An option and its treatment. */
export interface OptionSupport {
  readonly name: string;
  readonly treatment: Treatment;
  /** How it is obeyed, or why it is not. */
  readonly note: string;
  /** For `refused` and `named`: values that do not change the behaviour. */
  readonly harmless?: readonly string[];
  /** Accepts several values on a line. */
  readonly many?: boolean;
}

/** Other and older names of options (readconf.c). */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ["challengeresponseauthentication", "kbdinteractiveauthentication"],
  ["skeyauthentication", "kbdinteractiveauthentication"],
  ["tisauthentication", "kbdinteractiveauthentication"],
  ["dsaauthentication", "pubkeyauthentication"],
  ["hostbasedkeytypes", "hostbasedacceptedalgorithms"],
  ["identityfile2", "identityfile"],
  ["keepalive", "tcpkeepalive"],
  ["pubkeyacceptedkeytypes", "pubkeyacceptedalgorithms"],
  ["smartcarddevice", "pkcs11provider"],
  ["globalknownhostsfile2", "globalknownhostsfile"],
  ["userknownhostsfile2", "userknownhostsfile"],
]);

const option = (
  name: string,
  treatment: Treatment,
  note: string,
  more: Pick<OptionSupport, "harmless" | "many"> = {},
): OptionSupport => ({ name, treatment, note, ...more });

const NO_TERMINAL = "only for sessions at a terminal";
const NO_FORWARDING = "nothing is forwarded to or from a managed host";
const NO_GSSAPI = "GSSAPI is never tried";
const NO_MULTIPLEXING = "each connection is its own";

/** Every option that OpenSSH 9 has, in the order of their names. */
export const OPTIONS: readonly OptionSupport[] = [
  option("AddKeysToAgent", "none", "no key is added to an agent", { many: true }),
  option("AddressFamily", "obeyed", "`inet`, `inet6` or `any`"),
  option("BatchMode", "none", "no question is ever asked; passwords come from the settings"),
  option("BindAddress", "obeyed", "the local address of the connection"),
  option("BindInterface", "refused", "use `BindAddress`"),
  option("CanonicalDomains", "named", "names are not looked up in domains", {
    many: true,
    harmless: ["none"],
  }),
  option("CanonicalizeFallbackLocal", "none", "the resolver's own search list always applies"),
  option(
    "CanonicalizeHostname",
    "obeyed",
    "the files are read a second time, as by ssh; but see `CanonicalDomains`",
  ),
  option("CanonicalizeMaxDots", "none", "see `CanonicalDomains`"),
  option("CanonicalizePermittedCNAMEs", "named", "no CNAME is followed", { many: true, harmless: ["none"] }),
  option("CASignatureAlgorithms", "obeyed", "signatures on certificates of hosts"),
  option("CertificateFile", "obeyed", "with the key of an `IdentityFile`, a setting or the agent"),
  option("ChannelTimeout", "none", "time limits are properties of a host", { many: true }),
  option("CheckHostIP", "refused", "only `no`, the default, can be obeyed", { harmless: ["no", "false"] }),
  option("Ciphers", "obeyed", "the algorithms that ssh2 has; see below"),
  option("ClearAllForwardings", "none", NO_FORWARDING),
  option("Compression", "none", "little is sent"),
  option("ConnectionAttempts", "none", "a server that drops connections is tried again in any case"),
  option("ConnectTimeout", "obeyed", "for connecting, key exchange and login together"),
  option("ControlMaster", "none", NO_MULTIPLEXING),
  option("ControlPath", "none", NO_MULTIPLEXING),
  option("ControlPersist", "none", NO_MULTIPLEXING),
  option("DynamicForward", "none", NO_FORWARDING, { many: true }),
  option("EnableEscapeCommandline", "none", NO_TERMINAL),
  option("EnableSSHKeysign", "none", "see `HostbasedAuthentication`"),
  option("EscapeChar", "none", NO_TERMINAL),
  option("ExitOnForwardFailure", "none", NO_FORWARDING),
  option("FingerprintHash", "none", "fingerprints are SHA256 always"),
  option("ForkAfterAuthentication", "none", "for the command line only"),
  option("ForwardAgent", "none", NO_FORWARDING),
  option("ForwardX11", "none", NO_FORWARDING),
  option("ForwardX11Timeout", "none", NO_FORWARDING),
  option("ForwardX11Trusted", "none", NO_FORWARDING),
  option("GatewayPorts", "none", NO_FORWARDING),
  option("GlobalKnownHostsFile", "obeyed", "several files; `none`", { many: true }),
  option("GSSAPIAuthentication", "none", NO_GSSAPI),
  option("GSSAPIClientIdentity", "none", NO_GSSAPI),
  option("GSSAPIDelegateCredentials", "none", NO_GSSAPI),
  option("GSSAPIKexAlgorithms", "none", NO_GSSAPI),
  option("GSSAPIKeyExchange", "none", NO_GSSAPI),
  option("GSSAPIRenewalForcesRekey", "none", NO_GSSAPI),
  option("GSSAPIServerIdentity", "none", NO_GSSAPI),
  option("GSSAPITrustDns", "none", NO_GSSAPI),
  option("HashKnownHosts", "obeyed", "when a key is added"),
  option("Host", "obeyed", "patterns with `*`, `?` and `!`", { many: true }),
  option("HostbasedAcceptedAlgorithms", "none", "see `HostbasedAuthentication`"),
  option("HostbasedAuthentication", "named", "never tried", { harmless: ["no", "false"] }),
  option("HostKeyAlgorithms", "obeyed", "the algorithms that ssh2 has; see below"),
  option("HostKeyAlias", "obeyed", "also as the name in a host's certificate"),
  option("HostName", "obeyed", "with `%h`"),
  option("IdentitiesOnly", "obeyed", "of the agent, only the keys of the files"),
  option("IdentityAgent", "obeyed", "a path, `$VARIABLE`, `SSH_AUTH_SOCK` or `none`"),
  option(
    "IdentityFile",
    "obeyed",
    "several; a `-cert.pub` file beside it; the public half alone names a key of the agent",
  ),
  option("IgnoreUnknown", "none", "an unknown option never fails a login by itself", { many: true }),
  option(
    "Include",
    "obeyed",
    "with `*`, `?`, `[…]` and `~`; as by ssh, others must not be able to write to the file",
    {
      many: true,
    },
  ),
  option("IPQoS", "none", "the system's default", { many: true }),
  option("KbdInteractiveAuthentication", "obeyed", "`no`: prompts of the server are not answered"),
  option("KbdInteractiveDevices", "none", "the server chooses"),
  option("KexAlgorithms", "obeyed", "the algorithms that ssh2 has; see below"),
  option("KnownHostsCommand", "refused", "no program is run", { harmless: ["none"] }),
  option("LocalCommand", "none", "see `PermitLocalCommand`"),
  option("LocalForward", "none", NO_FORWARDING, { many: true }),
  option("LogLevel", "none", "see MACVLAN_TRACE"),
  option("LogVerbose", "none", "see MACVLAN_TRACE", { many: true }),
  option("MACs", "obeyed", "the algorithms that ssh2 has; see below"),
  option("Match", "obeyed", "see below", { many: true }),
  option("NoHostAuthenticationForLocalhost", "none", "the key of localhost is checked like any other"),
  option("NumberOfPasswordPrompts", "none", "a password is tried once"),
  option("ObscureKeystrokeTiming", "none", NO_TERMINAL, { many: true }),
  option("PasswordAuthentication", "obeyed", "`no`: the password of the settings is not sent as one"),
  option("PermitLocalCommand", "none", "no program is run"),
  option("PermitRemoteOpen", "none", NO_FORWARDING, { many: true }),
  option("PKCS11Provider", "named", "use the agent for keys of a token", { harmless: ["none"] }),
  option("Port", "obeyed", ""),
  option(
    "PreferredAuthentications",
    "obeyed",
    "the order of `publickey`, `password` and `keyboard-interactive`, and which of them",
  ),
  option("ProxyCommand", "refused", "no program is run; use `ProxyJump`", { harmless: ["none"] }),
  option("ProxyJump", "obeyed", "chains too; excludes `ProxyCommand`"),
  option("ProxyUseFdpass", "none", "see `ProxyCommand`"),
  option("PubkeyAcceptedAlgorithms", "obeyed", "the algorithms that ssh2 has; see below"),
  option("PubkeyAuthentication", "obeyed", "`no`: no key is tried"),
  option("RefuseConnection", "obeyed", "the login fails with its message"),
  option("RekeyLimit", "none", "the server's limit", { many: true }),
  option("RemoteCommand", "none", "the provider's own commands are run"),
  option("RemoteForward", "none", NO_FORWARDING, { many: true }),
  option("RequestTTY", "none", NO_TERMINAL),
  option("RequiredRSASize", "obeyed", "for keys of hosts and of users; default: 1024"),
  option("RevokedHostKeys", "obeyed", "a file of public keys; a binary KRL is refused"),
  option("SecurityKeyProvider", "none", "use the agent for security keys"),
  option("SendEnv", "none", "commands run in the environment of the login", { many: true }),
  option("ServerAliveCountMax", "obeyed", "default: 3"),
  option("ServerAliveInterval", "obeyed", "default: 15"),
  option("SessionType", "none", "for the command line only"),
  option("SetEnv", "none", "commands run in the environment of the login", { many: true }),
  option("StdinNull", "none", "for the command line only"),
  option("StreamLocalBindMask", "none", NO_FORWARDING),
  option("StreamLocalBindUnlink", "none", NO_FORWARDING),
  option("StrictHostKeyChecking", "obeyed", "`ask` is `yes`; see `macvlan:hostKeyChecking`"),
  option("SyslogFacility", "none", "see MACVLAN_TRACE"),
  option("Tag", "obeyed", "for `Match tagged`"),
  option("TCPKeepAlive", "none", "see `ServerAliveInterval`"),
  option("Tunnel", "none", NO_FORWARDING),
  option("TunnelDevice", "none", NO_FORWARDING),
  option(
    "UpdateHostKeys",
    "obeyed",
    "`yes`: new keys of a known host are added to the first known_hosts file; none is removed. Default: `no`",
  ),
  option("User", "obeyed", ""),
  option("UserKnownHostsFile", "obeyed", "several files; `none`", { many: true }),
  option("VerifyHostKeyDNS", "named", "the known_hosts files decide", { harmless: ["no", "false"] }),
  option("VersionAddendum", "none", "the client's own version is sent"),
  option("VisualHostKey", "none", "nothing is drawn"),
  option("WarnWeakCrypto", "none", "weak algorithms are off unless asked for", { many: true }),
  option("XAuthLocation", "none", NO_FORWARDING),
];

const BY_KEYWORD: ReadonlyMap<string, OptionSupport> = new Map(
  OPTIONS.map((support) => [support.name.toLowerCase(), support]),
);

/** The current keyword of an option, in lower case. */
export function canonicalKeyword(keyword: string): string {
  return ALIASES.get(keyword) ?? keyword;
}

/** The treatment of an option; undefined for one that OpenSSH 9 does not have. */
export function supportOf(keyword: string): OptionSupport | undefined {
  return BY_KEYWORD.get(keyword);
}
