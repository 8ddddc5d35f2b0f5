/** What a kernel is found to have, by a shell that is given its configuration and its lists of modules. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FEATURES_FUNCTION, parseFeatures } from "../../../provider/host/features";
import { quote } from "../../../provider/host/shell";

/** A module and a symbol that no kernel has, and an option that its configuration says something of. */
const WORDS = "pm_test_module pm_test_symbol PM_TEST";

describe("a kernel's module", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pulumi-macvlan-features-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function found(config: string, modulesDep?: string): string | undefined {
    if (modulesDep !== undefined) writeFileSync(join(folder, "modules.dep"), modulesDep);
    const loadable = modulesDep ?? "";
    const given = `PM_CONFIG=${quote(`\n${config}\n`)}; PM_MODULES=${quote(folder)}; PM_BUILTIN=; PM_LOADABLE=${quote(loadable)}`;
    const printed = execFileSync("sh", ["-c", `${FEATURES_FUNCTION}\n${given}\npm_feature ${WORDS}`]);
    return parseFeatures(printed.toString())["pm_test_module"];
  }

  it("is there where it is built in, and can be loaded where it is listed", () => {
    assert.equal(found("CONFIG_NET=y\nCONFIG_PM_TEST=y"), "yes");
    assert.equal(found("CONFIG_NET=y\nCONFIG_PM_TEST=m", "kernel/net/pm_test_module.ko.xz:"), "module");
  });

  it("is not there where the configuration leaves it out, or where it is not among those that are installed", () => {
    assert.equal(found("CONFIG_NET=y"), "no");
    assert.equal(found("CONFIG_NET=y\nCONFIG_PM_TEST=m", "kernel/net/other.ko:"), "no");
  });

  it("may be anywhere where it was built and no list says which modules are installed", () => {
    assert.equal(found("CONFIG_NET=y\nCONFIG_PM_TEST=m"), "unknown");
  });
});
