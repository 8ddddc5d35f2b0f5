/** Command line of the lab: `npm run lab -- up`, and see USAGE. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { parseArgs } from "node:util";
import { hostTable } from "./files";
import { alivePid, enter, HOST_ENVIRONMENT } from "./host";
import { install } from "./install";
import { labNameOf } from "./names";
import type { Lab, LabHost } from "./lab";
import { GuestNetwork, readState } from "./state";
import { labDown, labOpen, labUp } from "./up";

const USAGE = `npm run lab -- up [N] [--install]   N hosts (3) with sshd on one switch; adds what is missing
                                    --install: an Include line in ~/.ssh/config, which down takes away
               guests up [N] [--network WHO]   N guests (2) besides: a stock kernel, systemd, a disk; WHO configures
                                    their links: networkd, ifupdown, NetworkManager
               status               the lab's hosts
               down                 takes away all that up made
               exec HOST COMMAND…   a command inside a host as root, not over SSH
               ssh HOST [COMMAND…]  the same over SSH, with the host's login
               reboot HOST [--fresh]  processes and network state are lost, /etc and /var/lib stay
                                    --fresh: these are lost as well
               power-loss GUEST     the same, and what was not on its disk yet is lost
               reset HOST           the host's network as after booting
MACVLAN_LAB=name is another lab beside the default one; MACVLAN_LAB_FOLDER the folder for the labs' files.`;

async function main(args: readonly string[]): Promise<number> {
  const [verb, ...rest] = args;
  const [host = "", ...command] = rest;
  switch (verb) {
    case "up":
      return up(rest);
    case "guests":
      return guestsUp(rest);
    case "status":
      return status();
    case "down":
      await labDown();
      return 0;
    case "exec": {
      const lab = await labOpen();
      if (command.length === 0) return usage();
      return inForeground(enter(lab.host(host).pid, command), HOST_ENVIRONMENT);
    }
    case "ssh": {
      const lab = await labOpen();
      return inForeground(["ssh", "-F", lab.sshConfig, lab.host(host).name, ...command], process.env);
    }
    case "reboot": {
      const lab = await labOpen();
      await lab.reboot(host, { fresh: command.includes("--fresh") });
      return 0;
    }
    case "power-loss": {
      const lab = await labOpen();
      await lab.guest(host).powerLoss();
      return 0;
    }
    case "reset": {
      const lab = await labOpen();
      await lab.reset(host);
      return 0;
    }
    default:
      return usage();
  }
}

function usage(): number {
  console.error(USAGE);
  return 64; // sysexits.h: EX_USAGE
}

async function up(args: readonly string[]): Promise<number> {
  const numbers = args.filter((arg) => arg !== "--install");
  if (numbers.length > 1 || numbers.some((arg) => !/^[0-9]+$/.test(arg))) return usage();
  const began = Date.now();
  const lab = await labUp(count(numbers[0], 3), { progress });
  if (args.includes("--install")) install(lab.name);
  return showUp(lab, began);
}

const progress = (line: string): void => console.error(line);

function count(given: string | undefined, otherwise: number): number {
  return given === undefined ? otherwise : Number(given);
}

async function guestsUp(given: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...given],
    options: { network: { type: "string", default: "networkd" } },
    allowPositionals: true,
  });
  const [verb, number, ...more] = positionals;
  const network = GuestNetwork.safeParse(values.network);
  if (verb !== "up" || more.length > 0 || !/^[1-9]?$/.test(number ?? "") || !network.success) return usage();
  const began = Date.now();
  const guests = Array.from({ length: count(number, 2) }, () => ({ network: network.data }));
  return showUp(await labUp(0, { guests, progress }), began);
}

function showUp(lab: Lab, began: number): number {
  const state = readState(lab.name);
  if (state !== undefined) console.log(hostTable(state).join("\n"));
  const all: LabHost[] = [...lab.hosts, ...lab.guests];
  console.log(
    `\n${all.length} hosts after ${((Date.now() - began) / 1000).toFixed(1)} s. Log in to one with\n`,
  );
  console.log(`  ssh -F ${lab.sshConfig} ${all.at(-1)?.name ?? ""}\n`);
  return 0;
}

function status(): number {
  const state = readState(labNameOf());
  if (state === undefined) {
    console.log(`lab ${labNameOf()} is not running`);
    return 1;
  }
  const [head = "", ...rows] = hostTable(state);
  console.log(`       ${head}`);
  for (const row of rows) {
    const [host = ""] = row.split(" ");
    console.log(`${alivePid(state.name, host) === undefined ? "down" : "up  "}   ${row}`);
  }
  return 0;
}

/** Runs a command on this terminal; gives its status as a shell would. */
function inForeground(command: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const [file = "", ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: "inherit", env });
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(`lab: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  },
);
