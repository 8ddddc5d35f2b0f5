import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Connection, ConnectionLost } from "../../../provider/ssh/connection";
import { eventually } from "../../support/eventually";
import { PASSWORD, failure, useSshd } from "./client";

/** Prints the process of each shell that waits for a script, or runs one, but its own. */
const OTHER_SHELLS = "main() { for p in $(pgrep -fx 'sh -s'); do [ $p = $$ ] || echo $p; done; }\nmain\n";

/** Seconds: enough to distinguish a script that does not wait from one that does. */
const LIMIT = 3;

/** Does something to every shell of the host, `$p`, but its own. */
const toOthers = (command: string): string =>
  `for p in $(pgrep -x sh); do [ $p = $$ ] || ${command}; done; sleep 1\n`;

describe("ssh: a shell started ahead", () => {
  const on = useSshd();

  const connect = (): Promise<Connection> => on.connect(on.at("root"), on.withKey());

  /** The shells of the host, as another connection sees them. */
  const shellsOf = async (other: Connection): Promise<string[]> =>
    (await other.run(OTHER_SHELLS)).stdout.split("\n").filter(Boolean);

  /** @returns the shells that have been started for it */
  async function startedAhead(connection: Connection, other: Connection): Promise<string[]> {
    const before = await shellsOf(other);
    connection.prestart();
    connection.prestart();
    let waiting: string[] = [];
    await eventually("a shell waits", async () => {
      waiting = (await shellsOf(other)).filter((shell) => !before.includes(shell));
      return waiting.length > 0;
    });
    return waiting;
  }

  it("runs the next script, and only that one", async () => {
    const other = await connect();
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
      const runsIn = async (): Promise<string> => (await connection.run("echo $$\n")).stdout.trim();
      const waiting = await startedAhead(connection, other);
      assert.deepEqual(waiting, [await runsIn()], `${user}: one shell, which was waiting`);
      assert.ok(!waiting.includes(await runsIn()), `${user}: another one`);
      assert.deepEqual(await shellsOf(other), [], `${user}: none is left`);
      await connection.close();
    }
  });

  it("runs it on the terminal of doas too", async () => {
    const env = { MACVLAN_BECOME_PASSWORD: PASSWORD };
    const connection = await on.connect(on.at("doasked", { become: "doas" }), on.withKey(env));
    const other = await connect();
    connection.prestart();
    await eventually("a shell waits", async () => {
      // on a terminal it reads the length of the script first
      const { stdout } = await other.run("pgrep -fc '^sh -c echo .*read -r n' || true\n");
      return Number(stdout) > 0;
    });
    assert.deepEqual(await connection.run("id -u; exit 3\n"), {
      stdout: "0\n",
      stderr: "",
      code: 3,
      signal: undefined,
    });
  });

  it("is not missed if it has ended meanwhile", async () => {
    const [one, other] = [await connect(), await connect()];
    await startedAhead(one, other);
    await other.run(toOthers("kill -9 $p"));
    assert.equal((await one.run("echo on\n")).stdout, "on\n");
  });

  it("leaves room for scripts if the server allows one session only", async () => {
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

  it("lets its script undo at the time limit, which counts from the start of the script", async () => {
    const [connection, other] = [await connect(), await connect()];
    const mark = join(on.dir, "ahead-terminated");
    await startedAhead(connection, other);
    await sleep(LIMIT * 1000);
    assert.equal((await connection.run("echo in time\n", { timeout: LIMIT })).stdout, "in time\n");
    await startedAhead(connection, other);
    const script = `main() { trap 'echo x > ${mark}; exit 1' TERM; while sleep 0.2; do :; done; }\nmain\n`;
    assert.equal((await failure(connection.run(script, { timeout: LIMIT }))).kind, "commandTimeout");
    assert.ok(existsSync(mark));
  });

  it("has run nothing if the connection is lost before its script, and ends with it", async () => {
    const [one, other] = [await connect(), await connect()];
    await startedAhead(one, other);
    await other.run(toOthers("kill -9 $(ps -o ppid= -p $p)"));
    const error = await failure(one.run("echo on\n"));
    assert.ok(error instanceof ConnectionLost && !error.started);

    const third = await connect();
    const [waiting = ""] = await startedAhead(third, other);
    await third.close();
    await eventually(
      "the shell ends with its connection",
      async () => !(await shellsOf(other)).includes(waiting),
    );
  });
});
