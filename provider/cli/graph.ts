/** `pulumi-macvlan graph`: a drawing of hosts. */
import { forLog } from "../model/outside-text";
import { Command, Option } from "commander";
import { EXIT, type ExitCode, exitCodes } from "./exit";
import { readInput } from "./input";
import { type HostOptions, settingsOf, withHostOptions } from "./options";
import { print } from "./print";

interface GraphOptions extends HostOptions {
  readonly format?: "svg" | "html" | "mermaid";
  readonly output?: string;
  readonly stack?: string;
}

const HELP = `
Draws the current state of each HOST (user@host:port, or an alias of ~/.ssh/config) and of a stack's hosts: parents,
macvlans with mode, MAC and addresses, bridges with hairpin ports, shims. With --stack, links that differ from
the stack are marked. The HTML page searches, zooms and prints, and loads nothing from elsewhere.

Example:
  pulumi-macvlan graph node1 node2 -o fleet.html
  pulumi stack export | pulumi-macvlan graph --stack - -o fleet.svg
${exitCodes("everything was drawn", undefined)}`;

export function graphCommand(): Command {
  const command = new Command("graph")
    .description("a drawing of hosts: SVG, HTML or Mermaid")
    .argument("[host...]", "hosts to draw")
    .addOption(
      new Option(
        "-f, --format <form>",
        "form of the drawing (default: by the file's name, else svg)",
      ).choices(["svg", "html", "mermaid"]),
    )
    .option(
      "--stack <file>",
      'what "pulumi preview --json" or "pulumi stack export" printed; - is standard input',
    )
    .option("-o, --output <file>", "write it to a file")
    .addHelpText("after", HELP);
  return withHostOptions(command).action(async (hosts: string[], options: GraphOptions) => {
    process.exitCode = await graph(hosts, options);
  });
}

async function graph(texts: readonly string[], options: GraphOptions): Promise<ExitCode> {
  if (texts.length === 0 && options.stack === undefined) {
    throw new Error("nothing to draw: give hosts, or a stack with --stack");
  }
  const settings = settingsOf(options);
  const [
    { graphHost },
    { cannotUse, lookAtHosts, lookAtStack, parseHosts, seenKey },
    { readStack },
    { compareStack },
  ] = await Promise.all([
    import("./graph/model.js"),
    import("./look.js"),
    import("./stack.js"),
    import("./report/compare.js"),
  ]);
  const { stack: file } = options;
  const stack =
    file === undefined ? undefined : readStack(await readInput(file), file === "-" ? "standard input" : file);
  const ofStack = stack ? await lookAtStack(stack, settings) : new Map<string, never>();
  const report = stack && compareStack(stack, ofStack);
  const named = parseHosts(texts).filter((host) => !ofStack.has(seenKey(host)));
  const seen = [...ofStack.values(), ...(await lookAtHosts(named, settings))];
  const hosts = seen.map((one) => {
    try {
      return graphHost(
        one,
        report?.hosts.find((h) => h.host === one.label),
      );
    } catch (error) {
      return graphHost({ label: one.label, error: cannotUse(error) }, undefined);
    }
  });
  await print(await drawn(hosts, options, stack?.name ?? "pulumi-macvlan"), options.output);
  const failures = hosts.flatMap(({ label, error }) =>
    error === undefined ? [] : [`${label} could not be read: ${error}`],
  );
  for (const failure of failures) process.stderr.write(`pulumi-macvlan: ${forLog(failure)}\n`);
  return failures.length > 0 ? EXIT.failed : EXIT.fine;
}

async function drawn(
  hosts: readonly import("./graph/model.js").GraphHost[],
  options: GraphOptions,
  title: string,
): Promise<string> {
  const format = options.format ?? formatOf(options.output ?? "");
  if (format === "mermaid") return (await import("./graph/mermaid.js")).mermaidText(hosts);
  const { placeHost } = await import("./graph/layout.js");
  const placed = await Promise.all(hosts.map(placeHost));
  return format === "html"
    ? (await import("./graph/html.js")).htmlDocument(placed, title)
    : (await import("./graph/svg.js")).svgDocument(placed, title);
}

function formatOf(file: string): "svg" | "html" | "mermaid" {
  if (/\.html?$/.test(file)) return "html";
  return /\.(?:mmd|mermaid)$/.test(file) ? "mermaid" : "svg";
}
