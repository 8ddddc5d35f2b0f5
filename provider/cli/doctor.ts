/** `pulumi-macvlan doctor`: what hosts can do. */
import { Command } from "commander";
import type { CheckedResult } from "./checks";
import type { Diagnosis } from "./doctor/table";
import type { Check } from "./doctor/judge";
import { EXIT, type ExitCode, exitCodes } from "./exit";
import { readInput } from "./input";
import { type HostOptions, settingsOf, withHostOptions } from "./options";
import { paintFor } from "./paint";
import { print } from "./print";
import type { StackReading } from "./stack";
import type { HostAddress } from "../ssh/address";
import { hostIdentity } from "../ssh/host-text";
import type { Settings } from "../ssh/settings";

interface DoctorOptions extends HostOptions {
  readonly json?: boolean;
  readonly checks?: string;
}

const HELP = `
Logs in to each HOST (user@host:port, or an alias of ~/.ssh/config) as the provider would, and checks what it has for
the provider: privileges, iproute2, kernel features, tools for hairpin, Wi-Fi, other network managers. Nothing
is tried or changed.

  ok        as it should be
  note      works, with a remark
  missing   something that the provider does will fail here
  failed    a check of a link did not pass

With --checks, the checks of a stack's links are run. STACK is the output of "pulumi stack export" or "pulumi preview --json
--show-sames"; - is standard input. Without HOSTs, all of the stack's hosts are examined.

Example:
  pulumi-macvlan doctor node1 ops@node2.example
  pulumi stack export | pulumi-macvlan doctor --checks -
${exitCodes("nothing is missing", "something is missing on a host, or a check has failed")}`;

export function doctorCommand(): Command {
  const command = new Command("doctor")
    .description("what hosts support, and what to do about what is missing")
    .argument("[host...]", "hosts to examine")
    .option("--json", "print JSON instead of tables")
    .option("--checks <stack>", "run the checks of a stack's links as well")
    .addHelpText("after", HELP);
  return withHostOptions(command).action(async (hosts: string[], options: DoctorOptions) => {
    process.exitCode = await doctor(hosts, options);
  });
}

async function doctor(texts: readonly string[], options: DoctorOptions): Promise<ExitCode> {
  if (texts.length === 0 && options.checks === undefined)
    throw new Error("nothing to examine: give hosts, or a stack with --checks");
  const settings = settingsOf(options);
  const [{ examineHost }, { judgeHost }, { diagnosisText }, { namesOf, parseHosts, seenKey }, { clientOf }] =
    await Promise.all([
      import("./doctor/probe.js"),
      import("./doctor/judge.js"),
      import("./doctor/table.js"),
      import("./look.js"),
      import("./ssh-client.js"),
    ]);
  const client = clientOf(settings);
  const named = parseHosts(texts);
  const stack = options.checks === undefined ? undefined : await readStackFile(options.checks);
  const hosts = named.length > 0 ? named : await hostsOf(stack);
  const names = namesOf(hosts);
  const ofStack = stack && linkChecks(stack, hosts, settings);
  const diagnoses = await Promise.all(
    hosts.map(async (address): Promise<Diagnosis> => {
      const host = names.get(seenKey(address)) ?? "";
      try {
        const examined = await examineHost(address, client);
        const { system } = examined.abilities;
        const checks = [...judgeHost(examined), ...((await ofStack)?.get(hostIdentity(address)) ?? [])];
        return { host, system, kernel: examined.observation.facts.kernel, checks };
      } catch (error) {
        return { host, error: error instanceof Error ? error.message : String(error) };
      }
    }),
  );
  const json = `${JSON.stringify(diagnoses, undefined, 2)}\n`;
  await print(options.json === true ? json : diagnosisText(diagnoses, paintFor(process.stdout)));
  if (diagnoses.some((d) => "error" in d)) return EXIT.failed;
  const isMissing = diagnoses.some(
    (d) => "checks" in d && d.checks.some(({ status }) => status === "missing" || status === "failed"),
  );
  return isMissing ? EXIT.differs : EXIT.fine;
}

async function readStackFile(file: string): Promise<StackReading> {
  const { readStack } = await import("./stack.js");
  return readStack(await readInput(file), file === "-" ? "standard input" : file);
}

async function hostsOf(stack: StackReading | undefined): Promise<HostAddress[]> {
  const { seenKey } = await import("./look.js");
  const all = stack?.links.flatMap(({ host }) =>
    host === undefined ? [] : [[seenKey(host), host] as const],
  );
  return [...new Map(all).values()];
}

/** The checks of the stack's links on these hosts, as rows of the table, by the host's identity: the way there counts. */
async function linkChecks(
  stack: StackReading,
  hosts: readonly HostAddress[],
  settings: Settings,
): Promise<ReadonlyMap<string, readonly Check[]>> {
  const [{ checkStack }, { lookAtStack }] = await Promise.all([import("./checks.js"), import("./look.js")]);
  const meant = hosts.map(hostIdentity);
  const links = stack.links.filter(({ host }) => host !== undefined && meant.includes(hostIdentity(host)));
  const own = { ...stack, links };
  const rows = new Map<string, Check[]>();
  for (const [{ host, after }, results] of await checkStack(
    own,
    await lookAtStack(own, settings),
    settings,
  )) {
    const identity = host === undefined ? "" : hostIdentity(host);
    const name = String(after?.["name"]);
    rows.set(identity, [...(rows.get(identity) ?? []), ...results.map((result) => rowOf(name, result))]);
  }
  return rows;
}

function rowOf(link: string, { check, property, passed, ms = 0, failure = "" }: CheckedResult): Check {
  if (passed === true) return { check: link, status: "ok", found: `${check}: ${ms} ms` };
  if (passed === false) return { check: link, status: "failed", found: check, advice: failure };
  return { check: link, status: "note", found: `${property} ${check}: not run` };
}
