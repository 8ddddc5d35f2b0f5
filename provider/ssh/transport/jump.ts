import { reasonOf } from "../../model/error";
import type { Duplex } from "node:stream";
import type { ResolvedHost } from "../config/resolve";
import { type SshTransport, type Connector, connect } from "./connect";
import type { Settings } from "../settings";
import { cannotConnect } from "../error";
import { trace } from "../trace";

/** A jump host's connection, which all hosts behind it share. */
interface SharedJump {
  users: number;
  readonly link: Promise<SshTransport>;
}

const shared = new WeakMap<Settings, Map<string, SharedJump>>();

// RFC 4254, 5.1: SSH_OPEN_ADMINISTRATIVELY_PROHIBITED and SSH_OPEN_CONNECT_FAILED.
const PROHIBITED = 1;
const CONNECT_FAILED = 2;

/**
 * Opens a link to a host, through its jumps if it has any. Each hop is verified and authenticated as itself. A jump's
 * connection closes with the last host behind it.
 *
 * @throws SshError for the host that was asked for, with the jump's own error in it
 */
export async function openThroughJumps(host: ResolvedHost, settings: Settings): Promise<SshTransport> {
  if (host.jump === undefined) return connect(host, settings, undefined);
  const jump = await enterJump(host.jump, host, settings);
  try {
    const link = await connect(host, settings, forwardThrough(jump.link, host));
    let left: Promise<void> | undefined;
    link.onEnd(() => {
      left = jump.leave();
    });
    return {
      ...link,
      close: async () => {
        await link.close();
        await left;
      },
    };
  } catch (error) {
    await jump.leave();
    throw error;
  }
}

async function enterJump(
  jumpHost: ResolvedHost,
  target: ResolvedHost,
  settings: Settings,
): Promise<{ link: SshTransport; leave: () => Promise<void> }> {
  const jumps = shared.get(settings) ?? new Map<string, SharedJump>();
  shared.set(settings, jumps);
  const key = JSON.stringify(jumpHost);
  const jump = jumps.get(key) ?? { users: 0, link: openTraced(jumpHost, settings) };
  jumps.set(key, jump);
  jump.users++;
  const forget = (): void => {
    if (jumps.get(key) === jump) jumps.delete(key);
  };
  try {
    const link = await jump.link;
    link.onEnd(forget);
    return {
      link,
      leave: async () => {
        if (--jump.users > 0) return;
        forget();
        await link.close();
      },
    };
  } catch (error) {
    forget();
    const reason = reasonOf(error);
    const kind =
      error instanceof Error && "kind" in error && error.kind === "configuration"
        ? error.kind
        : "unreachable";
    throw cannotConnect(kind, target.label, `its jump host could not be used: ${reason}`, "", {
      cause: error,
    });
  }
}

async function openTraced(host: ResolvedHost, settings: Settings): Promise<SshTransport> {
  const started = performance.now();
  const link = await openThroughJumps(host, settings);
  trace({ host: host.label, event: "open", description: "jump", ms: performance.now() - started });
  link.onEnd(() => trace({ host: host.label, event: "close", description: "jump" }));
  return link;
}

function forwardThrough(jump: SshTransport, host: ResolvedHost): Connector {
  return async (): Promise<Duplex> => {
    try {
      return await jump.ssh.forwardOut("127.0.0.1", 0, host.hostname, host.port);
    } catch (error) {
      const said =
        error instanceof Error ? error.message.replace("(SSH) Channel open failure: ", "") : String(error);
      const reason = error instanceof Error && "reason" in error ? error.reason : undefined;
      const target = `${host.hostname}:${host.port}`;
      if (reason === PROHIBITED) {
        throw cannotConnect(
          "refused",
          host.label,
          `its jump host ${jump.host.label} does not forward to ${target} (${said})`,
          "Allow it there: AllowTcpForwarding and PermitOpen in sshd_config, or the options in authorized_keys",
          { cause: error },
        );
      }
      throw cannotConnect(
        reason === CONNECT_FAILED && /refused/i.test(said) ? "refused" : "unreachable",
        host.label,
        `its jump host ${jump.host.label} cannot reach ${target}: ${jump.ended() ?? said}`,
        "Check address and port as seen from the jump host, and that sshd runs there",
        { cause: error },
      );
    }
  };
}
