/** `pulumi-macvlan adopt`: prints a program that describes existing links. */
import { forLog } from "../model/outside-text";
import { Command, Option } from "commander";
import { EXIT, type ExitCode, exitCodes } from "./exit";
import { type HostOptions, settingsOf, withHostOptions } from "./options";
import { print } from "./print";

interface AdoptOptions extends HostOptions {
  readonly all?: boolean;
  readonly as: "links" | "host";
  readonly output?: string;
}

const HELP = `
Reads each HOST (user@host:port, or an alias of ~/.ssh/config) and prints a program in TypeScript with "adopt: true"
for its macvlans, macvtaps and ipvlans, named namespaces included, and for bridges with hairpin ports. A macvlan of the host's own namespace
with link routes is a HostShim. Each resource is planned: one whose adoption would run a command is left out
and named in a comment.

Example:
  pulumi-macvlan adopt node1 > index.ts && pulumi up
${exitCodes("the program was printed", undefined)}`;

export function adoptCommand(): Command {
  const command = new Command("adopt")
    .description("a program (TypeScript) that describes the existing links of hosts, to take them over")
    .argument("<host...>", "hosts to read")
    .option("--all", "also bridges without a hairpin port, VLANs and bonds")
    .addOption(
      new Option("--as <form>", "a resource per link, or one HostLinks for all links of a host")
        .choices(["links", "host"])
        .default("links"),
    )
    .option("-o, --output <file>", "write it to a file")
    .addHelpText("after", HELP);
  return withHostOptions(command).action(async (hosts: string[], options: AdoptOptions) => {
    process.exitCode = await adopt(hosts, options);
  });
}

async function adopt(texts: readonly string[], options: AdoptOptions): Promise<ExitCode> {
  const settings = settingsOf(options);
  const [{ describeHost }, { programText }, { cannotUse, lookAtHosts, parseHosts }] = await Promise.all([
    import("./adopt/describe.js"),
    import("./adopt/program.js"),
    import("./look.js"),
  ]);
  const seen = await lookAtHosts(parseHosts(texts), settings);
  const names = new Set<string>();
  const failures: string[] = [];
  const described = seen.flatMap((one, i) => {
    const host = texts[i] ?? one.label;
    const prefix = texts.length === 1 ? "" : `${host.replace(/^.*@/, "")}-`;
    try {
      if ("error" in one) throw new Error(one.error);
      return [{ host, ...describeHost(host, one.observation, { all: options.all === true, names, prefix }) }];
    } catch (error) {
      failures.push("error" in one ? one.error : `${one.label}: ${cannotUse(error)}`);
      return [];
    }
  });
  if (described.length > 0) await print(programText(described, options.as), options.output);
  for (const failure of failures) process.stderr.write(`pulumi-macvlan: ${forLog(failure)}\n`);
  return failures.length > 0 ? EXIT.failed : EXIT.fine;
}
