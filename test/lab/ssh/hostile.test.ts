/** Hostile or broken servers: each fails alone, within its time, and what it sends is data. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, type Server, type Socket, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerChannel } from "ssh2";
import { ssh2 } from "../../../provider/ssh/ssh2";
import { failure, useSshd, works } from "./client";
import { makeKey } from "./throwaway-sshd";

const HARM = "\r\n::error::planted\u001b[2J\u202e##[error]planted";
const OFF = { MACVLAN_HOST_KEY_CHECKING: "off" };

/** Fails if a text could move a cursor, or if a line of it is a command of a CI system. */
function assertHarmless(text: string): void {
  // eslint-disable-next-line no-control-regex -- these are what must not be there
  assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  assert.doesNotMatch(text, /^\s*::/m);
  assert.doesNotMatch(text, /##\[/);
}

/** SSH_MSG_DISCONNECT as it is sent before keys are exchanged (RFC 4253, 6 and 11.1). */
function disconnect(description: string): Buffer {
  const text = Buffer.from(description);
  const payload = Buffer.alloc(1 + 4 + 4 + text.length + 4);
  payload[0] = 1;
  payload.writeUInt32BE(2, 1);
  payload.writeUInt32BE(text.length, 5);
  text.copy(payload, 9);
  const padding = 8 - ((5 + payload.length) % 8) + 8;
  const head = Buffer.alloc(5);
  head.writeUInt32BE(1 + payload.length + padding);
  head[4] = padding;
  return Buffer.concat([head, payload, Buffer.alloc(padding)]);
}

describe("ssh: hostile servers", () => {
  const on = useSshd();

  const listen = async (server: Server): Promise<number> => {
    const sockets = new Set<Socket>();
    server.on("connection", (socket: Socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    on.stopLater(async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    });
    return (server.address() as AddressInfo).port;
  };
  /** A server that lets anybody in, and answers every command in its own way. */
  const answering = async (answer: (channel: ServerChannel) => void): Promise<number> => {
    const hostKeys = [readFileSync(makeKey(join(on.dir, `hostile${Math.random()}`)))];
    const server = new ssh2.Server({ hostKeys }, (client) => {
      client.on("error", () => undefined);
      client.on("authentication", (attempt) => attempt.accept());
      client.on("session", (accept) => {
        accept().on("exec", (started) => {
          const channel = started();
          channel.on("error", () => undefined);
          answer(channel);
        });
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    on.stopLater(async () => {
      server.close();
      await once(server, "close");
    });
    return (server.address() as AddressInfo).port;
  };

  it("shows text from before the key check escaped and shortened", async () => {
    for (const said of [HARM, `x${" ".repeat(30_000)}x${HARM}`]) {
      const port = await listen(
        createServer((socket) => {
          socket.write("SSH-2.0-x\r\n");
          socket.end(disconnect(said));
        }),
      );
      const error = await failure(on.connect(on.at("root", { port, connectTimeout: 1 }), on.withKey()));
      assertHarmless(error.message);
      assert.match(error.message, /\\r\\n::error::planted\\u001b\[2J\\u202e#\\u0023\[error\]planted/);
      assert.ok(error.message.length < 2000, String(error.message.length));
    }
  });

  it("gives up on a server that greets for ever, and on one that drips, while others work", async () => {
    const flood = await listen(
      createServer((socket) => {
        const line = `${"x".repeat(4000)}${HARM}\r\n`;
        const timer = setInterval(
          () => socket.writableLength < 100_000 && socket.write(line.repeat(10)),
          2,
        ).unref();
        socket.on("close", () => clearInterval(timer));
      }),
    );
    const drip = await listen(
      createServer((socket) => {
        const timer = setInterval(() => socket.write("S"), 50).unref();
        socket.on("close", () => clearInterval(timer));
      }),
    );
    const good = on.connect(on.at("root"), on.withKey());
    const bad = [flood, drip].map((port) =>
      failure(on.connect(on.at("root", { port, connectTimeout: 1 }), on.withKey())),
    );
    await works(await good);
    for (const error of await Promise.all(bad)) {
      assertHarmless(error.message);
      assert.match(error.message, new RegExp(`^cannot connect to root@127\\.0\\.0\\.1:(${flood}|${drip}): `));
    }
  });

  it("gives up on a login that prints 24 MiB in place of the prompt of sudo, and does little for it", async () => {
    const port = await answering((channel) => {
      for (let part = 0; part < 24 * 16; part++) channel.stderr.write(`x${" ".repeat(64 * 1024 - 2)}x`);
    });
    const before = process.cpuUsage();
    const connection = await on.connect(
      on.at("ops", { port }),
      on.withKey({ ...OFF, MACVLAN_BECOME_PASSWORD: "a password" }),
    );
    const error = await failure(connection.run("id\n"));
    const { user } = process.cpuUsage(before);
    assert.match(
      error.message,
      new RegExp(`^ops@127\\.0\\.0\\.1:${port}: the login printed more than 1 MiB`),
    );
    // if each part were searched through from each of its blanks, it would take minutes
    assert.ok(user / 1e6 < 10, `took ${user / 1e6} s of CPU time`);
  });

  it("keeps the beginning and the end of 8 MB on stderr", async () => {
    const connection = await on.connect(on.at("root"), on.withKey());
    const { stderr, code } = await connection.run(
      "main() { echo first >&2; head -c 8000000 /dev/zero | tr '\\0' ' ' >&2; echo last >&2; }\nmain\n",
    );
    assert.equal(code, 0);
    assert.ok(stderr.length < 1024 * 1024);
    assert.match(stderr.slice(0, 100), /^first\n/);
    assert.match(stderr.slice(-100), /last\n$/);
    assert.match(stderr, /\n\[\d+ bytes left out\]\n/);
  });

  it("ends a script that prints without end, with the host's name", async function () {
    this.timeout(60_000);
    const connection = await on.connect(on.at("root"), on.withKey());
    const error = await failure(connection.run("exec yes\n"));
    assert.match(
      error.message,
      new RegExp(
        `^root@127\\.0\\.0\\.1:${on.sshd.port}: "a script" printed more than 8 MiB, and was stopped\\.`,
      ),
    );
    assert.equal(error.code, "output-too-long");
    const other = await on.connect(on.at("root"), on.withKey());
    assert.equal((await failure(other.run("exec yes >&2\n"))).code, "output-too-long");
  });

  it("ends a script of a server that drips at its time limit", async () => {
    const port = await answering((channel) => {
      const timer = setInterval(() => channel.write("."), 20).unref();
      channel.on("close", () => clearInterval(timer));
    });
    const connection = await on.connect(on.at("root", { port }), on.withKey(OFF));
    const error = await failure(connection.run("id\n", { timeout: 0.5 }));
    assert.equal(error.kind, "commandTimeout");
    await sleep(50);
  });

  it("shows what is printed instead of a shell as escaped text", async () => {
    const port = await answering((channel) => {
      channel.write(HARM);
      channel.stderr.write(HARM);
      channel.exit(1);
      channel.end();
    });
    for (const become of ["none", "sudo", "doas"] as const) {
      const connection = await on.connect(on.at("ops", { port, become }), on.withKey(OFF));
      const error = await failure(connection.run("id\n"));
      assertHarmless(error.message);
      assert.match(error.message, /::error::planted\\u001b/);
    }
  });
});
