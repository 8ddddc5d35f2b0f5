import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { cacheFolder, isOnPath } from "../../setup/engine";
import { engineVersion } from "../../setup/go-build";

describe("choice of the engine", () => {
  const place = join("pulumi-macvlan", `engine-v${engineVersion}`);

  it("keeps it in the chosen folder, else in XDG's cache, else in the home's", () => {
    assert.equal(cacheFolder({ HOME: "/h" }), join("/h/.cache", place));
    assert.equal(cacheFolder({ HOME: "/h", XDG_CACHE_HOME: "/x" }), join("/x", place));
    assert.equal(cacheFolder({ HOME: "/h", XDG_CACHE_HOME: "/x", MACVLAN_ENGINE_CACHE: "/e" }), "/e");
  });

  it("finds a program in any folder of a search path, and none in an empty part of it", () => {
    const folder = mkdtempSync(join(tmpdir(), "macvlan-engine-"));
    try {
      writeFileSync(join(folder, "pulumi"), "", { mode: 0o755 });
      assert.equal(isOnPath("pulumi", ["/nowhere", folder].join(delimiter)), true);
      assert.equal(isOnPath("pulumi-language-nodejs", folder), false);
      // POSIX takes an empty part for the current folder, which here is the repository.
      assert.equal(isOnPath("package.json", delimiter), false);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
