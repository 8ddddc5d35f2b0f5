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

/** A bad program, and the property and the code that the preview fails with. */
const REFUSED: readonly (readonly [what: string, prepare: string, program: string, refused: string])[] = [
  [
    "a parent that does not exist",
    "",
    `new MacvlanInterface("web", { host: "node1", parent: "eth7" });`,
    "parent not-on-host",
  ],
  [
    "a name that a foreign link has",
    "ip link add web link eth0 type macvlan",
    `new MacvlanInterface("web", { host: "node1", parent: "eth0" });`,
    "name name-taken",
  ],
  [
    "a second child of a passthru parent",
    "ip link add pass link eth1 type macvlan mode passthru",
    `new MacvlanInterface("web", { host: "node1", parent: "eth1" });`,
    "parent taken-on-host",
  ],
  [
    "a bridge port that has macvlans",
    "ip link add child link eth1 type macvlan mode bridge",
    `new HairpinBridge("br0", { host: "node1", ports: ["eth1"] });`,
    "ports[0].name unsuitable-link",
  ],
  [
    "a parent that is a bridge's port",
    "ip link add brx type bridge; ip link set eth1 master brx",
    `new MacvlanInterface("web", { host: "node1", parent: "eth1" });`,
    "parent unsuitable-link",
  ],
  [
    "a MAC address that the parent has",
    "ip link set eth1 address 02:00:5e:00:53:44",
    `new MacvlanInterface("web", { host: "node1", parent: "eth1", macAddress: "02:00:5e:00:53:44" });`,
    "macAddress taken-on-host",
  ],
  [
    "an MTU above the parent's",
    "",
    `new MacvlanInterface("web", { host: "node1", parent: "eth0", mtu: 9000 });`,
    "mtu unsuitable-link",
  ],
  [
    "an invalid address",
    "",
    `new MacvlanInterface("web", { host: "node1", parent: "eth0", addresses: ["192.0.2.10/24", "192.0.2.300/24"] });`,
    "addresses[1] invalid-input",
  ],
  [
    "an invalid SSH port",
    "",
    `new MacvlanInterface("web", { host: { address: "node1", port: 123456 }, parent: "eth0" });`,
    "host.port invalid-input",
  ],
  [
    "a name that the kernel does not accept",
    "",
    `new MacvlanInterface("a-name-that-is-too-long", { host: "node1", parent: "eth0" });`,
    "name invalid-input",
  ],
  [
    "an unknown property",
    "",
    `new MacvlanInterface("web", { host: "node1", parent: "eth0", ipAddresses: [] });`,
    "ipAddresses invalid-input",
  ],
  [
    "two resources with one link",
    "",
    `new MacvlanInterface("web", { host: "node1", parent: "eth0" });
     new MacvlanInterface("again", { host: "node1", parent: "eth0", name: "web" });`,
    "name program-conflict",
  ],
  [
    "VLAN filtering on a kernel without it",
    "",
    `new HairpinBridge("br0", { host: "node1", ports: [], vlanFiltering: true });`,
    "vlanFiltering host-unsupported",
  ],
  [
    "persistence, which this version does not have",
    "",
    `new MacvlanInterface("web", { host: "node1", parent: "eth0", persist: true });`,
    "persist host-unsupported",
  ],
];

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
    await on.project.cli(["destroy", "--yes", "--skip-preview"]);
    for (const { name } of on.lab.hosts) await on.lab.reset(name);
  });

  describe("at preview, with nothing touched:", () => {
    for (const [what, prepare, program, refused] of REFUSED) {
      it(what, async () => {
        if (prepare !== "") await on.lab.sh("node1", prepare);
        const before = await on.lab.sh("node1", "ip -d link; ip addr");
        on.project.program(program);
        const { code, output } = await on.project.cli(["preview"]);
        assert.notEqual(code, 0);
        const failures = [...output.matchAll(/property (\S+) value .* has a problem: .* \[([a-z-]+)\]$/gm)];
        assert.ok(
          failures.some(([, property, failed]) => `${property} ${failed}` === refused),
          output,
        );
        assert.equal(await on.lab.sh("node1", "ip -d link; ip addr"), before);
      });
    }

    it("a user without root rights, with the remedy", async () => {
      await on.lab.hide("node2", ["sudo"]);
      on.project.program(`new MacvlanInterface("web", { host: "node2", parent: "eth0" });`);
      const { code, output } = await on.project.cli(["preview"]);
      assert.notEqual(code, 0);
      assert.match(output, /node2[^]*sudo/);
    });

    it("a host without iproute2", async () => {
      await on.lab.hide("node1", ["ip"]);
      on.project.program(`new MacvlanInterface("web", { host: "node1", parent: "eth0" });`);
      const { code, output } = await on.project.cli(["preview"]);
      assert.notEqual(code, 0);
      assert.match(output, /iproute2/);
    });
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
    await on.lab.reset("node3");
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

  for (const delay of isSample ? [1000, 1600] : [1000, 1300, 1600, 1900, 2200]) {
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
