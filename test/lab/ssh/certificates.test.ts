/** Certificates of hosts and of users, against a real sshd and a real agent. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { failure, fingerprintOf, startAgent, useSshd, works } from "./client";
import { type Sshd, makeKey, publicLine } from "./throwaway-sshd";

type KeyType = "ed25519" | "ecdsa" | "rsa";

describe("ssh: certificates", () => {
  const on = useSshd();
  let ca: string;
  let count = 0;

  before(() => (ca = makeKey(join(on.dir, "ca"))));

  const sign = (args: readonly string[], key: string, authority = ca): void => {
    execFileSync("ssh-keygen", ["-q", "-s", authority, "-I", "id of it", ...args, `${key}.pub`]);
  };
  /** A server with a certified host key, and known_hosts that has only the authority. */
  const certified = async (
    args: readonly string[] = ["-n", "edge.example,127.0.0.1"],
    type: KeyType = "ed25519",
    authority = ca,
  ): Promise<{ sshd: Sshd; known: string; key: string }> => {
    const key = makeKey(join(on.dir, `host${count++}`), type);
    sign(["-h", ...args], key, authority);
    const sshd = await on.server({
      config: [`HostKey ${key}`, `HostCertificate ${key}-cert.pub`],
      hostKeys: [],
    });
    const known = on.file(`authority${count}`, `@cert-authority * ${publicLine(ca)}\n`);
    return { sshd, known, key };
  };

  for (const type of ["ed25519", "ecdsa"] as const) {
    it(`accepts an ${type} host by a certificate of a known authority alone`, async () => {
      const { sshd, known, key } = await certified(undefined, type);
      const connection = await on.connect(
        on.at("root", {}, sshd),
        on.withKey({ MACVLAN_KNOWN_HOSTS_PATH: known }),
      );
      await works(connection);
      assert.equal(connection.hostKeyFingerprint, fingerprintOf(publicLine(key)));
    });
  }

  it("accepts certificates of RSA and ECDSA authorities", async () => {
    for (const type of ["rsa", "ecdsa"] as const) {
      const authority = makeKey(join(on.dir, `ca_${type}`), type);
      const { sshd } = await certified(undefined, "ed25519", authority);
      const known = on.file(
        `by_${type}`,
        `@cert-authority 127.0.0.1,[127.0.0.1]:* ${publicLine(authority)}\n`,
      );
      await works(await on.connect(on.at("root", {}, sshd), on.withKey({ MACVLAN_KNOWN_HOSTS_PATH: known })));
    }
  });

  for (const [what, args, said] of [
    ["for another host", ["-n", "other.example"], /is for other\.example and not for 127\.0\.0\.1/],
    ["for no host", [], /is for no host/],
    ["that has expired", ["-n", "127.0.0.1", "-V", "20200101:20200201"], /has expired on 2020-0[12]-\d\d/],
    [
      "that is not yet valid",
      ["-n", "127.0.0.1", "-V", "20990101:20990201"],
      /is valid only from 20(98|99)-/,
    ],
    ["with options", ["-n", "127.0.0.1", "-O", "critical:what=x"], /unknown critical options: what/],
  ] as const) {
    it(`refuses a certificate ${what}`, async () => {
      const { sshd, known } = await certified(args);
      const error = await failure(
        on.connect(on.at("root", {}, sshd), on.withKey({ MACVLAN_KNOWN_HOSTS_PATH: known })),
      );
      assert.equal(error.kind, "hostKey");
      assert.match(error.message, /its certificate "id of it" of the authority at \S+authority\d+:1 /);
      assert.match(error.message, said);
    });
  }

  it("refuses a certificate of an unknown authority, and accepts its key if that is known", async () => {
    const stranger = makeKey(join(on.dir, "stranger"));
    const { sshd, known, key } = await certified(["-n", "127.0.0.1"], "ed25519", stranger);
    const env = { MACVLAN_KNOWN_HOSTS_PATH: known };
    const error = await failure(on.connect(on.at("root", {}, sshd), on.withKey(env)));
    assert.match(error.message, /host key is not known/);
    on.file(
      `authority${count}`,
      `${readFileSync(known, "utf8")}[127.0.0.1]:${sshd.port} ${publicLine(key)}\n`,
    );
    await works(await on.connect(on.at("root", {}, sshd), on.withKey(env)));
  });

  it("refuses a certificate whose key or authority is revoked", async () => {
    const { sshd, known, key } = await certified();
    for (const revoked of [publicLine(key), publicLine(ca)]) {
      const marked = on.file("marked", `${readFileSync(known, "utf8")}@revoked * ${revoked}\n`);
      const error = await failure(
        on.connect(on.at("root", {}, sshd), on.withKey({ MACVLAN_KNOWN_HOSTS_PATH: marked })),
      );
      assert.match(error.message, /is marked @revoked at \S+marked:2/);
    }
  });

  for (const type of ["ed25519", "ecdsa", "rsa"] as const) {
    it(`logs in with the certificate of a user's ${type} key: beside it, by CertificateFile, in the agent`, async () => {
      const key = makeKey(join(on.dir, `user_${type}`), type);
      sign(["-n", "root"], key);
      const authority = on.file("user_ca.pub", `${publicLine(ca)}\n`);
      const sshd = await on.server({ authorizedKeys: [], config: [`TrustedUserCAKeys ${authority}`] });
      const known = on.file("plain", sshd.knownHosts);
      const env = { MACVLAN_KNOWN_HOSTS_PATH: known };
      const host = on.at("root", {}, sshd);
      await works(await on.connect(host, on.settings({ ...env, MACVLAN_PRIVATE_KEY_PATH: key })));

      const agent = await startAgent(join(on.dir, `agent_${type}`));
      on.stopLater(agent.stop);
      agent.add(key);
      await works(await on.connect(host, on.settings({ ...env, SSH_AUTH_SOCK: agent.socket })));

      const elsewhere = join(on.dir, `elsewhere_${type}`);
      copyFileSync(`${key}-cert.pub`, elsewhere);
      rmSync(`${key}-cert.pub`);
      const config = on.file("cert_config", `IdentityFile ${key}\nCertificateFile ${elsewhere}\n`);
      await works(await on.connect(host, on.settings({ ...env, MACVLAN_SSH_CONFIG_PATH: config })));

      const error = await failure(on.connect(host, on.settings({ ...env, MACVLAN_PRIVATE_KEY_PATH: key })));
      assert.equal(error.kind, "authentication");
    });
  }
});
