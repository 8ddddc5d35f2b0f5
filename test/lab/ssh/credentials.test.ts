import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { LOGINS, PASSWORD, failure, startAgent, useSshd, works } from "./client";
import { makeKey, publicLine } from "./throwaway-sshd";

const PASSPHRASE = "phrase of the key";

describe("ssh: credentials", () => {
  const on = useSshd();

  it("takes a key by path, by text of the environment with \\n, and of the stack", async () => {
    await works(await on.connect(on.at("root"), on.withKey()));
    const text = readFileSync(on.key, "utf8");
    await works(
      await on.connect(on.at("root"), on.settings({ MACVLAN_PRIVATE_KEY: text.replaceAll("\n", "\\n") })),
    );
    await works(
      await on.connect(
        on.at("root"),
        on.settings({}, { "macvlan:privateKey": text.replaceAll("\n", "\r\n") }),
      ),
    );
  });

  it("decrypts a key with the passphrase, and says what is missing without or with a wrong one", async () => {
    const secret = makeKey(join(on.dir, "encrypted"), "ed25519", PASSPHRASE);
    const own = await on.server({ authorizedKeys: [publicLine(secret)] });
    on.file("known_hosts_2", own.knownHosts);
    const given = {
      MACVLAN_PRIVATE_KEY_PATH: secret,
      MACVLAN_KNOWN_HOSTS_PATH: join(on.dir, "known_hosts_2"),
    };
    await works(
      await on.connect(on.at("root", {}, own), on.settings({ ...given, MACVLAN_PASSPHRASE: PASSPHRASE })),
    );
    const without = await failure(on.connect(on.at("root", {}, own), on.settings(given)));
    assert.equal(without.kind, "authentication");
    assert.match(
      without.message,
      /encrypted.* is encrypted, and no passphrase is set \(set MACVLAN_PASSPHRASE/,
    );
    const wrong = await failure(
      on.connect(on.at("root", {}, own), on.settings({ ...given, MACVLAN_PASSPHRASE: "not-it" })),
    );
    assert.match(wrong.message, /MACVLAN_PASSPHRASE is not its passphrase/);
    assert.doesNotMatch(wrong.message, /not-it/);
  });

  for (const [name, type, args] of [
    ["PKCS#8 RSA", "rsa", ["-m", "PKCS8"]],
    ["PEM ECDSA", "ecdsa", ["-m", "PEM"]],
  ] as const) {
    it(`takes a ${name} key`, async () => {
      const path = join(on.dir, `${type}-pem`);
      execFileSync("ssh-keygen", ["-q", "-t", type, "-N", "", ...args, "-f", path]);
      const own = await on.server({ authorizedKeys: [publicLine(path)] });
      const env = { MACVLAN_PRIVATE_KEY_PATH: path, MACVLAN_HOST_KEY_CHECKING: "off" };
      await works(await on.connect(on.at("root", {}, own), on.settings(env)));
    });
  }

  it("uses the agent, also for one of many keys when the configuration names it", async () => {
    const agent = await startAgent(join(on.dir, "agent.sock"));
    on.stopLater(agent.stop);
    for (let other = 0; other < 6; other++) agent.add(makeKey(join(on.dir, `other${other}`)));
    agent.add(on.key);
    const env = { SSH_AUTH_SOCK: agent.socket };
    const tooMany = await failure(on.connect(on.at("root"), on.settings(env)));
    assert.equal(tooMany.kind, "authentication");
    assert.match(tooMany.message, /not tried, nor any key after it/);
    const config = on.file("agent_config", `Host *\n  IdentityFile ${on.key}.pub\n  IdentitiesOnly yes\n`);
    await works(await on.connect(on.at("root"), on.settings({ ...env, MACVLAN_SSH_CONFIG_PATH: config })));
  });

  it("uses a password, as such and at a prompt", async () => {
    const env = { MACVLAN_PASSWORD: PASSWORD };
    const connection = await on.connect(on.at("ops"), on.settings(env));
    assert.equal((await connection.run("id -un\n")).stdout, "root\n");
    const prompting = await on.server({
      logins: LOGINS,
      config: ["PasswordAuthentication no", "KbdInteractiveAuthentication yes", "UsePAM yes"],
      etc: {
        "pam.d/sshd":
          "auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_unix.so\n",
      },
    });
    const off = { MACVLAN_HOST_KEY_CHECKING: "off", ...env };
    assert.equal((await on.connect(on.at("ops", {}, prompting), on.settings(off))).user, "ops");
  });

  it("combines a key and a password if the server requires both", async () => {
    const both = await on.server({ logins: LOGINS, config: ["AuthenticationMethods publickey,password"] });
    const env = { MACVLAN_HOST_KEY_CHECKING: "off", MACVLAN_PRIVATE_KEY_PATH: on.key };
    assert.equal(
      (await on.connect(on.at("ops", {}, both), on.settings({ ...env, MACVLAN_PASSWORD: PASSWORD }))).user,
      "ops",
    );
    const half = await failure(on.connect(on.at("ops", {}, both), on.settings(env)));
    assert.match(half.message, /accepted, but the server requires another method too[\s\S]*accepts password/);
  });

  it("lists what was tried and never a secret", async () => {
    const wrong = makeKey(join(on.dir, "wrong"));
    const env = {
      MACVLAN_PRIVATE_KEY_PATH: wrong,
      MACVLAN_PASSWORD: "wrong-secret",
      SSH_AUTH_SOCK: join(on.dir, "none"),
    };
    const error = await failure(on.connect(on.at("ops"), on.settings(env)));
    assert.equal(error.kind, "authentication");
    assert.equal(error.host, `ops@127.0.0.1:${on.sshd.port}`);
    assert.ok(error.message.startsWith(`cannot connect to ops@127.0.0.1:${on.sshd.port}: `));
    assert.match(error.message, /MACVLAN_PRIVATE_KEY_PATH .*wrong: refused/);
    assert.match(error.message, /agent at .*none: cannot be used/);
    assert.match(error.message, /password of MACVLAN_PASSWORD: refused/);
    assert.match(error.message, /The server accepts publickey, ?password/);
    assert.doesNotMatch(error.message, /wrong-secret|PRIVATE KEY-----/);
    assert.match((await failure(on.connect(on.at("ops"), on.settings()))).message, /no credentials to try/);
  });

  it("does not use a private key that others can read, and says how to fix that", async () => {
    const open = makeKey(join(on.dir, "open"));
    const own = await on.server({ authorizedKeys: [publicLine(open)] });
    const env = { MACVLAN_HOST_KEY_CHECKING: "off", MACVLAN_PRIVATE_KEY_PATH: open };
    chmodSync(open, 0o640);
    const error = await failure(on.connect(on.at("root", {}, own), on.settings(env)));
    assert.match(
      error.message,
      /open: can be read by others \(mode 0640\), so it is not used; run chmod 600 \S+open/,
    );
    const config = on.file("open_config", `IdentityFile ${open}\n`);
    const named = { MACVLAN_HOST_KEY_CHECKING: "off", MACVLAN_SSH_CONFIG_PATH: config };
    assert.match(
      (await failure(on.connect(on.at("root", {}, own), on.settings(named)))).message,
      /IdentityFile \S+open: can be read by others/,
    );
    chmodSync(open, 0o600);
    await works(await on.connect(on.at("root", {}, own), on.settings(env)));
  });

  it("does not use authentication methods that the configuration forbids", async () => {
    const both = { MACVLAN_PRIVATE_KEY_PATH: on.key, MACVLAN_PASSWORD: PASSWORD };
    for (const [text, said] of [
      [
        "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPubkeyAuthentication no\n",
        /publickey: not tried, as PubkeyAuthentication no/,
      ],
      ["PreferredAuthentications hostbased\n", /password: not tried, as PreferredAuthentications of the/],
    ] as const) {
      const config = on.file("forbidding", text);
      const before = on.sshd.log().length;
      const error = await failure(
        on.connect(on.at("ops"), on.settings({ ...both, MACVLAN_SSH_CONFIG_PATH: config })),
      );
      assert.match(error.message, said);
      assert.doesNotMatch(on.sshd.log().slice(before), /Accepted|Failed/);
    }
    const only = on.file("password_only", "PreferredAuthentications password\n");
    const before = on.sshd.log().length;
    await on.connect(on.at("ops"), on.settings({ ...both, MACVLAN_SSH_CONFIG_PATH: only }));
    assert.match(on.sshd.log().slice(before), /Accepted password/);
  });

  it("signs with an RSA key as PubkeyAcceptedAlgorithms allows, and never with SHA-1 by itself", async () => {
    const rsa = makeKey(join(on.dir, "rsa"), "rsa");
    const env = { MACVLAN_HOST_KEY_CHECKING: "off", MACVLAN_PRIVATE_KEY_PATH: rsa };
    const old = await on.server({
      authorizedKeys: [publicLine(rsa)],
      config: ["PubkeyAcceptedAlgorithms ssh-rsa"],
    });
    assert.equal(
      (await failure(on.connect(on.at("root", {}, old), on.settings(env)))).kind,
      "authentication",
    );
    const weak = on.file("weak_config", "PubkeyAcceptedAlgorithms ssh-rsa\n");
    await on.connect(on.at("root", {}, old), on.settings({ ...env, MACVLAN_SSH_CONFIG_PATH: weak }));
    const now = await on.server({
      authorizedKeys: [publicLine(rsa)],
      config: ["PubkeyAcceptedAlgorithms rsa-sha2-512"],
    });
    const strong = on.file("strong_config", "PubkeyAcceptedAlgorithms -rsa-sha2-256\n");
    await on.connect(on.at("root", {}, now), on.settings({ ...env, MACVLAN_SSH_CONFIG_PATH: strong }));
    const none = on.file("none_config", "PubkeyAcceptedAlgorithms -rsa-*\n");
    assert.match(
      (
        await failure(
          on.connect(on.at("root", {}, now), on.settings({ ...env, MACVLAN_SSH_CONFIG_PATH: none })),
        )
      ).message,
      /not tried, as PubkeyAcceptedAlgorithms allows no algorithm for ssh-rsa/,
    );
  });
});
