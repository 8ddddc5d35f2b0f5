/** A running lab as tests use it. */
import { createReadStream, existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { commandLine } from "../../../provider/shell/quote";
import { startCapture, type Capture, type CaptureOptions } from "./capture";
import { enter, HOST_ENVIRONMENT, hostPid } from "./host";
import { openGuest } from "./guest/open";
import { addressesOf, hostFolder, labFolder, netnsName, reachable, type Login } from "./names";
import { ping, type PingOptions } from "./ping";
import { changePrograms, type ProgramChange } from "./userland";
import { failure, run, runOrThrow, type CommandResult, type RunOptions } from "./run";
import type { GuestNetwork, LabState } from "./state";
import { cablePorts } from "./switch";
import { readFileSync } from "node:fs";
import { rebootHost, type RebootOptions } from "./reboot";

/** One host of the lab: a namespace of the machine (`LabNode`) or a guest. Addresses are without prefix length. */
export interface LabHost {
  /** `node1` …, `guest1` …: its name in ssh_config, and its hostname. */
  name: string;
  /** 1 … */
  index: number;
  /** How the lab's ssh_config logs in: as root, or as `ops`, who has sudo without a password. */
  login: Login;
  /** IPv4 address of mgmt0, which the root namespace reaches. */
  control: string;
  /** IPv6 address of mgmt0. */
  control6: string;
  /** IPv4 address of eth0, which only the other hosts reach. */
  lan: string;
  lanPrefix: number;
  /** IPv6 address of eth0. */
  lan6: string;
  lan6Prefix: number;
  /** MAC of eth0. */
  mac: string;
  /** MAC of eth1, which has no address. */
  mac1: string;
  /** OpenSSH public key line, `ssh-ed25519 AAAA…`. */
  hostKey: string;
  /** The machine's number of the process with which all of the host ends, as of now. @throws while it is not running. */
  readonly pid: number;
  /** The port of the switch's bridge `lan` that eth0 is plugged into. */
  switchPort: string;
  /** The same for eth1. */
  switchPort1: string;
}

/** A host that is namespaces of the machine, with the machine's kernel. */
export interface LabNode extends LabHost {
  /** Path of its sshd's log, on the machine. */
  sshdLog: string;
  /** Path of the host's /etc as far as it differs from the shared one, on the machine. */
  etc: string;
}

/** A host with a stock kernel of its own, systemd, and a disk. */
export interface LabGuest extends LabHost {
  /** Who configures its links at boot. */
  network: GuestNetwork;
  /** Path of what its kernel and systemd said since it was started, on the machine. */
  console: string;
  /** Shuts it down in order, boots it again from its disk, and waits until it lets one in over SSH. */
  reboot(): Promise<void>;
  /** The same without an order: all that was not on its disk yet is lost. */
  powerLoss(): Promise<void>;
}

/** What went through a port of the switch, seen from the switch: `rx` is what the host sent. */
export interface PortCounters {
  rxPackets: number;
  txPackets: number;
  rxBytes: number;
  txBytes: number;
}

/** The switch that the hosts are plugged into: a namespace with the bridges `lan` and `control`. */
export interface LabSwitch {
  /** Runs a command in the switch's network namespace, without a shell. */
  exec(command: readonly string[], options?: RunOptions): Promise<CommandResult>;
  /** Sets whether the port of a host's eth0 (or eth1) sends frames back to where they came from. */
  hairpin(host: string, on: boolean, port?: 0 | 1): Promise<void>;
  counters(host: string, port?: 0 | 1): Promise<PortCounters>;
  /**
   * Pulls the cable of a host's eth0 (or eth1) out of the switch, or puts it in again. The host's NIC keeps its carrier,
   * as with a media converter between them: a port that is set down would let a guest's driver give up for good.
   */
  plug(host: string, isIn: boolean, port?: 0 | 1): Promise<void>;
  /** Takes eth1 of two hosts off the LAN and joins them by a cable, until the lab goes down. */
  cable(a: string, b: string): Promise<void>;
}

/** A running lab. Where a method takes a host, it is the host's name. */
export interface Lab {
  name: string;
  /** The folder with all of the lab's files. */
  folder: string;
  /** OpenSSH client configuration in which every host is an alias. */
  sshConfig: string;
  knownHosts: string;
  privateKey: string;
  /** Its namespace hosts. */
  hosts: LabNode[];
  guests: LabGuest[];
  switch: LabSwitch;
  /** @throws if the lab has no such namespace host. */
  host(name: string): LabNode;
  /** @throws if the lab has no such guest. */
  guest(name: string): LabGuest;
  /** Runs a command as root inside the host without a shell: in all of its namespaces, in a guest over SSH. */
  exec(host: string, command: readonly string[], options?: RunOptions): Promise<CommandResult>;
  /** Runs a script with the host's `sh -c` and gives its output. @throws if its status is not 0. */
  sh(host: string, script: string): Promise<string>;
  /** Runs `ip -j ARGS` inside the host and parses what it prints. @throws if it fails. */

  ipJson<T>(host: string, args: readonly string[]): Promise<T>;
  /** Whether a ping to an address gets a reply. */
  ping(host: string, to: string, options?: PingOptions): Promise<boolean>;
  /** Runs `ssh -F … HOST COMMAND`, as a user would. */
  ssh(host: string, command: string, options?: RunOptions): Promise<CommandResult>;
  /**
   * Starts tcpdump on a device of a host or of the switch; resolves once it listens. `filter` is pcap-filter(7)'s,
   * `netns` a named network namespace inside the host.
   */
  capture(
    where: string,
    device: string,
    filter?: string,
    netns?: string,
    options?: CaptureOptions,
  ): Promise<Capture>;
  /**
   * Takes the host's kernel network state back to what it was after booting: links, namespaces, addresses, routes,
   * rules, sysctls, records under /run/pulumi-macvlan, processes left behind, hidden programs, its ports' hairpin.
   * Connections over mgmt0 stay. Not /etc and /var/lib: for these `reboot` with `fresh`. It looks at the result: where
   * the host is not as it was (eth0 deleted, say) it is rebooted instead, and then its connections are lost. A guest
   * is always rebooted, with a fresh disk.
   */
  reset(host: string): Promise<"restored" | "rebooted">;
  /** Reboots a host: network state and processes are lost, /etc, /var/lib and homes (a guest's disk) stay unless `fresh`. */
  reboot(host: string, options?: RebootOptions): Promise<void>;
  /** Takes programs away from a host (not from the machine): there is no such file any more, in no folder of PATH. */
  hide(host: string, programs: readonly string[]): Promise<void>;
  /** Gives a host another program of that name: the bytes of a file of this machine, or a script's text. */
  replace(host: string, program: string, by: { file: string } | { script: string }): Promise<void>;
  /** Undoes `hide` and `replace` for these programs, or for all. */
  unhide(host: string, programs?: readonly string[]): Promise<void>;
  /** How many SSH connections the host's sshd has let in so far. */
  connections(host: string): Promise<number>;
  /** How many commands have been started over SSH on the host so far. */
  commands(host: string): Promise<number>;
}

/** The lab of a state that was read or written just now. */
export function openLab(state: LabState): Lab {
  const folder = labFolder(state.name);
  const hosts = state.hosts.map((host) => labNode(state, host));
  const opened = new Map(state.guests.map((guest) => [`guest${guest.index}`, openGuest(state, guest)]));
  const guests = [...opened.values()].map(({ guest }) => guest);
  const sw = netnsName(state.name, "switch");

  const named = <T extends LabHost>(all: readonly T[], name: string): T => {
    const found = all.find((candidate) => candidate.name === name);
    if (found !== undefined) return found;
    throw new Error(
      `lab ${state.name} has no host ${name}: it has ${all.map((host) => host.name).join(", ")}`,
    );
  };
  const host = (name: string): LabNode => named(hosts, name);
  const any = (name: string): LabHost => named<LabHost>([...hosts, ...guests], name);
  const exec = (name: string, command: readonly string[], options: RunOptions = {}): Promise<CommandResult> =>
    opened.get(name)?.shell.exec(command, options) ??
    run(enter(host(name).pid, command), { env: HOST_ENVIRONMENT, ...options });
  const orThrow = async (name: string, command: readonly string[], options?: RunOptions): Promise<string> => {
    const result = await exec(name, command, options);
    if (result.code !== 0) throw new Error(failure(`${name}: ${command.join(" ")}`, result));
    return result.stdout;
  };
  const port = (name: string, number: number): string =>
    number === 0 ? any(name).switchPort : any(name).switchPort1;
  const onSwitch = (command: readonly string[], options: RunOptions = {}): Promise<CommandResult> =>
    run(["nsenter", `--net=/run/netns/${sw}`, "--", ...command], options);
  const onSwitchOrThrow = async (command: readonly string[]): Promise<string> => {
    const result = await onSwitch(command);
    if (result.code !== 0) throw new Error(failure(`switch: ${command.join(" ")}`, result));
    return result.stdout;
  };
  const hairpin = async (name: string, on: boolean, number: 0 | 1 = 0): Promise<void> => {
    await onSwitchOrThrow(["bridge", "link", "set", "dev", port(name, number), "hairpin", on ? "on" : "off"]);
  };
  const offHairpins = async (name: string): Promise<void> => {
    const off = [0, 1].map((number) => `link set dev ${port(name, number)} type bridge_slave hairpin off\n`);
    await runOrThrow(["ip", "-n", sw, "-batch", "-"], { input: off.join("") });
  };
  const programs = (name: string, change: ProgramChange, names: readonly string[], input?: string | Buffer) =>
    changePrograms((command, options) => orThrow(name, command, options), change, names, input);

  return {
    name: state.name,
    folder,
    sshConfig: `${folder}/ssh_config`,
    knownHosts: `${folder}/known_hosts`,
    privateKey: `${folder}/id_ed25519`,
    hosts,
    guests,
    host,
    guest: (name) => named(guests, name),
    exec,
    sh: (name, script) => orThrow(name, ["sh", "-c", script]),

    ipJson: async <T>(name: string, args: readonly string[]) =>
      JSON.parse(await orThrow(name, ["ip", "-j", ...args])) as T,
    ping: (name, to, options = {}) => ping((command, limits) => exec(name, command, limits), to, options),
    ssh: (name, command, options) =>
      run(["ssh", "-F", `${folder}/ssh_config`, any(name).name, command], options),
    switch: {
      exec: onSwitch,
      hairpin,
      plug: async (name, isIn, number = 0) => {
        const where = isIn ? ["master", "lan"] : ["nomaster"];
        await onSwitchOrThrow(["ip", "link", "set", "dev", port(name, number), ...where]);
      },
      cable: (a, b) => cablePorts(state.name, [any(a).switchPort1, any(b).switchPort1]),
      counters: async (name, number = 0) => {
        const shown = await onSwitchOrThrow(["ip", "-j", "-s", "link", "show", "dev", port(name, number)]);
        return portCounters(JSON.parse(shown));
      },
    },
    capture: (where, device, filter = "", netns = "", options = {}) => {
      const within = netns === "" ? [] : ["ip", "netns", "exec", netns];
      const inside = (command: readonly string[]): string[] => {
        if (where === "switch") return ["nsenter", `--net=/run/netns/${sw}`, "--", ...command];
        if (!opened.has(where)) return enter(host(where).pid, [...within, ...command]);
        return [
          "ssh",
          "-F",
          `${folder}/ssh_config`,
          "-l",
          "root",
          where,
          commandLine([...within, ...command]),
        ];
      };
      return startCapture(inside, device, filter, options);
    },
    reset: async (name) => {
      const guest = opened.get(name);
      if (guest !== undefined) {
        await guest.reboot("fresh");
        await offHairpins(name);
        return "rebooted";
      }
      const script = readFileSync(`${__dirname}/reset.sh`);
      let result = await exec(name, ["sh", "-s"], { input: script });
      if (result.code === 3) {
        await programs(name, "restore", []);
        result = await exec(name, ["sh", "-s"], { input: script });
      }
      if (result.code !== 0) await rebootHost(state.name, name);
      await offHairpins(name);
      return result.code === 0 ? "restored" : "rebooted";
    },
    hide: (name, hidden) => programs(name, "hide", hidden),
    replace: (name, program, by) =>
      programs(name, "replace", [program], "file" in by ? readFileSync(by.file) : by.script),
    unhide: (name, hidden = []) => programs(name, "restore", hidden),
    reboot: (name, options = {}) =>
      opened.get(name)?.reboot(options.fresh === true ? "fresh" : "orderly") ??
      rebootHost(state.name, host(name).name, options),
    connections: (name) => countLines(host(name).sshdLog, /^Accepted (?!key )\S+ for /),
    commands: (name) => countLines(host(name).sshdLog, /^Starting session: command /),
  };
}

function labNode(state: LabState, { index, login, hostKey }: LabState["hosts"][number]): LabNode {
  const name = `node${index}`;
  const folder = hostFolder(state.name, name);
  return {
    name,
    index,
    login,
    hostKey,
    ...reachable(addressesOf(state.slot, index)),
    sshdLog: `${folder}/log/sshd.log`,
    etc: `${folder}/etc`,
    get pid() {
      return hostPid(state.name, name);
    },
  };
}

function portCounters(shown: unknown): PortCounters {
  const [link] = shown as { stats64: Record<"rx" | "tx", { packets: number; bytes: number }> }[];
  if (link === undefined) throw new Error("ip showed no link");
  const { rx, tx } = link.stats64;
  return { rxPackets: rx.packets, txPackets: tx.packets, rxBytes: rx.bytes, txBytes: tx.bytes };
}

async function countLines(file: string, pattern: RegExp): Promise<number> {
  if (!existsSync(file)) return 0;
  let count = 0;
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (pattern.test(line)) count++;
  }
  return count;
}
