import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A login of a throw-away sshd. */
export interface Login {
  readonly name: string;
  readonly shell?: string;
  readonly password?: string;
  /** Text of a line of sudoers after the name: `ALL=(ALL) NOPASSWD: ALL`. */
  readonly sudoers?: string;
  /** Files of the home folder. */
  readonly files?: Readonly<Record<string, string>>;
}

/** How a throw-away sshd differs from a plain one. */
export interface SshdOptions {
  readonly logins?: readonly Login[];
  /** Lines of sshd_config. */
  readonly config?: readonly string[];
  /** Types of host keys; default: ed25519. */
  readonly hostKeys?: readonly ("ed25519" | "ecdsa" | "rsa")[];
  /** Public key lines that every login accepts. */
  readonly authorizedKeys?: readonly string[];
  /** Other files of /etc, by path below it. */
  readonly etc?: Readonly<Record<string, string>>;
  /** Folders of the machine to have in other places: where by what. */
  readonly binds?: Readonly<Record<string, string>>;
}

/** A running sshd on the loopback with an /etc, /run and process table of its own. */
export interface Sshd {
  readonly port: number;
  /** Public key lines of the host, by type. */
  readonly hostKeys: Readonly<Record<string, string>>;
  /** Lines for known_hosts. */
  readonly knownHosts: string;
  /** What sshd wrote to its log so far. */
  readonly log: () => string;
  /** Ends sshd and everything that runs below it, at once. */
  readonly stop: () => Promise<void>;
}

/** Whether this machine can run one: it takes root, namespaces and OpenSSH's server. */
export function canRunSshd(): boolean {
  return process.getuid?.() === 0 && existsSync("/usr/sbin/sshd");
}

/** Makes a key pair and returns the path of the private half. */
export function makeKey(path: string, type = "ed25519", passphrase = ""): string {
  const bits = type === "rsa" ? ["-b", "2048"] : [];
  execFileSync("ssh-keygen", ["-q", "-t", type, ...bits, "-N", passphrase, "-C", `${type} key`, "-f", path]);
  return path;
}

/** The public key line of a private key's file. */
export function publicLine(path: string): string {
  return readFileSync(`${path}.pub`, "utf8").trim();
}

/** Starts a throw-away sshd and waits until it listens. */
export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const dir = mkdtempSync(join(tmpdir(), "macvlan-sshd-"));
  const port = await freePort();
  const etc = join(dir, "etc");
  for (const folder of ["etc/pam.d", "work", "keys", "home"]) {
    mkdirSync(join(dir, folder), { recursive: true, mode: 0o755 });
  }
  chmodSync(dir, 0o755);
  const logins = [{ name: "root" }, ...(options.logins ?? [])];
  writeLogins(dir, logins);
  for (const { name } of logins) {
    writeFileSync(
      join(dir, "keys", name),
      (options.authorizedKeys ?? []).map((line) => `${line}\n`).join(""),
    );
  }
  for (const [path, text] of Object.entries(options.etc ?? {}))
    writeFileSync(join(etc, path), text, { mode: 0o600 });

  const types = options.hostKeys ?? ["ed25519"];
  const keys = types.map((type) => makeKey(join(dir, `host_${type}`), type));
  const config = [
    ...keys.map((key) => `HostKey ${key}`),
    ...(options.config ?? []),
    `AuthorizedKeysFile ${dir}/keys/%u`,
    "ListenAddress 127.0.0.1",
    `Port ${port}`,
    "PidFile none",
    "StrictModes no",
    "UsePAM no",
    "UseDNS no",
    "PermitRootLogin yes",
  ];
  writeFileSync(join(dir, "sshd_config"), `${config.join("\n")}\n`);

  const inside = [
    "set -e",
    `mount -t overlay overlay -o lowerdir=/etc,upperdir=${etc},workdir=${dir}/work /etc`,
    "mount -t tmpfs tmpfs /run",
    "mkdir -p /run/sshd",
    ...Object.entries(options.binds ?? {}).map(([where, what]) => `mount --bind '${what}' '${where}'`),
    `exec /usr/sbin/sshd -D -e -f ${dir}/sshd_config`,
  ].join("\n");
  const child = spawn("unshare", ["-m", "-p", "-f", "--mount-proc", "--kill-child", "sh", "-c", inside], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
  const stop = async (): Promise<void> => {
    await ended(child);
    rmSync(dir, { recursive: true, force: true });
  };
  for (let tries = 0; !log.includes("Server listening"); tries++) {
    if (child.exitCode !== null || tries > 200) {
      await stop();
      throw new Error(`sshd did not start:\n${log}`);
    }
    await sleep(20);
  }
  const hostKeys = Object.fromEntries(types.map((type, at) => [type, publicLine(keys[at] ?? "")]));
  const knownHosts = Object.values(hostKeys)
    .map((line) => `[127.0.0.1]:${port} ${line}\n`)
    .join("");
  return { port, hostKeys, knownHosts, log: () => log, stop };
}

/** The user database of the overlay: only the logins that are asked for. */
function writeLogins(dir: string, logins: readonly Login[]): void {
  const etc = join(dir, "etc");
  const passwd: string[] = [
    "nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin",
    "sshd:x:100:65534::/run/sshd:/bin/false",
  ];
  const shadow: string[] = [];
  const group: string[] = ["shadow:x:42:", "nogroup:x:65534:"];
  logins.forEach((login, at) => {
    const id = login.name === "root" ? 0 : 4000 + at;
    const home = join(dir, "home", login.name);
    mkdirSync(home);
    for (const [name, text] of Object.entries(login.files ?? {})) {
      mkdirSync(dirname(join(home, name)), { recursive: true });
      writeFileSync(join(home, name), text);
    }
    execFileSync("chown", ["-R", `${id}:${id}`, home]);
    passwd.push(`${login.name}:x:${id}:${id}::${home}:${login.shell ?? "/bin/bash"}`);
    group.push(`${login.name}:x:${id}:`);
    const hash =
      login.password === undefined
        ? "*"
        : execFileSync("openssl", ["passwd", "-6", "-stdin"], {
            input: `${login.password}\n`,
            encoding: "utf8",
          }).trim();
    shadow.push(`${login.name}:${hash}:19000:0:99999:7:::`);
  });
  writeFileSync(join(etc, "passwd"), `${passwd.join("\n")}\n`);
  writeFileSync(join(etc, "group"), `${group.join("\n")}\n`);
  writeFileSync(join(etc, "shadow"), `${shadow.join("\n")}\n`, { mode: 0o600 });
  const sudoers = logins.flatMap(({ name, sudoers: rule }) =>
    rule === undefined ? [] : [`${name} ${rule}\n`],
  );
  writeFileSync(join(etc, "sudoers"), `root ALL=(ALL) ALL\n${sudoers.join("")}`, { mode: 0o440 });
}

/** A TCP port of the loopback on which nothing listens. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no TCP port to listen on");
  return address.port;
}

/** Kills a child process and waits for its end. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await exit;
}
