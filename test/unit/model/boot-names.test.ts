import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fc from "fast-check";
import {
  bootName,
  bootNameOf,
  deviceUnit,
  escapeUnit,
  whyNotBootName,
} from "../../../provider/model/boot-names";
import { netnsName, linkName } from "../../../provider/kinds/schemas";

/** Names that the kernel takes. */
const linkNames = fc
  .oneof(
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 15 }),
    fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 15 }),
    fc.stringMatching(/^[a-z_.0-9$'"\\-]{1,15}$/),
  )
  .filter((name) => linkName.safeParse(name).success);
const netnsNames = fc.option(fc.stringMatching(/^[A-Za-z0-9_.:@+-]{1,20}$/), { nil: "" }).filter((name) => {
  return name === "" || netnsName.safeParse(name).success;
});

describe("names of boot files", () => {
  it("are the link's own if possible", () => {
    const cases: [name: string, netns: string, expected: string][] = [
      ["mac0", "", "mac0"],
      ["eth0-a", "", "eth0-a"],
      ["-a", "", "_2da"],
      ["eth0.10", "", "eth0_2e10"],
      ["a_b", "", "a_5fb"],
      ["mac0", "blue", "mac0_in_blue"],
      ["$(reboot)", "", "_24_28reboot_29"],
      ["é", "", "_c3_a9"],
    ];
    for (const [name, netns, expected] of cases) assert.equal(bootName({ name, netns }), expected);
  });

  it("are taken by systemd and run-parts, and no two links share one", () => {
    fc.assert(
      fc.property(linkNames, netnsNames, linkNames, netnsNames, (a, na, b, nb) => {
        const [one, other] = [bootName({ name: a, netns: na }), bootName({ name: b, netns: nb })];
        assert.match(one, /^[A-Za-z0-9_][A-Za-z0-9_-]*$/);
        assert.equal(one === other, a === b && na === nb);
      }),
    );
  });

  it("are too long for links in namespaces with endless names", () => {
    assert.equal(whyNotBootName({ name: "mac0", netns: "b".repeat(100) }), undefined);
    assert.match(whyNotBootName({ name: "mac0", netns: "b".repeat(200) }) ?? "", /shorter names/);
  });

  it("are found again in every path", () => {
    const paths: [path: string, name: string | undefined][] = [
      ["/etc/pulumi-macvlan/mac0_in_blue.sh", "mac0_in_blue"],
      ["/etc/pulumi-macvlan/.mac0.sh.new", undefined],
      ["/etc/systemd/system/pulumi-macvlan-mac0@.service", "mac0"],
      ["/etc/systemd/system/multi-user.target.wants/pulumi-macvlan-br0.service", "br0"],
      [
        "/etc/systemd/system/sys-subsystem-net-devices-a\\x2db.device.wants/pulumi-macvlan-mac0@a\\x2db.service",
        "mac0",
      ],
      ["/etc/runlevels/default/pulumi-macvlan-mac0", "mac0"],
      ["/etc/network/if-up.d/pulumi-macvlan-mac0", "mac0"],
      ["/etc/network/if-up.d/bridge", undefined],
    ];
    for (const [path, name] of paths) assert.equal(bootNameOf(path), name, path);
  });

  it("of devices are those that systemd gives them", function () {
    const names = [
      "eth0",
      "eth-0",
      "eth0.10",
      ".a",
      "a\\b",
      "é",
      "a'b",
      "$(x)",
      ...fc.sample(linkNames, { numRuns: 100, seed: 7 }),
    ];
    const paths = names.map((name) => `/sys/subsystem/net/devices/${name}`);
    const escaped = spawnSync("systemd-escape", ["--path", "--suffix=device", "--", ...paths], {
      encoding: "utf8",
    });
    // a machine without systemd has no such program, and nothing to compare with
    if (escaped.error) return this.skip();
    const units = names.map((name) => deviceUnit(escapeUnit(name)));
    assert.deepEqual(units, escaped.stdout.trim().split(/\s/));
  });
});
