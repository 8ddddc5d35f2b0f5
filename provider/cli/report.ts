/** `pulumi-macvlan report`: what a change request, or drift, means for the hosts. */
import { forLog } from "../model/outside-text";
import { Command, Option } from "commander";
import { EXIT, type ExitCode, exitCodes } from "./exit";
import { readInput } from "./input";
import { type HostOptions, settingsOf, withHostOptions } from "./options";
import { print } from "./print";

interface ReportOptions extends HostOptions {
  readonly format: "markdown" | "json" | "text";
  readonly output?: string;
  readonly checks?: boolean;
}

const HELP = `
FILE is the output of "pulumi preview --json --show-sames" or "pulumi stack export". Without it, or with -, it is read
from standard input. The hosts in it are read, and each link is planned as by "pulumi up": what differs,
property by property, and the commands that would run. Nothing is changed. With an export, all differences are drift. With
--checks, the checks of links that are there are run as well.

Example:
  pulumi preview --json --show-sames | pulumi-macvlan report > comment.md
  pulumi stack export | pulumi-macvlan report --format text
${exitCodes("no link differs", "there are changes or drift, or a check has failed")}`;

export function reportCommand(): Command {
  const command = new Command("report")
    .description("what a preview changes on each host, and drift, as a comment for a change request")
    .argument("[file]", "a preview or an export in JSON; - is standard input", "-")
    .addOption(
      new Option("-f, --format <form>", "form of the report")
        .choices(["markdown", "json", "text"])
        .default("markdown"),
    )
    .option("-o, --output <file>", "write it to a file")
    .option("--checks", "run the checks of the links that are there")
    .addHelpText("after", HELP);
  return withHostOptions(command).action(async (file: string, options: ReportOptions) => {
    process.exitCode = await report(file, options);
  });
}

async function report(file: string, options: ReportOptions): Promise<ExitCode> {
  const settings = settingsOf(options);
  const [{ readStack }, { compareStack }, { lookAtStack }, { differs, hasFailed }] = await Promise.all([
    import("./stack.js"),
    import("./report/compare.js"),
    import("./look.js"),
    import("./report/model.js"),
  ]);
  const stack = readStack(await readInput(file), file === "-" ? "standard input" : file);
  const seen = await lookAtStack(stack, settings);
  const checked =
    options.checks === true
      ? await (await import("./checks.js")).checkStack(stack, seen, settings)
      : new Map<never, never>();
  const result = compareStack(stack, seen, checked);
  await print(await written(result, options), options.output);
  for (const { host, error } of result.hosts) {
    if (error !== undefined)
      process.stderr.write(`pulumi-macvlan: ${host} could not be read: ${forLog(error)}\n`);
  }
  return hasFailed(result) ? EXIT.failed : differs(result) ? EXIT.differs : EXIT.fine;
}

async function written(
  result: import("./report/model.js").Report,
  { format, output }: ReportOptions,
): Promise<string> {
  switch (format) {
    case "json":
      return `${JSON.stringify(result, undefined, 2)}\n`;
    case "markdown":
      return (await import("./report/markdown.js")).reportMarkdown(result);
    case "text": {
      const [{ reportText }, { paintFor, plain }] = await Promise.all([
        import("./report/text.js"),
        import("./paint.js"),
      ]);
      return reportText(result, output === undefined ? paintFor(process.stdout) : plain);
    }
  }
}
