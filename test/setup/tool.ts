/** The command of this package as a user calls it: built, in a process of its own. */
import { join, resolve } from "node:path";
import { type CommandResult, type RunOptions, run } from "../lab/fleet/run";

const REPOSITORY = resolve(__dirname, "../..");

/** The file that `pulumi-macvlan` is. */
export const TOOL = join(REPOSITORY, "dist/cli/main.js");

/** Calls `pulumi-macvlan`, and does not throw if it fails. Ends it after a minute. */
export function callTool(args: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
  return run([process.execPath, TOOL, ...args], { timeout: 60_000, ...options });
}
