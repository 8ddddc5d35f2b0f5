import { type ErrorCode, MacvlanError } from "../model/error";

/**
 * What failed on the connection to a host:
 * - `configuration`: a setting or the OpenSSH client configuration cannot be used; nothing was tried
 * - `unreachable`, `refused`, `timeout`: no connection
 * - `handshake`: the two sides found no common protocol, or the server gave up before authentication
 * - `hostKey`, `authentication`
 * - `become`: the script was not started because it could not become root
 * - `shell`: the script was not started because the login shell did not start `sh`
 * - `commandTimeout`: the script was started and did not end in time
 * - `output`: the script printed more than is read
 * - `lost`: see {@link ConnectionLost}
 * - `command`: a command could not be run for another reason
 */
export type SshErrorKind =
  | "configuration"
  | "unreachable"
  | "refused"
  | "timeout"
  | "handshake"
  | "hostKey"
  | "authentication"
  | "become"
  | "shell"
  | "commandTimeout"
  | "output"
  | "lost"
  | "command";

/** The codes in messages and in docs/troubleshooting.md. */
const CODES: Readonly<Record<SshErrorKind, ErrorCode>> = {
  configuration: "ssh-configuration",
  unreachable: "host-unreachable",
  refused: "connection-refused",
  timeout: "connection-timeout",
  handshake: "ssh-handshake",
  hostKey: "host-key",
  authentication: "authentication",
  become: "no-root",
  shell: "no-shell",
  commandTimeout: "command-timeout",
  output: "output-too-long",
  lost: "connection-lost",
  command: "command-not-run",
};

/** An error of the SSH layer. Its message names the host, and says what happened and what to do about it. */
export class SshError extends MacvlanError {
  override readonly name: string = "SshError";

  /** @param host the host's label: `ops@node1.example:22` */
  constructor(
    readonly kind: SshErrorKind,
    host: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(CODES[kind], message, { host }, options);
  }
}

/** The connection ended while a command ran or waited. */
export class ConnectionLost extends SshError {
  override readonly name = "ConnectionLost";

  constructor(
    host: string,
    message: string,
    /** False: nothing of the script ran. True: it may have run in full, in part or not at all, and may still run. */
    readonly started: boolean,
    options?: ErrorOptions,
  ) {
    super("lost", host, message, options);
  }
}

/** Builds the error for a failure to connect to a host. */
export function cannotConnect(
  kind: SshErrorKind,
  host: string,
  what: string,
  remedy: string,
  options?: ErrorOptions,
): SshError {
  return new SshError(
    kind,
    host,
    `cannot connect to ${host}: ${sentence(what)} ${sentence(remedy)}`.trim(),
    options,
  );
}

function sentence(text: string): string {
  const trimmed = text.trim();
  return trimmed === "" || /[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}
