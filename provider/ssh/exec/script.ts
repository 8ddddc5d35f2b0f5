import { PassThrough } from "node:stream";
import type { SSHExecCommandOptions } from "node-ssh";
import type { ClientChannel } from "ssh2";
import type { SshTransport } from "../transport/connect";
import {
  RAW_TERMINAL,
  afterAnnouncement,
  forTerminal,
  isPasswordPrompt,
  needsTerminal,
  promptsIn,
  shellCommand,
  shellNotStarted,
} from "./become";
import { boundedOutput } from "./bounded-output";
import { printable, quotedEnd } from "../../model/outside-text";
import type { Secret } from "../settings";
import { ConnectionLost, SshError } from "../error";
import { reasonOf } from "../../model/error";

/** The result of a script. Both texts are decoded as UTF-8, with U+FFFD for invalid bytes. */
export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  /** Exit code; null if a signal ended the shell. */
  readonly code: number | null;
  readonly signal: string | undefined;
}

/** A script and how to run it. */
export interface ScriptCall {
  readonly script: string;
  /** A short description, for messages. */
  readonly description: string;
  /** Seconds. */
  readonly timeout: number;
  /** The script stops another one. When its own time is up, no third one is started. */
  readonly stopsAnother?: boolean;
}

/** The server refused to open a channel, so nothing of the script ran. */
export interface ChannelRefused {
  readonly refused: string;
}

/**
 * A script that prints more than this, on either stream, is stopped. A link with its routes is 1 to 2 kB, so that a host may
 * have about 5,000; and what is read takes up to half a second of CPU per MiB, in which nothing else is done.
 */
const MAX_OUTPUT_MIB = 8;
/** Bytes kept of the beginning and of the end of stderr. */
const STDERR_HEAD = 512 * 1024;
const STDERR_TAIL = 128 * 1024;
/** The most output before the shell or its password prompt that may come from start-up files. */
const MAX_NOISE = 1024 * 1024;
/** Longer than a prompt or an announcement. */
const WINDOW = 256;
/** Bytes at both ends that are examined of what was printed instead of a shell. */
const QUOTED = 4096;

/** Seconds that a script has for its undo after its time was up. */
const GRACE = 5;

/** A shell on a host, as root if `become` says so, that waits for its one script. */
export interface Shell {
  /** Resolves when it has ended, was refused, or was lost. {@link Shell.run} reports the reason. */
  readonly over: Promise<void>;
  /** @throws SshError of kind `become`, `shell`, `commandTimeout` or `command`; {@link ConnectionLost} */
  run(call: ScriptCall): Promise<CommandResult | ChannelRefused>;
}

