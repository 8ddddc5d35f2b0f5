/** Whether an address answers. */
import { failure, type CommandResult, type RunOptions } from "./run";

/** How to ping. */
export interface PingOptions {
  /** Sends exactly so many requests, 0.1 s apart. Without it: until the first reply or the deadline. */
  count?: number;
  /** Milliseconds until a ping without a reply counts as failed (2000). */
  deadline?: number;
  /** Source address, or device to send from. */
  from?: string;
  /** A named network namespace inside the host to ping from. */
  netns?: string;
}

/** Pings by means of `exec`, which runs a command where the ping starts. @throws if ping itself cannot work. */
export async function ping(
  exec: (command: readonly string[], options: RunOptions) => Promise<CommandResult>,
  to: string,
  { count, deadline = 2000, from, netns }: PingOptions,
): Promise<boolean> {
  // With -w and -c 1 ping sends until the first reply (ping(8)); -w takes whole seconds, the timeout cuts it short.
  const limits =
    count === undefined ? ["-c", "1", "-w", String(Math.ceil(deadline / 1000))] : ["-c", String(count)];
  const command = [
    ...(netns === undefined ? [] : ["ip", "netns", "exec", netns]),
    ...["ping", "-n", "-q", "-i", "0.1", "-W", String(deadline / 1000), ...limits],
    ...(from === undefined ? [] : ["-I", from]),
    to,
  ];
  const result = await exec(command, { timeout: deadline + (count ?? 0) * 100 });
  // 0: a reply came; 1: none; 137: the deadline; else a usage or network error, such as an address without a route.
  if (result.code === 2 && !/unreachable|not permitted|assign requested/i.test(result.stderr)) {
    throw new Error(failure(command.join(" "), result));
  }
  return result.code === 0;
}
