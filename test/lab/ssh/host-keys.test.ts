import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { failure, fingerprintOf, useSshd } from "./client";
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

  it("lets a pin decide alone, in both forms, also for a type that the server prefers less", async () => {
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
});