/** Starts `sh -s`, which takes two round trips: one opens the channel, one starts the shell. */
export function startShell(link: SshTransport, becomePassword: Secret | undefined): Shell {
  const { host } = link;
  const askedFor = host.become === "none" || link.distrust !== undefined ? undefined : becomePassword;
  const onTerminal = needsTerminal(host.become, askedFor !== undefined);
  const stdout: Buffer[] = [];
  const stderr = boundedOutput(STDERR_HEAD, STDERR_TAIL);
  let channel: ClientChannel | undefined;
  let failure: SshError | undefined;
  let description = "a shell";
  let giveUp: (error: SshError) => void = () => undefined;
  const abandoned = new Promise<never>((_resolve, reject) => (giveUp = reject));
  abandoned.catch(() => undefined);

  const abandon = (error: SshError): void => {
    failure ??= error;
    channel?.close();
    giveUp(failure);
  };
  /** Counts what a stream brings, and says whether it is still within the limit. */
  const counted = (): ((chunk: Buffer) => boolean) => {
    let bytes = 0;
    return (chunk) => {
      bytes += chunk.length;
      const fits = bytes <= MAX_OUTPUT_MIB * 1024 * 1024;
      if (!fits) {
        abandon(tooLong(host.label, description));
        // a program that keeps printing closes no channel either
        void link.close();
      }
      return fits;
    };
  };
  const [fitsStdout, fitsStderr] = [counted(), counted()];
  const stdin = new PassThrough();
  const conversation = askedFor === undefined ? undefined : answerPrompt(askedFor, stdin, link, abandon);
  const options: SSHExecCommandOptions = {
    stdin,
    noTrim: true,
    // node-ssh's own decoding is not used, because a character may be split between two chunks.
    encoding: "latin1",
    ...(onTerminal && { execOptions: { pty: RAW_TERMINAL } }),
    onStdout: (chunk) => {
      if (fitsStdout(chunk)) stdout.push(chunk);
      if (onTerminal) conversation?.onPrompt(chunk);
    },
    onStderr: (chunk) => {
      if (fitsStderr(chunk)) stderr.push(chunk);
      conversation?.onPrompt(chunk);
    },
    onChannel: (opened) => {
      channel = opened;
      if (failure) opened.close();
    },
  };
  const running = link.ssh.execCommand(shellCommand(host.become, askedFor !== undefined), options);
  const ignore = (): void => undefined;

  async function run(call: ScriptCall): Promise<CommandResult | ChannelRefused> {
    ({ description } = call);
    const expire = (): void => {
      const begun = onTerminal
        ? afterAnnouncement(Buffer.concat(stdout), 2)
        : afterAnnouncement(stderr.kept());
      failure ??= timedOut(link, call, begun?.text ?? stderr.kept());
      const error = failure;
      void stopShell(link, call, begun?.pid, becomePassword).then(() => abandon(error));
    };
    const timer = setTimeout(expire, call.timeout * 1000);
    timer.unref();
    const text = onTerminal ? forTerminal(call.script) : call.script;
    if (conversation) conversation.send(text);
    else stdin.end(text);
    try {
      const { code, signal } = await Promise.race([running, abandoned]);
      if (failure) throw failure;
      if (code === null && signal === null) throw lost(link, call, channel !== undefined);
      const out = afterAnnouncement(Buffer.concat(stdout), onTerminal ? 2 : 1)?.text;
      const err = onTerminal ? Buffer.alloc(0) : afterAnnouncement(stderr.kept())?.text;
      if (out === undefined || err === undefined) {
        const printed = [stderr.kept(), Buffer.concat(stdout)].map(bothEnds).join("\n");
        throw shellNotStarted(host, printed, code, link.distrust);
      }
      return {
        stdout: out.toString("utf8"),
        stderr: err.toString("utf8"),
        code,
        signal: signal ?? undefined,
      };
    } catch (error) {
      if (error instanceof SshError) throw error;
      if (link.ended() !== undefined) throw lost(link, call, channel !== undefined, error);
      const reason = printable(reasonOf(error));
      // ssh2 gives the reason code of RFC 4254, 5.1 with a refused channel.
      if (error instanceof Error && "reason" in error) return { refused: reason };
      const message = `${host.label}: "${call.description}" could not be started: ${reason}.`;
      throw new SshError("command", host.label, message, { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  return { over: running.then(ignore, ignore), run };
}

function bothEnds(printed: Buffer): string {
  if (printed.length <= 2 * QUOTED) return printed.toString("utf8");
  return `${printed.toString("utf8", 0, QUOTED)}…${printed.subarray(-QUOTED).toString("utf8")}`;
}

function tooLong(host: string, description: string): SshError {
  const message =
    `${host}: "${description}" printed more than ${MAX_OUTPUT_MIB} MiB, and was stopped. ` +
    "See what the host prints (ssh HOST ip -j -d address | wc -c); a host may have about 5,000 links and routes.";
  return new SshError("output", host, message);
}

function timedOut(link: SshTransport, call: ScriptCall, printed: Buffer): SshError {
  const { label } = link.host;
  const tail = printed.subarray(-QUOTED).toString("utf8").trim();
  const said = tail === "" ? "" : ` It had printed ${quotedEnd(tail)}.`;
  const message =
    `${label}: "${call.description}" did not end within ${call.timeout} s and was stopped.${said} ` +
    "Raise commandTimeout of the host if that is not enough.";
  return new SshError("commandTimeout", label, message);
}

/**
 * Sends SIGTERM to the shell of a script whose time is up and waits for it to end, so that its traps can undo. It uses
 * another channel, as the same user: closing the script's channel would send no signal, as there is no terminal, and
 * sshd refuses to signal root's processes (session.c, session_signal_req).
 */
async function stopShell(
  link: SshTransport,
  call: ScriptCall,
  pid: number | undefined,
  becomePassword: Secret | undefined,
): Promise<void> {
  if (call.stopsAnother === true || pid === undefined || !Number.isSafeInteger(pid) || pid <= 1) return;
  const tenths = GRACE * 10;
  // the whole group, because a shell runs its traps only when the command that hangs has ended
  const script =
    `read -r c1 c2 c3 c4 group rest < /proc/${pid}/stat && kill -TERM "-$group" && n=0 && ` +
    `while kill -s 0 ${pid} 2>/dev/null && [ $n -lt ${tenths} ]; do sleep 0.1 2>/dev/null || sleep 1; n=$((n + 1)); done\n`;
  const stopping = {
    ...call,
    script,
    description: `stopping ${call.description}`,
    timeout: 2 * GRACE,
    stopsAnother: true,
  };
  // Best effort: the time-out that follows is reported in any case.
  await startShell(link, becomePassword)
    .run(stopping)
    .catch(() => undefined);
}

/** The error for a command whose connection ended; `started` is whether its script may have run. */
export function lost(
  link: SshTransport,
  call: { description: string },
  started: boolean,
  cause?: unknown,
): ConnectionLost {
  const { label } = link.host;
  const why = link.ended() ?? "the server closed the session without an exit code";
  const message = started
    ? `${label}: the connection was lost during "${call.description}" (${why}). It may or may not have completed.`
    : `${label}: the connection was lost before "${call.description}" was started (${why}). Nothing of it ran.`;
  return new ConnectionLost(label, message, started, { cause });
}

/**
 * The dialogue with sudo or doas, which may or may not ask for the password (NOPASSWD, a cached ticket). Without a
 * prompt, the shell would read the password. So nothing is sent before either the prompt or the shell has appeared.
 */
function answerPrompt(
  password: Secret,
  stdin: PassThrough,
  link: SshTransport,
  abandon: (error: SshError) => void,
): { send: (script: string) => void; onPrompt: (chunk: Buffer) => void } {
  const { become, label } = link.host;
  let noise = 0;
  let window = "";
  let asked = 0;
  let answered = false;
  let ready = false;
  let script: string | undefined;
  return {
    send: (text) => {
      if (ready) stdin.end(text);
      else script = text;
    },
    onPrompt: (chunk) => {
      if (ready) return;
      noise += chunk.length;
      const before = window.slice(-WINDOW);
      window = before + chunk.toString("latin1");
      asked += promptsIn(window) - promptsIn(before);
      if (afterAnnouncement(Buffer.from(window, "latin1"))) {
        ready = true;
        if (script !== undefined) stdin.end(script);
      } else if (asked > 1) {
        ready = true;
        abandon(shellNotStarted(link.host, `${window.slice(-QUOTED)}\nSorry, try again.`, null));
      } else if (noise > MAX_NOISE) {
        ready = true;
        const message = `${label}: the login printed more than 1 MiB and started no shell. Check its start-up files.`;
        abandon(new SshError("shell", label, message));
      } else if (!answered && isPasswordPrompt(become, window.slice(-WINDOW))) {
        answered = true;
        stdin.write(`${password.value()}\n`);
      }
    },
  };
}
