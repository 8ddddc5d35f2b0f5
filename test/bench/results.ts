/** What a run of the benchmark came to, as it is kept in a file, so that the document can be written again. */
import { z } from "zod";
import { PHASES } from "./job";

const Sample = z.object({
  hosts: z.int(),
  /** Milliseconds. */
  rtt: z.number(),
  contender: z.string(),
  run: z.int(),
  phase: z.enum(PHASES),
  /** Seconds; the CPU is that of the client's processes, all of them. */
  wall: z.number(),
  user: z.number(),
  system: z.number(),
  /** Of a contender with an engine: its program's and its providers' part of that CPU; the rest is the engine's. */
  parts: z.object({ program: z.number(), provider: z.number() }).optional(),
  /** What else of the machine's CPU was used: by the hosts, as the machine does nothing else. Seconds. */
  hostCpu: z.number(),
  connections: z.int(),
  /** Commands that were started over SSH on the hosts. */
  commands: z.int(),
  /** Bytes to the hosts and from them, on the wire. */
  up: z.int(),
  down: z.int(),
  /** Seconds of CPU that the way to the hosts took in this program. */
  wayCpu: z.number(),
  /** Why the phase does not count: the command failed, or a host was not as it should be; empty if all was well. */
  failure: z.string(),
});
export type Sample = z.infer<typeof Sample>;

const ContenderAbout = z.object({
  id: z.string(),
  title: z.string(),
  note: z.string(),
  lacks: z.partialRecord(z.enum(PHASES), z.string()),
  isFloor: z.boolean(),
  /** Why it could not take part; empty if it did. */
  unavailable: z.string(),
  /** The most hosts that it was tried with, if that is fewer than the others. */
  cap: z.int().optional(),
});
export type ContenderAbout = z.infer<typeof ContenderAbout>;

const Machine = z.object({
  date: z.string(),
  cpu: z.string(),
  cores: z.int(),
  /** GiB. */
  memory: z.number(),
  kernel: z.string(),
  system: z.string(),
  /** Names and versions of the programs. */
  versions: z.record(z.string(), z.string()),
  /** The load (1 minute) when the run began: what else the machine did. */
  load: z.number(),
});
export type Machine = z.infer<typeof Machine>;

/** A small measurement: a heading, what it shows, and a table of texts. */
const MicroTable = z.object({
  title: z.string(),
  text: z.string(),
  head: z.array(z.string()),
  rows: z.array(z.array(z.string())),
});
export type MicroTable = z.infer<typeof MicroTable>;

export const Results = z.object({
  machine: Machine,
  /** The command line of the run. */
  command: z.string(),
  contenders: z.array(ContenderAbout),
  /** The number of ssh clients at the same time that was found fastest, by hosts and round trip. */
  widths: z.array(z.object({ hosts: z.int(), rtt: z.number(), width: z.int() })),
  samples: z.array(Sample),
  micro: z.array(MicroTable),
});
export type Results = z.infer<typeof Results>;

/**
 * The results of several runs of the command on one machine as those of one: of a cell that two of them have, the runs
 * of both.
 *
 * @throws Error if there is none
 */
export function mergeResults(all: readonly Results[]): Results {
  const [first, ...others] = all;
  if (first === undefined) throw new Error("there are no results");
  return others.reduce(mergeTwo, first);
}

function mergeTwo(one: Results, other: Results): Results {
  const known = new Set(one.contenders.map(({ id }) => id));
  const last = Math.max(0, ...one.samples.map(({ run }) => run));
  const [samples, widths] = [one.samples, one.widths];
  return {
    ...one,
    command: `${one.command}; ${other.command}`,
    contenders: [
      // one that was left out of the larger numbers by any of the runs did not fail there
      ...one.contenders.map((c) => ({ ...other.contenders.find(({ id, cap }) => id === c.id && cap), ...c })),
      ...other.contenders.filter(({ id }) => !known.has(id)),
    ],
    widths: [
      ...widths,
      ...other.widths.filter((w) => !widths.some((v) => v.hosts === w.hosts && v.rtt === w.rtt)),
    ],
    samples: [...samples, ...other.samples.map((sample) => ({ ...sample, run: sample.run + last }))],
    micro: one.micro.length > 0 ? one.micro : other.micro,
  };
}
