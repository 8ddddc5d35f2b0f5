/** `prove --reboot` without a real reboot: a stand-in for `reboot` does to the host what the test needs. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Proof } from "../../../provider/cli/prove/judge";
import { TOOL, callTool } from "../../setup/tool";
import { exported } from "../exported";
import { type CommandResult, run } from "../fleet/run";
import { useLab } from "../stack";

/** What a stand-in has of a reboot. */
const REBOOTS = `echo 11111111-2222-3333-4444-555555555555 > /tmp/boot
mount --bind /tmp/boot /proc/sys/kernel/random/boot_id`;

describe("pulumi-macvlan prove", function () {
  this.timeout(120_000);
  const on = useLab(2);
  let folder: string;
  let file: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "pulumi-macvlan-prove-"));
    file = join(folder, "stack.json");
  });
  after(() => rmSync(folder, { recursive: true }));
  afterEach(() =>
    on.lab.sh("node2", "umount -q /proc/sys/kernel/random/boot_id; rm -f /tmp/boot /tmp/rebooted"),
  );

  /** Never the real one: it would end the host. */
  async function rebootIs(script: string): Promise<void> {
    const text = `#!/bin/sh\nid -u >> /tmp/rebooted\n${script}\n`;
    for (const program of ["reboot", "systemctl"]) await on.lab.replace("node2", program, { script: text });
  }

  /** On node2, to which the login is as `ops`, with sudo. */
  async function makeLinks(...names: string[]): Promise<void> {
    for (const name of names)
      await on.stack.up("MacvlanInterface", name, {
        ...{ host: "node2", name, parent: "eth0", checks: [{ command: "true" }] },
      });
    writeFileSync(file, exported(on.stack));
  }

  const prove = (...more: string[]): Promise<CommandResult> =>
    callTool(["prove", "node2", "--reboot", "--stack", file, "--ssh-config", on.lab.sshConfig, ...more]);
  const isRebooted = async (): Promise<boolean> =>
    (await on.lab.exec("node2", ["test", "-e", "/tmp/rebooted"])).code === 0;

  it("says what did not come back, runs the checks, and exits with 2", async () => {
    await rebootIs(`${REBOOTS}\nip link delete dev a`);
    await makeLinks("a", "b");
    const { code, stdout, stderr } = await prove("--yes", "--json", "--settle", "0");
    assert.equal(code, 2, stdout + stderr);
    const proof = JSON.parse(stdout) as Proof;
    assert.equal(proof.bootId, "11111111-2222-3333-4444-555555555555");
    assert.deepEqual(
      proof.links.map(({ resource, outcome, checks }) => [resource, outcome, checks?.[0]?.passed]),
      [
        ["a", "lost", undefined],
        ["b", "back", true],
      ],
    );
    // as root, by sudo
    assert.equal(await on.lab.sh("node2", "cat /tmp/rebooted"), "0\n");
  });

  it("waits for links that come later than sshd, and exits with 0 if all came back", async () => {
    await rebootIs(`${REBOOTS}\nip link set dev b down; (sleep 3; ip link set dev b up) > /dev/null 2>&1 &`);
    await makeLinks("b");
    const hasty = await prove("--yes", "--settle", "0");
    assert.equal(hasty.code, 2, hasty.stdout + hasty.stderr);
    assert.match(hasty.stdout, /^ {2}changed +b@eth0/m);
    await on.lab.sh("node2", "umount /proc/sys/kernel/random/boot_id; sleep 3");
    const patient = await prove("--yes");
    assert.equal(patient.code, 0, patient.stdout + patient.stderr);
    assert.match(patient.stdout, /^ {2}back +b@eth0/m);
  });

  it("fails if the host does not reboot: its command fails, or the boot ID stays", async () => {
    await makeLinks("a");
    await rebootIs("echo not today >&2; exit 3");
    const refused = await prove("--yes");
    assert.equal(refused.code, 1, refused.stdout);
    assert.match(refused.stderr, /not rebooted.*exit 3.*not today/);
    await rebootIs("exit 0");
    const stays = await prove("--yes", "--timeout", "2");
    assert.equal(stays.code, 1, stays.stdout);
    assert.match(stays.stderr, /still answers with the boot ID/);
  });

  it("reboots nothing without a terminal, with a preview, on an unknown host, or in the middle of a change", async () => {
    await makeLinks("a");
    await rebootIs("exit 0");
    const preview = join(folder, "preview.json");
    writeFileSync(preview, '{"steps":[]}');
    const other = ["prove", "node9", "--reboot", "--yes", "--ssh-config", on.lab.sshConfig];
    for (const [result, why] of [
      [await prove(), /--yes is required/],
      [await prove("--yes", "--stack", preview), /stack export/],
      [await callTool([...other, "--stack", file]), /no links on node9; it has node2/],
      [await callTool(["prove", "node2", "--yes", "--stack", file]), /--reboot/],
    ] as const) {
      assert.equal(result.code, 1, result.stdout);
      assert.match(result.stderr, why);
    }
    await on.lab.sh("node2", "mkdir -p -m 700 /run/pulumi-macvlan; touch /run/pulumi-macvlan/undo");
    const { code, stderr } = await prove("--yes");
    assert.equal(code, 1);
    assert.match(stderr, /not rebooted: there is a change that was interrupted/);
    await on.lab.sh("node2", "rm /run/pulumi-macvlan/undo");
    assert.equal(await isRebooted(), false);
  });

  it("asks on a terminal, and takes only yes for an answer", async () => {
    await makeLinks("a");
    await rebootIs(`${REBOOTS}\nip link delete dev a`);
    const call = `node ${TOOL} prove node2 --reboot --settle 0 --stack ${file} --ssh-config ${on.lab.sshConfig}`;
    const ask = (answer: string): Promise<CommandResult> =>
      run(["script", "-qec", call, "/dev/null"], { input: answer, timeout: 60_000 });
    const no = await ask("\n");
    assert.equal(no.code, 1, no.stdout);
    assert.match(no.stdout, /node2 has 1 link of lab\/test\. Reboot it now\? \[y\/N\]/);
    assert.equal(await isRebooted(), false);
    const yes = await ask("yes\n");
    assert.equal(yes.code, 2, yes.stdout);
    assert.equal(await isRebooted(), true);
  });
});
