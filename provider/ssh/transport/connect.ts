import { NodeSSH } from "node-ssh";
import { type Socket, connect as connectTcp } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { CipherAlgorithm, KexAlgorithm, MacAlgorithm, ParsedKey, ServerHostKeyAlgorithm } from "ssh2";
import { authenticate } from "../auth/authenticate";
import { printable } from "../../model/outside-text";
import { parseCertificate } from "../auth/certificate";
import { isCertificateAlgorithm } from "../config/algorithms";
import type { ResolvedHost } from "../config/resolve";
import { type HostKeyCheck, checkHostKey } from "../host-keys/verify";
import type { ClientState } from "../client-state";
import {
  expectCertifiedSignature,
  ignoreOtherHostKeys,
  offerHostKeys,
  signAsPresented,
} from "./ssh2-internals";
import { type ConnectStage, type Failure, describeFailure } from "./failure";

/** An authenticated SSH connection to a host, direct or through jump hosts. */
export interface SshTransport {
  readonly host: ResolvedHost;
  readonly ssh: NodeSSH;
  readonly hostKeyFingerprint: string;
  /** Why no password may be sent over it, if there is a reason. */
  readonly distrust: string | undefined;
  /** The server's software: `OpenSSH_9.2p1`, `dropbear_2022.83` (RFC 4253, 4.2). */
  readonly software: string;
  /** Why the connection has ended; undefined while it is open. */
  readonly ended: () => string | undefined;
  /** Called once when the connection is over, for whatever reason. */
  readonly onEnd: (listener: () => void) => void;
  /** Disconnects, and resolves when the socket is closed, or after half a second. */
  readonly close: () => Promise<void>;
}

/** Opens a stream to a host's port. Undefined: plain TCP from here. */
export type Connector = () => Promise<Duplex>;

/** The server's identification is in its first bytes. */
const LONGEST_GREETING = 4096;
const CLOSE_TIMEOUT = 500;
const FIRST_PAUSE = 200;
const LONGEST_PAUSE = 3_000;

/**
 * Connects and authenticates. If the server drops the connection before authentication (MaxStartups of sshd: random
 * early drop), it tries again after a growing, random pause. All attempts take at most twice the connect timeout, not
 * counting the wait for the semaphore.
 *
 * @throws SshError
 */
export async function connect(
  host: ResolvedHost,
  client: ClientState,
  connector: Connector | undefined,
): Promise<SshTransport> {
  const check = checkHostKey(host, client);
  const limit = host.connectTimeout * 1000;
  let left = 2 * limit;
  let pause = FIRST_PAUSE;
  for (let attempt = 1; ; attempt++) {
    await client.handshakes.acquire();
    const started = performance.now();
    const outcome = await connectOnce(host, client, connector, check, Math.min(limit, left)).finally(
      client.handshakes.release,
    );
    if ("link" in outcome) return outcome.link;
    left -= performance.now() - started;
    // Half to one and a half of the pause, so that connections that were dropped together do not return together.
    const wait = outcome.again === "at once" ? 0 : pause * (0.5 + Math.random());
    if (outcome.again === "never" || left <= wait) throw outcome.error(attempt);
    client.trace({ host: host.label, event: "retry", description: outcome.error(attempt).message });
    if (wait > 0) {
      await sleep(wait);
      left -= wait;
      pause = Math.min(2 * pause, LONGEST_PAUSE);
    }
  }
}

