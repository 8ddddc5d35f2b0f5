import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { afterAnnouncement, shellCommand } from "../../../../provider/ssh/exec/become";

describe("root shell", () => {
  it("has command lines that hold no data and only plain words and single quotes", () => {
    for (const become of ["none", "sudo", "doas"] as const) {
      for (const password of [false, true]) {
        assert.match(shellCommand(become, password), /^[A-Za-z -]*(-p '[a-z:-]+' -- )?sh -c '[^'!\\]+'$/);
      }
    }
  });

  // those that the machine has
  const shells = ["/bin/sh", "/bin/bash", "/bin/csh", "/usr/bin/fish", "/bin/zsh", "/usr/bin/busybox"];
  for (const shell of shells.filter((path) => existsSync(path))) {
    it(`starts under the login shell ${shell}`, () => {
      const applet = shell.endsWith("busybox") ? ["ash"] : [];
      const script = "main() { echo '$HOME'; cat; exit 3; }\nmain </dev/null\n";
      const args = [...applet, "-c", shellCommand("none", false)];
      const { stdout, stderr, status } = spawnSync(shell, args, { input: script });
      assert.equal(status, 3);
      assert.equal(afterAnnouncement(stdout)?.text.toString(), "$HOME\n");
      assert.ok((afterAnnouncement(stderr)?.pid ?? 0) > 1);
    });
  }

  it("finds the announcement behind noise, and only when its line is whole", () => {
    const noise = Buffer.from([0xff, 0x41, 0x0a]);
    const line = Buffer.from("no line break macvlan-shell-is-ready 42\nout\n");
    assert.deepEqual(afterAnnouncement(Buffer.concat([noise, line])), {
      text: Buffer.from("out\n"),
      pid: 42,
    });
    assert.equal(afterAnnouncement(line.subarray(0, 38)), undefined);
    assert.equal(afterAnnouncement(noise), undefined);
  });
});
