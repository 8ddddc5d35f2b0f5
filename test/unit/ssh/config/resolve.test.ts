import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { hostSchema } from "../../../../provider/ssh/address";
import { type ResolvedHost, resolveHost } from "../../../../provider/ssh/config/resolve";
import { readSettings } from "../../../../provider/ssh/settings";
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
    assert.deepEqual(host.knownAs, { host: "shared-web1", port: 22, name: "shared-web1" });
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

  it("includes files by path and pattern, inside of blocks too, and tolerates missing ones", () => {
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

  it("knows Match by host, user, local network and negation", () => {
    const config = `
      Match originalhost n1,n2 !user root
        Port 3
      Host n4
        HostName real4
      Match host real*
        Port 4
      Match localnetwork 0.0.0.1/32,127.0.0.0/8 originalhost n5
        Port 6
      Match localnetwork 0.0.0.1/32
        Port 7
      Host n6
        Tag lab
      Match tagged lab
        Port 8
      Match all
        Port 5
    `;
    assert.equal(resolveWith(config, "ops@n1").port, 3);
    assert.equal(resolveWith(config, "root@n1").port, 5);
    assert.equal(resolveWith(config, "ops@n4").port, 4);
    assert.equal(resolveWith(config, "n5").port, 6);
    assert.equal(resolveWith(config, "n6").port, 8);
    assert.match(problem("Match host\n", "n"), /config\d+, line 1: Match host has no value/);
    assert.match(
      problem("Match localnetwork lan\n", "n"),
      /line 1: Match localnetwork: lan is not a network/,
    );
  });

  it("runs no program, and names the lines that it passed over", () => {
    const mark = join(home, "ran");
    const config = `
      Match exec "touch ${mark}"
        Port 1
      Match host other exec "true"
        Port 2
      Host n1
        PKCS11Provider /usr/lib/token.so
        CanonicalizeHostname yes
        CanonicalDomains example.net
        NewOption yes
    `;
    const host = resolveWith(config, "n1");
    assert.equal(existsSync(mark), false);
    assert.equal(host.port, 22);
    const [exec, unknown, ...more] = host.passedOver;
    assert.match(exec ?? "", /config\d+:2 "Match exec .* \(no program is run to decide it\)$/);
    assert.match(unknown ?? "", /config\d+:10 "NewOption yes" \(unknown option\)$/);
    assert.match(more.join("\n"), /:9 "CanonicalDomains example\.net".*\n.*:7 "PKCS11Provider /);
    assert.equal(more.length, 2);
    assert.equal(resolveWith(`IgnoreUnknown New*\nNewOption yes\n`, "n1").passedOver.length, 0);
  });

  it("reads everything once more for Match final, with the name to connect to", () => {
    const config = `
      Host edge
        HostName 10.1.2.3
      Match final host 10.*
        User ops
        IdentityFile /keys/final
      Host 10.1.*
        Port 2203
      Match canonical all
        ConnectTimeout 3
      Match !final host 10.*
        ServerAliveInterval 9
    `;
    const host = resolveWith(config, "edge");
    assert.deepEqual(
      [host.hostname, host.user, host.port, host.connectTimeout, host.keepaliveInterval],
      ["10.1.2.3", "ops", 2203, 3, 9],
    );
    assert.deepEqual(host.identityFiles, ["/keys/final"]);
    assert.equal(resolveWith("Match canonical all\n  Port 5\n", "edge").port, 22);
    assert.equal(resolveWith("CanonicalizeHostname yes\nMatch canonical all\n  Port 5\n", "edge").port, 5);
  });

  it("includes by patterns with brackets", () => {
    write(".ssh/conf.d/10-a.conf", "Port 10\n");
    write(".ssh/conf.d/a-20.conf", "User twenty\n");
    write(".ssh/conf.d/[x].conf", "ConnectTimeout 7\n");
    const host = resolveWith(
      "Include conf.d/[0-9][[:digit:]]-?.conf conf.d/[!0-9]-*.conf conf.d/\\[x].conf\n",
      "n",
    );
    assert.deepEqual([host.port, host.user, host.connectTimeout], [10, "twenty", 7]);
  });

  it("refuses a file that others can write to, as ssh does", () => {
    const included = write("included", "Port 5\n");
    chmodSync(included, 0o666);
    assert.match(
      problem(`Include ${included}\n`, "n"),
      /included cannot be read: others can write to it: run chmod go-w/,
    );
  });

  it("takes the algorithms of the configuration, with + - ^ and patterns", () => {
    const algorithms = (text: string) => resolveWith(text, "n").algorithms;
    const plain = algorithms("");
    assert.ok(!plain.hostKey.includes("ssh-rsa") && !plain.publicKey.includes("ssh-rsa"));
    assert.ok(
      !plain.kex.some((name) => name.endsWith("sha1")) && !plain.cipher.some((name) => /cbc/.test(name)),
    );
    assert.deepEqual(algorithms("Ciphers aes256-*\n").cipher.toSorted(), [
      "aes256-cbc",
      "aes256-ctr",
      "aes256-gcm@openssh.com",
    ]);
    assert.equal(algorithms("HostKeyAlgorithms +ssh-rsa\n").hostKey.at(-1), "ssh-rsa");
    assert.deepEqual(algorithms("MACs -hmac-sha1*,*-etm@*\n").mac, ["hmac-sha2-256", "hmac-sha2-512"]);
    assert.equal(algorithms("KexAlgorithms ^ecdh-sha2-nistp521\n").kex[0], "ecdh-sha2-nistp521");
    assert.deepEqual(algorithms("PubkeyAcceptedKeyTypes ssh-ed25519,sk-*\n").publicKey, ["ssh-ed25519"]);
    assert.match(
      problem("Ciphers umbrella\n", "n"),
      /Ciphers of .* leaves no algorithm .*config\d+:1 "Ciphers umbrella"/,
    );
  });

  it("takes the authentication methods from the configuration", () => {
    const methods = (text: string) => resolveWith(text, "n").authMethods;
    assert.deepEqual(methods(""), ["publickey", "password", "keyboard-interactive"]);
    assert.deepEqual(methods("PasswordAuthentication no\n"), ["publickey", "keyboard-interactive"]);
    assert.deepEqual(methods("PubkeyAuthentication no\nChallengeResponseAuthentication no\n"), ["password"]);
    assert.deepEqual(methods("PreferredAuthentications keyboard-interactive,gssapi-with-mic,publickey\n"), [
      "keyboard-interactive",
      "publickey",
    ]);
  });

  it("refuses what must not be left out, with the option's name and place", () => {
    assert.match(
      problem("Host *\n  CheckHostIP yes\n", "n"),
      /^cannot connect to .*CheckHostIP of .*config\d+:2 "CheckHostIP yes"/,
    );
    assert.match(problem("KnownHostsCommand /bin/true %H\n", "n"), /KnownHostsCommand/);
    assert.match(problem("BindInterface eth0\n", "n"), /BindInterface .*use `BindAddress`/);
    assert.match(problem("RefuseConnection not from here\n", "n"), /takes one value/);
    assert.match(problem("RefuseConnection nowhere\n", "n"), /RefuseConnection .* says: nowhere/);
    assert.equal(resolveWith("CheckHostIP no\n", "n").port, 22);
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
    assert.match(problem(config, "ring1"), /ProxyJump .* forms a loop/);
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
    assert.equal(resolveWith('IdentityAgent "~/a b"\n', "n", env).agentSocket, `${home}/a b`);
    assert.equal(resolveWith("IdentityAgent $OTHER\n", "n", env).agentSocket, "/other");
    assert.equal(resolveWith("IdentityAgent SSH_AUTH_SOCK\n", "n", env).agentSocket, "/agent");
  });

  it("names what cannot be used", () => {
    assert.match(
      problem("Port many\n", "n"),
      /port many of the OpenSSH client configuration is not a number/,
    );
    assert.match(
      problem("HostName -oops\n", "n"),
      /gives a value that cannot be used: address must be a DNS name/,
    );
    assert.match(problem("User a;b\n", "n"), /user must be a login name/);
    assert.match(problem("ProxyJump a b\n", "n"), /config\d+, line 1: ProxyJump takes one value/);
    assert.match(problem("ProxyJump a:b\n", "n"), /ProxyJump a:b/);
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
Include ${join(home, ".ssh/[e]xtra-[0-9]")}
Host x-? !x-3
  User=one
  IdentityFile "/keys/a b"
  IdentityFile /keys/%n-%r
Match final host x-1*
  User late
  ConnectTimeout 8
Match !final originalhost x-10
  ServerAliveInterval 30
Match localnetwork 127.0.0.0/8
  ServerAliveCountMax 5
Match canonical host="x-2.*"
  AddressFamily inet
Host *
  Port 2022
  User all
  ConnectTimeout 9
  Ciphers ^aes256-ctr
  ProxyJump hop@bastion:2299
`;
    write(".ssh/extra-1", "Host x-10\n  IdentitiesOnly yes\n");
    const newer = /OpenSSH_(9\.[4-9]|[1-9]\d)/.test(spawnSync("ssh", ["-V"], { encoding: "utf8" }).stderr);
    const known = newer ? config : config.replace(/Match localnetwork.*\n.*\n/, "");
    const path = write("differential", known);
    for (const name of ["x-1", "x-2", "x-3", "x-10", "other"]) {
      const theirs = new Map<string, string>();
      for (const line of execFileSync("ssh", ["-G", "-T", "-F", path, name], { encoding: "utf8" })
        .trim()
        .split("\n")) {
        const [option = "", ...value] = line.split(" ");
        if (!theirs.has(option)) theirs.set(option, value.join(" "));
      }
      const ours = resolveWith(known, name);
      assert.equal(ours.hostname, theirs.get("hostname"), name);
      assert.equal(String(ours.port), theirs.get("port"), name);
      assert.equal(ours.user, theirs.get("user"), name);
      assert.equal(String(ours.connectTimeout), theirs.get("connecttimeout"), name);
      if (theirs.get("serveraliveinterval") !== "0")
        assert.equal(String(ours.keepaliveInterval), theirs.get("serveraliveinterval"), name);
      assert.equal(ours.identitiesOnly, theirs.get("identitiesonly") === "yes", name);
      assert.equal(ours.algorithms.cipher[0], theirs.get("ciphers")?.split(",")[0], name);
      assert.equal(ours.family, theirs.get("addressfamily") === "inet" ? 4 : undefined, name);
      assert.equal(
        ours.jump && `${ours.jump.user}@${ours.jump.hostname}:${ours.jump.port}`,
        theirs.get("proxyjump"),
      );
    }
  });
});
