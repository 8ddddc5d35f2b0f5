import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cacheFolder, openRememberedHosts } from "../../../provider/native/remembered-hosts";

describe("the hosts of a stack's last run", () => {
  let home = "";
  let folder = "";
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "pulumi-macvlan-remembered-"));
    folder = join(home, "hosts");
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  it("are those that were noted, each once, for the same stack alone", () => {
    const first = openRememberedHosts(folder, ["fleet/dev"]);
    assert.deepEqual(first.last, []);
    first.note({ address: "node1", user: "ops" });
    first.note({ user: "ops", address: "node1" });
    first.note({ address: "node2" });
    first.save();
    assert.deepEqual(openRememberedHosts(folder, ["fleet/dev"]).last, [
      { address: "node1", user: "ops" },
      { address: "node2" },
    ]);
    assert.deepEqual(openRememberedHosts(folder, ["fleet/prod"]).last, []);
  });

  it("stay if a phase asks for no host", () => {
    const first = openRememberedHosts(folder, ["a"]);
    first.note({ address: "node1" });
    first.save();
    openRememberedHosts(folder, ["a"]).save();
    assert.equal(openRememberedHosts(folder, ["a"]).last.length, 1);
  });

  it("are for their user alone, and not read if others could have written them", () => {
    const first = openRememberedHosts(folder, ["a"]);
    first.note({ address: "node1" });
    first.save();
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    const [file = ""] = readdirSync(folder);
    assert.equal(statSync(join(folder, file)).mode & 0o777, 0o600);
    chmodSync(folder, 0o777);
    assert.deepEqual(openRememberedHosts(folder, ["a"]).last, []);
  });

  it("are none if the file is damaged, and nothing fails if it cannot be written", () => {
    const first = openRememberedHosts(folder, ["a"]);
    first.note({ address: "node1" });
    first.save();
    const [file = ""] = readdirSync(folder);
    writeFileSync(join(folder, file), '[{"address":"node1"},{"address":5},7');
    assert.deepEqual(openRememberedHosts(folder, ["a"]).last, []);
    rmSync(folder, { recursive: true });
    writeFileSync(folder, "");
    first.save();
    rmSync(folder);
    mkdirSync(folder);
  });

  it("are kept below XDG_CACHE_HOME, else in the home", () => {
    assert.equal(cacheFolder({ XDG_CACHE_HOME: "/c" }), "/c/pulumi-macvlan/hosts");
    assert.equal(cacheFolder({ XDG_CACHE_HOME: "", HOME: "/h" }), "/h/.cache/pulumi-macvlan/hosts");
  });
});
