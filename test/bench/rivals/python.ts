/** Ansible and pyinfra, from PyPI, in an environment of their own outside the repository. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { alone } from "../../lab/fleet/lock";
import { cacheHome, makeWhole } from "../../setup/cache";
import { runStep } from "../../setup/run";

export const ANSIBLE_VERSION = "2.19.14";
export const PYINFRA_VERSION = "3.10.0";

/**
 * The Python that has them. The environment was moved to its place when it was whole, so they are run as its modules:
 * the programs in its folder name the place where they were made.
 *
 * @throws Error with the reason if they are not available
 */
export async function rivalsPython(): Promise<string> {
  const root = join(cacheHome(process.env), `bench-ansible-${ANSIBLE_VERSION}-pyinfra-${PYINFRA_VERSION}`);
  await alone(async () => {
    if (!existsSync(root)) await makeWhole(root, install);
  }, "pulumi-macvlan-bench");
  return join(root, "bin/python3");
}

async function install(work: string): Promise<void> {
  await runStep({
    doing: "making a Python environment",
    command: "python3",
    arguments: ["-m", "venv", work],
  });
  await runStep({
    doing: "installing Ansible and pyinfra",
    command: join(work, "bin/python3"),
    arguments: [
      ...["-m", "pip", "install", "--quiet", "--disable-pip-version-check"],
      ...[`ansible-core==${ANSIBLE_VERSION}`, `pyinfra==${PYINFRA_VERSION}`],
    ],
  });
}
