import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Connection, ConnectionLost } from "../../../provider/ssh/connection";
import { PASSWORD, failure, useSshd } from "./client";

/** Prints for how many hundredths of a second the script's shell has been there (proc(5), stat). */
const AGE =
  'main() { read -r up idle < /proc/uptime; set -- $(cat /proc/$$/stat); up=${up%.*}${up#*.}; shift 21; echo "$((up - $1))"; }\nmain\n';

/** Enough for a shell to start, and to be older than one that is started now. */
const PAUSE = 500;

/** Does something to every shell of the host, `$p`, but its own. */
const toOthers = (command: string): string =>
  `for p in $(pgrep -x sh); do [ $p = $$ ] || ${command}; done; sleep 0.2\n`;

describe("ssh: a shell started ahead", () => {
  const on = useSshd();

  const connect = (): Promise<Connection> => on.connect(on.at("root"), on.withKey());

  async function startedAhead(connection: Connection): Promise<void> {
    connection.prestart();
    await sleep(PAUSE);
  }

  async function ageOfNext(connection: Connection): Promise<number> {
    const { stdout } = await connection.run(AGE);
    assert.match(stdout, /^[0-9]+\n$/);
    return Number(stdout) * 10;
  }

  it("runs the next script, and only that one", async () => {
    for (const [user, become, password] of [
      ["root", "none", ""],
      ["ops", "sudo", ""],
      ["asked", "sudo", PASSWORD],
      ["doer", "doas", ""],
    ] as const) {
      const connection = await on.connect(
        on.at(user, { become }),
        on.withKey(password === "" ? {} : { MACVLAN_BECOME_PASSWORD: password }),
      );
      connection.prestart();
      connection.prestart();
      await sleep(PAUSE);
      assert.ok((await ageOfNext(connection)) >= PAUSE / 2, `${user}: a shell was waiting`);
      assert.ok((await ageOfNext(connection)) < PAUSE / 2, `${user}: one shell, not two`);
    }
  });

  it("runs it on doas's terminal too", async () => {
    const env = { MACVLAN_BECOME_PASSWORD: PASSWORD };
    const connection = await on.connect(on.at("doasked", { become: "doas" }), on.withKey(env));
    await startedAhead(connection);
    assert.deepEqual(await connection.run("id -u; exit 3\n"), {
      stdout: "0\n",
      stderr: "",
      code: 3,
      signal: undefined,
    });
  });

  it("is done without where it has ended meanwhile", async () => {
    const [one, other] = [await connect(), await connect()];
    await startedAhead(one);
    await other.run(toOthers("kill -9 $p"));
    assert.equal((await one.run("echo on\n")).stdout, "on\n");
  });

  it("takes the place of a script where the server allows one session only", async () => {
    const few = await on.server({ config: ["MaxSessions 1"] });
    const settings = on.withKey({ MACVLAN_HOST_KEY_CHECKING: "off" });
    const connection = await on.connect(on.at("root", {}, few), settings);
    const first = connection.run("sleep 0.3; echo first\n");
    connection.prestart();
    assert.equal((await first).stdout, "first\n");
    connection.prestart();
    const runs = Array.from({ length: 5 }, (_, n) => connection.run(`echo ${n}\n`));
    assert.deepEqual(
      (await Promise.all(runs)).map(({ stdout }) => stdout),
      runs.map((_, n) => `${n}\n`),
    );
  });

  it("lets its script undo at the time limit, which counts from the script", async () => {
    const connection = await connect();
    const mark = join(on.dir, "ahead-terminated");
    await startedAhead(connection);
    assert.equal((await connection.run("sleep 0.2; echo in time\n", { timeout: 0.45 })).stdout, "in time\n");
    await startedAhead(connection);
    const script = `main() { trap 'echo x > ${mark}; exit 1' TERM; for i in 1 2 3 4 5 6 7 8 9; do sleep 0.2; done; }\nmain\n`;
    assert.equal((await failure(connection.run(script, { timeout: 0.3 }))).kind, "commandTimeout");
    assert.ok(existsSync(mark));
  });

  it("has run nothing where the connection is lost before its script, and is gone with it", async () => {
    const [one, other] = [await connect(), await connect()];
    await startedAhead(one);
    await other.run(toOthers("kill -9 $(ps -o ppid= -p $p)"));
    const error = await failure(one.run("echo on\n"));
    assert.ok(error instanceof ConnectionLost && !error.started);

    const third = await connect();
    await startedAhead(third);
    const shells = async (): Promise<number> => Number((await other.run("pgrep -xc sh\n")).stdout);
    assert.equal(await shells(), 2);
    await third.close();
    for (let tries = 0; (await shells()) > 1; tries++) {
      assert.ok(tries < 50, "the shell ends with its connection");
      await sleep(100);
    }
  });
});
