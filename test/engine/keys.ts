/** Keys for the secrets of the tests' stacks, from a server in a thread of this process. */
import { once } from "node:events";
import { join } from "node:path";
import { Worker } from "node:worker_threads";

/**
 * The provider of secrets of a new stack (`pulumi stack init --secrets-provider`). From a passphrase the engine derives a
 * key in each call of the CLI, which takes 0.15 s of CPU. In the state all is encrypted in the same way.
 */
export const SECRETS_PROVIDER = "hashivault://tests";

let opened: Promise<number> | undefined;

/** What lets the engine reach the server, which opens for the first project. */
export async function keyEnvironment(): Promise<Record<string, string>> {
  opened ??= openServer();
  return { VAULT_ADDR: `http://127.0.0.1:${await opened}`, VAULT_TOKEN: "tests" };
}

/** In a thread, as a test may wait for a call of the CLI without its own. @returns its port */
async function openServer(): Promise<number> {
  const thread = new Worker(join(__dirname, "key-server.cjs"), { execArgv: [] });
  const [port] = (await once(thread, "message")) as [number];
  // it does not keep the tests' process
  thread.unref();
  return port;
}