async function connectOnce(
  host: ResolvedHost,
  client: ClientState,
  connector: Connector | undefined,
  check: HostKeyCheck,
  milliseconds: number,
): Promise<{ link: SshTransport } | Failure> {
  const authentication = authenticate(host, client, check.distrust);
  let stage: ConnectStage = "tcp";
  let stream: Duplex | undefined;
  let expired = false;
  let timer: NodeJS.Timeout | undefined;
  const expiry = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      expired = true;
      reject(new Error("timed out"));
    }, milliseconds);
    timer.unref();
  });
  expiry.catch(() => undefined);

  let firstError: Error | undefined;
  try {
    const opening = connector === undefined ? Promise.resolve(tcp(host)) : connector();
    // A stream that opens only after the time was up is not used.
    void opening.then((late) => expired && late.destroy()).catch(() => undefined);
    const opened = await Promise.race([opening, expiry]);
    stream = opened;
    const ssh = new NodeSSH();
    const hostKeys = check.algorithms();
    const ready = ssh.connect({
      sock: opened,
      username: host.user,
      authHandler: authentication.handler,
      algorithms: {
        kex: host.algorithms.kex as KexAlgorithm[],
        cipher: host.algorithms.cipher as CipherAlgorithm[],
        hmac: host.algorithms.mac as MacAlgorithm[],
        serverHostKey: hostKeys.filter((name) => !isCertificateAlgorithm(name)) as ServerHostKeyAlgorithm[],
      },
      hostVerifier: (key: Buffer) => {
        if (!check.verify(key)) return false;
        const certificate = parseCertificate(key);
        if (certificate !== undefined && ssh.connection !== null) {
          expectCertifiedSignature(ssh.connection, certificate);
        }
        return true;
      },
      keepaliveInterval: host.keepaliveInterval * 1000,
      keepaliveCountMax: host.keepaliveCount,
      readyTimeout: 0,
    });
    ready.catch(() => undefined);
    const session = ssh.connection;
    if (session === null) throw await ready.catch((error: unknown) => error);
    signAsPresented(session);
    if (hostKeys.some(isCertificateAlgorithm)) offerHostKeys(session, hostKeys);
    let software = "";
    opened.once("data", (chunk: Buffer) => {
      const start = chunk.toString("latin1", 0, LONGEST_GREETING);
      software = /^SSH-[0-9.]{1,10}-([!-~]{1,100})/m.exec(start)?.[1] ?? "";
    });
    if (host.updateHostKeys) {
      session.on("hostkeys", (keys: readonly ParsedKey[]) =>
        check.learn(keys.map((key) => key.getPublicSSH())),
      );
    } else ignoreOtherHostKeys(session);
    const listeners = new Set<() => void>();
    let end: string | undefined;
    // node-ssh listens for errors only while it connects, and an "error" event without a listener ends the process.
    session.on("error", (error) => (firstError ??= error));
    session.on("connect", () => (stage = "kex"));
    session.on("handshake", () => (stage = "authentication"));
    session.on("change password", () => {
      firstError ??= new Error("the password has expired and must be changed at a login by hand");
      session.end();
    });
    const onGone = (): void => {
      end ??= firstError === undefined ? "the server closed the connection" : printable(firstError.message);
      for (const listener of listeners) listener();
      listeners.clear();
    };
    session.on("end", onGone);
    session.on("close", onGone);
    await Promise.race([ready, expiry]);
    stage = "ready";
    const link: SshTransport = {
      host,
      ssh,
      hostKeyFingerprint: check.accepted(),
      distrust: check.distrust(),
      software,
      ended: () => end ?? (firstError && printable(firstError.message)),
      onEnd: (listener) => {
        if (end === undefined) listeners.add(listener);
        else listener();
      },
      close: async () => {
        if (end !== undefined) return;
        end = "it was closed";
        const closed = new Promise<void>((resolve) => session.once("close", resolve));
        session.end();
        const giveUp = new AbortController();
        await Promise.race([
          closed,
          sleep(CLOSE_TIMEOUT, undefined, { ref: false, signal: giveUp.signal }).catch(() => undefined),
        ]);
        giveUp.abort();
        // Not session.destroy(), which does nothing if the stream's own half is already closed.
        opened.destroy();
        onGone();
      },
    };
    return { link };
  } catch (error) {
    stream?.destroy();
    const cause = firstError ?? (error instanceof Error ? error : new Error(String(error)));
    return describeFailure({ host, stage, cause, expired, milliseconds, authentication, check });
  } finally {
    clearTimeout(timer);
  }
}

function tcp(host: ResolvedHost): Socket {
  return gatherWrites(
    connectTcp({
      host: host.hostname,
      port: host.port,
      noDelay: true,
      ...(host.family !== undefined && { family: host.family }),
      ...(host.bindAddress !== undefined && { localAddress: host.bindAddress }),
    }),
  );
}

/**
 * Sends writes of one tick together. Without its native parts, ssh2 writes each packet in three pieces, each of which
 * would be a system call, a TCP segment, and a wake-up of the server.
 */
function gatherWrites(socket: Socket): Socket {
  const write = socket.write.bind(socket) as (...chunk: unknown[]) => boolean;
  let gathers = false;
  const send = (): void => {
    gathers = false;
    socket.uncork();
  };
  const gather = (...chunk: unknown[]): boolean => {
    if (!gathers) {
      gathers = true;
      socket.cork();
      process.nextTick(send);
    }
    return write(...chunk);
  };
  return Object.assign(socket, { write: gather });
}
