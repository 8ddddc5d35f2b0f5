/** Command line of the lab: `npm run lab -- up`, and see USAGE. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { hostTable } from "./files";
import { alivePid, enter, HOST_ENVIRONMENT } from "./host";
import { install } from "./install";
import { labNameOf } from "./names";
import { readState } from "./state";
import { labDown, labOpen, labUp } from "./up";

const USAGE = `npm run lab -- up [N] [--install]   N hosts (3) with sshd on one switch; adds what is missing
                                    --install: an Include line in ~/.ssh/config, which down takes away
               status               the lab's hosts
               down                 takes away all that up made
               exec HOST COMMAND…   a command inside a host as root, not over SSH
               ssh HOST [COMMAND…]  the same over SSH, with the host's login
               reboot HOST [--fresh]  processes and network state are lost, /etc and /var/lib stay
                                    --fresh: these are lost as well
               reset HOST           the host's network as after booting
MACVLAN_LAB=name is another lab beside the default one; MACVLAN_LAB_FOLDER the folder for the labs' files.`;

async function main(args: readonly string[]): Promise<number> {
  const [verb, ...rest] = args;
  const [host = "", ...command] = rest;
  switch (verb) {
    case "up":
      return up(rest);
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
  const count = numbers[0] === undefined ? 3 : Number(numbers[0]);
  const lab = await labUp(count, { progress: (line) => console.error(line) });
  if (args.includes("--install")) install(lab.name);
  const state = readState(lab.name);
  if (state !== undefined) console.log(hostTable(state).join("\n"));
  console.log(
    `\n${lab.hosts.length} hosts after ${((Date.now() - began) / 1000).toFixed(1)} s. Log in to one with\n`,
  );
  console.log(`  ssh -F ${lab.sshConfig} node1\n`);
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
  state.hosts.forEach(({ index }, position) => {
    const alive = alivePid(state.name, `node${index}`) !== undefined;
    console.log(`${alive ? "up  " : "down"}   ${rows[position] ?? ""}`);
  });
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
