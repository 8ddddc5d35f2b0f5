/** Interrupting a run (Ctrl-C), whatever a host does meanwhile. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { useProject } from "./project";

/** What the `ip` of a host does when it is to print links. */
const ANSWERS = {
  hangs: "sleep 100",
  // half a megabyte a second, so that the limit of 8 MiB does not end it first
  "prints without end": `while :; do yes '[{"ifindex":1,"ifname":"eth0"},' | head -c 100000; sleep 0.2; done`,
  "stops partway through its answer": "echo '[{\"ifindex\":1,'; sleep 100",
  drips: "while :; do printf '[ '; sleep 0.1; done",
} as const;

/** The host's answer is waited for by far longer than this (`commandTimeout`): what ends earlier was interrupted. */
const LONG_BEFORE = 10_000;

const PROGRAM = `
for (const host of ["node1", "node2"]) {
  new MacvlanInterface("web-" + host, { host: { address: host, commandTimeout: 60 }, name: "web", parent: "eth0" });
}`;

describe("a run that is interrupted once", () => {
  const on = useProject("interrupt");

  beforeEach(() => on.project.program(PROGRAM));

  async function assertEnds(command: readonly string[], script: string): Promise<void> {
    // a name of its own: what an earlier run has left on the host may still ask, and is not this run
    const struck = `/tmp/struck-${randomUUID()}`;
    await on.lab.sh("node2", 'mkdir -p /tmp/real; cp "$(command -v ip)" /tmp/real/ip');
    await on.lab.replace("node2", "ip", {
      script: `#!/bin/sh\ncase "$*" in *-j*) touch ${struck}; ${script};; *) exec /tmp/real/ip "$@";; esac\n`,
    });
    const cli = spawn("pulumi", [...command, "--non-interactive"], {
      cwd: on.project.folder,
      env: on.project.environment,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    let output = "";
    for (const stream of [cli.stdout, cli.stderr])
      stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const run = { isEnded: false };
    const ended = new Promise<number | null>((resolve) => {
      cli.on("close", (code) => {
        run.isEnded = true;
        resolve(code);
      });
    });
    try {
      while ((await on.lab.exec("node2", ["test", "-e", struck])).code !== 0) {
        assert.ok(!run.isEnded, `the run has ended before the host was asked\n${output}`);
        await sleep(50);
      }
      cli.kill("SIGINT");
      const first = await Promise.race([ended, sleep(LONG_BEFORE, "the run goes on", { ref: false })]);
      assert.notEqual(first, "the run goes on", output);
      assert.notEqual(first, 0, output);
      assert.equal(cli.signalCode, null, "the run ends by itself");
      assert.doesNotMatch(output, /\[(?!interrupted)[a-z]+-[a-z-]+\]/, `no other error is shown\n${output}`);
    } finally {
      if (cli.pid !== undefined && !run.isEnded) process.kill(-cli.pid, "SIGKILL");
      await on.lab.sh("node2", `rm -f ${struck}`);
      await on.lab.unhide("node2");
      await on.project.cli(["cancel", "--yes"]);
    }
  }

  for (const [name, script] of Object.entries(ANSWERS)) {
    it(`ends without waiting for a host that ${name}: pulumi preview`, async function () {
      this.timeout(120_000);
      await assertEnds(["preview"], script);
    });
  }

  it("ends without waiting for a host that hangs: pulumi up, refresh and destroy", async function () {
    this.timeout(300_000);
    await assertEnds(["up", "--yes", "--skip-preview"], ANSWERS.hangs);
    await on.project.up();
    await assertEnds(["refresh", "--yes", "--skip-preview"], ANSWERS.hangs);
    await assertEnds(["destroy", "--yes", "--skip-preview"], ANSWERS.hangs);
    // nothing of it is left in the way of the next run
    await on.project.destroy();
  });
});
