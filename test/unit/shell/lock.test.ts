/** The lock of a host, taken by real shells in a folder of this machine. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { shellText } from "../../../provider/shell/library";
import { eventually } from "../../support/eventually";

const FUNCTIONS = shellText("environment", "holder", "lock");
/** All that the lock needs of a host; `flock` is left out. */
const PROGRAMS = ["ln", "rm", "readlink", "ls", "mkdir", "chmod", "id"];

describe("lock of a host without flock", () => {
  let folder = "";
  let env: NodeJS.ProcessEnv = {};

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pulumi-macvlan-lock-"));
    const bin = join(folder, "bin");
    mkdirSync(bin);
    mkdirSync(join(folder, "run"));
    for (const program of PROGRAMS) symlinkSync(join("/usr/bin", program), join(bin, program));
    // waiters try again at once, and each time leaves a line
    const waits = `[ $# -eq 0 ] || echo >> ${folder}/waits\n`;
    writeFileSync(join(bin, "sleep"), `#!/bin/sh\n${waits}exec /usr/bin/sleep 0.005\n`, { mode: 0o755 });
    env = { PATH: bin };
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const script = (text: string): string => `${FUNCTIONS}D=${folder}/run\n${text}`;

  /** Runs a shell, and kills it after some milliseconds if it has not ended by then. */
  function runShell(text: string, killAfter?: number): Promise<string> {
    return new Promise((done) => {
      const child = spawn("/bin/sh", ["-s"], { env, stdio: ["pipe", "pipe", "inherit"] });
      let printed = "";
      child.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
      const timer = setTimeout(() => child.kill("SIGKILL"), killAfter ?? 60_000);
      child.on("close", () => {
        clearTimeout(timer);
        done(printed);
      });
      child.stdin.on("error", () => undefined);
      child.stdin.end(script(text));
    });
  }

  // so many tries that a waiter gets his turn on a busy machine too
  const HOLD = `pm_lock 600 || { echo "no lock"; exit; }
p=; read -r p 2> /dev/null < "$D/inside" && pm_lives "$p" && echo "two: $p and $PM_SELF"
echo "$PM_SELF" > "$D/inside"
sleep
read -r p < "$D/inside"; [ "$p" = "$PM_SELF" ] || echo "two: $p after $PM_SELF"
`;
  const LET_GO = `rm "$D/inside"; pm_unlock; echo held\n`;

  it("is held by one at a time, whenever its holders are killed", async function () {
    this.timeout(120_000);
    const rounds = 25;
    const worker = async (number: number): Promise<string[]> => {
      const printed: string[] = [];
      for (let round = 0; round < rounds; round++) {
        // killed in any place, with the lock in its hand, or not at all
        const kind = (number + round) % 3;
        const end = kind === 1 ? "kill -9 $$\n" : LET_GO;
        printed.push(await runShell(HOLD + end, kind === 2 ? Math.random() * 60 : undefined));
      }
      return printed;
    };
    const printed = (await Promise.all([0, 1, 2, 3, 4, 5].map(worker))).flat();
    assert.deepEqual(
      printed.filter((line) => /two|no lock/.test(line)),
      [],
    );
    assert.ok(printed.filter((line) => line === "held\n").length >= rounds * 2);
    // nor does anything keep the next one out
    assert.equal(await runShell(HOLD + LET_GO), "held\n");
  });

  it("is held by the watchdog when the script that started it was killed", async () => {
    const end = join(folder, "end");
    const watchdog = `(until [ -e ${end} ]; do /usr/bin/sleep 0.01; done) > /dev/null &
pm_start_of $!; ln -s "$!:$i" "$D/holder.with.$PM_SELF"
`;
    await runShell(`${HOLD}${watchdog}kill -9 $$\n`);
    const next = runShell(HOLD + LET_GO);
    const waits = (): number =>
      existsSync(join(folder, "waits")) ? statSync(join(folder, "waits")).size : 0;
    await eventually("the next one has tried three times", () => waits() >= 3);
    writeFileSync(end, "");
    assert.equal(await next, "held\n");
  });

  it("is released with nothing left", async () => {
    await runShell("pm_lock 1; pm_unlock");
    await runShell("pm_lock 1; kill -9 $$");
    await runShell("pm_lock 1; pm_unlock");
    assert.deepEqual(readdirSync(join(folder, "run")), []);
  });

  it("names a holder that is alive when the time is up", async () => {
    const printed = await runShell(
      `pm_lock 1; (exec /bin/sh -s) << 'end'\n${script("pm_lock 1 || echo by $h")}\nend\n`,
    );
    assert.match(printed, /^by [0-9]+:[0-9]+\n$/);
  });
});

describe("folder of the lock", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pulumi-macvlan-folder-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function makeFolder(): string {
    const { stdout, stderr, status } = spawnSync("sh", ["-s"], {
      input: `${FUNCTIONS}D=${folder}/run\npm_folder\n`,
      encoding: "utf8",
    });
    return status === 0 ? "" : stdout + stderr;
  }
  const mode = (path: string): string => (lstatSync(join(folder, path)).mode & 0o7777).toString(8);

  it("is for its owner alone, with all that is in it", () => {
    assert.equal(makeFolder(), "");
    assert.deepEqual(["run", "run/lock", "run/links", "run/netns"].map(mode), ["700", "600", "700", "700"]);
  });

  it("is closed if it was open to be read", () => {
    mkdirSync(join(folder, "run"), { mode: 0o755 });
    assert.equal(makeFolder(), "");
    assert.equal(mode("run"), "700");
  });

  for (const open of [0o777, 0o770, 0o1777]) {
    it(`is refused if others could write to it: ${open.toString(8)}`, () => {
      mkdirSync(join(folder, "run"));
      chmodSync(join(folder, "run"), open);
      assert.match(makeFolder(), /^other users can write to .*\/run: see what is in it, and remove it\n$/);
      assert.ok(!existsSync(join(folder, "run/lock")));
    });
  }

  it("is refused if it is a symbolic link", () => {
    mkdirSync(join(folder, "elsewhere"));
    symlinkSync(join(folder, "elsewhere"), join(folder, "run"));
    assert.match(makeFolder(), /\/run is a symbolic link: remove it\n$/);
    assert.deepEqual(readdirSync(join(folder, "elsewhere")), []);
  });

  it("is refused if it is another user's", function () {
    if (process.getuid?.() !== 0) this.skip();
    mkdirSync(join(folder, "run"));
    spawnSync("chown", ["12345", join(folder, "run")]);
    assert.match(makeFolder(), /\/run belongs to another user: see what is in it, and remove it\n$/);
  });
});
