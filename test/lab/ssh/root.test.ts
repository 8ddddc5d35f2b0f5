import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../../support/eventually";
import { PASSWORD, commandLines, failure, useSshd } from "./client";

describe("ssh: root", () => {
  const on = useSshd();

  it("uses sudo with and without a password, and never feeds the password to the shell", async () => {
    const secret = { MACVLAN_BECOME_PASSWORD: PASSWORD };
    for (const [user, env] of [
      ["ops", {}],
      ["ops", secret],
      ["asked", secret],
    ] as const) {
      const connection = await on.connect(on.at(user), on.withKey(env));
      assert.equal(connection.become, "sudo");
      for (let time = 0; time < 2; time++) {
        const result = await connection.run("main() { id -u; cat; }\nmain </dev/null\n");
        assert.deepEqual(result, { stdout: "0\n", stderr: "", code: 0, signal: undefined });
      }
    }
  });

  it("uses doas with and without a password, binary-clean", async () => {
    const script =
      "main() { id -u; cat; printf 'a\\003\\004\\021ü\\r\\n'; echo err >&2; exit 7; }\nmain </dev/null\n";
    const expected = "0\na\x03\x04\x11ü\r\n";
    const secret = { MACVLAN_BECOME_PASSWORD: PASSWORD };
    for (const [user, env, err] of [
      ["doer", {}, "apart"],
      ["doer", secret, "merged"],
      ["doasked", secret, "merged"],
    ] as const) {
      const connection = await on.connect(on.at(user, { become: "doas" }), on.withKey(env));
      for (let time = 0; time < 2; time++) {
        // on doas's terminal the two streams are one
        const result = await connection.run(script);
        const [stdout, stderr] = err === "apart" ? [expected, "err\n"] : [`${expected}err\n`, ""];
        assert.deepEqual(result, { stdout, stderr, code: 7, signal: undefined });
      }
    }
  });

  it("passes long scripts and much output through the terminal of doas, many at once", async () => {
    const env = { MACVLAN_BECOME_PASSWORD: PASSWORD };
    const connection = await on.connect(on.at("doasked", { become: "doas" }), on.withKey(env));
    const comment = `# ${"x".repeat(9_000)}\n`.repeat(30);
    const line = "ü€😀 ".repeat(40);
    const script = `${comment}i=0; while [ $i -lt 2000 ]; do echo '${line}'; i=$((i+1)); done\n`;
    const runs = await Promise.all(Array.from({ length: 4 }, () => connection.run(script)));
    for (const { stdout } of runs) assert.ok(stdout === `${line}\n`.repeat(2000));
  });

  it("stops a script under doas with a password at its time limit, and lets it undo", async () => {
    const env = { MACVLAN_BECOME_PASSWORD: PASSWORD };
    const connection = await on.connect(on.at("doasked", { become: "doas" }), on.withKey(env));
    const mark = join(on.dir, "doas-terminated");
    const script = `main() { trap 'echo x > ${mark}; exit 1' TERM; while sleep 0.2; do :; done; }\nmain\n`;
    const error = await failure(connection.run(script, { timeout: 3 }));
    assert.equal(error.kind, "commandTimeout");
    assert.ok(existsSync(mark));
    assert.equal((await connection.run("echo on\n")).stdout, "on\n");
  });

  it("says what to do if the user lacks the right", async function () {
    this.timeout(30_000);
    const cases: [user: string, become: "sudo" | "doas", env: Record<string, string>, says: RegExp][] = [
      ["asked", "sudo", {}, /sudo gave no root shell.*NOPASSWD.*macvlan:becomePassword/],
      [
        "asked",
        "sudo",
        { MACVLAN_BECOME_PASSWORD: "no-good" },
        /MACVLAN_BECOME_PASSWORD\) is not the right one/,
      ],
      ["plain", "sudo", { MACVLAN_BECOME_PASSWORD: PASSWORD }, /Allow plain to run sh as root in sudoers/],
      ["plain", "doas", {}, /doas gave no root shell.*permit plain/],
      ["doasked", "doas", {}, /permit nopass doasked.*macvlan:becomePassword/],
      [
        "doasked",
        "doas",
        { MACVLAN_BECOME_PASSWORD: "no-good" },
        /MACVLAN_BECOME_PASSWORD\) is not the right one/,
      ],
    ];
    for (const [user, become, env, says] of cases) {
      const connection = await on.connect(on.at(user, { become }), on.withKey(env));
      const error = await failure(connection.run("id -u\n"));
      assert.equal(error.kind, "become");
      assert.match(error.message, says);
      assert.doesNotMatch(error.message, /no-good/);
    }
  });

  it("shows no secret and no data in any process list", async () => {
    const env = { MACVLAN_BECOME_PASSWORD: PASSWORD, MACVLAN_PASSWORD: PASSWORD };
    for (const host of [on.at("asked"), on.at("doasked", { become: "doas" })]) {
      const connection = await on.connect(host, on.settings(env));
      const end = join(on.dir, `end-${host.user}`);
      const running = connection.run(`SECRET_DATA=1; until [ -e ${end} ]; do sleep 0.123; done\n`);
      let lines: readonly string[] = [];
      await eventually("the script runs", () => {
        lines = commandLines();
        return lines.some((line) => line.startsWith("sleep 0.123"));
      });
      writeFileSync(end, "");
      await running;
      for (const line of lines) assert.ok(!line.includes(PASSWORD) && !line.includes("SECRET_DATA"), line);
    }
  });

  it("traces commands to a file, without secrets", async () => {
    const path = join(on.dir, "trace.jsonl");
    const env = { MACVLAN_BECOME_PASSWORD: PASSWORD, MACVLAN_TRACE: path };
    const connection = await on.connect(on.at("asked"), on.withKey(env));
    await connection.run("echo hi\n", { description: "greeting" });
    await connection.close();
    const text = readFileSync(path, "utf8");
    const events = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(
      events.map(({ event }) => event),
      ["open", "run", "close"],
    );
    assert.equal(events[1]?.["script"], "echo hi\n");
    assert.equal(events[1]["code"], 0);
    assert.ok(!text.includes(PASSWORD));
  });
});
