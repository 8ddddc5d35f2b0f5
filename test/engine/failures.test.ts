/**
 * What would fail is reported at preview. After a failed or killed run, the next up brings the host to the desired
 * state.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Lab } from "../lab/fleet";
import { eventually } from "../support/eventually";
import { useProject } from "./project";
import { isSample } from "../support/extent";

/** Processes at work in a folder. */
function atWorkIn(folder: string): number[] {
  return readdirSync("/proc").flatMap((entry) => {
    try {
      if (!/^\d+$/.test(entry) || readlinkSync(`/proc/${entry}/cwd`) !== folder) return [];
      return [Number(entry)];
    } catch {
      return []; // it has ended meanwhile
    }
  });
}

/** Waits until no host has an SSH session any more. */
async function sessionsEnd(lab: Lab): Promise<void> {
  for (const { name } of lab.hosts)
    await eventually(`${name} has no SSH session`, async () => {
      const { stdout } = await lab.exec(name, ["pgrep", "-af", "sshd.*: (root|ops)"]);
      return stdout.trim() === "";
    });
}

describe("failures", () => {
  const on = useProject("failures");

  afterEach(async () => {
    await on.project.forget();
    for (const { name } of on.lab.hosts) await on.lab.reset(name);
  });

  // test/lab/refused.test.ts has all that a host refuses
  for (const [what, args, refused] of [
    [
      "invalid inputs",
      `host: { address: "node1", port: 123456 }, addresses: ["192.0.2.10/24", "192.0.2.300/24"], ipAddresses: []`,
      ["addresses[1] invalid-input", "host.port invalid-input", "ipAddresses invalid-input"],
    ],
    ["what the host cannot have", `host: "node1", mtu: 9000`, ["mtu unsuitable-link"]],
  ] as const)
    it(`because of ${what} are all reported at preview, on the properties, with nothing touched`, async () => {
      const before = await on.lab.sh("node1", "ip -d link; ip addr");
      on.project.program(`new MacvlanInterface("web", { parent: "eth0", ${args} });`);
      const { code, output } = await on.project.cli(["preview"]);
      assert.notEqual(code, 0);
      const failures = [...output.matchAll(/property (\S+) value .* has a problem: .* \[([a-z-]+)\]$/gm)];
      assert.deepEqual(
        [...new Set(failures.map(([, property = "", failed = ""]) => `${property} ${failed}`))].toSorted(),
        refused,
        output,
      );
      assert.equal(await on.lab.sh("node1", "ip -d link; ip addr"), before);
    });

  it("because of a user without root rights are reported at preview, with the remedy", async () => {
    await on.lab.hide("node2", ["sudo"]);
    on.project.program(`new MacvlanInterface("web", { host: "node2", parent: "eth0" });`);
    const { code, output } = await on.project.cli(["preview"]);
    assert.notEqual(code, 0);
    assert.match(output, /node2[^]*sudo/);
  });

  it("of one host do not stop --continue-on-error on the others", async () => {
    on.project.program(`
      for (const host of ["node1", "192.0.2.1:9", "node3"]) {
        new MacvlanInterface("web-" + host.replace(/[^a-z0-9]/g, "-"), { host: { address: host.split(":")[0], connectTimeout: 2 }, name: "web", parent: "eth0" });
      }`);
    const { code, output } = await on.project.cli(["up", "--yes", "--skip-preview", "--continue-on-error"]);
    assert.notEqual(code, 0);
    assert.match(output, /cannot connect to [a-z@]*192\.0\.2\.1/);
    const preview = await on.project.cli(["preview"]);
    assert.notEqual(preview.code, 0);
    assert.match(preview.output, /property host [^]*192\.0\.2\.1/);
    for (const host of ["node1", "node3"])
      assert.match(await on.lab.sh(host, "ip link show web"), /web@eth0/);
  });

  it("of a host that is gone for good name the remedies, once and without a stack trace, for refresh, up and destroy", async function () {
    this.timeout(240_000);
    const link = (more: string): string =>
      `new MacvlanInterface("web", { host: "node3", parent: "eth0"${more} });`;
    on.project.program(link(""));
    await on.project.up();
    await on.lab.sh("node3", "kill $(pgrep -o sshd)");
    on.project.program(link(", mtu: 1400"));
    for (const command of ["refresh", "up", "destroy"]) {
      const { code, output } = await on.project.cli([command, "--yes", "--skip-preview"]);
      assert.notEqual(code, 0, command);
      assert.match(
        output,
        /cannot connect to [^]*"pulumi state delete URN"[^]*--exclude[^]*retainOnDelete/,
        command,
      );
      assert.doesNotMatch(output, /^\s+at \S/m);
      if (command === "up") continue; // its check says that the host cannot be seen, and goes on
      const [, diagnostics = ""] = output.split("Diagnostics:");
      const operation = command === "refresh" ? "read" : "delete";
      assert.match(diagnostics, new RegExp(`"web": ${operation} failed \\[connection-refused\\]$`, "m"));
      assert.match(diagnostics, /cannot connect to .* \[connection-refused\]$/m);
      assert.equal(diagnostics.split("cannot connect to").length, 2, output);
    }
    const { web } = await on.project.state();
    assert.equal((await on.project.cli(["state", "delete", web?.urn ?? "", "--yes"])).code, 0);
    await on.project.destroy();
  });

  it("partway through a change are undone: the host is as it was, and the error names command, host and output", async () => {
    on.project.program(
      `new MacvlanInterface("web", { host: "node1", parent: "eth0", netns: "web", addresses: ["192.0.2.10/24"], routes: [{ to: "203.0.113.0/24", via: "198.51.100.1" }] });`,
    );
    const before = await on.lab.sh("node1", "ip -d link; ip addr; ip netns");
    const { code, output } = await on.project.cli(["up", "--yes", "--skip-preview"]);
    assert.notEqual(code, 0);
    assert.match(output, /MacvlanInterface "web" on root@node1[^]*route add 203\.0\.113\.0\/24[^]*undone/);
    assert.equal(await on.lab.sh("node1", "ip -d link; ip addr; ip netns"), before);
  });

  for (const delay of isSample ? [1600] : [1000, 1300, 1600, 1900, 2200]) {
    it(`by a kill of the whole run after ${delay} ms are repaired by the next up`, async () => {
      on.project.program(`
        for (const host of ["node1", "node2", "node3"]) for (let i = 0; i < 8; i++) {
          new MacvlanInterface(host + "-" + i, { host, name: "mac" + i, parent: "eth0", netns: "ns" + (i % 3), addresses: ["192.0.2." + (i + 1) + "/24"] });
        }`);
      const child = spawn("pulumi", ["up", "--yes", "--skip-preview", "--non-interactive"], {
        cwd: on.project.folder,
        env: on.project.environment,
        stdio: "ignore",
        detached: true,
      });
      const ended = new Promise((resolve) => child.on("close", resolve));
      await sleep(delay);
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
      await ended;
      await sessionsEnd(on.lab);
      // what the engine itself starts does not always end with it
      for (const pid of atWorkIn(on.project.folder)) process.kill(pid, "SIGKILL");
      await on.project.cli(["cancel", "--yes"]);
      await on.project.up();
      await on.project.expectNoChanges();
      for (const host of ["node1", "node2", "node3"]) {
        const names = await on.lab.sh(
          host,
          "for n in ns0 ns1 ns2; do ip -n $n -o link show type macvlan; done | wc -l",
        );
        assert.equal(names.trim(), "8");
      }
    });
  }

  it("because of a link deleted by hand do not stop destroy", async () => {
    on.project.program(`
      new MacvlanInterface("web", { host: "node1", parent: "eth0" });
      new HostShim("shim", { host: "node1", parent: "eth0", routes: ["192.0.2.10/32"] });`);
    await on.project.up();
    await on.lab.sh("node1", "ip link del web");
    await on.project.destroy();
    assert.equal((await on.lab.exec("node1", ["ip", "link", "show", "shim"])).code, 1);
  });
});
