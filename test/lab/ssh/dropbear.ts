/** A throw-away dropbear, the SSH server of small systems, on the loopback. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ended, freePort } from "./throwaway-sshd";

/** A running dropbear that lets root in by key. */
export interface Dropbear {
  readonly port: number;
  /** Public key line of the host. */
  readonly hostKey: string;
  readonly log: () => string;
  readonly stop: () => Promise<void>;
}

/** Starts dropbear with a home of root's of its own, in a mount and process namespace. */
export async function startDropbear(
  authorizedKey: string,
  keyType: "ed25519" | "rsa" | "ecdsa" = "ed25519",
  options: readonly string[] = [],
): Promise<Dropbear> {
  const dir = mkdtempSync(join(tmpdir(), "macvlan-dropbear-"));
  const port = await freePort();
  const key = join(dir, "host_key");
  const made = execFileSync("dropbearkey", ["-t", keyType, "-f", key], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const hostKey = /^(?:ssh|ecdsa)-\S+ \S+/m.exec(made)?.[0] ?? "";
  mkdirSync(join(dir, "root/.ssh"), { recursive: true, mode: 0o700 });
  writeFileSync(join(dir, "root/.ssh/authorized_keys"), `${authorizedKey}\n`, { mode: 0o600 });
  const inside = [
    "set -e",
    `mount --bind ${dir}/root /root`,
    "mount -t tmpfs tmpfs /run",
    `exec dropbear -F -E -r ${key} -p 127.0.0.1:${port} ${options.join(" ")}`,
  ].join("\n");
  const child: ChildProcess = spawn(
    "unshare",
    ["-m", "-p", "-f", "--mount-proc", "--kill-child", "sh", "-c", inside],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let log = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (log += text));
  const stop = async (): Promise<void> => {
    await ended(child);
    rmSync(dir, { recursive: true, force: true });
  };
  // "Not backgrounding" is printed before it listens, and nothing after: a connection tells
  for (let tries = 0; !(await listens(port)); tries++) {
    if (child.exitCode !== null || tries > 200) {
      await stop();
      throw new Error(`dropbear did not start:\n${log}`);
    }
    await sleep(20);
  }
  return { port, hostKey, log: () => log, stop };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
