import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { engineEnvironment } from "../setup/engine";

describe("smoke: the engine as set up", () => {
  it("prints its version", async () => {
    const { stdout } = await promisify(execFile)("pulumi", ["version"], { env: await engineEnvironment() });
    assert.match(stdout, /^v3\.\d+\.\d+/);
  });
});
