/** Guests as processes: plugging them into the switch, starting and ending them. */
import { registerStateLibrary } from "./xstate";
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { alivePid, endProcesses, HOST_ENVIRONMENT } from "../host";
import { guestAddressesOf, hostFolder, labFolder, machineIdOf, netnsName } from "../names";
import { programPath } from "../requirements";
import { run, runOrThrow } from "../run";

/** Of a guest, in MB: systemd, sshd and NetworkManager take about 60. */
const MEMORY = 256;

/** Seconds within which a guest lets one in over SSH, or has ended after it was asked to. */
const BOOT_LIMIT = 90;

/** What a guest is started from. */
export interface GuestParts {
  /** The common disk. */
  readonly disk: string;
  /** The root folder that has its kernel, the modules of that, and the libraries that it needs. */
  readonly kernel: string;
}

/** Makes the ports of the switch that a guest's NICs are plugged into, if they do not exist yet. */
export async function wireGuest(lab: string, slot: number, index: number): Promise<void> {
  const sw = netnsName(lab, "switch");
  const a = guestAddressesOf(slot, index);
  const ports = [
    { port: a.port, mac: a.portMac, bridge: "lan" },
    { port: a.port1, mac: a.portMac1, bridge: "lan" },
    { port: a.controlPort, mac: a.controlPortMac, bridge: "control" },
  ];
  for (const { port, mac, bridge } of ports) {
    if ((await run(["ip", "-n", sw, "link", "show", "dev", port])).code === 0) continue;
    const batch = [
      `tuntap add dev ${port} mode tap`,
      `link set dev ${port} address ${mac}`,
      `link set dev ${port} master ${bridge} up`,
    ];
    await runOrThrow(["ip", "-n", sw, "-batch", "-"], { input: `${batch.join("\n")}\n` });
  }
}

/**
 * Starts a guest that is wired, from its own disk or, at its first boot, from the common one. Resolves when one can
 * log in over SSH. @throws with the end of its console's output if it does not come up.
 */
export async function startGuest(
  lab: string,
  slot: number,
  index: number,
  { disk, kernel }: GuestParts,
): Promise<void> {
  const name = `guest${index}`;
  const folder = hostFolder(lab, name);
  const { mac, mac1, controlMac, port, port1, controlPort, control } = guestAddressesOf(slot, index);
  const nic = (number: number, tap: string, address: string): string =>
    `vec${number}:transport=tap,ifname=${tap},depth=128,mac=${address}`;
  // A copy-on-write file names the disk that it belongs to.
  const own = existsSync(`${folder}/disk.cow`) ? `${folder}/disk.cow` : `${folder}/disk.cow,${disk}`;
  const kernelArguments = [
    ...[`umid=${name}`, `mem=${MEMORY}M`, `ubd0=${own}`, "root=/dev/ubda", "rw"],
    ...[nic(0, port, mac), nic(1, port1, mac1), nic(2, controlPort, controlMac)],
    ...["con=null", "con0=null,fd:1", "ssl=null", "quiet", "random.trust_cpu=on", "net.ifnames=0"],
    ...["init=/sbin/lab-init", `lab.seed=${folder}/seed`, `systemd.machine_id=${machineIdOf(lab, name)}`],
  ];
  const preload = await registerStateLibrary();
  const log = openSync(`${folder}/boot.log`, "w");
  const child = spawn(
    programPath("nsenter") ?? "nsenter",
    [
      `--net=/run/netns/${netnsName(lab, "switch")}`,
      ..."unshare --mount --pid --fork --kill-child /bin/sh".split(" "),
      ...[`${__dirname}/boot.sh`, folder, String(MEMORY), kernel, ...kernelArguments],
    ],
    // In a session of its own: neither a terminal's hang-up nor its interrupt ends the guest.
    {
      detached: true,
      stdio: ["ignore", log, log],
      cwd: "/",
      env: { ...HOST_ENVIRONMENT, ...(preload ? { GUEST_PRELOAD: preload } : {}) },
    },
  );
  closeSync(log);
  let ended: string | undefined;
  child.on("error", (error) => (ended = error.message));
  child.on("exit", (code, signal) => (ended = signal ?? `exit ${code ?? "unknown"}`));
  const deadline = Date.now() + BOOT_LIMIT * 1000;
  try {
    while (!(await isListening(control)) || !(await letsIn(lab, name))) {
      if (ended !== undefined) throw new Error(`${name} did not boot (${ended}):\n${consoleEnd(folder)}`);
      if (Date.now() > deadline) {
        child.kill("SIGKILL");
        throw new Error(`${name} accepts no login after ${BOOT_LIMIT} s:\n${consoleEnd(folder)}`);
      }
      await sleep(50);
    }
  } finally {
    child.removeAllListeners();
    child.unref();
  }
}

/** Pulls a guest's plug: what it has not written to its disk yet is lost. Its ports of the switch stay. */
export async function killGuest(lab: string, index: number): Promise<void> {
  const pid = alivePid(lab, `guest${index}`);
  if (pid !== undefined) await endProcesses([pid]);
}

/** Waits until a guest that was asked to power off has ended. @throws if it does not. */
export async function guestEnd(lab: string, index: number): Promise<void> {
  const name = `guest${index}`;
  const deadline = Date.now() + BOOT_LIMIT * 1000;
  while (alivePid(lab, name) !== undefined) {
    if (Date.now() > deadline) {
      throw new Error(`${name} has not ended after ${BOOT_LIMIT} s:\n${consoleEnd(hostFolder(lab, name))}`);
    }
    await sleep(50);
  }
}

/** Whether an sshd greets there. */
function isListening(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: 22 });
    const answer = (isThere: boolean): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.setTimeout(500, () => answer(false));
    socket.once("data", (text) => answer(text.toString().startsWith("SSH-")));
    socket.once("error", () => answer(false));
    socket.once("close", () => answer(false));
  });
}

async function letsIn(lab: string, name: string): Promise<boolean> {
  const ssh = [
    "ssh",
    "-F",
    `${labFolder(lab)}/ssh_config`,
    "-o",
    "ConnectTimeout=5",
    "-l",
    "root",
    name,
    "true",
  ];
  const result = await run(ssh);
  if (/host key|Permission denied/i.test(result.stderr)) throw new Error(`${name}: ${result.stderr.trim()}`);
  return result.code === 0;
}

function consoleEnd(folder: string): string {
  const told = ["boot.log", "console.log"].map((file) =>
    existsSync(`${folder}/${file}`) ? readFileSync(`${folder}/${file}`, "utf8") : "",
  );
  return told.join("").trim().split("\n").slice(-12).join("\n");
}
