/** The plugin's tarball, as the engine installs it. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../lab/fleet/run";
import { engineEnvironment } from "../setup/engine";
import { buildPlugin } from "../setup/plugin";

describe("the plugin's tarball", function () {
  this.timeout(400_000);

  it("is installed by the engine, which then gets the schema from it, and has the size that the page says", async () => {
    const folder = mkdtempSync(join(tmpdir(), "pulumi-macvlan-plugin-test-"));
    try {
      const file = await buildPlugin(folder);
      const [, version = ""] = /-v([\d.]+)\.tar\.gz$/.exec(file) ?? [];
      const megabytes = statSync(file).size / 1e6;
      const page = readFileSync(join(__dirname, "../../docs/languages.md"), "utf8");
      const [, said = ""] = /tarball \((\d+) MB/.exec(page) ?? [];
      assert.ok(Math.abs(Number(said) - megabytes) < 1.5, `${megabytes} MB, and the page says ${said}`);
      const env = {
        ...(await engineEnvironment()),
        HOME: folder,
        PULUMI_HOME: join(folder, "home"),
        PULUMI_BACKEND_URL: `file://${folder}`,
      };
      const pulumi = (...args: string[]): ReturnType<typeof run> =>
        run(["pulumi", ...args], { env, timeout: 120_000 });
      const installed = await pulumi("plugin", "install", "resource", "macvlan", version, "-f", file);
      assert.equal(installed.code, 0, installed.stderr);
      const given = await pulumi("package", "get-schema", `macvlan@${version}`);
      assert.equal(given.code, 0, given.stderr);
      assert.equal((JSON.parse(given.stdout) as { name: string }).name, "macvlan");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
