/** `pulumi-macvlan doctor`: what hosts can do. */
import { Command } from "commander";
import type { Diagnosis } from "./doctor/table";
import { EXIT, type ExitCode, exitCodes } from "./exit";
import { type HostOptions, settingsOf, withHostOptions } from "./options";
import { paintFor } from "./paint";
import { print } from "./print";

interface DoctorOptions extends HostOptions {
  readonly json?: boolean;
}

const HELP = `
Logs in to each HOST (user@host:port, or an alias of ~/.ssh/config) as the provider would, and checks what it has for
the provider: privileges, iproute2, kernel features, tools for hairpin, Wi-Fi, other network managers. Nothing
is tried or changed.

  ok        as it should be
  note      works, with a remark
  missing   something that the provider does will fail here

Example:
  pulumi-macvlan doctor node1 ops@node2.example
${exitCodes("nothing is missing", "something is missing on a host")}`;

export function doctorCommand(): Command {
  const command = new Command("doctor")
    .description("what hosts support, and what to do about what is missing")
    .argument("<host...>", "hosts to examine")
    .option("--json", "print JSON instead of tables")
    .addHelpText("after", HELP);
  return withHostOptions(command).action(async (hosts: string[], options: DoctorOptions) => {
    process.exitCode = await doctor(hosts, options);
  });
}

async function doctor(texts: readonly string[], options: DoctorOptions): Promise<ExitCode> {
  const settings = settingsOf(options);
  const [{ examineHost }, { judgeHost }, { diagnosisText }, { parseHosts }, { clientOf }, { hostLabel }] =
    await Promise.all([
      import("./doctor/probe.js"),
      import("./doctor/judge.js"),
      import("./doctor/table.js"),
      import("./look.js"),
      import("./ssh-client.js"),
      import("../ssh/address.js"),
    ]);
  const client = clientOf(settings);
  const diagnoses = await Promise.all(
    parseHosts(texts).map(async (address): Promise<Diagnosis> => {
      const host = hostLabel(address);
      try {
        const examined = await examineHost(address, client);
        const { system } = examined.abilities;
        return { host, system, kernel: examined.observation.facts.kernel, checks: judgeHost(examined) };
      } catch (error) {
        return { host, error: error instanceof Error ? error.message : String(error) };
      }
    }),
  );
  const json = `${JSON.stringify(diagnoses, undefined, 2)}\n`;
  await print(options.json === true ? json : diagnosisText(diagnoses, paintFor(process.stdout)));
  if (diagnoses.some((d) => "error" in d)) return EXIT.failed;
  const isMissing = diagnoses.some((d) => "checks" in d && d.checks.some((c) => c.status === "missing"));
  return isMissing ? EXIT.differs : EXIT.fine;
}
