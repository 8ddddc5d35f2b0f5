/**
 * `npm run plugin [-- FOLDER]`: the native provider as a tarball that `pulumi plugin install -f` takes. It has the packed
 * package and what it depends on, and needs Node.js on the machine where it runs.
 */
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { ensureBuilt } from "./package";
import { runStep, say } from "./run";

const REPOSITORY = resolve(__dirname, "../..");

/** What the engine starts. A link would not do: the engine copies what it installs. */
const LAUNCHER = `#!/bin/sh
exec node "$(dirname "$(readlink -f "$0")")/node_modules/pulumi-macvlan/dist/native/main.js" "$@"
`;

/** What no program loads. */
// the engine refuses links that lead up, which the folders of commands have
const LEFT_OUT = [".bin", "*.d.ts", "*.map", "*.md", "*.ts"];

/** Builds the tarball into a folder. @returns its path */
export async function buildPlugin(folder: string): Promise<string> {
  await ensureBuilt();
  const { version } = JSON.parse(readFileSync(join(REPOSITORY, "package.json"), "utf8")) as {
    version: string;
  };
  const work = mkdtempSync(join(tmpdir(), "pulumi-macvlan-plugin-"));
  try {
    const npm = (cwd: string, ...args: string[]): Promise<string> =>
      runStep({ doing: `npm ${args[0] ?? ""}`, command: "npm", arguments: args, cwd });
    const packed = await npm(REPOSITORY, "pack", "--json", "--ignore-scripts", "--pack-destination", work);
    const [{ filename } = { filename: "" }] = JSON.parse(packed) as { filename: string }[];
    writeFileSync(join(work, "package.json"), '{ "private": true }\n');
    // the SDK only needs the compiler for programs
    await npm(work, "install", "--ignore-scripts", "--omit=dev", "--omit=optional", "--no-audit", filename);
    const tree = join(work, "plugin");
    cpSync(join(work, "node_modules"), join(tree, "node_modules"), { recursive: true });
    writeFileSync(join(tree, "pulumi-resource-macvlan"), LAUNCHER);
    chmodSync(join(tree, "pulumi-resource-macvlan"), 0o755);
    const file = join(resolve(folder), `pulumi-resource-macvlan-v${version}.tar.gz`);
    await runStep({
      doing: "packing the plugin",
      command: "tar",
      arguments: ["-C", tree, ...LEFT_OUT.map((name) => `--exclude=${name}`), "-czf", file, "."],
    });
    return file;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

if (require.main === module) {
  buildPlugin(process.argv[2] ?? REPOSITORY).then(
    (file) => say(`${file}: ${(statSync(file).size / 1e6).toFixed(1)} MB`),
    (error: unknown) => {
      say(error instanceof Error ? error.message : String(error));
      process.exitCode = 1;
    },
  );
}
