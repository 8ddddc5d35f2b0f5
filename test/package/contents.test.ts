/** What is published: all that a program needs, and nothing else. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { promisify } from "node:util";
import { useUnpacked } from "./unpacked";

const REPOSITORY = resolve(__dirname, "../..");

describe("the published package", () => {
  const unpacked = useUnpacked();

  it("contains the build of each source file and what its README links to, and nothing that was built earlier", () => {
    const sources = readdirSync(join(REPOSITORY, "provider"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(join(REPOSITORY, "provider"), join(entry.parentPath, entry.name)));
    const built = sources.flatMap((source) =>
      source.endsWith(".sh")
        ? [`dist/${source}`]
        : [".js", ".d.ts"].map((end) => `dist/${source.replace(/\.ts$/, end)}`),
    );
    const drawings = readdirSync(join(REPOSITORY, "docs/drawings")).map((name) => `docs/drawings/${name}`);
    const texts = readdirSync(join(REPOSITORY, "docs")).filter((name) => name.endsWith(".md"));
    built.push("dist/native/schema.json");
    const people = [
      ...["CHANGELOG.md", "LICENSE", "README.md", "SECURITY.md", "package.json"],
      ...texts.map((name) => `docs/${name}`),
      ...drawings,
    ];
    assert.deepEqual(unpacked.files.toSorted(), [...built, ...people].toSorted());
  });

  it("names no path of the machine that built it", () => {
    const home = join(unpacked.folder, "node_modules/pulumi-macvlan");
    for (const entry of readdirSync(home, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const text = readFileSync(join(entry.parentPath, entry.name), "utf8");
      for (const path of [REPOSITORY, unpacked.repository])
        assert.ok(!text.includes(path), `${entry.name} has ${path} in it`);
      assert.doesNotMatch(
        text,
        /sourceMappingURL/,
        `${entry.name} names a source map, and none is published`,
      );
    }
  });

  it("is well-formed by publint's rules", async () => {
    const { publint } = await import("publint");
    const { messages } = await publint({
      pkgDir: join(unpacked.folder, "node_modules/pulumi-macvlan"),
      pack: false,
    });
    assert.deepEqual(messages, []);
  });

  it("resolves with its types in all modes of module resolution", async () => {
    const { checkPackage, createPackageFromTarballData } = await import("@arethetypeswrong/core");
    const analysis = await checkPackage(createPackageFromTarballData(readFileSync(unpacked.tarball)));
    assert.ok(analysis.types !== false, "the package has types");
    // the engine's entry point: `require` finds it, and no program imports it
    const problems = analysis.problems.filter((p) => !("entrypoint" in p) || p.entrypoint !== "./provider");
    assert.deepEqual(problems, []);
  });

  it("exports its classes by name to ES modules and to require", async () => {
    const names = "HairpinBridge, HostShim, MacvlanInterface";
    const check = `console.log([${names}].every((it) => typeof it === "function"));`;
    const programs = ["pulumi-macvlan", "pulumi-macvlan/native"].flatMap((module) => [
      ["--input-type=module", "--eval", `import { ${names} } from "${module}"; ${check}`],
      ["--input-type=commonjs", "--eval", `const { ${names} } = require("${module}"); ${check}`],
    ]);
    for (const args of programs) {
      const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: unpacked.folder });
      assert.equal(stdout.trim(), "true");
    }
  });

  it("loads neither SSH nor schemas into a program, only the SDK", async () => {
    const code = `
      require("@pulumi/pulumi");
      require("pulumi-macvlan");
      require("pulumi-macvlan/native");
      const loaded = Object.keys(require.cache).filter((f) => /node_modules\\/(node-ssh|ssh2|zod|ipaddr\\.js|fastest-levenshtein)\\//.test(f));
      console.log(JSON.stringify(loaded));`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--eval", code], {
      cwd: unpacked.folder,
    });
    assert.deepEqual(JSON.parse(stdout), []);
  });

  it("works in a program that is bundled into one file, including what is loaded on demand", async () => {
    const { build } = await import("esbuild");
    const program = join(unpacked.folder, "bundled.ts");
    writeFileSync(
      program,
      `import * as pulumi from "@pulumi/pulumi";
      import { MacvlanNetwork } from "pulumi-macvlan";
      import { readInventory } from "pulumi-macvlan/inventory";
      pulumi.runtime.setMocks({ newResource: ({ inputs, name }) => ({ id: name, state: inputs }), call: () => ({}) });
      const hosts = () => readInventory("hosts.yaml").hosts();
      new MacvlanNetwork("lan", { hosts: hosts(), parent: "eth0", children: ["web"], cidr: "192.0.2.0/24" });
      console.log(hosts().map(({ name }) => name).join());`,
    );
    writeFileSync(join(unpacked.folder, "hosts.yaml"), "sshConfig: [node*]\n");
    writeFileSync(join(unpacked.folder, "ssh_config"), "Host node1\n");
    for (const minify of [false, true]) {
      const outfile = join(unpacked.folder, "bundled.js");
      await build({
        entryPoints: [program],
        bundle: true,
        platform: "node",
        external: ["@pulumi/pulumi"],
        outfile,
        minify,
      });
      const { stdout } = await promisify(execFile)(process.execPath, [outfile], {
        cwd: unpacked.folder,
        env: { ...process.env, MACVLAN_SSH_CONFIG_PATH: join(unpacked.folder, "ssh_config") },
      });
      assert.equal(stdout.trim(), "node1");
    }
  });
});
