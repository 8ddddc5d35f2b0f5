/** `npm run scale`: what stacks of growing size cost, on hosts of the lab, by the real engine. */
import { parseArgs } from "node:util";
import { labDown, labUp } from "../lab/fleet";
import { MAX_HOSTS } from "../lab/fleet/names";
import { ensureBuilt, linkSelf } from "../setup/package";
import { say } from "../setup/run";
import { writePart } from "../setup/written-part";
import { type Life, measureLives } from "./measure";
import { type Shape, fleetShape, hostLinksOfShape, hostLinksShape, linksShape, unsavedShape } from "./shapes";
import { type Part, describeLives } from "./table";

const USAGE = `npm run scale [-- OPTIONS]

  --hosts 50,100,200,500   stacks of so many hosts with three resources each
  --unsaved 200            the same, with PULUMI_SKIP_CHECKPOINTS=true
  --links 250,500,1000     stacks of so many macvlans on one host
  --per-host 50,200,500    as --hosts, with a HostLinks per host instead of three resources
  --host-links 200,1000    as --links, with one HostLinks
  --out FILE               also writes the tables between the marks in FILE, which docs/scale.md has: those of what was
                           measured, while others stay as they are

"" is none: --unsaved "" --links "" --host-links "" measures hosts only, in both forms.
`;

/** The command by which the marks in a document name this program. */
const COMMAND = "npm run scale";

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      hosts: { type: "string", default: "50,100,200,500" },
      unsaved: { type: "string", default: "200" },
      links: { type: "string", default: "250,500,1000" },
      "per-host": { type: "string", default: "50,200,500" },
      "host-links": { type: "string", default: "200,1000" },
      out: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return void process.stdout.write(USAGE);
  const groups = [
    ...bySize([numbersOf(values.hosts), fleetShape], [numbersOf(values["per-host"]), hostLinksShape]),
    ...numbersOf(values.unsaved).map((size) => [unsavedShape(size)]),
    ...bySize([numbersOf(values.links), linksShape], [numbersOf(values["host-links"]), hostLinksOfShape]),
  ];
  linkSelf();
  await ensureBuilt();
  const began = Date.now();
  const lives: Life[] = [];
  // what was measured before something failed is shown all the same, and written to no document
  const describe = (): readonly Part[] => describeLives(lives, (Date.now() - began) / 1000);
  try {
    await measureAll(groups, lives);
  } finally {
    for (const { text } of describe()) process.stdout.write(`\n${text}\n`);
  }
  if (values.out === undefined) return;
  for (const { name, text } of describe()) writePart(values.out, COMMAND, text, name);
}

type ShapesOf = readonly [sizes: readonly number[], shapeOf: (size: number, first: number) => Shape];

/** Shapes of the same size, which are compared: in turn on hosts of their own, if a lab has as many, or one after the other. */
function bySize(...forms: readonly ShapesOf[]): (readonly Shape[])[] {
  const sizes = [...new Set(forms.flatMap(([own]) => own))].sort((a, b) => a - b);
  return sizes.flatMap((size): (readonly Shape[])[] => {
    const those = forms.flatMap(([own, shapeOf]) => (own.includes(size) ? [shapeOf] : []));
    let first = 1;
    const inTurn = those.map((shapeOf) => {
      const shape = shapeOf(size, first);
      first += shape.hosts;
      return shape;
    });
    return first - 1 <= MAX_HOSTS ? [inTurn] : those.map((shapeOf) => [shapeOf(size, 1)]);
  });
}

/** `""` for none. @throws for what is no list of numbers */
function numbersOf(list: string): number[] {
  return list
    .split(",")
    .filter(Boolean)
    .map((item) => {
      const number = Number(item);
      if (!Number.isInteger(number) || number < 1)
        throw new Error(`"${item}" is no number of hosts or links`);
      return number;
    });
}

async function measureAll(groups: readonly (readonly Shape[])[], lives: Life[]): Promise<void> {
  const name = `scale-${process.pid}`;
  // The engine, in a group of its own, then ends by itself, as it finds no hosts any more. A signal comes twice where npm
  // passes on what the terminal has sent to all: the second one must not end the taking down.
  let down: Promise<void> | undefined;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => {
      down ??= labDown(name).finally(() => process.exit(130));
    });
  try {
    const began = performance.now();
    const count = Math.max(1, ...groups.flat().map(({ hosts, first }) => first + hosts - 1));
    // all as root: sudo's own time is not what is measured
    const lab = await labUp(count, { name, login: () => "root", isolated: true, progress: say });
    say(`a lab of ${count} hosts came up in ${((performance.now() - began) / 1000).toFixed(1)} s`);
    for (const shapes of groups) lives.push(...(await measureLives(lab, shapes, say)));
  } finally {
    await labDown(name);
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`scale: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
