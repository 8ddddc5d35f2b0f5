/**
 * The way to the hosts: a TCP proxy before each sshd, all in this one process, which adds a round trip to every
 * exchange and counts connections and bytes. The kernel of the lab may have no netem, and what is counted here is
 * counted the same way for every contender. Started by `openWay`; it ends when that process does.
 *
 * A connection through a network costs a round trip before the client may send, and the server's first byte is with
 * the client after two. Here the client may send at once, so what it sends first waits one and a half round trips, and
 * from then on each way takes half of one.
 */
import { type Socket, connect, createServer } from "node:net";

/** What is asked of this process: listening before each of these, another round trip (milliseconds), or the counts. */
export type Asked =
  | { readonly before: readonly (readonly [address: string, port: number])[] }
  | { readonly rtt: number }
  | "counts";

/** What went through since the last answer. */
export interface Counts {
  readonly connections: number;
  /** Bytes from the clients to the hosts. */
  readonly up: number;
  readonly down: number;
  /** Microseconds of this process's CPU, user and system. */
  readonly cpu: number;
}

/** The answers: the ports on 127.0.0.1, in the order of the hosts, or the counts, or nothing. */
export type Answered = { readonly ports: readonly number[] } | { readonly counts: Counts } | "done";

let rtt = 0;
let connections = 0;
let up = 0;
let down = 0;
let cpu = process.cpuUsage();

async function answer(asked: Asked): Promise<Answered> {
  if (asked === "counts") {
    const used = process.cpuUsage(cpu);
    const counts = { connections, up, down, cpu: used.user + used.system };
    connections = up = down = 0;
    cpu = process.cpuUsage();
    return { counts };
  }
  if ("rtt" in asked) {
    rtt = asked.rtt;
    return "done";
  }
  return { ports: await Promise.all(asked.before.map(([address, port]) => listen(address, port))) };
}

function listen(address: string, port: number): Promise<number> {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    connections++;
    const trip = rtt;
    later(1.5 * trip, () => {
      const host = connect({ host: address, port, noDelay: true, allowHalfOpen: true });
      forward(client, host, trip / 2, (bytes) => (up += bytes));
      forward(host, client, trip / 2, (bytes) => (down += bytes));
    });
  });
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen({ host: "127.0.0.1", port: 0, backlog: 1024 }, () => {
      const bound = server.address();
      if (bound === null || typeof bound === "string") reject(new Error("the proxy listens nowhere"));
      else resolve(bound.port);
    });
  });
}

/** Timers of one delay end in the order in which they were set, so nothing overtakes. */
function later(milliseconds: number, work: () => void): void {
  if (milliseconds === 0) work();
  else setTimeout(work, milliseconds);
}

function forward(from: Socket, to: Socket, delay: number, count: (bytes: number) => void): void {
  from.on("data", (chunk: Buffer) => {
    count(chunk.length);
    later(delay, () => to.write(chunk));
  });
  from.on("end", () => later(delay, () => to.end()));
  from.on("error", () => later(delay, () => to.destroy()));
}

process.on("message", (asked: Asked) => {
  answer(asked).then(
    (answered) => process.send?.(answered),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
// the terminal's interrupt is the parent's to deal with
process.on("SIGINT", () => undefined);
process.once("disconnect", () => process.exit(0));
