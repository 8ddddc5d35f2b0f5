#!/usr/bin/env node
/** `pulumi-macvlan`: inspects hosts and stacks. It changes nothing; `prove` alone reboots a host. */
import { forLog } from "../model/outside-text";
import { Command, CommanderError } from "commander";
import { adoptCommand } from "./adopt";
import { doctorCommand } from "./doctor";
import { EXIT } from "./exit";
import { graphCommand } from "./graph";
import { proveCommand } from "./prove";
import { reportCommand } from "./report";
import { version } from "./version";

/** The command line, for callers with their own streams that must not exit. */
export function commandLine(): Command {
  const program = new Command("pulumi-macvlan")
    .description(
      "Inspects stacks of pulumi-macvlan and their hosts. Nothing is ever changed, but prove reboots a host.",
    )
    .version(version())
    .showHelpAfterError('(see "pulumi-macvlan --help")')
    .exitOverride();
  const commands = [reportCommand(), graphCommand(), doctorCommand(), adoptCommand(), proveCommand()];
  for (const command of commands) {
    program.addCommand(command.copyInheritedSettings(program));
  }
  return program;
}

async function main(): Promise<void> {
  // a reader that stops early (head, less) is not an error
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(process.exitCode ?? EXIT.fine);
    throw error;
  });
  try {
    await commandLine().parseAsync();
  } catch (error) {
    // commander has printed the problem; --help and --version end this way too
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.fine : EXIT.failed;
    else {
      process.stderr.write(
        `pulumi-macvlan: ${forLog(error instanceof Error ? error.message : String(error))}\n`,
      );
      process.exitCode = EXIT.failed;
    }
  }
}

if (require.main === module) void main();
