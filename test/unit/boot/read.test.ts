import assert from "node:assert/strict";
import { markLine, parseBootFiles, parseInit } from "../../../provider/boot/read";
import { sections } from "../../../provider/shell/quote";

const MARK = { owner: "fleet/test", resource: 'it\'s\n"web"', name: "mac0", netns: "" };
const DIGEST = "a".repeat(64);

/** What a host prints of its boot files. */
function read(list: string, digests = "", marks = ""): ReturnType<typeof parseBootFiles> {
  return parseBootFiles(
    sections(`@m bootlist\n${list}\n@m bootdigests\n${digests}\n@m bootmarks\n${marks}\n`, "@m"),
  );
}

describe("boot files of a host", () => {
  const script = "/etc/pulumi-macvlan/mac0.sh";

  it("are compared by mode, writer and digest, or by target, in the words of any ls", () => {
    const unit = "/etc/systemd/system/a.wants/pulumi-macvlan-mac0@b\\x2dc.service";
    const files = read(
      [
        `-rwxr-xr-x 1 0 0 3020 Nov 24 14:04 ${script}`,
        `-rw-r--r--. 1 0 0 3020 2026-11-24 14:04 /etc/pulumi-macvlan/br0.sh`,
        `-rwsr-xr-x    1 0   33  3020 Nov 24  2025 /etc/network/if-up.d/pulumi-macvlan-mac0`,
        `lrwxrwxrwx 1 0 0 33 Nov 24 14:59 ${unit} -> /etc/x`,
        "-rw-r--r-- 1 0 0 1 Nov 24 14:04 /etc/pulumi-macvlan/a b.sh",
        "total 3",
      ].join("\n"),
      `${DIGEST}  ${script}`,
      `${script}:${markLine(MARK)}`,
    );
    assert.deepEqual(files, [
      { path: script, bootName: "mac0", mark: { owner: "fleet/test" }, is: `755 ${DIGEST}` },
      { path: "/etc/pulumi-macvlan/br0.sh", bootName: "br0", is: "644 unread" },
      { path: "/etc/network/if-up.d/pulumi-macvlan-mac0", bootName: "mac0", is: "rws55 unread of 0:33" },
      { path: unit, bootName: "mac0", is: "-> /etc/x" },
    ]);
  });

  it("have no owner if their mark is not one of ours", () => {
    for (const mark of ["# pulumi-macvlan {", '# pulumi-macvlan {"owner":7}', "# pulumi-macvlan null", "#"]) {
      const [file] = read(`-rwxr-xr-x 1 0 0 1 Nov 24 14:04 ${script}`, "", `${script}:${mark}`);
      assert.equal(file?.mark, undefined, mark);
    }
  });

  it("have a mark in one line, whatever the resource is called", () => {
    assert.equal(
      markLine(MARK),
      '# pulumi-macvlan {"owner":"fleet/test","resource":"it\'s\\n\\"web\\"","name":"mac0","netns":""}',
    );
  });

  it("are run by the init system that is running, before one that is only installed", () => {
    const cases: [found: string[], init: string | undefined, udev: boolean][] = [
      [["/run/systemd/system", "/run/udev/control", "/etc/network/interfaces"], "systemd", true],
      [["/run/systemd/system"], "systemd", false],
      [["/run/openrc", "/etc/network/interfaces"], "openrc", false],
      [["/etc/network/interfaces"], "ifupdown", false],
      [[], undefined, false],
    ];
    for (const [found, init, udev] of cases) assert.deepEqual(parseInit(found.join("\n")), { init, udev });
  });
});
