/** Watching frames with tcpdump. */
import { spawn } from "node:child_process";

/** A running capture. */
export interface Capture {
  /** Ends it and gives what was seen, one line a frame, as `tcpdump -e -n` prints it. */
  stop(): Promise<string[]>;
}

/**
 * Starts tcpdump behind `prefix` (a command that enters a namespace); resolves once it listens.
 * @throws where tcpdump ends before that, with what it said.
 */
export async function startCapture(
  prefix: readonly string[],
  device: string,
  filter: string,
): Promise<Capture> {
  const command = [
    ...prefix,
    "tcpdump",
    "-i",
    device,
    "-e",
    "-n",
    "-l",
    "-t",
    "--immediate-mode",
    "-Z",
    "root",
  ];
  const [file = "", ...args] = [...command, ...(filter === "" ? [] : [filter])];
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] });
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
      child.kill("SIGINT"); // on an interrupt it prints what it still has
      await ended;
      return seen.split("\n").filter((line) => line !== "");
    },
  };
}
