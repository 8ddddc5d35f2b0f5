/** `prove --reboot` on a host that really reboots. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Proof } from "../../provider/cli/prove/judge";
import { exported } from "../lab/exported";
import { useLab } from "../lab/stack";
import { callTool } from "../setup/tool";

const HOST = "guest1";

describe("a proof by reboot of a guest", function () {
  this.timeout(300_000);
  const on = useLab(1, [{}]);
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "pulumi-macvlan-prove-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  /** A guest's kernel cannot boot again by itself (its NICs are still in use): it is switched off, and on again here. */
  async function switchOnAgain(): Promise<void> {
    const guest = on.lab.guest(HOST);
    const isOn = (): boolean => {
      try {
        return guest.pid > 0;
      } catch {
        return false;
      }
    };
    while (isOn()) await sleep(100);
    await guest.powerLoss();
  }

  it("reports the link with persist as back and the other one as lost, with checks", async () => {
    await on.lab.sh("node1", "ip address replace 192.0.2.9/24 dev eth0");
    await on.lab.sh(HOST, "ln -s /lib/systemd/system/poweroff.target /etc/systemd/system/reboot.target");
    const checks = [{ arp: "192.0.2.9" }];
    const link = { host: HOST, parent: "eth0", checks };
    await on.stack.up("MacvlanInterface", "kept", {
      ...{ ...link, name: "kept0", netns: "kept", addresses: ["192.0.2.1/24"], persist: true },
    });
    await on.stack.up("MacvlanInterface", "gone", { ...link, name: "gone0", addresses: ["192.0.2.2/24"] });
    const file = join(folder, "stack.json");
    writeFileSync(file, exported(on.stack));
    await on.lab.sh(HOST, "sync");
    const before = (await on.lab.sh(HOST, "cat /proc/sys/kernel/random/boot_id")).trim();
    const args = ["--stack", file, "--settle", "10", "--ssh-config", on.lab.sshConfig];
    const proving = callTool(["prove", HOST, "--reboot", "--yes", "--json", ...args], { timeout: 240_000 });
    const [{ code, stdout, stderr }] = await Promise.all([proving, Promise.race([switchOnAgain(), proving])]);
    assert.equal(code, 2, stdout + stderr);
    const proof = JSON.parse(stdout) as Proof;
    const after = (await on.lab.sh(HOST, "cat /proc/sys/kernel/random/boot_id")).trim();
    assert.notEqual(after, before);
    assert.equal(proof.bootId, after);
    assert.deepEqual(
      proof.links.map(({ resource, outcome, checks: done }) => [resource, outcome, done?.[0]?.passed]),
      [
        ["kept", "back", true],
        ["gone", "lost", undefined],
      ],
    );
    assert.match(proof.links[1]?.advice ?? "", /persist/);
  });
});
