import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type HostAddress, hostSchema } from "../../provider/host/address";
import { type Connection, ConnectionLost, SshError, openConnection } from "../../provider/host/connection";
import { readSettings } from "../../provider/host/credentials";
import { type Login, type Sshd, canRunSshd, makeKey, publicLine, startSshd } from "./throwaway-sshd";

const PASSWORD = "pass word'$x";
const PASSPHRASE = "phrase of the key";

const LOGINS: Login[] = [
  { name: "ops", password: PASSWORD, sudoers: "ALL=(ALL) NOPASSWD: ALL" },
  { name: "asked", password: PASSWORD, sudoers: "ALL=(ALL) ALL" },
  { name: "plain", password: PASSWORD },
  {
    name: "noisy",
    sudoers: "ALL=(ALL) NOPASSWD: ALL",
    files: { ".bashrc": "echo noise of bashrc\necho more noise >&2\nprintf 'no line break'\n" },
  },
  { name: "locked", shell: "/usr/sbin/nologin" },
  { name: "falsy", shell: "/bin/false" },
  { name: "csh", shell: "/bin/csh", sudoers: "ALL=(ALL) NOPASSWD: ALL" },
  { name: "doer" },
];

describe("ssh to a real sshd", function () {
  let dir: string;
  let key: string;
  let sshd: Sshd;
  const open: Connection[] = [];
  const stops: (() => Promise<void>)[] = [];

  const server = async (options: Parameters<typeof startSshd>[0] = {}): Promise<Sshd> => {
    const started = await startSshd({ authorizedKeys: [publicLine(key)], ...options });
    stops.push(started.stop);
    return started;
  };
  const file = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text, { mode: 0o600 });
    return join(dir, name);
  };
  /** Settings that see nothing of the machine but what is given. */
  const settings = (env: Record<string, string> = {}, stack: Record<string, string> = {}) =>
    readSettings(
      {
        HOME: dir,
        MACVLAN_SSH_CONFIG_PATH: "none",
        MACVLAN_KNOWN_HOSTS_PATH: join(dir, "known_hosts"),
        ...env,
      },
      (name) => stack[name],
    );
  const withKey = (env: Record<string, string> = {}) => settings({ MACVLAN_PRIVATE_KEY_PATH: key, ...env });
  const at = (user: string, more: Partial<HostAddress> = {}, to: Sshd = sshd): HostAddress =>
    hostSchema.parse({ address: "127.0.0.1", port: to.port, user, ...more });
  const connect = async (...args: Parameters<typeof openConnection>): Promise<Connection> => {
    const connection = await openConnection(...args);
    open.push(connection);
    return connection;
  };
  const failure = async (work: Promise<unknown>): Promise<SshError> => {
    const error = await work.then(
      () => assert.fail("it did not fail"),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof SshError, String(error));
    return error;
  };

  before(async function () {
    if (!canRunSshd()) this.skip();
    dir = mkdtempSync(join(tmpdir(), "macvlan-ssh-"));
    key = makeKey(join(dir, "id"));
    sshd = await startSshd({
      authorizedKeys: [publicLine(key)],
      logins: LOGINS,
      etc: { "doas.conf": "permit nopass doer\n" },
      config: ["LogLevel VERBOSE"],
    });
    file("known_hosts", sshd.knownHosts);
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((connection) => connection.close()));
    await Promise.all(stops.splice(0).map((stop) => stop()));
  });
  after(async () => {
    if (!canRunSshd()) return;
    await sshd.stop();
    rmSync(dir, { recursive: true });
  });

  describe("credentials", () => {
    const works = async (connection: Connection): Promise<void> => {
      assert.equal((await connection.run("id -un\n")).stdout, "root\n");
    };

    it("takes a key by path, by text of the environment with \\n, and of the stack", async () => {
      await works(await connect(at("root"), withKey()));
      const text = readFileSync(key, "utf8");
      await works(await connect(at("root"), settings({ MACVLAN_PRIVATE_KEY: text.replaceAll("\n", "\\n") })));
      await works(
        await connect(at("root"), settings({}, { "macvlan:privateKey": text.replaceAll("\n", "\r\n") })),
      );
    });

    it("decrypts a key with the passphrase, and says what is missing without or with a wrong one", async () => {
      const secret = makeKey(join(dir, "encrypted"), "ed25519", PASSPHRASE);
      const own = await server({ authorizedKeys: [publicLine(secret)] });
      file("known_hosts_2", own.knownHosts);
      const given = {
        MACVLAN_PRIVATE_KEY_PATH: secret,
        MACVLAN_KNOWN_HOSTS_PATH: join(dir, "known_hosts_2"),
      };
      await works(await connect(at("root", {}, own), settings({ ...given, MACVLAN_PASSPHRASE: PASSPHRASE })));
      const without = await failure(connect(at("root", {}, own), settings(given)));
      assert.equal(without.kind, "authentication");
      assert.match(
        without.message,
        /encrypted.* is encrypted and there is no passphrase \(set MACVLAN_PASSPHRASE/,
      );
      const wrong = await failure(
        connect(at("root", {}, own), settings({ ...given, MACVLAN_PASSPHRASE: "not-it" })),
      );
      assert.match(wrong.message, /MACVLAN_PASSPHRASE is not its passphrase/);
      assert.doesNotMatch(wrong.message, /not-it/);
    });

    for (const [name, type, args] of [
      ["PKCS#8 RSA", "rsa", ["-m", "PKCS8"]],
      ["PEM ECDSA", "ecdsa", ["-m", "PEM"]],
    ] as const) {
      it(`takes a ${name} key`, async () => {
        const path = join(dir, `${type}-pem`);
        execFileSync("ssh-keygen", ["-q", "-t", type, "-N", "", ...args, "-f", path]);
        const own = await server({ authorizedKeys: [publicLine(path)] });
        const env = { MACVLAN_PRIVATE_KEY_PATH: path, MACVLAN_HOST_KEY_CHECKING: "off" };
        await works(await connect(at("root", {}, own), settings(env)));
      });
    }

    it("uses the agent, also for one of many keys when the configuration names it", async () => {
      const agent = await startAgent(join(dir, "agent.sock"));
      stops.push(agent.stop);
      for (let other = 0; other < 6; other++) agent.add(makeKey(join(dir, `other${other}`)));
      agent.add(key);
      const env = { SSH_AUTH_SOCK: agent.socket };
      const tooMany = await failure(connect(at("root"), settings(env)));
      assert.equal(tooMany.kind, "authentication");
      assert.match(tooMany.message, /not tried, nor is any key after it/);
      const config = file("agent_config", `Host *\n  IdentityFile ${key}.pub\n  IdentitiesOnly yes\n`);
      await works(await connect(at("root"), settings({ ...env, MACVLAN_SSH_CONFIG_PATH: config })));
    });

    it("uses a password, as such and at a prompt", async () => {
      const env = { MACVLAN_PASSWORD: PASSWORD };
      const connection = await connect(at("ops"), settings(env));
      assert.equal((await connection.run("id -un\n")).stdout, "root\n");
      const prompting = await server({
        logins: LOGINS,
        config: ["PasswordAuthentication no", "KbdInteractiveAuthentication yes", "UsePAM yes"],
        etc: {
          "pam.d/sshd":
            "auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_unix.so\n",
        },
      });
      const off = { MACVLAN_HOST_KEY_CHECKING: "off", ...env };
      assert.equal((await connect(at("ops", {}, prompting), settings(off))).user, "ops");
    });

    it("combines a key and a password where the server wants both", async () => {
      const both = await server({ logins: LOGINS, config: ["AuthenticationMethods publickey,password"] });
      const env = { MACVLAN_HOST_KEY_CHECKING: "off", MACVLAN_PRIVATE_KEY_PATH: key };
      assert.equal(
        (await connect(at("ops", {}, both), settings({ ...env, MACVLAN_PASSWORD: PASSWORD }))).user,
        "ops",
      );
      const half = await failure(connect(at("ops", {}, both), settings(env)));
      assert.match(half.message, /accepted, but the server wants another method too[\s\S]*takes password/);
    });

    it("lists what was tried and never a secret", async () => {
      const wrong = makeKey(join(dir, "wrong"));
      const env = {
        MACVLAN_PRIVATE_KEY_PATH: wrong,
        MACVLAN_PASSWORD: "wrong-secret",
        SSH_AUTH_SOCK: join(dir, "none"),
      };
      const error = await failure(connect(at("ops"), settings(env)));
      assert.equal(error.kind, "authentication");
      assert.equal(error.host, `ops@127.0.0.1:${sshd.port}`);
      assert.ok(error.message.startsWith(`cannot connect to ops@127.0.0.1:${sshd.port}: `));
      assert.match(error.message, /MACVLAN_PRIVATE_KEY_PATH .*wrong: refused/);
      assert.match(error.message, /agent at .*none: cannot be asked/);
      assert.match(error.message, /password of MACVLAN_PASSWORD: refused/);
      assert.match(error.message, /The server takes publickey, ?password/);
      assert.doesNotMatch(error.message, /wrong-secret|PRIVATE KEY-----/);
      assert.match((await failure(connect(at("ops"), settings()))).message, /no credentials to try/);
    });
  });

  describe("host keys", () => {
    it("refuses an unknown one, and says how to trust it", async () => {
      const error = await failure(
        connect(at("root"), withKey({ MACVLAN_KNOWN_HOSTS_PATH: join(dir, "empty") })),
      );
      assert.equal(error.kind, "hostKey");
      assert.match(error.message, /host key is not known: ssh-ed25519 SHA256:\S{43} is not in \S+empty\./);
      assert.match(
        error.message,
        new RegExp(`ssh-keyscan -p ${sshd.port} 127.0.0.1 >> \\S+empty or set hostKey: "ssh-ed25519 `),
      );
      assert.equal(existsSync(join(dir, "empty")), false);
    });

    it("refuses a changed one with both fingerprints, the place and the remedy", async () => {
      const known = file("changed", `# comment\n[127.0.0.1]:${sshd.port} ${publicLine(key)}\n`);
      for (const checking of ["strict", "accept-new"]) {
        const env = { MACVLAN_KNOWN_HOSTS_PATH: known, MACVLAN_HOST_KEY_CHECKING: checking };
        const error = await failure(connect(at("root"), withKey(env)));
        assert.match(
          error.message,
          /host key has changed: found ssh-ed25519 SHA256:\S+, expected ssh-ed25519 SHA256:\S+ \(\S+changed:2\)/,
        );
        assert.match(error.message, new RegExp(`ssh-keygen -R '\\[127.0.0.1\\]:${sshd.port}' -f ${known}`));
      }
    });

    it("adds a new one with accept-new, plain and hashed, once", async () => {
      const env = {
        MACVLAN_HOST_KEY_CHECKING: "accept-new",
        MACVLAN_KNOWN_HOSTS_PATH: join(dir, "new", "known"),
      };
      for (let time = 0; time < 2; time++) await connect(at("root"), withKey(env));
      assert.equal(
        readFileSync(join(dir, "new", "known"), "utf8")
          .trim()
          .split("\n").length,
        1,
      );
      assert.equal(statSync(join(dir, "new", "known")).mode & 0o777, 0o600);
      const config = file("hash_config", "HashKnownHosts yes\nStrictHostKeyChecking accept-new\n");
      const hashed = file("hashed", "# no line break");
      const hashing = { MACVLAN_SSH_CONFIG_PATH: config, MACVLAN_KNOWN_HOSTS_PATH: hashed };
      await connect(at("root"), withKey(hashing));
      assert.match(readFileSync(hashed, "utf8"), /^# no line break\n\|1\|\S+ ssh-ed25519 \S+\n$/);
      await connect(at("root"), withKey({ MACVLAN_KNOWN_HOSTS_PATH: hashed }));
    });

    it("lets a pin decide alone, in both forms, also for a type that the server prefers less", async () => {
      const many = await server({ hostKeys: ["ed25519", "ecdsa", "rsa"] });
      const nothing = withKey({ MACVLAN_KNOWN_HOSTS_PATH: join(dir, "empty") });
      for (const line of Object.values(many.hostKeys)) {
        await connect(at("root", { hostKey: line }, many), nothing);
        const pinned = await connect(at("root", { hostKey: fingerprintOf(line) }, many), nothing);
        assert.equal(pinned.hostKeyFingerprint, fingerprintOf(line));
      }
      const other = await failure(
        connect(at("root", { hostKey: fingerprintOf(publicLine(key)) }, many), nothing),
      );
      assert.match(other.message, /not the one that hostKey names: found .*, expected SHA256:/);
      const off = withKey({ MACVLAN_HOST_KEY_CHECKING: "off" });
      assert.equal(
        (await failure(connect(at("root", { hostKey: publicLine(key) }, many), off))).kind,
        "hostKey",
      );
    });

    it("asks a server with several keys for the one that is known", async () => {
      const many = await server({ hostKeys: ["ed25519", "ecdsa", "rsa"] });
      const known = file("rsa_only", `[127.0.0.1]:${many.port} ${many.hostKeys["rsa"] ?? ""}\n`);
      const connection = await connect(at("root", {}, many), withKey({ MACVLAN_KNOWN_HOSTS_PATH: known }));
      assert.equal(connection.hostKeyFingerprint, fingerprintOf(many.hostKeys["rsa"] ?? ""));
    });
  });

  describe("ways", () => {
    it("goes through a chain of two jumps, each verified as itself and shared by the hosts behind", async () => {
      const [outer, inner] = [await server(), await server()];
      const known = file("chain", outer.knownHosts + inner.knownHosts + sshd.knownHosts);
      const env = { MACVLAN_KNOWN_HOSTS_PATH: known };
      const jump = {
        address: "127.0.0.1",
        port: inner.port,
        user: "root",
        jump: `root@127.0.0.1:${outer.port}`,
      };
      const host = hostSchema.parse({ address: "127.0.0.1", port: sshd.port, user: "root", jump });
      const chained = withKey(env);
      const both = await Promise.all([connect(host, chained), connect(host, chained)]);
      for (const connection of both)
        assert.equal((await connection.run("echo $SSH_CONNECTION | wc -w\n")).stdout, "4\n");
      assert.equal(outer.log().match(/Accepted publickey/g)?.length, 1);
      await Promise.all(both.map((connection) => connection.close()));
      await sleep(100);
      assert.match(outer.log(), /Disconnected from user root/);

      file("chain", outer.knownHosts + sshd.knownHosts);
      const error = await failure(connect(host, withKey(env)));
      assert.match(
        error.message,
        new RegExp(
          `cannot connect to root@127.0.0.1:${sshd.port}: its jump host could not be used: cannot connect to root@127.0.0.1:${inner.port}: its host key is not known`,
        ),
      );
    });

    it("says what the jump host could not do", async () => {
      const closed = await server({ config: ["AllowTcpForwarding no"] });
      const off = withKey({ MACVLAN_HOST_KEY_CHECKING: "off" });
      const through = (to: number, jump: Sshd) =>
        hostSchema.parse({
          address: "127.0.0.1",
          port: to,
          user: "root",
          jump: `root@127.0.0.1:${jump.port}`,
        });
      const prohibited = await failure(connect(through(sshd.port, closed), off));
      assert.match(
        prohibited.message,
        /jump host root@127.0.0.1:\d+ does not forward to .*AllowTcpForwarding/,
      );
      const refused = await failure(connect(through(1, sshd), off));
      assert.match(refused.message, /jump host .* cannot reach 127.0.0.1:1: .*refused/i);
      assert.equal(refused.kind, "refused");
    });

    it("gets all through a server that drops connections at once (MaxStartups)", async function () {
      this.timeout(60_000);
      const small = await server({ config: ["MaxStartups 2:100:2"] });
      const off = withKey({ MACVLAN_HOST_KEY_CHECKING: "off" });
      const all = await Promise.all(Array.from({ length: 8 }, () => connect(at("root", {}, small), off)));
      assert.equal(all.length, 8);
    });

    it("names a refused port, a silent server and a name that does not exist", async () => {
      const refused = await failure(connect(at("root", { port: 1 }), withKey()));
      assert.equal(refused.kind, "refused");
      assert.equal(
        refused.message,
        "cannot connect to root@127.0.0.1:1: 127.0.0.1:1 refused the connection. Check the port, and that sshd runs and listens there.",
      );
      const silent = createServer((socket) => socket.resume()).listen(0, "127.0.0.1");
      await once(silent, "listening");
      stops.push(async () => {
        silent.close();
        await once(silent, "close");
      });
      const { port } = silent.address() as AddressInfo;
      const timeout = await failure(connect(at("root", { port, connectTimeout: 0.5 }), withKey()));
      assert.equal(timeout.kind, "timeout");
      assert.match(timeout.message, /key exchange was not finished within 0.5 s/);
      const unknown = await failure(connect(at("root", { address: "no-such-host.invalid" }), withKey()));
      assert.equal(unknown.kind, "unreachable");
      assert.match(unknown.message, /the name no-such-host.invalid cannot be resolved/);
    });
  });

  describe("scripts", () => {
    it("runs 20 at once on one connection, and more than the server allows", async () => {
      const few = await server({ config: ["MaxSessions 2"] });
      const connections = [
        await connect(at("root"), withKey()),
        await connect(at("root", {}, few), withKey({ MACVLAN_HOST_KEY_CHECKING: "off" })),
      ];
      for (const connection of connections) {
        const runs = Array.from({ length: 20 }, (_, n) =>
          connection.run(`sleep 0.05; echo ${n}; exit ${n}\n`),
        );
        const results = await Promise.all(runs);
        assert.deepEqual(
          results.map(({ stdout, code }) => [stdout, code]),
          results.map((_, n) => [`${n}\n`, n]),
        );
      }
    });

    it("brings 5 MB of output and a script of 2 MB over intact, UTF-8 across chunks", async () => {
      const connection = await connect(at("root"), withKey());
      const line = "ü€😀 ".repeat(40);
      const times = Math.ceil(5_000_000 / Buffer.byteLength(`${line}\n`));
      const { stdout } = await connection.run(
        `i=0; while [ $i -lt ${times} ]; do echo '${line}'; i=$((i+1)); done\n`,
      );
      assert.equal(stdout, `${line}\n`.repeat(times));
      const comment = `# ${"x".repeat(998)}\n`.repeat(2_000);
      assert.equal((await connection.run(`${comment}printf 'a\\377b'; exit 7\n`)).stdout, "a\ufffdb");
    });

    it("hides the noise of start-up files, and does not mind the login shell", async () => {
      for (const user of ["noisy", ...(existsSync("/bin/csh") ? ["csh"] : [])]) {
        for (const become of ["none", "sudo"] as const) {
          const connection = await connect(at(user, { become }), withKey());
          const { stdout, stderr } = await connection.run("main() { echo '$x !'; id -u >&2; }\nmain\n");
          assert.equal(stdout, "$x !\n");
          assert.match(stderr, become === "sudo" ? /^0\n$/ : /^40\d\d\n$/);
        }
      }
    });

    it("says when the login shell runs nothing", async () => {
      for (const [user, said] of [
        ["locked", /account is currently not available/],
        ["falsy", /printed nothing/],
      ] as const) {
        for (const become of ["none", "sudo"] as const) {
          const connection = await connect(at(user, { become }), withKey());
          const error = await failure(connection.run("echo hi\n"));
          assert.match(error.message, said);
          if (user === "locked" || become === "none") assert.equal(error.kind, "shell");
        }
      }
    });

    it("stops a script at its time limit, and the connection stays usable", async () => {
      const connection = await connect(at("root"), withKey());
      const mark = join(dir, "terminated");
      const script = `main() { trap 'echo x > ${mark}; exit 1' TERM; for i in 1 2 3 4 5 6 7 8 9; do sleep 0.2; done; }\nmain\n`;
      const error = await failure(connection.run(script, { timeout: 0.3, description: "a long wait" }));
      assert.equal(error.kind, "commandTimeout");
      assert.match(
        error.message,
        /^root@127.0.0.1:\d+: a long wait did not end within 0.3 s and was told to stop/,
      );
      assert.ok(existsSync(mark));
      assert.equal((await connection.run("echo on\n")).stdout, "on\n");
    });

    it("tells a lost connection from a failed script", async () => {
      const connection = await connect(at("root"), withKey());
      assert.equal((await connection.run("kill -9 $$\n")).signal, "SIGKILL");
      const waiting = connection.run("sleep 20\n");
      const error = await failure(
        connection.run("kill -9 $PPID; sleep 5\n", { description: "setting links" }),
      );
      assert.ok(error instanceof ConnectionLost);
      assert.equal(error.kind, "lost");
      assert.equal(error.started, true);
      assert.match(error.message, /the connection was lost while setting links ran/);
      assert.ok((await failure(waiting)) instanceof ConnectionLost);
      assert.equal(connection.closed, true);
      const after = await failure(connection.run("echo hi\n"));
      assert.ok(after instanceof ConnectionLost && !after.started);
    });

    it("notices a host that has gone silent by its keepalives", async function () {
      this.timeout(20_000);
      const frozen = await server();
      const config = file("alive", "ServerAliveInterval 1\nServerAliveCountMax 1\n");
      const env = { MACVLAN_SSH_CONFIG_PATH: config, MACVLAN_HOST_KEY_CHECKING: "off" };
      const connection = await connect(at("root", {}, frozen), withKey(env));
      const error = await failure(connection.run("kill -STOP $PPID; sleep 30\n"));
      assert.ok(error instanceof ConnectionLost);
      assert.match(error.message, /Keepalive timeout/);
    });

    it("closes cleanly, twice, with scripts running", async () => {
      const connection = await connect(at("root"), withKey());
      const running = failure(connection.run("sleep 5\n"));
      await sleep(100);
      const started = performance.now();
      await Promise.all([connection.close(), connection.close()]);
      assert.ok(performance.now() - started < 700);
      assert.ok((await running) instanceof ConnectionLost);
    });
  });

  describe("root", () => {
    it("has sudo with and without a password, and never feeds the password to the shell", async () => {
      const secret = { MACVLAN_BECOME_PASSWORD: PASSWORD };
      for (const [user, env] of [
        ["ops", {}],
        ["ops", secret],
        ["asked", secret],
      ] as const) {
        const connection = await connect(at(user), withKey(env));
        assert.equal(connection.become, "sudo");
        for (let time = 0; time < 2; time++) {
          const result = await connection.run("main() { id -u; cat; }\nmain </dev/null\n");
          assert.deepEqual(result, { stdout: "0\n", stderr: "", code: 0, signal: undefined });
        }
      }
    });

    it("says what to do without the right", async function () {
      this.timeout(30_000);
      const cases: [user: string, become: "sudo" | "doas", env: Record<string, string>, says: RegExp][] = [
        ["asked", "sudo", {}, /sudo gave no root shell.*NOPASSWD.*macvlan:becomePassword/],
        [
          "asked",
          "sudo",
          { MACVLAN_BECOME_PASSWORD: "no-good" },
          /MACVLAN_BECOME_PASSWORD\) is not the right one/,
        ],
        ["plain", "sudo", { MACVLAN_BECOME_PASSWORD: PASSWORD }, /Allow plain to run sh as root in sudoers/],
        ["plain", "doas", {}, existsSync("/usr/bin/doas") ? /permit nopass plain/ : /Install doas/],
      ];
      for (const [user, become, env, says] of cases) {
        const connection = await connect(at(user, { become }), withKey(env));
        const error = await failure(connection.run("id -u\n"));
        assert.equal(error.kind, "become");
        assert.match(error.message, says);
        assert.doesNotMatch(error.message, /no-good/);
      }
    });

    it("has doas", async function () {
      if (!existsSync("/usr/bin/doas")) this.skip();
      const connection = await connect(at("doer", { become: "doas" }), withKey());
      assert.equal((await connection.run("id -u\n")).stdout, "0\n");
    });

    it("shows no secret and no data in any process list", async () => {
      const env = { MACVLAN_BECOME_PASSWORD: PASSWORD, MACVLAN_PASSWORD: PASSWORD };
      const connection = await connect(at("asked"), settings(env));
      const running = connection.run("SECRET_DATA=1; sleep 0.6\n");
      await sleep(400);
      const lines = commandLines();
      await running;
      assert.ok(lines.some((line) => line.startsWith("sleep 0.6")));
      for (const line of lines) assert.ok(!line.includes(PASSWORD) && !line.includes("SECRET_DATA"), line);
    });

    it("traces commands to a file, without secrets", async () => {
      const path = join(dir, "trace.jsonl");
      process.env["MACVLAN_TRACE"] = path;
      try {
        const connection = await connect(at("asked"), withKey({ MACVLAN_BECOME_PASSWORD: PASSWORD }));
        await connection.run("echo hi\n", { description: "greeting" });
        await connection.close();
      } finally {
        delete process.env["MACVLAN_TRACE"];
      }
      const text = readFileSync(path, "utf8");
      const events = text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      assert.deepEqual(
        events.map(({ event }) => event),
        ["open", "run", "close"],
      );
      assert.equal(events[1]?.["script"], "echo hi\n");
      assert.equal(events[1]["code"], 0);
      assert.ok(!text.includes(PASSWORD));
    });
  });
});

function fingerprintOf(line: string): string {
  const text = execFileSync("ssh-keygen", ["-lf", "-"], { input: line, encoding: "utf8" });
  return /SHA256:\S+/.exec(text)?.[0] ?? "";
}

function commandLines(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")];
      } catch {
        return [];
      }
    });
}

async function startAgent(
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
