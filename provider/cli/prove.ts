/** `pulumi-macvlan prove`: reboots a host, and says what of a stack did not come back. */
import { Command, InvalidArgumentError } from "commander";
import { EXIT, type ExitCode, exitCodes } from "./exit";
import { readInput } from "./input";
import { type HostOptions, settingsOf, withHostOptions } from "./options";
import { print } from "./print";

interface ProveOptions extends HostOptions {
  readonly reboot: true;
  readonly stack: string;
  readonly yes?: boolean;
  readonly timeout: number;
  readonly settle: number;
  readonly json?: boolean;
}

const HELP = `
Reboots HOST over SSH, as the provider reaches it, waits for it, reads it again, compares it with the stack, and runs the checks of the
links on it. HOST is one of the stack's hosts, and the links of others on it go down as well. It asks before it reboots;
without a terminal, --yes is required.

  back        as the stack describes it
  lost        it was there before the reboot, and is not now
  changed     it differs from the stack in something in which it did not differ before
  as before   it was missing or different in the same way before the reboot

Example:
  pulumi stack export > stack.json && pulumi-macvlan prove node1 --reboot --stack stack.json
  pulumi stack export | pulumi-macvlan prove node1 --reboot --yes
${exitCodes("all links came back, and all checks passed", "a link is not as the stack describes it, or a check has failed")}`;

export function proveCommand(): Command {
  const command = new Command("prove")
    .description("reboots a host, and says what of a stack did not come back")
    .argument("<host>", "one of the stack's hosts")
    .requiredOption("--reboot", "reboot it")
    .option("--stack <file>", 'what "pulumi stack export" printed; - is standard input', "-")
    .option("-y, --yes", "do not ask")
    .option("--timeout <seconds>", "time that the host has to come back", secondsOf(86_400), 300)
    .option("--settle <seconds>", "time that its links have to come back after that", secondsOf(3600), 30)
    .option("--json", "print JSON instead of text")
    .addHelpText("after", HELP);
  return withHostOptions(command).action(async (host: string, options: ProveOptions) => {
    process.exitCode = await prove(host, options);
  });
}

function secondsOf(most: number): (text: string) => number {
  return (text) => {
    if (/^\d{1,6}$/.test(text) && Number(text) <= most) return Number(text);
    throw new InvalidArgumentError(`It must be a whole number of seconds up to ${most}.`);
  };
}

async function prove(name: string, options: ProveOptions): Promise<ExitCode> {
  const { stack: file, timeout, settle } = options;
  const mustAsk = options.yes !== true;
  if (mustAsk && !(process.stdin.isTTY && process.stderr.isTTY))
    throw new Error("nothing was rebooted: without a terminal to ask on, --yes is required");
  const settings = settingsOf(options);
  const text = await readInput(file);
  const [{ readStack }, { linksOn }, { proveHost }] = await Promise.all([
    import("./stack.js"),
    import("./prove/select.js"),
    import("./prove/run.js"),
  ]);
  const stack = readStack(text, file === "-" ? "standard input" : file);
  if (stack.source === "preview")
    throw new Error('a preview has what is not on the hosts yet; give what "pulumi stack export" prints');
  const confirm = (question: string): Promise<boolean> =>
    mustAsk ? isConfirmed(question) : Promise.resolve(true);
  const proof = await proveHost(stack.name, linksOn(stack, name), { settings, timeout, settle, confirm });
  if (proof === undefined) {
    process.stderr.write("pulumi-macvlan: nothing was rebooted\n");
    return EXIT.failed;
  }
  await print(await written(proof, options));
  return (await import("./prove/judge.js")).isProven(proof) ? EXIT.fine : EXIT.differs;
}

async function isConfirmed(question: string): Promise<boolean> {
  const { createInterface } = await import("node:readline/promises");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^\s*y(es)?\s*$/i.test(await terminal.question(`${question} [y/N] `));
  } finally {
    terminal.close();
  }
}

async function written(
  proof: import("./prove/judge.js").Proof,
  { json = false }: ProveOptions,
): Promise<string> {
  if (json) return `${JSON.stringify(proof, undefined, 2)}\n`;
  const [{ proofText }, { paintFor }] = await Promise.all([import("./prove/text.js"), import("./paint.js")]);
  return proofText(proof, paintFor(process.stdout));
}
