/** Plain OpenSSH: one session and one script a host, so many at the same time. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandLine } from "../../../provider/shell/quote";
import { type HostJob, type Phase, variablesOf } from "../job";
import type { Command } from "../measure";
import type { Site, SiteHost } from "../lab/site";
import { type Contender, environmentIn } from "./contender";

/** The script of all phases, for contenders that send a script. */
export const CONVERGE = join(__dirname, "../programs/converge.sh");

const MODES: Readonly<Record<Phase, string>> = {
  apply: "apply",
  noop: "apply",
  preview: "check",
  drift: "apply",
  destroy: "destroy",
};

/** The mode of converge.sh that does a phase. */
export function modeOf(phase: Phase): string {
  return MODES[phase];
}

function scriptOf(job: HostJob, mode: string): string {
  const variables = Object.entries({ MODE: mode, ...variablesOf(job) });
  const head = variables.map(([name, value]) => `${name}=${commandLine([value])}\n`).join("");
  return head + readFileSync(CONVERGE, "utf8");
}

/** Runs each host's script from `scripts` over its own session, `width` of them at a time. */
export function sshEach(
  folder: string,
  scripts: string,
  hosts: readonly SiteHost[],
  width: number,
  options: readonly string[],
): Command {
  const list = join(folder, "hosts");
  writeFileSync(list, hosts.map(({ name }) => `${name}\n`).join(""));
  const ssh = commandLine(["ssh", ...options]);
  const one = `exec ${ssh} "$1" sh -s <${commandLine([scripts])}/"$1"`;
  return {
    line: ["xargs", "-a", list, "-P", String(width), "-I", "HOST", "sh", "-c", one, "sh", "HOST"],
    cwd: folder,
    env: environmentIn(folder),
  };
}

/** Writes each host's script for a mode. @returns the folder */
export function writeScripts(folder: string, hosts: readonly SiteHost[], mode: string): string {
  const scripts = join(folder, mode);
  mkdirSync(scripts, { recursive: true });
  for (const { name, job } of hosts) writeFileSync(join(scripts, name), scriptOf(job, mode));
  return scripts;
}

function openssh(
  about: Pick<Contender, "id" | "title" | "note" | "stays">,
  options: (site: Site, folder: string) => readonly string[],
): Contender {
  return {
    ...about,
    lacks: {},
    prepare: () => Promise.resolve(),
    open({ site, hosts, folder, width }) {
      for (const mode of new Set(Object.values(MODES))) writeScripts(folder, hosts, mode);
      return Promise.resolve({
        command: (phase) => sshEach(folder, join(folder, modeOf(phase)), hosts, width, options(site, folder)),
      });
    },
  };
}

export const OPENSSH: readonly Contender[] = [
  openssh(
    {
      id: "ssh",
      title: "OpenSSH, one script per host",
      note:
        "the floor of SSH: `xargs -P`, one `ssh` and one shell script per host, which reads, compares and runs one " +
        "`ip -batch`; key exchange curve25519",
    },
    (site) => ["-F", site.sshConfig],
  ),
  openssh(
    {
      id: "ssh-default",
      title: "… default key exchange",
      note: "the same with OpenSSH's own first choice of key exchange, sntrup761x25519",
    },
    (site) => ["-F", site.sshConfigDefault],
  ),
  openssh(
    {
      id: "ssh-master",
      title: "… ControlMaster",
      note: "the same with one master per host (`ControlPersist`), which the first phase starts and the others use",
      stays: true,
    },
    (site, folder) => [
      ...["-F", site.sshConfig, "-o", "ControlMaster=auto", "-o", "ControlPersist=600"],
      ...["-o", `ControlPath=${folder}/%n`],
    ],
  ),
];
