/** Interrupting a run (Ctrl-C), whatever a host does meanwhile. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { useProject } from "./project";

/** What the `ip` of a host does when it is to print links. */
const ANSWERS: readonly (readonly [name: string, script: string])[] = [
  ["hangs", "sleep 100"],
  ["prints without end", 'exec yes \'[{"ifindex":1,"ifname":"eth0"},\''],
  ["stops half-way through its answer", "echo '[{\"ifindex\":1,'; sleep 100"],
];

/** The host's answer is waited for by far longer than this (`commandTimeout`): what ends earlier was interrupted. */
const LONG_BEFORE = 20_000;

describe("a run that is interrupted twice", () => {
  const on = useProject("interrupt");

  beforeEach(() =>
    on.project.program(`
for (const host of ["node1", "node2"]) {
  new MacvlanInterface("web-" + host, { host: { address: host, commandTimeout: 60 }, name: "web", parent: "eth0" });
}`),
  );

  for (const [name, script] of ANSWERS) {
    for (const command of [["preview"], ["up", "--yes", "--skip-preview"]]) {
      it(`ends at the second Ctrl-C, without waiting for a host that ${name}: pulumi ${command[0]}`, async function () {
        this.timeout(120_000);
        await on.lab.sh("node2", 'mkdir -p /tmp/real; cp "$(command -v ip)" /tmp/real/ip');
        await on.lab.replace("node2", "ip", {
          script: `#!/bin/sh\ncase "$*" in *-j*) touch /tmp/struck; ${script};; *) exec /tmp/real/ip "$@";; esac\n`,
        });
        const cli = spawn("pulumi", [...command, "--non-interactive"], {
          cwd: on.project.folder,
          env: on.project.environment,
          stdio: "ignore",
          detached: true,
        });
        const ended = new Promise((resolve) => cli.on("close", resolve));
        try {
          while ((await on.lab.exec("node2", ["test", "-e", "/tmp/struck"])).code !== 0) {
            assert.equal(cli.exitCode, null, "the run has ended before the host was asked");
            await sleep(50);
          }
          // the first has the engine wait for what is under way, which the limits of a reading end; the second ends it
          cli.kill("SIGINT");
          await sleep(500);
          cli.kill("SIGINT");
          const first = await Promise.race([
            ended.then(() => "the run ended"),
            sleep(LONG_BEFORE, "the run goes on", { ref: false }),
          ]);
          assert.equal(first, "the run ended");
        } finally {
          if (cli.pid !== undefined && cli.exitCode === null) process.kill(-cli.pid, "SIGKILL");
          await on.lab.sh("node2", "rm -f /tmp/struck");
          await on.lab.unhide("node2");
          await on.project.cli(["cancel", "--yes"]);
        }
      });
    }
  }
});
