#!/usr/bin/env node
/** `pulumi-macvlan`: looks at hosts and stacks and says what it sees. It changes nothing, anywhere. */
import { forLog } from "../model/outside-text";
import { Command, CommanderError } from "commander";
import { adoptCommand } from "./adopt";
import { doctorCommand } from "./doctor";
import { EXIT } from "./exit";
import { graphCommand } from "./graph";
import { reportCommand } from "./report";
import { version } from "./version";

/** The whole command line, for a caller that has its own streams and takes no exit. */
export function commandLine(): Command {
  const program = new Command("pulumi-macvlan")
    .description("Looks at stacks of pulumi-macvlan and at their hosts. Nothing is ever changed.")
    .version(version())
    .showHelpAfterError('(see "pulumi-macvlan --help")')
    .exitOverride();
  for (const command of [reportCommand(), graphCommand(), doctorCommand(), adoptCommand()]) {
    program.addCommand(command.copyInheritedSettings(program));
  }
  return program;
}

async function main(): Promise<void> {
  // a reader that has seen enough (head, less) is no error
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(process.exitCode ?? EXIT.fine);
    throw error;
  });
  try {
    await commandLine().parseAsync();
  } catch (error) {
    // commander has said what is wrong; --help and --version end this way as well
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
