/** Rebooting one host. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { writeHostFiles } from "./files";
import { startHost, stopHost, wireHosts } from "./host";
import { alone } from "./lock";
import { addressesOf, labFolder, netnsName } from "./names";
import { runOrThrow } from "./run";
import { readState } from "./state";
import { hairpinPorts } from "./switch";

/** What a reboot also takes away: with `fresh` /etc, /var/lib and the homes are as when the host was made. */
export interface RebootOptions {
  fresh?: boolean;
}

/** Stops one host and boots it again: kernel network state and processes are lost, /etc and /var/lib kept. */
export async function rebootHost(lab: string, host: string, options: RebootOptions = {}): Promise<void> {
  await alone(async () => {
    const state = readState(lab);
    const known = state?.hosts.find(({ index }) => `node${index}` === host);
    if (state === undefined || known === undefined) throw new Error(`lab ${lab} has no host ${host}`);
    // A switch keeps a port's settings while the host at it reboots.
    const hairpins = await hairpinPorts(lab);
    await stopHost(lab, state.slot, known.index);
    if (options.fresh === true) await forgetFiles(lab, known.index, known.sshd);
    await wireHosts(state, [known.index]);
    const { port, port1 } = addressesOf(state.slot, known.index);
    for (const again of [port, port1].filter((link) => hairpins.has(link))) {
      await runOrThrow([
        "bridge",
        "-n",
        netnsName(lab, "switch"),
        "link",
        "set",
        "dev",
        again,
        "hairpin",
        "on",
      ]);
    }
    await startHost(lab, state.slot, known.index);
  });
}

// All but the host's key, which the lab's known_hosts and the tests know.
async function forgetFiles(lab: string, index: number, sshd: string): Promise<void> {
  const folder = `${labFolder(lab)}/hosts/node${index}`;
  const key = ["ssh_host_ed25519_key", "ssh_host_ed25519_key.pub"].map((file) => `${folder}/etc/ssh/${file}`);
  const kept = key.map((file) => ({ file, bytes: readFileSync(file) }));
  for (const part of ["etc", "lib", "root", "home"]) rmSync(`${folder}/${part}`, { recursive: true });
  mkdirSync(`${folder}/etc/ssh`, { recursive: true });
  for (const { file, bytes } of kept) writeFileSync(file, bytes, { mode: 0o600 });
  await writeHostFiles(lab, index, sshd);
}
