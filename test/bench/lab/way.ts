/** The way to the hosts, from the side of who measures. */
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { Answered, Asked, Counts } from "./proxy";

export interface Way {
  /** Ports on 127.0.0.1, in the order of the hosts. */
  readonly ports: readonly number[];
  /** Milliseconds that a round trip takes, for connections from now on. */
  setRtt(milliseconds: number): Promise<void>;
  /** What was transferred since the last call. */
  counts(): Promise<Counts>;
  close(): void;
}

/** Opens the way to these addresses. @throws if the proxy ends before it has answered */
export async function openWay(before: readonly (readonly [string, number])[]): Promise<Way> {
  const child = fork(join(__dirname, "proxy.ts"), { execArgv: ["--import", "tsx"], stdio: "inherit" });
  const listening = await ask(child, { before });
  if (typeof listening === "string" || !("ports" in listening)) throw new Error("the proxy named no ports");
  return {
    ports: listening.ports,
    async setRtt(rtt) {
      await ask(child, { rtt });
    },
    async counts() {
      const answered = await ask(child, "counts");
      if (typeof answered === "string" || !("counts" in answered))
        throw new Error("the proxy gave no counts");
      return answered.counts;
    },
    close: () => child.disconnect(),
  };
}

function ask(child: ChildProcess, asked: Asked): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const gone = (code: number | null): void =>
      reject(new Error(`the proxy ended with ${code ?? "a signal"}`));
    child.once("exit", gone);
    child.once("message", (answered: Answered) => {
      child.off("exit", gone);
      resolve(answered);
    });
    child.send(asked);
  });
}
