/** The boot files of a few resources, whole: UPDATE_GOLDEN=1 writes them again. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { CommonInputs } from "../../../provider/kinds/kind";
import type { BootFile } from "../../../provider/model/host";
import { HOST } from "../../support/hosts";
import { type Booting, kindOf, desiredOn } from "../../support/plans";

const GOLDEN = resolve(__dirname, "../../fixtures/boot");

const host = { address: "node1" };

interface Case {
  readonly name: string;
  readonly type: string;
  readonly inputs: object;
  readonly booting: Booting;
}

const CASES: readonly Case[] = [
  {
    name: "macvlan-in-namespace-systemd",
    type: "MacvlanInterface",
    inputs: {
      ...{ host, name: "mac0", netns: "blue", parent: "eth0", mode: "source", up: true, nodst: true },
      ...{ sourceMacAddresses: ["02:00:5e:00:53:10"], macAddress: "02:00:5e:00:53:01", mtu: 1400 },
      ...{ addresses: ["192.0.2.10/24", "2001:db8::10/64"], alias: `it's "web" $(reboot) \`x\` \\` },
      routes: [{ to: "198.51.100.0/24", via: "192.0.2.1", metric: 5 }, { to: "2001:db8:2::/64" }],
    },
    booting: { init: "systemd", udev: true },
  },
  {
    name: "bridge-taking-addresses-systemd",
    type: "HairpinBridge",
    inputs: {
      ...{ host, name: "br0", up: true, stp: true, forwardDelay: 2, takeOverAddresses: true },
      ports: [
        { name: "eth0", hairpin: true, isolated: true },
        { name: "eth1", hairpin: false },
      ],
    },
    booting: { init: "systemd", udev: true },
  },
  {
    name: "bridge-systemd-without-udev",
    type: "HairpinBridge",
    inputs: { host, name: "br0", up: true, ports: [{ name: "eth0", hairpin: true }] },
    booting: { init: "systemd", udev: false },
  },
  {
    name: "shim-openrc",
    type: "HostShim",
    inputs: {
      ...{ host, name: "shim-0", parent: "eth1", mode: "bridge", up: true, arp: "exclusive" },
      ...{ macAddress: "02:00:5e:00:53:02", routes: [{ to: "203.0.113.10/32", source: "203.0.113.9" }] },
    },
    booting: { init: "openrc", udev: true },
  },
  {
    name: "macvlan-ifupdown",
    type: "MacvlanInterface",
    inputs: { host, name: "$(id)'\"", parent: "é*", mode: "passthru", up: true, noPromisc: true },
    booting: { init: "ifupdown", udev: true },
  },
];

const filesOf = ({ type, inputs, booting }: Case): readonly BootFile[] =>
  desiredOn(kindOf(type), inputs as CommonInputs, HOST, booting).boot?.files ?? [];

const textOf = ({ path, content }: BootFile): string => {
  assert.ok(content);
  return "target" in content
    ? `==> ${path} -> ${content.target}\n`
    : `==> ${path} ${content.mode}\n${content.text}`;
};

/** Runs a program over files; undefined if the machine does not have it. */
function check(program: string, args: readonly string[]): string | undefined {
  const { error, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  return error ? undefined : stdout + stderr;
}

describe("boot files, as written", () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), "pulumi-macvlan-boot-"))));
  after(() => rmSync(folder, { recursive: true }));

  /** The files below a folder, as they would be below /. */
  function write(test: Case): { root: string; paths: string[] } {
    const root = join(folder, test.name);
    const paths = filesOf(test).map(({ path, content }) => {
      const at = join(root, path);
      mkdirSync(dirname(at), { recursive: true });
      assert.ok(content);
      if ("target" in content) symlinkSync(join(root, content.target), at);
      else writeFileSync(at, content.text, { mode: Number.parseInt(content.mode, 8) });
      return at;
    });
    return { root, paths };
  }

  for (const test of CASES) {
    it(`of ${test.name.replaceAll("-", " ")} are these`, () => {
      const text = filesOf(test).map(textOf).join("\n");
      const golden = join(GOLDEN, `${test.name}.txt`);
      if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(golden, text);
      assert.equal(text, readFileSync(golden, "utf8"));
    });
  }

  it("are POSIX sh without a fault that shellcheck knows", function () {
    // SC2034, SC2154: variables that pass between functions; SC2086: words that are meant to be split
    const options = ["--shell=sh", "--severity=warning", "--exclude=SC2034,SC2154,SC2086"];
    const scripts = CASES.flatMap((test) => write(test).paths).filter((p) => !/\.(?:service|wants)/.test(p));
    const printed = check("shellcheck", [...options, ...scripts]);
    if (printed === undefined) {
      // dash is stricter about syntax than most; shellcheck is a package of its own
      for (const script of scripts) assert.equal(check("sh", ["-n", script]), "");
      return this.skip();
    }
    assert.equal(printed, "");
  });

  it("are units that systemd accepts", function () {
    for (const test of CASES.filter(({ booting }) => booting.init === "systemd")) {
      const { root, paths } = write({ ...test, name: `${test.name}-unit` });
      const units = paths.filter((p) => /\.wants\//.test(p));
      assert.ok(units.length > 0);
      const printed = check("systemd-analyze", [
        ...["verify", "--man=no", "--recursive-errors=no"],
        ...units.map((unit) => join(root, "etc/systemd/system", unit.split("/").at(-1) ?? "")),
      ]);
      if (printed === undefined) return this.skip();
      assert.equal(printed, "");
    }
  });
});
