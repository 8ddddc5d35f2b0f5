/** `npm run fuzz`: feeds the parsers of outside text with random input for a given time. */
import { parseArgs } from "node:util";
import { fuzz } from "./target";
import { TARGETS } from "./targets";

const USAGE = `npm run fuzz [-- TARGET… OPTIONS]

  --minutes 5   how long each target runs
  --seed N      the inputs of an earlier run again

Targets:
${TARGETS.map(({ name, about }) => `  ${name.padEnd(12)}${about}`).join("\n")}
`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      minutes: { type: "string", default: "5" },
      seed: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return void process.stdout.write(USAGE);
  const minutes = Number(values.minutes);
  const seed = Number(values.seed ?? Date.now() % 2 ** 31);
  const unknown = positionals.filter((name) => !TARGETS.some((target) => target.name === name));
  if (unknown.length > 0 || !(minutes > 0) || !Number.isInteger(seed)) {
    process.stderr.write(USAGE);
    process.exitCode = 2;
    return;
  }
  for (const target of TARGETS.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
    const { runs, failure } = await fuzz(target, seed, minutes * 60_000);
    process.stdout.write(`${target.name}: ${runs} inputs, seed ${seed}: ${failure ?? "no failure"}\n`);
    if (failure !== undefined) process.exitCode = 1;
  }
}

void main();
