import assert from "node:assert/strict";
import { observeScript, parseObservation } from "../../../provider/host/observe";
import { findLink } from "../../../provider/model/host";
import { type HostAddress, hostSchema } from "../../../provider/ssh/address";
import { ConnectionLost } from "../../../provider/ssh/connection";
import { failure, useSshd, works } from "./client";
import { type Dropbear, startDropbear } from "./dropbear";
import { publicLine } from "./throwaway-sshd";

describe("ssh: dropbear", () => {
  const on = useSshd();
  const start = async (
    ...args: Parameters<typeof startDropbear> extends [string, ...infer R] ? R : never
  ) => {
    const server = await startDropbear(publicLine(on.key), ...args);
    on.stopLater(server.stop);
    return server;
  };
  const host = ({ port, hostKey }: Dropbear, more: Partial<HostAddress> = {}): HostAddress =>
    hostSchema.parse({ address: "127.0.0.1", port, user: "root", hostKey, ...more });

  for (const type of ["ed25519", "ecdsa", "rsa"] as const) {
    it(`is reached with a host key of type ${type}, which is checked`, async () => {
      const server = await start(type);
      await works(await on.connect(host(server), on.withKey()));
      const other = await failure(on.connect(host(server, { hostKey: publicLine(on.key) }), on.withKey()));
      assert.equal(other.kind, "hostKey");
    });
  }

  it("runs many scripts at once, and the host can be read", async () => {
    const connection = await on.connect(host(await start()), on.withKey());
    connection.prestart();
    const runs = Array.from({ length: 20 }, (_, n) => connection.run(`echo ${n}; echo e >&2; exit ${n}\n`));
    assert.deepEqual(
      (await Promise.all(runs)).map(({ stdout, stderr, code }) => [stdout, stderr, code]),
      runs.map((_, n) => [`${n}\n`, "e\n", n]),
    );
    const { stdout } = await connection.run(observeScript("@dropbear"));
    assert.ok(findLink(parseObservation(stdout, "@dropbear").state, { name: "lo", netns: "" }));
    const long = await connection.run(`${`# ${"x".repeat(998)}\n`.repeat(2_000)}echo end\n`);
    assert.equal(long.stdout, "end\n");
  });

  it("stops a script at its time limit, and a lost connection is reported", async () => {
    const connection = await on.connect(host(await start()), on.withKey());
    assert.equal((await failure(connection.run("sleep 5\n", { timeout: 0.3 }))).kind, "commandTimeout");
    assert.ok((await failure(connection.run("kill -9 $PPID; sleep 5\n"))) instanceof ConnectionLost);
  });

  it("is a jump host, and is reached through one", async () => {
    const [outer, inner] = [await start(), await start()];
    const { address, port, hostKey } = host(outer);
    const jump = { address, port, hostKey, user: "root" };
    await works(await on.connect(host(inner, { jump } as Partial<HostAddress>), on.withKey()));
  });

  it("is retried if it admits few at once, as dropbear does (five unauthenticated ones per address)", async () => {
    const server = await start();
    const settings = on.withKey({ MACVLAN_MAX_CONNECTIONS: "20" });
    const all = await Promise.all(Array.from({ length: 20 }, () => on.connect(host(server), settings)));
    assert.equal(all.length, 20);
  });

  it("that does not forward is named as the jump host that fails", async () => {
    const outer = await start("ed25519", ["-j"]);
    const { address, port, hostKey } = host(outer);
    const jump = { address, port, hostKey, user: "root" };
    const error = await failure(
      on.connect(host(await start(), { jump } as Partial<HostAddress>), on.withKey()),
    );
    assert.match(error.message, /jump host root@127\.0\.0\.1:\d+ (does not forward|cannot reach)/);
  });
});
