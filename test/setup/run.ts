/** Running other programs during the set-up, with a line every 15 seconds so that a long step does not look stuck. */
import { spawn } from "node:child_process";

/** What to run and how. */
export interface Step {
  /** What the step does, as a user would say it: "compiling the Pulumi CLI". Begins every progress line. */
  doing: string;
  command: string;
  arguments: readonly string[];
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Seconds after which the program is ended and the step fails. Default: none. */
  limit?: number;
}

const progressEvery = 15;

/** Writes one line of the set-up to standard error: standard output is kept for what a shell wants to read. */
export function say(line: string): void {
  process.stderr.write(`setup: ${line}\n`);
}

/**
 * Runs a program to its end and returns what it wrote to standard output.
 * While it runs, a progress line is written every 15 seconds.
 *
 * @throws Error if it cannot be started, ends with another code than 0, or takes longer than its limit: with the
 * command and the last lines that it wrote to standard error.
 */
export async function runStep(step: Step): Promise<string> {
  const began = Date.now();
  // In a process group of its own, so that ending it ends what it has started too (go starts compilers).
  const child = spawn(step.command, step.arguments, {
    cwd: step.cwd,
    env: step.env ?? process.env,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const output: Buffer[] = [];
  let errors = "";
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4000)));

  let gaveUp: string | undefined;
  const endGroup = (): void => {
    if (child.pid !== undefined) endProcessGroup(child.pid);
  };
  const end = (why: string): void => {
    gaveUp ??= why;
    endGroup();
  };
  let seconds = 0;
  const clock = setInterval(() => {
    seconds += 1;
    if (seconds % progressEvery === 0) say(`${step.doing} ... ${seconds} s`);
    if (step.limit !== undefined && seconds >= step.limit) end(`no end after ${step.limit} s`);
  }, 1000);
  // First of all at the exit: what others remove then is no longer written to.
  process.prependOnceListener("exit", endGroup);

  try {
    const code = await new Promise<number | string>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (exitCode, signal) => resolve(exitCode ?? signal ?? "unknown"));
    });
    if (gaveUp === undefined && code === 0) return Buffer.concat(output).toString();
    const what = gaveUp ?? `it ended with ${code}`;
    const told = errors.trim().split("\n").slice(-12).join("\n");
    throw new Error(
      `${step.doing} failed after ${Math.round((Date.now() - began) / 1000)} s: ${what}\n` +
        `  ${step.command} ${step.arguments.join(" ")}\n${told}`.trimEnd(),
    );
  } finally {
    clearInterval(clock);
    process.removeListener("exit", endGroup);
  }
}

/** Ends a process and all that it started in its group, at once. Where they have ended already, nothing happens. */
export function endProcessGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch (error) {
    // ESRCH: it has ended by itself in the meantime.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
