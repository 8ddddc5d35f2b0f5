/** `npm run pulumi -- ARGUMENTS`: the CLI with the engine of this repository, in the folder it was called from. */
import { spawn } from "node:child_process";
import { engineEnvironment } from "./engine";
import { ensureBuilt, linkSelf } from "./package";
import { say } from "./run";

async function main(): Promise<void> {
  linkSelf();
  await ensureBuilt();
  const child = spawn("pulumi", process.argv.slice(2), {
    cwd: process.env["INIT_CWD"] ?? process.cwd(),
    env: await engineEnvironment(),
    stdio: "inherit",
  });
  // an interrupt of the terminal reaches the CLI by itself, which then ends its run in order
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => signal === "SIGTERM" && child.kill());
  child.on("error", (error) => fail(error));
  child.on("close", (code) => (process.exitCode = code ?? 1));
}

function fail(error: unknown): void {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

main().catch(fail);
