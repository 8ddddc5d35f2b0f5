/** ssh2 with its native parts built, which need a C++ compiler and Node's headers. Kept outside the repository. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { alone } from "../../lab/fleet/lock";
import { cacheHome, makeWhole } from "../../setup/cache";
import { runStep } from "../../setup/run";
import { installedVersion } from "../versions";

const BINDING = "lib/protocol/crypto/build/Release/sshcrypto.node";

/** Its folder. @throws Error with the reason if it is not available */
export async function nativeSsh2(): Promise<string> {
  const version = installedVersion("ssh2");
  const root = join(cacheHome(process.env), `bench-ssh2-${version}-node-${process.versions.modules}`);
  const folder = join(root, "node_modules/ssh2");
  await alone(async () => {
    if (!existsSync(root)) await makeWhole(root, (work) => build(work, version));
  }, "pulumi-macvlan-bench");
  if (!existsSync(join(folder, BINDING))) throw new Error(`${root}: ssh2's native parts did not build`);
  return folder;
}

async function build(work: string, version: string): Promise<void> {
  // npm of late runs no install scripts but those that are named
  const allowed = { private: true, allowScripts: { ssh2: true, "cpu-features": true } };
  writeFileSync(join(work, "package.json"), JSON.stringify(allowed));
  await runStep({
    doing: "building ssh2's native parts",
    command: "npm",
    arguments: ["install", "--no-audit", "--no-fund", `ssh2@${version}`],
    cwd: work,
  });
}
