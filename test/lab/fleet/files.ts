/** The files of a lab: what all hosts share below their /etc, each host's own, and the client's side of SSH. */
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { addressesOf, guestAddressesOf, labFolder, machineIdOf } from "./names";
import { runOrThrow } from "./run";
import type { LabState } from "./state";

/** Users of every host besides root. The password of `asks` is `asks`: for sudo and for SSH with a password. */
const USERS = [
  { name: "ops", id: 4242, password: "*", sudo: "NOPASSWD: ALL" },
  { name: "nosudo", id: 4243, password: "*", sudo: undefined },
  {
    name: "asks",
    id: 4244,
    password:
      "$6$pulumimacvlan$1MT05Qmz3.brQBYIjX9NzIC0BHTDI2vBjTuwQE8YqH.C97/dUSYyqp32xql/lgts83TQ/h6mMXVZSiuGkbakR.",
    sudo: "ALL",
  },
];

/** The lines that these users have in passwd(5), group(5), shadow(5) and sudoers(5). */
export function userLines(): Readonly<Record<"passwd" | "group" | "shadow" | "sudoers", string>> {
  const lines = (line: (user: (typeof USERS)[number]) => string): string => USERS.map(line).join("");
  return {
    passwd: lines(({ name, id }) => `${name}:x:${id}:${id}:${name}:/home/${name}:/bin/sh\n`),
    group: lines(({ name, id }) => `${name}:x:${id}:\n`),
    shadow: lines(({ name, password }) => `${name}:${password}:19000:0:99999:7:::\n`),
    sudoers: lines(({ name, sudo }) => (sudo === undefined ? "" : `${name} ALL=(ALL) ${sudo}\n`)),
  };
}

/** Makes the lab's key pair and the layer that all hosts have between the machine's /etc and their own. */
export async function writeSharedFiles(lab: string): Promise<void> {
  const folder = labFolder(lab);
  const etc = `${folder}/base/etc`;
  if (existsSync(`${folder}/base/complete`)) return;
  rmSync(`${folder}/base`, { recursive: true, force: true });
  mkdirSync(`${etc}/ssh`, { recursive: true });
  mkdirSync(`${etc}/sudoers.d`);
  if (!existsSync(`${folder}/id_ed25519.pub`)) await makeKey(`${folder}/id_ed25519`, `lab-${lab}`);
  const lines = userLines();
  const added = (file: "passwd" | "group" | "shadow", root?: string): void => {
    const machine = readFileSync(`/etc/${file}`, "utf8").trimEnd().split("\n");
    const kept = machine.filter((line) => !USERS.some((user) => line.startsWith(`${user.name}:`)));
    const ours = kept.map((line) => (root !== undefined && line.startsWith("root:") ? root : line));
    writeFileSync(`${etc}/${file}`, `${ours.join("\n")}\n${lines[file]}`);
  };
  added("passwd");
  added("group");
  // Without PAM sshd refuses users whose password field begins with "!" (sshd(8)): root has "*" here.
  added("shadow", "root:*:19000:0:99999:7:::");
  chmodSync(`${etc}/shadow`, 0o640);
  writeFileSync(`${etc}/sudoers.d/lab`, lines.sudoers, { mode: 0o440 });
  writeFileSync(`${etc}/resolv.conf`, "# a lab host asks no name server\n");
  writeFileSync(`${etc}/ssh/authorized_keys`, readFileSync(`${folder}/id_ed25519.pub`));
  writeFileSync(`${folder}/base/complete`, "");
}

/** Makes a key pair, even if a half of one is left over. */
export async function makeKey(path: string, comment: string): Promise<void> {
  rmSync(path, { force: true });
  await runOrThrow(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path]);
}

/** The key in a `.pub` file, without its comment. */
export function publicKeyOf(path: string): string {
  return readFileSync(`${path}.pub`, "utf8").trim().split(" ").slice(0, 2).join(" ");
}

/** Text of /etc/hosts. */
export function hostsFile(name: string): string {
  return `127.0.0.1 localhost\n127.0.1.1 ${name}\n::1 localhost ip6-localhost\n`;
}

