/** One at a time: what changes a lab (up, down, reboot), or what makes something for the whole machine. */
import { createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * A socket of the abstract name space (unix(7)): one process can bind it, and the kernel takes it away when that
 * process ends, however it ends. So there is no stale lock and no file to leave behind.
 */
const LAB = "pulumi-macvlan-lab";

/** Runs `work` while no other process of this machine (and no other call of this one) is inside `alone` for `what`. */
export async function alone<T>(work: () => Promise<T>, what = LAB): Promise<T> {
  let server = await take(what);
  while (server === undefined) {
    await sleep(50);
    server = await take(what);
  }
  const taken = server;
  try {
    return await work();
  } finally {
    await new Promise((resolve) => taken.close(resolve));
  }
}

function take(what: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(undefined);
      else reject(error);
    });
    server.listen(`\0${what}`, () => {
      resolve(server);
    });
  });
}
