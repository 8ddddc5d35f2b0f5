import { setTimeout as sleep } from "node:timers/promises";
import type { Become, HostAddress } from "./address";
import { printable } from "../model/outside-text";
import { semaphore } from "./semaphore";
import { resolveHost } from "./config/resolve";
import { type OpenTransport, transportOpener } from "./transport/jump";
import { type CommandResult, type ScriptCall, type Shell, lost, startShell } from "./exec/script";
import { type ClientState, clientState } from "./client-state";
import type { Settings } from "./settings";
import { SshError } from "./error";
import { reasonOf } from "../model/error";

export type { CommandResult } from "./exec/script";
export { ConnectionLost, SshError } from "./error";

/** How to run one script. */
export interface RunOptions {
  /** Seconds; default: `commandTimeout` of the host. */
  readonly timeout?: number;
  /** What the script does, for messages and the trace: "reading the links". */
  readonly description?: string;
  /** The script has a secret in it, which the trace then leaves out: the description says what it does. */
  readonly isSecret?: boolean;
}

/** An open connection to a host. */
export interface Connection {
  readonly host: HostAddress;
  /** `ops@node1.example:22`. */
  readonly label: string;
  readonly user: string;
  readonly become: Become;
  /** `SHA256:…` of the key that the host presented and that was accepted. */
  readonly hostKeyFingerprint: string;
  /** True once the connection was closed or lost. It does not come back: open another. */
  readonly closed: boolean;
  /**
   * Runs a script with `sh -s` as root (see `become`). Up to eight run at once (one on dropbear); others wait, and
   * their time counts from their start. The script is sent over stdin. So a command that reads stdin would consume the
   * rest of it, and if the connection is lost, the shell runs what has arrived: wrap the script in a function that its
   * last line calls.
   *
   * A non-zero exit code is a result, not an error. When its time is up, the shell gets SIGTERM and a few seconds to
   * end, so that a trap can undo. The error is thrown after that.
   *
   * @throws SshError of kind `become`, `shell`, `commandTimeout` or `command`; ConnectionLost
   */
  run(script: string, options?: RunOptions): Promise<CommandResult>;
  /**
   * Starts the shell of a script that will follow, so that the script need not wait for it. A failure is reported by
   * the script's run.
   */
  prestart(): void;
  /** Ends the connection; scripts that still run fail. Never throws, and does nothing the second time. */
  close(): Promise<void>;
}

/** sshd allows ten sessions per connection (MaxSessions). One that has timed out counts until its shell has ended. */
const MAX_CHANNELS = 8;
/**
 * dropbear from 2022.82 to 2024.85 closes a session that is being opened when another one's command ends
 * (github.com/mkj/dropbear, issues 173 and 321).
 */
const ONE_AT_A_TIME = /^dropbear/i;
const REFUSED_CHANNEL_PAUSES = [100, 300, 900];

/** Connects to hosts. Its connections share keys, configuration and jump hosts. */
export interface SshClient {
  /**
   * Connects to a host and authenticates, through its jump hosts if it has any.
   *
   * @throws SshError whose message says what happened and what to do
   */
  connect(host: HostAddress): Promise<Connection>;
}

/** Opens a client, which connects to nothing yet. */
export function openSshClient(settings: Settings, output: Pick<ClientState, "trace" | "warn">): SshClient {
  const state = clientState(settings, output);
  const openTransport = transportOpener(state);
  return { connect: (host) => openConnection(host, state, openTransport) };
}

async function openConnection(
  host: HostAddress,
  { settings, configs, trace }: ClientState,
  openTransport: OpenTransport,
): Promise<Connection> {
  const resolved = resolveHost(host, settings, configs);
  const { label, user, become } = resolved;
  const opened = performance.now();
  const link = await openTransport(resolved);
  const way = resolved.jump === undefined ? "" : ` through ${resolved.jump.label}`;
  trace({ host: label, event: "open", description: `connected${way}`, ms: performance.now() - opened });
  let closing = false;
  link.onEnd(() => {
    const event = closing ? "close" : "lost";
    trace({ host: label, event, description: link.ended() ?? "", ms: performance.now() - opened });
  });

  const queue = semaphore(ONE_AT_A_TIME.test(link.software) ? 1 : MAX_CHANNELS);
  let ahead: Shell | undefined;
  const prestart = (): void => {
    if (ahead !== undefined || link.ended() !== undefined || !queue.tryAcquire()) return;
    const shell = startShell(link, settings.becomePassword);
    ahead = shell;
    void shell.over.then(() => {
      if (ahead !== shell) return;
      ahead = undefined;
      queue.release();
    });
  };
  /** A shell, with a turn of the semaphore. */
  const takeShell = async (call: ScriptCall): Promise<Shell> => {
    const waiting = ahead;
    ahead = undefined;
    if (waiting === undefined) await queue.acquire();
    if (link.ended() !== undefined) {
      queue.release();
      throw lost(link, call, false);
    }
    return waiting ?? startShell(link, settings.becomePassword);
  };
  const runQueued = async (call: ScriptCall): Promise<CommandResult> => {
    const pauses = [...REFUSED_CHANNEL_PAUSES];
    for (;;) {
      const shell = await takeShell(call);
      try {
        const outcome = await shell.run(call);
        if (!("refused" in outcome)) return outcome;
        if (!queue.shrink()) {
          const pause = pauses.shift();
          if (pause === undefined) {
            const message =
              `${label}: "${call.description}" could not be started: the server refuses a session (${printable(outcome.refused)}). ` +
              "Raise MaxSessions in its sshd_config, and check its log.";
            throw new SshError("command", label, message);
          }
          await sleep(pause);
        }
      } finally {
        queue.release();
      }
    }
  };

  return {
    host,
    label,
    user,
    become,
    hostKeyFingerprint: link.hostKeyFingerprint,
    get closed() {
      return link.ended() !== undefined;
    },
    run: async (script, { timeout = resolved.commandTimeout, description = "a script", isSecret } = {}) => {
      const started = performance.now();
      const traced = isSecret === true ? {} : { script };
      try {
        const result = await runQueued({ script, description, timeout });
        const bytes = Buffer.byteLength(result.stdout) + Buffer.byteLength(result.stderr);
        const ms = performance.now() - started;
        trace({ host: label, event: "run", description, ...traced, code: result.code, ms, bytes });
        return result;
      } catch (error) {
        const reason = reasonOf(error);
        const ms = performance.now() - started;
        trace({ host: label, event: "failed", description: `${description}: ${reason}`, ...traced, ms });
        throw error;
      }
    },
    prestart,
    close: async () => {
      closing = true;
      await link.close();
    },
  };
}
