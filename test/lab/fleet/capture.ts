/** Watching frames with tcpdump. */
import { spawn } from "node:child_process";

/** How to capture. */
export interface CaptureOptions {
  /** Begins each line with the time at which the kernel saw the frame, in seconds. */
  readonly times?: boolean;
}

/** A running capture. */
export interface Capture {
  /** Ends it and gives what was seen, one line a frame, as `tcpdump -e -n` prints it. */
  stop(): Promise<string[]>;
}

/** Runs its arguments until its own input ends, also when that is because a connection broke; lets them end in order. */
const UNTIL_INPUT_ENDS = '"$@" & read -r _; kill -TERM $!; wait $!';

/**
 * Starts tcpdump; resolves once it listens.
 * @param inside makes of a command the one that runs it where the device is
 * @throws if tcpdump ends before that, with what it said.
 */
export async function startCapture(
  inside: (command: readonly string[]) => string[],
  device: string,
  filter: string,
  { times = false }: CaptureOptions = {},
): Promise<Capture> {
  const options = ["-e", "-n", "-l", times ? "-tt" : "-t", "--immediate-mode", "-Z", "root"];
  const tcpdump = ["tcpdump", "-i", device, ...options];
  const watched = [...tcpdump, ...(filter === "" ? [] : [filter])];
  const [file = "", ...args] = inside(["sh", "-c", UNTIL_INPUT_ENDS, "sh", ...watched]);
  const child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"] });
  let seen = "";
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (seen += chunk.toString()));
  const ended = new Promise<void>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", () => {
      resolve();
    });
  });
  await Promise.race([
    new Promise<void>((resolve) => {
      child.stderr.on("data", (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes("listening on")) resolve();
      });
    }),
    ended.then(() => {
      throw new Error(`tcpdump on ${device} ended: ${said.trim()}`);
    }),
  ]);
  return {
    stop: async () => {
      child.stdin.end(); // on a signal it prints what it still has
      await ended;
      return seen.split("\n").filter((line) => line !== "");
    },
  };
}
