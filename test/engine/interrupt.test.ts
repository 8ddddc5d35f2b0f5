/** Interrupting a run (Ctrl-C), whatever a host does meanwhile. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { useProject } from "./project";

/** What the `ip` of a host does when it is to print links. */
const ANSWERS = {
  hangs: "sleep 100",
  "prints without end": 'exec yes \'[{"ifindex":1,"ifname":"eth0"},\'',
  "stops half-way through its answer": "echo '[{\"ifindex\":1,'; sleep 100",
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
    await on.lab.sh("node2", 'mkdir -p /tmp/real; cp "$(command -v ip)" /tmp/real/ip');
    await on.lab.replace("node2", "ip", {
      script: `#!/bin/sh\ncase "$*" in *-j*) touch /tmp/struck; ${script};; *) exec /tmp/real/ip "$@";; esac\n`,
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
    const ended = new Promise<number | null>((resolve) => cli.on("close", resolve));
    try {
      while ((await on.lab.exec("node2", ["test", "-e", "/tmp/struck"])).code !== 0) {
        assert.equal(cli.exitCode, null, "the run has ended before the host was asked");
        await sleep(50);
      }
      cli.kill("SIGINT");
      const first = await Promise.race([ended, sleep(LONG_BEFORE, "the run goes on", { ref: false })]);
      assert.notEqual(first, "the run goes on", output);
      assert.notEqual(first, 0, output);
      assert.doesNotMatch(output, /\[(?!interrupted)[a-z]+-[a-z-]+\]/, "no other error is shown");
    } finally {
      if (cli.pid !== undefined && cli.exitCode === null) process.kill(-cli.pid, "SIGKILL");
      await on.lab.sh("node2", "rm -f /tmp/struck");
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
