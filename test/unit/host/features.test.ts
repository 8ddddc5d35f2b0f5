/** The shell functions that detect a kernel's features, on made-up files. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Feature, parseFeatures } from "../../../provider/host/features";
import { KERNEL_TYPES } from "../../../provider/kinds";
import { shellText } from "../../../provider/shell/library";

const RELEASE = execFileSync("uname", ["-r"], { encoding: "utf8" }).trim();
const MODULES = `/lib/modules/${RELEASE}`;
const CONFIG = `/boot/config-${RELEASE}`;

/** What the shell prints for a kernel with these files alone; what ends in a slash is a folder. */
function features(files: Readonly<Record<string, string | Buffer>>): Readonly<Record<string, Feature>> {
  const root = mkdtempSync(join(tmpdir(), "features-"));
  try {
    for (const [path, text] of Object.entries(files)) {
      const isFolder = path.endsWith("/");
      mkdirSync(join(root, isFolder ? path : dirname(path)), { recursive: true });
      if (!isFolder) writeFileSync(join(root, path), text);
    }
    const script = shellText("features").replaceAll(/\/(?=(?:lib\/modules|boot|proc|sys)\/)/g, `${root}/`);
    return parseFeatures(execFileSync("sh", ["-c", `${script}pm_features`], { encoding: "utf8" }));
  } finally {
    rmSync(root, { recursive: true });
  }
}

describe("what a kernel has for links", () => {
  it("is determined by the modules that the kinds name, and by no others", () => {
    const modules = [...KERNEL_TYPES.values()].map(({ module }) => module);
    assert.deepEqual(Object.keys(features({})).toSorted(), modules.toSorted());
  });

  const without = "CONFIG_NET=y\n# CONFIG_BONDING is not set\nCONFIG_VLAN_8021Q=m\nCONFIG_MACVLAN=y\n";

  it("is known by its modules: loaded, built in, to be loaded, or missing", () => {
    const found = features({
      "/sys/module/8021q/": "",
      [`${MODULES}/modules.builtin`]: "kernel/net/bridge/bridge.ko\n",
      [`${MODULES}/modules.dep`]: "kernel/drivers/net/macvlan.ko.xz:\n",
    });
    const no = { bonding: "no", macvtap: "no", ipvlan: "no" };
    assert.deepEqual(found, { macvlan: "module", bridge: "yes", "8021q": "yes", ...no });
  });

  it("is known by its configuration if that says y, or nothing", () => {
    const found = features({ [CONFIG]: without });
    assert.equal(found["macvlan"], "yes");
    assert.equal(found["bonding"], "no");
    assert.equal(features({ "/proc/config.gz": gzipSync(without) })["bonding"], "no");
  });

  it("is not known of a module by its configuration if there is no list of modules at all", () => {
    assert.equal(features({ [CONFIG]: without })["8021q"], "unknown");
    assert.equal(features({ "/proc/config.gz": gzipSync(without) })["8021q"], "unknown");
  });

  it("is missing if the configuration has it as a module and the list does not: a package is missing", () => {
    const found = features({
      [CONFIG]: without,
      [`${MODULES}/modules.dep`]: "kernel/drivers/net/veth.ko:\n",
    });
    assert.equal(found["8021q"], "no");
  });

  it("is there if such a module is in use, whatever its configuration says", () => {
    assert.equal(features({ [CONFIG]: without, "/sys/module/bonding/": "" })["bonding"], "yes");
  });

  it("is known by the kernel's symbols as a last resort, and unknown without any of these", () => {
    assert.deepEqual(new Set(Object.values(features({}))), new Set(["unknown"]));
    const symbols =
      "ffffffff81dabca0 T macvlan_common_newlink\nffffffff81dac520 t macvtap_newlink\t[macvtap]\n";
    const found = features({ "/proc/kallsyms": symbols });
    assert.deepEqual([found["macvlan"], found["macvtap"], found["bonding"]], ["yes", "yes", "unknown"]);
  });
});