/** Makes the files of a host that are not there yet; what the host itself changed stays. Gives its public key line. */
export async function writeHostFiles(lab: string, index: number, sshd: string): Promise<string> {
  const name = `node${index}`;
  const folder = `${labFolder(lab)}/hosts/${name}`;
  const key = `${folder}/etc/ssh/ssh_host_ed25519_key`;
  for (const part of ["etc/ssh", "etc.work", "lib", "lib.work", "log", "root", "home"]) {
    mkdirSync(`${folder}/${part}`, { recursive: true });
  }
  chmodSync(`${folder}/root`, 0o700);
  for (const user of USERS) {
    mkdirSync(`${folder}/home/${user.name}`, { recursive: true });
    chownSync(`${folder}/home/${user.name}`, user.id, user.id);
  }
  const once = (file: string, text: string): void => {
    if (!existsSync(`${folder}/etc/${file}`)) writeFileSync(`${folder}/etc/${file}`, text);
  };
  once("hostname", `${name}\n`);
  once("machine-id", `${machineIdOf(lab, name)}\n`);
  // sudo looks its own host up: "unable to resolve host" otherwise.
  once("hosts", hostsFile(name));
  once("ssh/sshd_config", sshdConfig(sshd));
  if (!existsSync(`${key}.pub`)) await makeKey(key, name);
  return publicKeyOf(key);
}

/**
 * Text of a host's sshd_config: the lines that are given, and the lab's own, where of two for one option sshd takes
 * the first (sshd_config(5)). MaxSessions and MaxStartups are sshd's defaults.
 */
export function sshdConfig(lines = ""): string {
  return `${lines}${SSHD_CONFIG}`;
}

const SSHD_CONFIG = `HostKey /etc/ssh/ssh_host_ed25519_key
AuthorizedKeysFile /etc/ssh/authorized_keys
PermitRootLogin prohibit-password
PasswordAuthentication yes
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
PrintMotd no
PrintLastLog no
LogLevel VERBOSE
PidFile /run/sshd.pid
Subsystem sftp internal-sftp
`;

/** Lines for `ip -batch` inside the host that configure its NICs at boot. */
export function hostNetworkBatch(slot: number, index: number, ipv6: boolean): string {
  const { lan, control, lan6, control6 } = addressesOf(slot, index);
  const lines = [
    "link set dev lo up",
    `addr add ${lan}/16 broadcast + dev eth0`,
    `addr add ${control}/16 broadcast + dev mgmt0`,
    ...(ipv6 ? [`addr add ${lan6}/64 dev eth0`, `addr add ${control6}/64 dev mgmt0`] : []),
    "link set dev mgmt0 up",
    "link set dev eth0 up",
    // The second port's NIC has no address at all, not even a link-local one.
    ...(ipv6 ? ["link set dev eth1 addrgenmode none"] : []),
    "link set dev eth1 up",
  ];
  return `${lines.join("\n")}\n`;
}

/** Writes ssh_config and known_hosts for the lab's hosts, with which plain `ssh -F …/ssh_config node2` works. */
export function writeClientFiles(state: LabState): void {
  const folder = labFolder(state.name);
  const hosts = allHosts(state);
  writeFileSync(`${folder}/ssh_config`, hosts.map((host) => clientConfig(state, host)).join("\n"));
  writeFileSync(`${folder}/known_hosts`, hosts.map((host) => knownHost(state, host)).join(""));
}

/** Hosts and guests of a lab, as one logs in to them. */
function allHosts({ slot, hosts, guests }: LabState) {
  return [
    ...hosts.map((host) => ({ ...host, name: `node${host.index}`, ...addressesOf(slot, host.index) })),
    ...guests.map((guest) => ({
      ...guest,
      name: `guest${guest.index}`,
      ...guestAddressesOf(slot, guest.index),
    })),
  ];
}

type Host = ReturnType<typeof allHosts>[number];

// Each host has all of its options, not a shared `Host node*`: where a user includes this file in ~/.ssh/config,
// it must say nothing about hosts that are not the lab's.
function clientConfig(state: LabState, { name, control, login }: Host): string {
  const folder = labFolder(state.name);
  return `Host ${name} ${name}.${state.name}
  HostName ${control}
  User ${login}
  IdentityFile ${folder}/id_ed25519
  IdentitiesOnly yes
  UserKnownHostsFile ${folder}/known_hosts
  StrictHostKeyChecking yes
`;
}

function knownHost(state: LabState, { name, hostKey, control, lan, control6, lan6 }: Host): string {
  const names = [name, `${name}.${state.name}`, control, lan, control6, lan6];
  return `${names.join(",")} ${hostKey}\n`;
}

/** The lines that a table of the lab's hosts has: name, login, control address, LAN address, become. */
export function hostTable(state: LabState): string[] {
  const rows = allHosts(state).map(({ name, login, control, lan, lan6 }) => [
    ...[name, login, control, lan, lan6, login === "root" ? "none" : "sudo"],
  ]);
  const table = [["name", "login", "control", "LAN", "LAN (IPv6)", "become"], ...rows];
  const widths = [0, 1, 2, 3, 4, 5].map((column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  return table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
