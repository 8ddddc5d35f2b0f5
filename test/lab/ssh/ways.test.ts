import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { hostSchema } from "../../../provider/ssh/address";
import { readSettings } from "../../../provider/ssh/settings";
import { eventually } from "../../support/eventually";
import { failure, useSshd } from "./client";
import type { Sshd } from "./throwaway-sshd";

describe("ssh: connecting", () => {
  const on = useSshd();

  it("goes through a chain of two jumps, each verified as itself and shared by the hosts behind", async () => {
    const [outer, inner] = [await on.server(), await on.server()];
    const known = on.file("chain", outer.knownHosts + inner.knownHosts + on.sshd.knownHosts);
    const env = { MACVLAN_KNOWN_HOSTS_PATH: known };
    const jump = {
      address: "127.0.0.1",
      port: inner.port,
      user: "root",
      jump: `root@127.0.0.1:${outer.port}`,
    };
    const host = hostSchema.parse({ address: "127.0.0.1", port: on.sshd.port, user: "root", jump });
    const chained = on.withKey(env);
    const both = await Promise.all([on.connect(host, chained), on.connect(host, chained)]);
    for (const connection of both)
      assert.equal((await connection.run("echo $SSH_CONNECTION | wc -w\n")).stdout, "4\n");
    assert.equal(outer.log().match(/Accepted publickey/g)?.length, 1);
    await Promise.all(both.map((connection) => connection.close()));
    await eventually("the jump host is left", () => /Disconnected from user root/.test(outer.log()));

    on.file("chain", outer.knownHosts + on.sshd.knownHosts);
    const error = await failure(on.connect(host, on.withKey(env)));
    assert.match(
      error.message,
      new RegExp(
        `cannot connect to root@127.0.0.1:${on.sshd.port}: its jump host could not be used: cannot connect to root@127.0.0.1:${inner.port}: its host key is not known`,
      ),
    );
  });

  it("connects by a client configuration alone: Include, ProxyJump, HostKeyAlias, UserKnownHostsFile", async () => {
    const [outer, inner, end] = [await on.server(), await on.server(), await on.server()];
    const key = Object.values(end.hostKeys)[0] ?? "";
    on.file("jumps_known", outer.knownHosts + inner.knownHosts);
    // under an alias that no other entry has, hashed, and without a port
    const known = on.file("end_known", `the-end ${key}\n`);
    execFileSync("ssh-keygen", ["-q", "-H", "-f", known], { stdio: "ignore" });
    on.file("jumps.conf", `Host outer inner\n  User root\n  UserKnownHostsFile ${on.dir}/jumps_known\n`);
    const config = on.file(
      "chain_config",
      `Include ${on.dir}/jumps.conf
Host outer
  HostName 127.0.0.1
  Port ${outer.port}
Host inner
  HostName 127.0.0.1
  Port ${inner.port}
  ProxyJump outer
Host end*
  HostName 127.0.0.1
  Port ${end.port}
  User root
  ProxyJump inner
  HostKeyAlias the-%n
  UserKnownHostsFile ${known}
Host *
  IdentityFile ${on.key}
  IdentitiesOnly yes
  GlobalKnownHostsFile none
`,
    );
    const settings = readSettings({ HOME: on.dir, MACVLAN_SSH_CONFIG_PATH: config }, () => undefined);
    const connection = await on.connect(hostSchema.parse("end"), settings);
    assert.equal((await connection.run("id -un\n")).stdout, "root\n");
    for (const server of [outer, inner, end]) assert.match(server.log(), /Accepted publickey for root/);
    const other = await failure(on.connect(hostSchema.parse("end2"), settings));
    assert.match(other.message, /host key is not known: .* is not in \S+end_known/);
  });

  it("says what the jump host could not do", async () => {
    const closed = await on.server({ config: ["AllowTcpForwarding no"] });
    const off = on.withKey({ MACVLAN_HOST_KEY_CHECKING: "off" });
    const through = (to: number, jump: Sshd) =>
      hostSchema.parse({
        address: "127.0.0.1",
        port: to,
        user: "root",
        jump: `root@127.0.0.1:${jump.port}`,
      });
    const prohibited = await failure(on.connect(through(on.sshd.port, closed), off));
    assert.match(prohibited.message, /jump host root@127.0.0.1:\d+ does not forward to .*AllowTcpForwarding/);
    const refused = await failure(on.connect(through(1, on.sshd), off));
    assert.match(refused.message, /jump host .* cannot reach 127.0.0.1:1: .*refused/i);
    assert.equal(refused.kind, "refused");
  });

  it("makes all connections to a server that drops simultaneous ones (MaxStartups)", async function () {
    this.timeout(60_000);
    const small = await on.server({ config: ["MaxStartups 2:100:2"] });
    const off = on.withKey({ MACVLAN_HOST_KEY_CHECKING: "off" });
    const all = await Promise.all(Array.from({ length: 8 }, () => on.connect(on.at("root", {}, small), off)));
    assert.equal(all.length, 8);
  });

  it("names a refused port, a silent server and a name that does not exist", async () => {
    const refused = await failure(on.connect(on.at("root", { port: 1 }), on.withKey()));
    assert.equal(refused.kind, "refused");
    assert.equal(
      refused.message,
      "cannot connect to root@127.0.0.1:1: 127.0.0.1:1 refused the connection. Check the port, and that sshd runs and listens there. [connection-refused]",
    );
    const silent = createServer((socket) => socket.resume()).listen(0, "127.0.0.1");
    await once(silent, "listening");
    on.stopLater(async () => {
      silent.close();
      await once(silent, "close");
    });
    const { port } = silent.address() as AddressInfo;
    const timeout = await failure(on.connect(on.at("root", { port, connectTimeout: 0.5 }), on.withKey()));
    assert.equal(timeout.kind, "timeout");
    assert.match(timeout.message, /key exchange was not finished within 0.5 s/);
    const unknown = await failure(
      on.connect(on.at("root", { address: "no-such-host.invalid" }), on.withKey()),
    );
    assert.equal(unknown.kind, "unreachable");
    assert.match(unknown.message, /the name no-such-host.invalid cannot be resolved/);
  });
});
