import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { hostSchema } from "../../../../provider/ssh/address";
import { type ResolvedHost, resolveHost } from "../../../../provider/ssh/config/resolve";
import { readSettings } from "../../../../provider/ssh/auth/authenticate";
import { SshError } from "../../../../provider/ssh/error";

describe("client configuration", () => {
  let home: string;
  let count = 0;

  beforeEach(() => (home = mkdtempSync(join(tmpdir(), "macvlan-home-"))));
  afterEach(() => rmSync(home, { recursive: true }));

  const write = (path: string, text: string): string => {
    const file = join(home, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  };
  const resolveWith = (config: string, host: unknown, env: Record<string, string> = {}): ResolvedHost => {
    const path = write(`config${count++}`, config);
    const settings = readSettings({ HOME: home, MACVLAN_SSH_CONFIG_PATH: path, ...env }, () => undefined);
    return resolveHost(hostSchema.parse(host), settings);
  };
  const problem = (config: string, host: unknown, env?: Record<string, string>): string => {
    try {
      resolveWith(config, host, env);
    } catch (error) {
      assert.ok(error instanceof SshError && error.kind === "configuration", String(error));
      return error.message;
    }
    return assert.fail("it did not fail");
  };

  it("has defaults", () => {
    const host = resolveWith("", "node1");
    const user = userInfo().username;
    assert.equal(host.label, `${user}@node1:22`);
    assert.equal(host.become, user === "root" ? "none" : "sudo");
    assert.deepEqual(
      [host.hostname, host.port, host.connectTimeout, host.commandTimeout],
      ["node1", 22, 10, 60],
    );
    assert.deepEqual([host.keepaliveInterval, host.keepaliveCount, host.hostKeyChecking], [15, 3, "strict"]);
    assert.equal(host.userKnownHostsFiles[0], join(home, ".ssh/known_hosts"));
    assert.equal(host.jump, undefined);
  });

  it("takes the first value of each option from the blocks that match", () => {
    const config = `
      Port 2200
      Host web* !web9
        HostName %h.example.net
        User = deploy
        identityfile "~/my keys/%r"
      Host web1
        User ignored
        Port 1
        IdentityFile \${KEYS}/%n
        HostKeyAlias shared-%n
        ConnectTimeout 4
        ServerAliveInterval 7
        ServerAliveCountMax 2
        StrictHostKeyChecking accept-new
        HashKnownHosts yes
        UserKnownHostsFile ~/.known1 ~/.known2
        IdentitiesOnly yes
        AddressFamily inet6
    `;
    const host = resolveWith(config, "web1", { KEYS: "/keys" });
    assert.deepEqual(
      [host.hostname, host.port, host.user, host.family],
      ["web1.example.net", 2200, "deploy", 6],
    );
    assert.deepEqual(host.identityFiles, [`${home}/my keys/deploy`, "/keys/web1"]);
    assert.deepEqual(host.knownAs, { host: "shared-web1", port: 22 });
    assert.deepEqual(host.userKnownHostsFiles, [`${home}/.known1`, `${home}/.known2`]);
    assert.deepEqual([host.connectTimeout, host.keepaliveInterval, host.keepaliveCount], [4, 7, 2]);
    assert.deepEqual(
      [host.hostKeyChecking, host.hashKnownHosts, host.identitiesOnly],
      ["accept-new", true, true],
    );
    assert.equal(host.label, "deploy@web1:2200");
    assert.equal(resolveWith(config, "web9").hostname, "web9");
  });

  it("lets the address win, then the settings, then the configuration", () => {
    const config =
      "Host *\n Port 2200\n User conf\n ConnectTimeout 4\n StrictHostKeyChecking no\n UserKnownHostsFile /a\n";
    const env = { MACVLAN_USER: "set", MACVLAN_HOST_KEY_CHECKING: "strict", MACVLAN_KNOWN_HOSTS_PATH: "~/k" };
    const given = resolveWith(
      config,
      { address: "n", port: 1, user: "arg", connectTimeout: 2, commandTimeout: 3 },
      env,
    );
    assert.deepEqual([given.port, given.user, given.connectTimeout, given.commandTimeout], [1, "arg", 2, 3]);
    assert.deepEqual([given.hostKeyChecking, given.userKnownHostsFiles], ["strict", [`${home}/k`]]);
    assert.deepEqual(given.globalKnownHostsFiles, []);
    assert.equal(resolveWith(config, "n", env).user, "set");
    assert.equal(resolveWith(config, "n").user, "conf");
    assert.equal(resolveWith(config, "n").hostKeyChecking, "off");
    const jump = resolveWith(config, { address: "n", jump: "j" }, env).jump;
    assert.equal(jump?.user, "conf");
  });

  it("includes files by path and pattern, inside of blocks too, and forgives missing ones", () => {
    write(".ssh/conf.d/10-a", "Host a\n Port 10\n");
    write(".ssh/conf.d/20-b", "Host b\n Port 20\n");
    write(".ssh/conf.d/.hidden", "Port 99\n");
    write(".ssh/only-x", "User inx\nHost y\n Port 77\n");
    const config = "Include conf.d/* missing\nHost x\n  Include only-x\n  Port 5\nHost y\n  Port 6\n";
    assert.equal(resolveWith(config, "a").port, 10);
    assert.equal(resolveWith(config, "b").port, 20);
    assert.deepEqual([resolveWith(config, "x").user, resolveWith(config, "x").port], ["inx", 5]);
    assert.equal(resolveWith(config, "y").port, 6);
    const loop = write("loop", `Include ${join(home, "loop")}\n`);
    assert.match(problem(`Include ${loop}\n`, "a"), /nested too deeply/);
  });

  it("knows Match by host, user and negation, and never runs a program", () => {
    const mark = join(home, "ran");
    const config = `
      Match exec "touch ${mark}"
        Port 1
      Match final
        Port 2
      Match originalhost n1,n2 !user root
        Port 3
      Host n4
        HostName real4
      Match host real*
        Port 4
      Match all
        Port 5
    `;
    assert.equal(resolveWith(config, "ops@n1").port, 3);
    assert.equal(resolveWith(config, "root@n1").port, 5);
    assert.equal(resolveWith(config, "ops@n4").port, 4);
    assert.equal(existsSync(mark), false);
  });

  it("follows ProxyJump through chains, with each hop's own options", () => {
    const config = `
      Host inner
        ProxyJump ops@mid:2201,near
      Host near
        HostName 192.0.2.9
        User nearuser
      Host mid
        ProxyJump far
      Host all-* bastion
        ProxyJump bastion
      Host direct
        ProxyJump none
      Host ring1
        ProxyJump ring2
      Host ring2
        ProxyJump ring1
    `;
    const inner = resolveWith(config, "inner");
    assert.deepEqual([inner.jump?.hostname, inner.jump?.user], ["192.0.2.9", "nearuser"]);
    assert.equal(inner.jump?.jump?.label, "ops@mid:2201");
    assert.equal(inner.jump.jump.jump?.hostname, "far");
    assert.equal(resolveWith(config, "all-1").jump?.jump, undefined);
    assert.equal(resolveWith(config, "direct").jump, undefined);
    assert.equal(resolveWith(config, { address: "inner", jump: "other" }).jump?.hostname, "other");
    assert.match(problem(config, "ring1"), /ProxyJump .* goes round in a circle/);
  });

  it("says to use ProxyJump for ProxyCommand, unless it is none or comes second", () => {
    assert.match(
      problem("ProxyCommand nc %h %p\n", "root@n"),
      /^cannot connect to root@n: .*Use ProxyJump there, or jump/,
    );
    assert.equal(resolveWith("ProxyCommand none\n", "n").jump, undefined);
    assert.equal(resolveWith("ProxyJump j\nProxyCommand nc %h %p\n", "n").jump?.hostname, "j");
    assert.equal(resolveWith("Host n\n ProxyCommand nc\n", { address: "n", jump: "j" }).jump?.hostname, "j");
  });

  it("finds the agent", () => {
    const env = { SSH_AUTH_SOCK: "/agent", OTHER: "/other" };
    assert.equal(resolveWith("", "n", env).agentSocket, "/agent");
    assert.equal(resolveWith("IdentityAgent none\n", "n", env).agentSocket, undefined);
    assert.equal(resolveWith("IdentityAgent ~/a b\n", "n", env).agentSocket, `${home}/a b`);
    assert.equal(resolveWith("IdentityAgent $OTHER\n", "n", env).agentSocket, "/other");
    assert.equal(resolveWith("IdentityAgent SSH_AUTH_SOCK\n", "n", env).agentSocket, "/agent");
  });

  it("names what cannot be used", () => {
    assert.match(problem("Port many\n", "n"), /port many of the OpenSSH client configuration is no number/);
    assert.match(
      problem("HostName -oops\n", "n"),
      /gives a value that cannot be used: address must be a DNS name/,
    );
    assert.match(problem("User a;b\n", "n"), /user must be a login name/);
    assert.match(problem("ProxyJump a b\n", "n"), /ProxyJump a b/);
    assert.match(
      problem("", "n", { MACVLAN_SSH_CONFIG_PATH: join(home, "nowhere") }),
      /nowhere cannot be read: ENOENT/,
    );
    assert.match(problem('Host "open\n', "n"), /config\d+ cannot be parsed/);
  });

  it("agrees with ssh -G", function () {
    if (!existsSync("/usr/bin/ssh")) this.skip();
    write(".ssh/extra", "Host x-2\n  User second\n");
    const config = `
Host x-*
  HostName %h.example.net
Match host *.example.net
  Port 2222
Include ${join(home, ".ssh/extra")}
Host x-? !x-3
  User=one
  IdentityFile "/keys/a b"
  IdentityFile /keys/%n-%r
Host *
  Port 2022
  User all
  ConnectTimeout 9
  ProxyJump hop@bastion:2299
`;
    const path = write("differential", config);
    for (const name of ["x-1", "x-2", "x-3", "x-10", "other"]) {
      const theirs = new Map<string, string>();
      for (const line of execFileSync("ssh", ["-G", "-T", "-F", path, name], { encoding: "utf8" })
        .trim()
        .split("\n")) {
        const [option = "", ...value] = line.split(" ");
        if (!theirs.has(option)) theirs.set(option, value.join(" "));
      }
      const ours = resolveWith(config, name);
      assert.equal(ours.hostname, theirs.get("hostname"), name);
      assert.equal(String(ours.port), theirs.get("port"), name);
      assert.equal(ours.user, theirs.get("user"), name);
      assert.equal(String(ours.connectTimeout), theirs.get("connecttimeout"), name);
      assert.equal(
        ours.jump && `${ours.jump.user}@${ours.jump.hostname}:${ours.jump.port}`,
        theirs.get("proxyjump"),
      );
    }
  });
});
