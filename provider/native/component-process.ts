/** The process that makes components, as the plugin starts it and calls it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Messages, grpc, providerService } from "./sdk";

/** Makes components. */
export interface ComponentProcess {
  construct(request: Messages.ConstructRequest): Promise<Messages.ConstructResponse>;
}

/** @param engine the engine's address. The process starts with the first component. */
export function openComponentProcess(engine: string, options: object): ComponentProcess {
  let client: Promise<InstanceType<typeof providerService.ResourceProviderClient>> | undefined;
  const start = async (): Promise<InstanceType<typeof providerService.ResourceProviderClient>> => {
    // a pipe as its stdin, whose end it sees however this process ends; the engine shows what goes to stderr
    const child = spawn(process.execPath, [join(__dirname, "components.js"), engine], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const port = await portOf(child);
    return new providerService.ResourceProviderClient(
      `127.0.0.1:${port}`,
      grpc.credentials.createInsecure(),
      options,
    );
  };
  return {
    async construct(request) {
      client ??= start();
      const to = await client;
      return new Promise((resolve, reject) => {
        to.construct(request, (error, response) => {
          if (error) reject(error);
          else resolve(response);
        });
      });
    },
  };
}

async function portOf(child: ChildProcess): Promise<string> {
  const { stdout } = child;
  if (stdout === null) throw new Error("the process for components has no stdout");
  const lines = createInterface({ input: stdout });
  const ended = once(child, "exit").then(() => undefined);
  const first: unknown[] | undefined = await Promise.race([once(lines, "line"), ended]);
  if (first === undefined) throw new Error("the process for components ended before it was ready");
  return String(first[0]);
}
