/** Commands inside a guest: the machine has no other way in than SSH. */
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { Client, utils } from "ssh2";
import { commandLine } from "../../../../provider/shell/quote";
import type { CommandResult, RunOptions } from "../run";

/** One guest's root login, over one connection that is made when it is first needed. */
export interface GuestShell {
  /** Runs a command without a shell between its words; see `run`. @throws if the guest cannot be reached. */
  exec(command: readonly string[], options?: RunOptions): Promise<CommandResult>;
  /** Ends the connection, if there is one: the guest is about to end. */
  hangUp(): void;
}

/** Where and how to log in. `hostKey` is an OpenSSH public key line. */
export interface GuestLogin {
  readonly name: string;
  readonly address: string;
  readonly hostKey: string;
  readonly privateKey: string;
}

interface Connection {
  readonly client: Client;
  readonly socket: Socket;
  busy: number;
}

export function openShell(login: GuestLogin): GuestShell {
  let opened: Promise<Connection> | undefined;

  const connection = (): Promise<Connection> => {
    const forget = (): void => {
      if (opened === opening) opened = undefined;
    };
    const opening = opened ?? logIn(login, forget);
    if (opened === undefined) {
      opened = opening;
      opening.catch(forget);
    }
    return opening;
  };

  return {
    exec: async (command, { input = "", env = {}, timeout } = {}) => {
      const settings = Object.entries(env).map(([key, value]) => `${key}=${value ?? ""}`);
      const limit = timeout === undefined ? [] : ["timeout", "-s", "KILL", String(timeout / 1000)];
      const line = commandLine([
        ...limit,
        ...(settings.length === 0 ? [] : ["env", ...settings]),
        ...command,
      ]);
      const over = await connection();
      if (over.busy++ === 0) over.socket.ref();
      try {
        return await execOver(over.client, line, input);
      } catch (error) {
        throw new Error(`${login.name}: ${line}: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        });
      } finally {
        // An unused connection must not keep this process alive.
        if (--over.busy === 0) over.socket.unref();
      }
    },
    hangUp: () => {
      opened?.then(({ socket }) => socket.destroy()).catch(() => undefined); // one that failed is reported by exec
      opened = undefined;
    },
  };
}

function logIn(
  { name, address, hostKey, privateKey }: GuestLogin,
  whenClosed: () => void,
): Promise<Connection> {
  const known = utils.parseKey(hostKey);
  if (known instanceof Error) throw known;
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port: 22 });
    const client = new Client();
    client.once("ready", () => {
      socket.unref();
      resolve({ client, socket, busy: 0 });
    });
    // Also after it was ready: the guest's end breaks the connection, and the next command makes another.
    client.on("error", (error) =>
      reject(new Error(`cannot log in to ${name}: ${error.message}`, { cause: error })),
    );
    client.once("close", whenClosed);
    client.connect({
      sock: socket,
      username: "root",
      privateKey: readFileSync(privateKey),
      readyTimeout: 20_000,
      hostVerifier: (key: Buffer) => key.equals(known.getPublicSSH()),
    });
  });
}

function execOver(client: Client, line: string, input: string | Buffer): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const broken = (): void => reject(new Error("the connection broke"));
    client.once("close", broken);
    client.exec(line, (failed, channel) => {
      if (failed) {
        reject(failed);
        return;
      }
      const [out, err]: Buffer[][] = [[], []];
      let code: number | undefined;
      channel.on("data", (chunk: Buffer) => out?.push(chunk));
      channel.stderr.on("data", (chunk: Buffer) => err?.push(chunk));
      channel.on("exit", (status: number | null) => (code = status ?? 137)); // null: a signal, of which only KILL is ours
      channel.on("close", () => {
        client.removeListener("close", broken);
        if (code === undefined) reject(new Error("it ended without a status"));
        else
          resolve({
            stdout: Buffer.concat(out ?? []).toString(),
            stderr: Buffer.concat(err ?? []).toString(),
            code,
          });
      });
      channel.on("error", () => undefined); // a command that does not read all of its input, as in run
      channel.end(input);
    });
  });
}
