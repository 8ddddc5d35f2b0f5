import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { PASSWORD, failure, fingerprintOf, useSshd } from "./client";
import { publicLine } from "./throwaway-sshd";

describe("ssh: host keys", () => {
  const on = useSshd();

  it("refuses an unknown one, and says how to trust it", async () => {
    const error = await failure(
      on.connect(on.at("root"), on.withKey({ MACVLAN_KNOWN_HOSTS_PATH: join(on.dir, "empty") })),
    );
    assert.equal(error.kind, "hostKey");
    assert.match(error.message, /host key is not known: ssh-ed25519 SHA256:\S{43} is not in \S+empty\./);
    assert.match(
      error.message,
      new RegExp(`ssh-keyscan -p ${on.sshd.port} 127.0.0.1 >> \\S+empty or set hostKey: "ssh-ed25519 `),
    );
    assert.equal(existsSync(join(on.dir, "empty")), false);
  });

  it("refuses a changed one with both fingerprints, the place and the remedy", async () => {
    const known = on.file("changed", `# comment\n[127.0.0.1]:${on.sshd.port} ${publicLine(on.key)}\n`);
    for (const checking of ["strict", "accept-new"]) {
      const env = { MACVLAN_KNOWN_HOSTS_PATH: known, MACVLAN_HOST_KEY_CHECKING: checking };
      const error = await failure(on.connect(on.at("root"), on.withKey(env)));
      assert.match(
        error.message,
        /host key has changed: found ssh-ed25519 SHA256:\S+, expected ssh-ed25519 SHA256:\S+ \(\S+changed:2\)/,
      );
      assert.match(error.message, new RegExp(`ssh-keygen -R '\\[127.0.0.1\\]:${on.sshd.port}' -f ${known}`));
    }
  });

  it("adds a new one with accept-new, plain and hashed, once", async () => {
    const env = {
      MACVLAN_HOST_KEY_CHECKING: "accept-new",
      MACVLAN_KNOWN_HOSTS_PATH: join(on.dir, "new", "known"),
    };
    for (let time = 0; time < 2; time++) await on.connect(on.at("root"), on.withKey(env));
    assert.equal(
      readFileSync(join(on.dir, "new", "known"), "utf8")
        .trim()
        .split("\n").length,
      1,
    );
    assert.equal(statSync(join(on.dir, "new", "known")).mode & 0o777, 0o600);
    const config = on.file("hash_config", "HashKnownHosts yes\nStrictHostKeyChecking accept-new\n");
    const hashed = on.file("hashed", "# no line break");
    const hashing = { MACVLAN_SSH_CONFIG_PATH: config, MACVLAN_KNOWN_HOSTS_PATH: hashed };
    await on.connect(on.at("root"), on.withKey(hashing));
    assert.match(readFileSync(hashed, "utf8"), /^# no line break\n\|1\|\S+ ssh-ed25519 \S+\n$/);
    await on.connect(on.at("root"), on.withKey({ MACVLAN_KNOWN_HOSTS_PATH: hashed }));
  });

  it("lets a pin alone decide, in both forms, also for a type that the server prefers less", async () => {
    const many = await on.server({ hostKeys: ["ed25519", "ecdsa", "rsa"] });
    const nothing = on.withKey({ MACVLAN_KNOWN_HOSTS_PATH: join(on.dir, "empty") });
    for (const line of Object.values(many.hostKeys)) {
      await on.connect(on.at("root", { hostKey: line }, many), nothing);
      const pinned = await on.connect(on.at("root", { hostKey: fingerprintOf(line) }, many), nothing);
      assert.equal(pinned.hostKeyFingerprint, fingerprintOf(line));
    }
    const other = await failure(
      on.connect(on.at("root", { hostKey: fingerprintOf(publicLine(on.key)) }, many), nothing),
    );
    assert.match(other.message, /not the one that hostKey names: found .*, expected SHA256:/);
    const off = on.withKey({ MACVLAN_HOST_KEY_CHECKING: "off" });
    assert.equal(
      (await failure(on.connect(on.at("root", { hostKey: publicLine(on.key) }, many), off))).kind,
      "hostKey",
    );
  });

  it("asks a server with several keys for the one that is known", async () => {
    const many = await on.server({ hostKeys: ["ed25519", "ecdsa", "rsa"] });
    const known = on.file("rsa_only", `[127.0.0.1]:${many.port} ${many.hostKeys["rsa"] ?? ""}\n`);
    const connection = await on.connect(
      on.at("root", {}, many),
      on.withKey({ MACVLAN_KNOWN_HOSTS_PATH: known }),
    );
    assert.equal(connection.hostKeyFingerprint, fingerprintOf(many.hostKeys["rsa"] ?? ""));
  });

  it("reaches a host with a changed key if checking is off, and sends it no password", async () => {
    const known = on.file("changed", `[127.0.0.1]:${on.sshd.port} ${publicLine(on.key)}\n`);
    const off = { MACVLAN_KNOWN_HOSTS_PATH: known, MACVLAN_HOST_KEY_CHECKING: "off" };
    const connection = await on.connect(
      on.at("asked"),
      on.withKey({ ...off, MACVLAN_BECOME_PASSWORD: PASSWORD }),
    );
    const error = await failure(connection.run("id\n"));
    assert.equal(error.kind, "become");
    assert.match(error.message, /no password is sent, as its host key has changed \(\S+changed:1\)/);
    const login = await failure(
      on.connect(on.at("ops"), on.settings({ ...off, MACVLAN_PASSWORD: PASSWORD })),
    );
    assert.match(
      login.message,
      /password of MACVLAN_PASSWORD: no password is sent, as its host key has changed/,
    );
    const unknown = on.file("nobody", "");
    const fresh = { ...off, MACVLAN_KNOWN_HOSTS_PATH: unknown, MACVLAN_PASSWORD: PASSWORD };
    assert.equal((await on.connect(on.at("ops"), on.settings(fresh))).user, "ops");
  });

  it("refuses a revoked key, whatever is checked: by @revoked, and by RevokedHostKeys", async () => {
    const key = Object.values(on.sshd.hostKeys)[0] ?? "";
    const marked = on.file("revoked", `${on.sshd.knownHosts}@revoked * ${key}\n`);
    const list = on.file("list", `# keys\n\n${key}\n`);
    const config = on.file("revoking", `RevokedHostKeys ${list}\n`);
    for (const checking of ["strict", "accept-new", "off"]) {
      const env = { MACVLAN_HOST_KEY_CHECKING: checking };
      const byMark = await failure(
        on.connect(on.at("root"), on.withKey({ ...env, MACVLAN_KNOWN_HOSTS_PATH: marked })),
      );
      assert.match(byMark.message, /marked @revoked at \S+revoked:2/);
      const byList = await failure(
        on.connect(on.at("root", { hostKey: key }), on.withKey({ ...env, MACVLAN_SSH_CONFIG_PATH: config })),
      );
      assert.match(byList.message, /is in the file of RevokedHostKeys/);
    }
    for (const [text, said] of [
      ["SSHKRL\n\0binary", /is a binary KRL/],
      ["what is this\n", /has no public key in line 1/],
    ] as const) {
      on.file("list", text);
      const error = await failure(on.connect(on.at("root"), on.withKey({ MACVLAN_SSH_CONFIG_PATH: config })));
      assert.equal(error.kind, "configuration");
      assert.match(error.message, said);
    }
  });

  it("accepts no SHA-1 signature of a host, unless the configuration asks for it", async () => {
    const old = await on.server({ hostKeys: ["rsa"], config: ["HostKeyAlgorithms ssh-rsa"] });
    const known = on.file("old", old.knownHosts);
    const env = { MACVLAN_KNOWN_HOSTS_PATH: known };
    const error = await failure(on.connect(on.at("root", {}, old), on.withKey(env)));
    assert.match(error.message, /no matching host key format.*HostKeyAlgorithms \+ssh-rsa/);
    const config = on.file("old_config", "HostKeyAlgorithms +ssh-rsa\n");
    await on.connect(on.at("root", {}, old), on.withKey({ ...env, MACVLAN_SSH_CONFIG_PATH: config }));
    const strict = on.file("strict_config", "HostKeyAlgorithms +ssh-rsa\nRequiredRSASize 3072\n");
    const short = await failure(
      on.connect(on.at("root", {}, old), on.withKey({ ...env, MACVLAN_SSH_CONFIG_PATH: strict })),
    );
    assert.match(short.message, /RSA host key has 2048 bits, and 3072 are required/);
  });

  it("learns the other keys of a known host with UpdateHostKeys", async () => {
    const many = await on.server({ hostKeys: ["ed25519", "ecdsa"] });
    const at = `[127.0.0.1]:${many.port}`;
    const known = on.file("learning", `${at} ${many.hostKeys["ed25519"] ?? ""}\n`);
    const config = on.file("update_config", "UpdateHostKeys yes\n");
    const env = { MACVLAN_KNOWN_HOSTS_PATH: known, MACVLAN_SSH_CONFIG_PATH: config };
    const connection = await on.connect(on.at("root", {}, many), on.withKey(env));
    await connection.run("sleep 0.3\n");
    assert.match(readFileSync(known, "utf8"), /^\S+ ssh-ed25519 .*\n\S+ ecdsa-sha2-nistp256 \S+\n$/);
  });
});
