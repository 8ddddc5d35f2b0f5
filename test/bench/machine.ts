/** The machine that a benchmark ran on, as the document describes it. */
import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { run } from "../lab/fleet/run";
import { engineEnvironment } from "../setup/engine";
import type { Machine } from "./results";
import { COMMAND_VERSION } from "./rivals/command-plugin";
import { ANSIBLE_VERSION, PYINFRA_VERSION } from "./rivals/python";
import { LANGUAGE_HOSTS } from "../setup/go-build";
import { installedVersion } from "./versions";

export async function describeMachine(): Promise<Machine> {
  const env = await engineEnvironment();
  const firstLine = async (command: readonly string[]): Promise<string> => {
    const { stdout, stderr } = await run(command, { env });
    return (stdout + stderr).trim().split("\n")[0] ?? "";
  };
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memory: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    system: /^PRETTY_NAME="(.*)"$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "Linux",
    versions: {
      "Node.js": process.versions.node,
      "Pulumi CLI": await firstLine(["pulumi", "version"]),
      "@pulumi/pulumi": installedVersion("@pulumi/pulumi"),
      "Pulumi YAML": LANGUAGE_HOSTS.yaml.version,
      ssh2: installedVersion("ssh2"),
      OpenSSH: (await firstLine(["ssh", "-V"])).split(",")[0] ?? "",
      iproute2: /iproute2-([0-9.]+)/.exec(await firstLine(["ip", "-V"]))?.[1] ?? "",
      "ansible-core": ANSIBLE_VERSION,
      pyinfra: PYINFRA_VERSION,
      "@pulumi/command": COMMAND_VERSION,
      Python: (await firstLine(["python3", "--version"])).replace("Python ", ""),
    },
    load: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}
