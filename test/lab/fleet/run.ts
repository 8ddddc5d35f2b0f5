/** Running commands of this machine, never through a shell. */
import { spawn } from "node:child_process";
import { constants } from "node:os";

/** What a command printed and how it ended; ended by a signal, `code` is 128 + its number, as in a shell. */
export interface CommandResult {
  stdout: string;
  stderr: string;
  code: number;
}

/** How to run a command: `input` goes to its standard input; after `timeout` (milliseconds) it is killed, code 137. */
export interface RunOptions {
  input?: string | Buffer;
  env?: NodeJS.ProcessEnv;
  timeout?: number;
}

/** Runs a command to its end. @throws if it cannot be started (no such file); not for a non-zero status. */
export function run(command: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const [file = "", ...args] = command;
    // A process group of its own, so that a timeout also ends what the command started.
    const child = spawn(file, args, { env: options.env ?? process.env, detached: true });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    const timer =
      options.timeout === undefined
        ? undefined
        : setTimeout(() => {
            if (child.pid !== undefined) endGroup(child.pid);
          }, options.timeout);
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(new Error(`cannot run ${file}: ${error.message}`, { cause: error }));
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve({
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString(),
        code: code ?? 128 + (signal === null ? 0 : constants.signals[signal]),
      });
    });
    // A command that ends without reading all of its input is no error of ours (EPIPE).
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
  });
}

/** Runs a command and gives its standard output. @throws with the command, its status and what it printed otherwise. */
export async function runOrThrow(command: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await run(command, options);
  if (result.code !== 0) throw new Error(failure(command.join(" "), result));
  return result.stdout;
}

/** The text of an error about a command that failed. */
export function failure(what: string, result: CommandResult): string {
  const printed = `${result.stdout}${result.stderr}`.trim();
  return `${what}: exit ${result.code}${printed === "" ? "" : `\n${printed}`}`;
}

/** Does `work` for each item, at most `width` at a time; the first failure is thrown when all that began has ended. */
export async function inParallel<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>) {
  const queue = [...items];
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined && failures.length === 0; item = queue.shift()) {
      await work(item).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  if (failures.length > 0) throw failures[0];
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
