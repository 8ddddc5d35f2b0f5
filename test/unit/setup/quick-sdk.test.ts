/** The preload with which the tests' stacks start faster: Pulumi's SDK does with it what it does without. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const REPOSITORY = resolve(__dirname, "../../..");

/** Runs JavaScript with the SDK in a process that has the preload. @returns what it prints, read as JSON */
async function run(code: string, env: NodeJS.ProcessEnv = {}, cwd = REPOSITORY): Promise<unknown> {
  const preload = join(REPOSITORY, "test/setup/quick-sdk.cjs");
  const { stdout } = await promisify(execFile)(process.execPath, ["--require", preload, "-e", code], {
    cwd,
    env: { ...process.env, ...env },
  });
  return JSON.parse(stdout);
}

const LOADED = `Object.keys(require.cache).filter((file) => /node_modules.(typescript|@npmcli.arborist|@opentelemetry.sdk-trace-node)./.test(file)).length`;

describe("the preload for the tests' stacks", () => {
  it("keeps the SDK from loading what it only serialises functions and traces itself with, until it does", async () => {
    const code = `const pulumi = require("@pulumi/pulumi");
      const [two, path, before] = [2, require("node:path"), ${LOADED}];
      (async () => {
        const { text } = await pulumi.runtime.serializeFunction((n) => path.join(String(two), n));
        const paths = await pulumi.runtime.computeCodePaths();
        const tracing = require("@pulumi/pulumi/cmd/run/tracing");
        const untraced = ${LOADED};
        tracing.start("http://127.0.0.1:1/");
        tracing.newSpan("test").end();
        console.log(JSON.stringify({
          before, traced: ${LOADED} > untraced,
          text: text.includes("path.join(String(two), n)"),
          paths: [...paths.keys()].some((path) => path.endsWith("node_modules/zod")),
        }));
      })();`;
    assert.deepEqual(await run(code), { before: 0, traced: true, text: true, paths: true });
  });

  it("heeds `typescript: false` of a project, and leaves other projects their TypeScript", async () => {
    const code = `console.log(JSON.stringify(process.env.PULUMI_NODEJS_TYPESCRIPT ?? "off"))`;
    const env = { PULUMI_NODEJS_TYPESCRIPT: "true" };
    const folder = mkdtempSync(join(tmpdir(), "macvlan-quick-"));
    try {
      assert.equal(await run(code, env, folder), "true");
      writeFileSync(join(folder, "Pulumi.yaml"), "runtime:\n  options:\n    typescript: false\n");
      assert.equal(await run(code, env, folder), "off");
    } finally {
      rmSync(folder, { recursive: true });
    }
    assert.equal(await run(code, env, join(REPOSITORY, "examples/vms")), "true");
  });
});
