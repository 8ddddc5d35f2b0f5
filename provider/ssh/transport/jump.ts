import { reasonOf } from "../../model/error";
import { printable } from "../../model/outside-text";
import type { Duplex } from "node:stream";
import type { ResolvedHost } from "../config/resolve";
import { type SshTransport, type Connector, connect } from "./connect";
import type { ClientState } from "../client-state";
import { cannotConnect } from "../error";

/** A jump host's connection, which all hosts behind it share. */
interface SharedJump {
  users: number;
  readonly link: Promise<SshTransport>;
}

type Jumps = Map<string, SharedJump>;

/** Opens a transport to a host. */
export type OpenTransport = (host: ResolvedHost) => Promise<SshTransport>;

// RFC 4254, 5.1: SSH_OPEN_ADMINISTRATIVELY_PROHIBITED and SSH_OPEN_CONNECT_FAILED.
const PROHIBITED = 1;
const CONNECT_FAILED = 2;

/**
 * Opens transports, through a host's jump hosts if it has any. Each hop is verified and authenticated on its own. All
 * hosts behind a jump host share its connection, which closes with the last of them. If a jump host fails, the SshError
 * is about the target host and contains the jump host's error.
 */
export function transportOpener(client: ClientState): OpenTransport {
  const jumps: Jumps = new Map();
  return (host) => openThroughJumps(host, client, jumps);
}

async function openThroughJumps(
  host: ResolvedHost,
  client: ClientState,
  jumps: Jumps,
): Promise<SshTransport> {
  if (host.jump === undefined) return connect(host, client, undefined);
  const jump = await enterJump(host.jump, host, client, jumps);
  try {
    const link = await connect(host, client, forwardThrough(jump.link, host));
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
  client: ClientState,
  jumps: Jumps,
): Promise<{ link: SshTransport; leave: () => Promise<void> }> {
  const key = JSON.stringify(jumpHost);
  const jump = jumps.get(key) ?? { users: 0, link: openTraced(jumpHost, client, jumps) };
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

async function openTraced(host: ResolvedHost, client: ClientState, jumps: Jumps): Promise<SshTransport> {
  const { trace } = client;
  const started = performance.now();
  const link = await openThroughJumps(host, client, jumps);
  trace({ host: host.label, event: "open", description: "jump", ms: performance.now() - started });
  link.onEnd(() => trace({ host: host.label, event: "close", description: "jump" }));
  return link;
}

function forwardThrough(jump: SshTransport, host: ResolvedHost): Connector {
  return async (): Promise<Duplex> => {
    try {
      return await jump.ssh.forwardOut("127.0.0.1", 0, host.hostname, host.port);
    } catch (error) {
      const said = printable(
        error instanceof Error ? error.message.replace("(SSH) Channel open failure: ", "") : String(error),
      );
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
        "Check address and port from the jump host, and that sshd runs there",
        { cause: error },
      );
    }
  };
}
