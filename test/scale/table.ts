/** The tables of what was measured, with the machine that it was measured on. */
import { cpus, release, totalmem } from "node:os";
import { engineVersion } from "../setup/go-build";
import { tableRow } from "../setup/written-part";
import { type Life, PHASES, type Phase } from "./measure";
import { ROLES } from "./usage";

/** A part of docs/scale.md. */
export interface Part {
  /** As its mark in the document names it. */
  readonly name: "hosts" | "checkpoints" | "links";
  readonly text: string;
}

/**
 * The parts of which something was measured.
 *
 * @param seconds how long it all took
 */
export function describeLives(lives: readonly Life[], seconds: number): readonly Part[] {
  const isFleet = ({ shape }: Life): boolean => shape.hosts > 1 || shape.perHost === 3;
  const of = (fleet: boolean, perHost: boolean, unsaved = false): Life[] =>
    lives.filter(
      (life) =>
        isFleet(life) === fleet &&
        (life.shape.isPerHost ?? false) === perHost &&
        (life.shape.environment !== undefined) === unsaved,
    );
  const hosts = ({ shape }: Life): number => shape.hosts;
  const links = ({ shape }: Life): number => shape.perHost;
  const section = (title: string, some: readonly Life[], unit: string, size: typeof hosts): string[] =>
    some.length === 0 ? [] : [title, wallTable(some, unit, size), costTable(some, unit, size)];
  const [fleets, hostLinks, macvlans] = [of(true, false), of(true, true), of(false, false)];
  const parts: readonly (readonly [Part["name"], readonly string[]])[] = [
    [
      "hosts",
      [
        ...section("Hosts with three resources each:", fleets, "Hosts", hosts),
        ...section("Hosts with the same three links, as one `HostLinks` each:", hostLinks, "Hosts", hosts),
        ...ratioTable(hostLinks, fleets, "Hosts", hosts),
        ...(fleets.length === 0 ? [] : [fleetOf(FLEET, fleets)]),
      ],
    ],
    [
      "checkpoints",
      section(
        "Three resources per host, with `PULUMI_SKIP_CHECKPOINTS=true`:",
        of(true, false, true),
        "Hosts",
        hosts,
      ),
    ],
    [
      "links",
      [
        ...section("Macvlans on one host:", macvlans, "Links", links),
        ...section("Macvlans on one host, as one `HostLinks`:", of(false, true), "Links", links),
        ...ratioTable(of(false, true), macvlans, "Links", links),
      ],
    ],
  ];
  return parts.flatMap(([name, texts]) =>
    texts.length === 0 ? [] : [{ name, text: [machine(seconds), ...texts].join("\n\n") }],
  );
}

function machine(seconds: number): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return (
    `Measured on ${new Date().toISOString().slice(0, 10)}: ` +
    `${cpus().length} cores (${cpu?.model ?? "unknown"}), ${memory} GB, Linux ${release()}, ` +
    `Node.js ${process.versions.node}, Pulumi ${engineVersion}, state in a file; ` +
    `the hosts run on the same cores. Everything took ${Math.round(seconds / 60)} minutes.`
  );
}

/**
 * Wall time by phase, and how it grew: the exponent b of time ~ size^b between a row and the one before, and in the last
 * row between the first and the last size.
 */
function wallTable(lives: readonly Life[], unit: string, size: (life: Life) => number): string {
  const rows = lives.map((life, i) => {
    const before = lives[i - 1];
    const cell = (phase: Phase): string =>
      `${life.phases[phase].wall.toFixed(1)} s${before ? ` (${growth(before, life, phase, size)})` : ""}`;
    return tableRow([size(life), ...PHASES.map(cell)]);
  });
  const [first, last] = [lives[0], lives.at(-1)];
  const overall =
    first && last && lives.length > 2
      ? [
          tableRow([
            `${size(first)} to ${size(last)}`,
            ...PHASES.map((phase) => growth(first, last, phase, size)),
          ]),
        ]
      : [];
  return [
    tableRow([unit, ...PHASES]),
    tableRow(["---:", ...PHASES.map(() => "---:")]),
    ...rows,
    ...overall,
  ].join("\n");
}

function growth(before: Life, after: Life, phase: Phase, size: (life: Life) => number): string {
  const times = after.phases[phase].wall / before.phases[phase].wall;
  return `n^${(Math.log(times) / Math.log(size(after) / size(before))).toFixed(1)}`;
}

/** Times of one form as so many times those of another of the same size; none if no size was measured in both. */
function ratioTable(
  lives: readonly Life[],
  others: readonly Life[],
  unit: string,
  size: (life: Life) => number,
): string[] {
  const rows = lives.flatMap((life) => {
    const other = others.find((one) => size(one) === size(life));
    if (other === undefined) return [];
    const times = (phase: Phase): string =>
      `× ${(life.phases[phase].wall / other.phases[phase].wall).toFixed(2)}`;
    return [tableRow([size(life), ...PHASES.map(times)])];
  });
  if (rows.length === 0) return [];
  const head = [tableRow([unit, ...PHASES]), tableRow(["---:", ...PHASES.map(() => "---:")])];
  return [
    "Time with `HostLinks`, as so many times that with a resource per link:",
    [...head, ...rows].join("\n"),
  ];
}

/** Of `up` and `preview`: CPU and memory by process, connections, and the state's size. */
function costTable(lives: readonly Life[], unit: string, size: (life: Life) => number): string {
  const heads = ["connections", ...ROLES.map((role) => `${role}: CPU, memory`), "hosts: CPU"];
  const rows = lives.flatMap((life) =>
    PHASES.map((phase) => {
      const measured = life.phases[phase];
      const own = ROLES.reduce((sum, role) => sum + measured[role].cpu, 0);
      return tableRow([
        size(life),
        phase,
        measured.connections,
        ...ROLES.map((role) => `${measured[role].cpu.toFixed(1)} s, ${megabytes(measured[role].memory)}`),
        `${Math.max(0, measured.machine - own).toFixed(1)} s`,
        phase === "up" ? megabytes(life.state) : "",
      ]);
    }),
  );
  return [
    tableRow([unit, "phase", ...heads, "state"]),
    tableRow(["---:", "---", ...heads.map(() => "---:"), "---:"]),
    ...rows,
  ].join("\n");
}

/** The hosts of a fleet that no lab has. */
const FLEET = 10_000;

/** What a fleet in stacks of each measured size takes of the machine that runs the engines, the hosts left out. */
function fleetOf(hosts: number, lives: readonly Life[]): string {
  const heads = [
    "Hosts per stack",
    "stacks",
    ...PHASES.map((phase) => `${phase}: CPU`),
    "memory of one stack",
  ];
  const rows = lives.map(({ shape, phases }) => {
    const stacks = Math.ceil(hosts / shape.hosts);
    const cpu = (phase: Phase): number => ROLES.reduce((sum, role) => sum + phases[phase][role].cpu, 0);
    const memory = (phase: Phase): number => ROLES.reduce((sum, role) => sum + phases[phase][role].memory, 0);
    return tableRow([
      shape.hosts,
      stacks,
      ...PHASES.map((phase) => `${((stacks * cpu(phase)) / 60).toFixed(0)} core minutes`),
      megabytes(Math.max(...PHASES.map(memory))),
    ]);
  });
  const table = [tableRow(heads), tableRow(heads.map(() => "---:")), ...rows].join("\n");
  return (
    `${hosts.toLocaleString("en")} hosts in stacks of these sizes, extrapolated from the CPU above. Divided by the ` +
    `number of cores, this is the time it takes if it never waits for the hosts:\n\n${table}`
  );
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}
