import { printable } from "../../model/outside-text";
import type { ResolvedHost } from "../config/resolve";
import { type Authentication, explainAnswers } from "../auth/authenticate";
import type { HostKeyCheck } from "../host-keys/verify";
import { SshError, type SshErrorKind, cannotConnect } from "../error";

/** The stage of connecting. */
export type ConnectStage = "tcp" | "kex" | "authentication" | "ready";

/** A failed attempt, and whether to try again. */
export interface Failure {
  readonly again: "never" | "at once" | "later";
  readonly error: (attempts: number) => SshError;
}

interface Attempt {
  readonly host: ResolvedHost;
  readonly stage: ConnectStage;
  readonly cause: Error;
  readonly expired: boolean;
  readonly milliseconds: number;
  readonly authentication: Authentication;
  readonly check: HostKeyCheck;
}

const STAGES: Record<ConnectStage, string> = {
  tcp: "there was no TCP connection",
  kex: "the key exchange was not finished",
  authentication: "the authentication was not finished",
  ready: "the connection was not ready",
};

/** Describes what ended an attempt and what to do, and decides whether to try again. */
export function describeFailure(attempt: Attempt): Failure {
  const { host, stage, cause, expired, milliseconds, authentication, check } = attempt;
  const where = host.hostname.includes(":")
    ? `[${host.hostname}]:${host.port}`
    : `${host.hostname}:${host.port}`;
  const fail = (
    kind: SshErrorKind,
    what: string,
    remedy: string,
    again: Failure["again"] = "never",
  ): Failure => ({
    again,
    error: (attempts) => {
      const times = again === "later" && attempts > 1 ? ` (${attempts} attempts)` : "";
      return cannotConnect(kind, host.label, what + times, remedy + passedOver(host), { cause });
    },
  });
  if (cause instanceof SshError) return { again: "never", error: () => cause };

  const refusal = check.refusal();
  // The second message comes if a fingerprint is pinned and the server has no other types of keys.
  if (refusal && /Host denied|no matching host key/.test(cause.message)) {
    const denied = cause.message.includes("Host denied");
    return fail(
      "hostKey",
      refusal.what,
      refusal.remedy,
      denied && check.mayHaveAnother() ? "at once" : "never",
    );
  }
  if (expired) {
    return fail(
      "timeout",
      `${STAGES[stage]} within ${Math.round(milliseconds / 100) / 10} s`,
      stage === "tcp"
        ? `Check that the host is up and that routes and firewalls let ${where} through`
        : "The host or the network may be overloaded: raise connectTimeout, or lower macvlan:maxConnections",
    );
  }
  const code = codeOf(cause);
  switch (code) {
    case "ECONNREFUSED":
      return fail(
        "refused",
        `${where} refused the connection`,
        "Check the port, and that sshd runs and listens there",
      );
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EAI_FAIL":
    case "EAI_NONAME":
      return fail(
        "unreachable",
        `the name ${host.hostname} cannot be resolved (${code})`,
        "Check the name, and that it is in DNS, /etc/hosts or the OpenSSH client configuration",
        code === "EAI_AGAIN" ? "later" : "never",
      );
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "EADDRNOTAVAIL":
    case "EHOSTDOWN":
    case "ETIMEDOUT":
      if (stage === "tcp") {
        return fail(
          "unreachable",
          `${where} is not reachable (${code})`,
          "Check the address, routes and firewalls",
        );
      }
  }
  // node-ssh's message for a connection that was closed without a reason.
  const said = printable(cause.message.replace("No response from server", "it was closed"));
  if (stage === "authentication") {
    const answers = explainAnswers(authentication);
    return fail(
      "authentication",
      isOnlySaying(said) ? answers : `${answers}\nThe connection ended with: ${said}`,
      authentication.answers.some(({ answer }) => answer === "refused")
        ? `Check the user ${host.user} and its authorized_keys on the host; the reason is in the log of sshd`
        : "Provide a key that the host accepts: MACVLAN_PRIVATE_KEY_PATH, macvlan:privateKey (secret), ssh-agent or ~/.ssh/config",
    );
  }
  if (/no matching/.test(said)) {
    return fail(
      "handshake",
      said.replace("Handshake failed: ", "client and server have "),
      "Allow one in sshd_config that is offered: curve25519-sha256 or ecdh-sha2-nistp256, ed25519, ecdsa or rsa-sha2 host " +
        "keys, AES. For an old server, allow its weak one as for ssh (HostKeyAlgorithms +ssh-rsa in ~/.ssh/config)",
    );
  }
  return fail(
    "handshake",
    `the server ended the connection before authentication: ${said}`,
    "It may have too many connections at once (MaxStartups in sshd_config), refuse this address, or not be an SSH server",
    "later",
  );
}

/** The lines of the client configuration that ssh would have obeyed, and that may be the reason why ssh can log in. */
function passedOver(host: ResolvedHost): string {
  if (host.passedOver.length === 0) return "";
  const lines = host.passedOver.map((line) => `\n  - ${line}`).join("");
  return `.\nThese lines of the OpenSSH client configuration were ignored:${lines}\n`;
}

/** Errors that only say that everything was tried. */
function isOnlySaying(message: string): boolean {
  return /All configured authentication methods failed|it was closed/.test(message);
}

/** The system's error code; if several addresses were tried, that of the first. */
function codeOf(error: Error): string | undefined {
  if ("code" in error && typeof error.code === "string") return error.code;
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  return first instanceof Error ? codeOf(first) : undefined;
}
