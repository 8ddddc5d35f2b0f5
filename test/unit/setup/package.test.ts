import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newestChange } from "../../setup/package";

describe("age of the sources", () => {
  let folder: string;
  const dated = (path: string, seconds: number): void => utimesSync(join(folder, path), seconds, seconds);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "macvlan-package-"));
    mkdirSync(join(folder, "kinds"));
    for (const path of ["index.ts", "kinds/shim.ts", "kinds/bridge.ts"]) {
      writeFileSync(join(folder, path), "");
      dated(path, 1000);
    }
    for (const path of ["kinds", "."]) dated(path, 1000);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("is that of the file changed last, however deep", () => {
    assert.equal(newestChange(folder), 1_000_000);
    dated("kinds/shim.ts", 2000);
    assert.equal(newestChange(folder), 2_000_000);
    assert.equal(newestChange(join(folder, "index.ts")), 1_000_000);
  });

  it("is newer after a file was removed, which leaves no file that is newer", () => {
    rmSync(join(folder, "kinds/bridge.ts"));
    assert.ok(newestChange(folder) > 1_000_000);
  });
});
