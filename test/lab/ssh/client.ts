/** A client and a real sshd for the tests of a describe block, with nothing of the machine's own SSH files. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type HostAddress, hostSchema } from "../../../provider/ssh/address";
import {
  type Connection,
  SshError,
  type SshClient as Client,
  openSshClient,
} from "../../../provider/ssh/connection";
import { type Settings, readSettings } from "../../../provider/ssh/settings";
import { openTrace } from "../../../provider/ssh/trace";
import {
  type Login,
  type Sshd,
  type SshdOptions,
  canRunSshd,
  makeKey,
  publicLine,
  startSshd,
} from "./throwaway-sshd";

/** The password of the logins that have one: with what a shell would take for more than text. */
export const PASSWORD = "pass word'$x";

const NO_QUESTIONS = "ALL=(ALL) NOPASSWD: ALL";

/** Logins of the sshd, by what is special about them. */
export const LOGINS: readonly Login[] = [
  { name: "ops", password: PASSWORD, sudoers: NO_QUESTIONS },
  { name: "asked", password: PASSWORD, sudoers: "ALL=(ALL) ALL" },
  { name: "plain", password: PASSWORD },
  {
    name: "noisy",
    sudoers: NO_QUESTIONS,
    files: { ".bashrc": "echo noise of bashrc\necho more noise >&2\nprintf 'no line break'\n" },
  },
  { name: "locked", shell: "/usr/sbin/nologin" },
  { name: "falsy", shell: "/bin/false" },
  {
    name: "csh",
    shell: "/bin/csh",
    sudoers: NO_QUESTIONS,
    files: { ".cshrc": "echo noise of cshrc\n" },
  },
  {
    name: "fish",
    shell: "/usr/bin/fish",
    sudoers: NO_QUESTIONS,
    files: { ".config/fish/config.fish": "echo noise of fish\n" },
  },
  { name: "rbash", shell: "/bin/rbash", sudoers: NO_QUESTIONS },
  { name: "doer", password: PASSWORD },
  { name: "doasked", password: PASSWORD },
];

const DOAS_CONF = "permit nopass doer\npermit doasked\n";

type Texts = Record<string, string>;

/** The client's side of the tests. */
export interface SshClient {
  /** A folder of this block's own. */
  readonly dir: string;
  /** Path of a key that every login of every server here accepts. */
  readonly key: string;
  /** The server that lives as long as the block, with {@link LOGINS}. */
  readonly sshd: Sshd;
  /** Starts another server, until the test ends. */
  server(options?: SshdOptions): Promise<Sshd>;
  /** Something to stop when the test ends. */
  stopLater(stop: () => Promise<void>): void;
  /** Writes a file in `dir` and gives its path. */
  file(name: string, text: string): string;
  /** Settings that see nothing of the machine but what is given as environment and stack configuration. */
  settings(env?: Texts, stack?: Texts): Settings;
  /** The same with the key. */
  withKey(env?: Texts): Settings;
  at(user: string, more?: Partial<HostAddress>, to?: Sshd): HostAddress;
  /** Opens a connection that is closed when the test ends. */
  connect(host: HostAddress, settings: Settings): Promise<Connection>;
}

/** Starts the server before the block's tests, and ends it after them. */
export function useSshd(): SshClient {
  const given: { dir?: string; key?: string; sshd?: Sshd } = {};
  const open: Connection[] = [];
  const stops: (() => Promise<void>)[] = [];
  // of the same settings the connections share what a run's do
  const clients = new Map<Settings, Client>();
  const clientOf = (settings: Settings): Client => {
    const trace = openTrace(settings.traceTo, { stderr: () => undefined });
    const opened = clients.get(settings) ?? openSshClient(settings, { trace, warn: () => undefined });
    clients.set(settings, opened);
    return opened;
  };
  const ready = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error("the server is up within tests only");
    return value;
  };

  before(async function () {
    if (!canRunSshd()) this.skip();
    const dir = mkdtempSync(join(tmpdir(), "macvlan-ssh-"));
    const key = makeKey(join(dir, "id"));
    const sshd = await startSshd({
      authorizedKeys: [publicLine(key)],
      logins: LOGINS,
      etc: { "doas.conf": DOAS_CONF },
      config: ["LogLevel VERBOSE"],
    });
    writeFileSync(join(dir, "known_hosts"), sshd.knownHosts, { mode: 0o600 });
    Object.assign(given, { dir, key, sshd });
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((connection) => connection.close()));
    await Promise.all(stops.splice(0).map((stop) => stop()));
  });
  after(async () => {
    await given.sshd?.stop();
    if (given.dir !== undefined) rmSync(given.dir, { recursive: true });
  });

  const client: SshClient = {
    get dir() {
      return ready(given.dir);
    },
    get key() {
      return ready(given.key);
    },
    get sshd() {
      return ready(given.sshd);
    },
    async server(options = {}) {
      const started = await startSshd({ authorizedKeys: [publicLine(client.key)], ...options });
      stops.push(started.stop);
      return started;
    },
    stopLater: (stop) => stops.push(stop),
    file(name, text) {
      writeFileSync(join(client.dir, name), text, { mode: 0o600 });
      return join(client.dir, name);
    },
    settings: (env = {}, stack = {}) =>
      readSettings(
        {
          HOME: client.dir,
          MACVLAN_SSH_CONFIG_PATH: "none",
          MACVLAN_KNOWN_HOSTS_PATH: join(client.dir, "known_hosts"),
          ...env,
        },
        (name) => stack[name],
      ),
    withKey: (env = {}) => client.settings({ MACVLAN_PRIVATE_KEY_PATH: client.key, ...env }),
    at: (user, more = {}, to = client.sshd) =>
      hostSchema.parse({ address: "127.0.0.1", port: to.port, user, ...more }),
    async connect(host, settings) {
      const connection = await clientOf(settings).connect(host);
      open.push(connection);
      return connection;
    },
  };
  return client;
}

/** The error that some work ends with. */
export async function failure(work: Promise<unknown>): Promise<SshError> {
  const error = await work.then(
    () => assert.fail("it did not fail"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof SshError, String(error));
  return error;
}

/** Fails unless scripts run as root. */
export async function works(connection: Connection): Promise<void> {
  assert.equal((await connection.run("id -un\n")).stdout, "root\n");
}

/** What ssh-keygen calls a public key line. */
export function fingerprintOf(line: string): string {
  const text = execFileSync("ssh-keygen", ["-lf", "-"], { input: line, encoding: "utf8" });
  return /SHA256:\S+/.exec(text)?.[0] ?? "";
}

/** Command lines of all processes that can be seen from here: also those of the servers. */
export function commandLines(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")];
      } catch {
        return []; // it has ended meanwhile
      }
    });
}

/** A real ssh-agent. */
export async function startAgent(
  socket: string,
): Promise<{ socket: string; add: (key: string) => void; stop: () => Promise<void> }> {
  const child = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
  while (!existsSync(socket)) await sleep(20);
  return {
    socket,
    add: (key) => execFileSync("ssh-add", ["-q", key], { env: { ...process.env, SSH_AUTH_SOCK: socket } }),
    stop: () => stopChild(child),
  };
}

async function stopChild(child: ChildProcess): Promise<void> {
  const exit = new Promise((resolve) => child.once("exit", resolve));
  child.kill();
  await exit;
}
