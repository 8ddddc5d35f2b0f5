import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConnectionLost } from "../../../provider/ssh/connection";
import { eventually } from "../../support/eventually";
import { failure, useSshd } from "./client";

describe("ssh: scripts", () => {
  const on = useSshd();

  it("runs 20 at once on one connection, and more than the server allows", async () => {
    const few = await on.server({ config: ["MaxSessions 2"] });
    const connections = [
      await on.connect(on.at("root"), on.withKey()),
      await on.connect(on.at("root", {}, few), on.withKey({ MACVLAN_HOST_KEY_CHECKING: "off" })),
    ];
    for (const connection of connections) {
      const runs = Array.from({ length: 20 }, (_, n) => connection.run(`sleep 0.05; echo ${n}; exit ${n}\n`));
      const results = await Promise.all(runs);
      assert.deepEqual(
        results.map(({ stdout, code }) => [stdout, code]),
        results.map((_, n) => [`${n}\n`, n]),
      );
    }
  });

  it("transfers 5 MB of output and a script of 2 MB intact, UTF-8 across chunks", async () => {
    const connection = await on.connect(on.at("root"), on.withKey());
    const line = "ü€😀 ".repeat(40);
    const times = Math.ceil(5_000_000 / Buffer.byteLength(`${line}\n`));
    const { stdout } = await connection.run(
      `i=0; while [ $i -lt ${times} ]; do echo '${line}'; i=$((i+1)); done\n`,
    );
    assert.equal(stdout, `${line}\n`.repeat(times));
    const comment = `# ${"x".repeat(998)}\n`.repeat(2_000);
    assert.equal((await connection.run(`${comment}printf 'a\\377b'; exit 7\n`)).stdout, "a\ufffdb");
  });

  it("stops a script at its time limit, and the connection stays usable", async () => {
    const connection = await on.connect(on.at("root"), on.withKey());
    const mark = join(on.dir, "terminated");
    const script = `main() { trap 'echo x > ${mark}; exit 1' TERM; while sleep 0.2; do :; done; }\nmain\n`;
    const error = await failure(connection.run(script, { timeout: 3, description: "a long wait" }));
    assert.equal(error.kind, "commandTimeout");
    assert.match(error.message, /^root@127.0.0.1:\d+: "a long wait" did not end within 3 s and was stopped/);
    assert.ok(existsSync(mark));
    assert.equal((await connection.run("echo on\n")).stdout, "on\n");
  });

  it("distinguishes a lost connection from a failed script", async () => {
    const connection = await on.connect(on.at("root"), on.withKey());
    assert.equal((await connection.run("kill -9 $$\n")).signal, "SIGKILL");
    const waiting = connection.run("sleep 20\n");
    const error = await failure(connection.run("kill -9 $PPID; sleep 5\n", { description: "setting links" }));
    assert.ok(error instanceof ConnectionLost);
    assert.equal(error.kind, "lost");
    assert.equal(error.started, true);
    assert.match(error.message, /the connection was lost during "setting links"/);
    assert.ok((await failure(waiting)) instanceof ConnectionLost);
    assert.equal(connection.closed, true);
    const after = await failure(connection.run("echo hi\n"));
    assert.ok(after instanceof ConnectionLost && !after.started);
  });

  it("detects a silent host by keepalives", async function () {
    this.timeout(20_000);
    const frozen = await on.server();
    const config = on.file("alive", "ServerAliveInterval 1\nServerAliveCountMax 1\n");
    const env = { MACVLAN_SSH_CONFIG_PATH: config, MACVLAN_HOST_KEY_CHECKING: "off" };
    const connection = await on.connect(on.at("root", {}, frozen), on.withKey(env));
    const error = await failure(connection.run("kill -STOP $PPID; sleep 30\n"));
    assert.ok(error instanceof ConnectionLost);
    assert.match(error.message, /Keepalive timeout/);
  });

  it("closes cleanly, twice, with scripts running", async () => {
    const connection = await on.connect(on.at("root"), on.withKey());
    const [begun, end] = [join(on.dir, "close-begun"), join(on.dir, "close-end")];
    const running = failure(
      connection.run(`main() { : > ${begun}; until [ -e ${end} ]; do sleep 0.1; done; }\nmain\n`),
    );
    await eventually("the script has begun", () => existsSync(begun));
    // the script ends only after that
    await Promise.all([connection.close(), connection.close()]);
    writeFileSync(end, "");
    assert.ok((await running) instanceof ConnectionLost);
  });
});
