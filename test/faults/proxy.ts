/** A way to a host that breaks: a TCP proxy on the loopback. */
import { type Socket, connect, createServer } from "node:net";

export interface Proxy {
  readonly port: number;
  /** Bytes that have gone through, both ways, since `pass` or `break` was called. */
  readonly bytes: () => number;
  /** Lets everything through. */
  pass(): void;
  /** Breaks the next connection after so many bytes: it is reset, or nothing goes through it any more. */
  break(after: number, how: "reset" | "stall"): void;
  close(): void;
}

export async function openProxy(address: string, port: number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let bytes = 0;
  let limit: { after: number; how: "reset" | "stall" } | undefined;
  const server = createServer((client) => {
    // only the first connection after `break` meets it
    const mine = limit;
    limit = undefined;
    const host = connect(port, address);
    let gone = 0;
    const forward = (from: Socket, to: Socket): void => {
      from.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        gone += chunk.length;
        if (mine === undefined || gone <= mine.after) {
          to.write(chunk);
          return;
        }
        if (mine.how === "stall") return;
        client.resetAndDestroy();
        host.resetAndDestroy();
      });
      from.on("error", () => to.destroy());
      from.on("close", () => {
        sockets.delete(from);
        to.end();
      });
      sockets.add(from);
    };
    forward(client, host);
    forward(host, client);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("the proxy listens nowhere");
  return {
    port: bound.port,
    bytes: () => bytes,
    pass: () => {
      limit = undefined;
      bytes = 0;
    },
    break: (after, how) => {
      limit = { after, how };
      bytes = 0;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
