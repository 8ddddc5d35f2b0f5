/** Errors by which a run fails, and failures of a check: each has a code, and a section of that name in docs/troubleshooting.md. Pure. */
import type { Difference } from "./difference";
import { uniqueBy } from "./lists";
import { forLog } from "./outside-text";

/** Every code that a message can end with. */
export const ERROR_CODES = [
  // before a host is reached
  ...(["invalid-setting", "ssh-configuration", "invalid-input", "no-import"] as const),
  ...(["program-conflict", "no-free-address"] as const),
  // reaching it
  ...(["host-unreachable", "connection-refused", "connection-timeout", "ssh-handshake"] as const),
  ...(["host-key", "authentication", "no-root", "no-shell"] as const),
  // talking to it
  ...([
    "command-timeout",
    "output-too-long",
    "connection-lost",
    "command-not-run",
    "host-unreadable",
    "interrupted",
  ] as const),
  // what stands in the way of a plan
  ...(["host-unsupported", "not-on-host", "unsuitable-link", "port-has-addresses"] as const),
  ...([
    "name-taken",
    "foreign-owner",
    "cannot-adopt",
    "taken-on-host",
    "not-selected",
    "harms-others",
    "too-many-macs",
  ] as const),
  ...(["no-plan", "duplicate-address"] as const),
  // changing it
  ...([
    "change-failed",
    "change-ignored",
    "check-failed",
    "change-unconfirmed",
    "change-unknown",
    "host-locked",
    "host-changing",
  ] as const),
  // leaving it alone
  ...(["rollout-stopped", "rollout-undone", "rollout-blocked"] as const),
  // a fault of ours
  "internal-error",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** A problem with an input, on its path. Its code says what the user has to do about it. */
export interface Issue {
  readonly code: ErrorCode;
  /** `addresses[1]`, `host.port`; empty for the resource as a whole. */
  readonly property: string;
  /** Completes a sentence that begins with the property. */
  readonly reason: string;
}

export function issue(code: ErrorCode, property: string, reason: string): Issue {
  return { code, property, reason };
}

/** What concerns all links of a resource alike is reported once. */
export function uniqueIssues(issues: readonly Issue[]): Issue[] {
  return uniqueBy(issues, ({ property, reason }) => `${property}\n${reason}`);
}

/** `mtu: is above that of the parent eth0, which is 1500; raise that first` */
export function describeIssues(issues: readonly Issue[]): string {
  return issues.map(({ property, reason }) => `${property}: ${reason}`).join("; ");
}

/** Details of an error beside its message. */
export interface ErrorDetails {
  /** The host's label: `ops@node1.example`. */
  readonly host?: string;
  /** `MacvlanInterface "web"` */
  readonly resource?: string;
  /** The command that failed, as it was run on the host. */
  readonly command?: string;
  readonly exitCode?: number;
  /** What the command printed. */
  readonly output?: string;
  /** What still differs from before the change; empty if everything was rolled back. */
  readonly remaining?: readonly Difference[];
}

/**
 * A failure with a code. `message` ends with the code in brackets; `text` is the message without it, for messages that
 * are made of others.
 *
 * @example
 * ```ts
 * try {
 *   await host.change(resource, makePlan);
 * } catch (error) {
 *   if (error instanceof MacvlanError && error.code === "host-locked") await tryAgain();
 *   else throw error;
 * }
 * ```
 */
export class MacvlanError extends Error {
  override readonly name: string = "MacvlanError";
  readonly host: string | undefined;
  readonly resource: string | undefined;
  readonly command: string | undefined;
  readonly exitCode: number | undefined;
  readonly output: string | undefined;
  readonly remaining: readonly Difference[] | undefined;

  readonly text: string;

  constructor(
    readonly code: ErrorCode,
    text: string,
    details: ErrorDetails = {},
    options?: ErrorOptions,
  ) {
    // It may contain output of a host.
    const harmless = forLog(text);
    super(withCode(harmless, code), options);
    this.text = harmless;
    this.host = details.host;
    this.resource = details.resource;
    this.command = details.command;
    this.exitCode = details.exitCode;
    this.output = details.output;
    this.remaining = details.remaining;
  }
}

/** An error with a code: one that none was given to is a fault of ours. */
export function codedError(error: unknown): MacvlanError {
  if (error instanceof MacvlanError) return error;
  const text = `${reasonOf(error)}. This is a fault of pulumi-macvlan: please report it`;
  return new MacvlanError("internal-error", text, {}, { cause: error });
}

/** A message that ends with its code: `… is no port [unsuitable-link]`. */
export function withCode(text: string, code: ErrorCode): string {
  return `${text} [${code}]`;
}

/** The message of an error without its code, as a part of another message. */
export function reasonOf(error: unknown): string {
  if (error instanceof MacvlanError) return error.text;
  return error instanceof Error ? error.message : String(error);
}
