/** What the samples say about a contender in a cell: so many hosts, such a round trip. Pure. */
import { PHASES, type Phase } from "../job";
import type { Results, Sample } from "../results";
import { type Spread, spreadOf } from "./statistics";

export interface Cell {
  readonly hosts: number;
  /** Milliseconds. */
  readonly rtt: number;
}

/** A phase, or all of them one after the other. */
export type Span = Phase | "all";

/** One run's sum over a span; undefined if a phase of it failed or is missing. */
export type RunValues = ReadonlyMap<number, number>;

/** The measures of a sample. */
export const MEASURES = {
  wall: (s: Sample) => s.wall,
  cpu: (s: Sample) => s.user + s.system,
  engineCpu: (s: Sample) => s.user + s.system - (s.parts?.program ?? 0) - (s.parts?.provider ?? 0),
  programCpu: (s: Sample) => s.parts?.program ?? 0,
  providerCpu: (s: Sample) => s.parts?.provider ?? 0,
  hostCpu: (s: Sample) => s.hostCpu,
  connections: (s: Sample) => s.connections,
  commands: (s: Sample) => s.commands,
  up: (s: Sample) => s.up,
  down: (s: Sample) => s.down,
  bytes: (s: Sample) => s.up + s.down,
  wayCpu: (s: Sample) => s.wayCpu,
} as const;
export type Measure = keyof typeof MEASURES;

/** A contender's values by run. */
export function byRun(
  { samples }: Results,
  { hosts, rtt }: Cell,
  contender: string,
  span: Span,
  measure: Measure = "wall",
): RunValues {
  const phases: readonly Phase[] = span === "all" ? PHASES : [span];
  const mine = samples.filter((s) => s.hosts === hosts && s.rtt === rtt && s.contender === contender);
  const values = new Map<number, number>();
  for (const run of new Set(mine.map((s) => s.run))) {
    const found = mine.filter((s) => s.run === run && phases.includes(s.phase) && s.failure === "");
    if (found.length === phases.length)
      values.set(
        run,
        found.reduce((sum, s) => sum + MEASURES[measure](s), 0),
      );
  }
  return values;
}

/** The same over all runs; undefined if no run counts. */
export function figure(
  results: Results,
  cell: Cell,
  contender: string,
  span: Span,
  measure: Measure = "wall",
): Spread | undefined {
  return spreadOf([...byRun(results, cell, contender, span, measure).values()]);
}

/** One contender's wall time less another's, run by run, as they ran in turn. */
export function difference(
  results: Results,
  cell: Cell,
  contender: string,
  less: string,
  span: Span,
): Spread | undefined {
  const others = byRun(results, cell, less, span);
  const pairs = [...byRun(results, cell, contender, span)].flatMap(([run, value]) => {
    const other = others.get(run);
    return other === undefined ? [] : [value - other];
  });
  return spreadOf(pairs);
}

/** One contender's value as so many times the sum of others', run by run, as they ran in turn. */
export function ratio(
  results: Results,
  cell: Cell,
  contender: string,
  others: readonly string[],
  span: Span,
  measure: Measure = "wall",
): Spread | undefined {
  const values = others.map((id) => byRun(results, cell, id, span, measure));
  const parts = [...byRun(results, cell, contender, span, measure)].flatMap(([run, value]) => {
    const found = values.map((other) => other.get(run) ?? NaN);
    const sum = found.reduce((total, one) => total + one, 0);
    return sum > 0 ? [value / sum] : [];
  });
  return spreadOf(parts);
}

/** The cells that were measured, by round trip and hosts. */
export function cellsOf({ samples }: Results): Cell[] {
  const keys = new Set(samples.map(({ hosts, rtt }) => JSON.stringify([rtt, hosts])));
  return [...keys]
    .map((key) => JSON.parse(key) as [number, number])
    .sort(([r1, h1], [r2, h2]) => r1 - r2 || h1 - h2)
    .map(([rtt, hosts]) => ({ hosts, rtt }));
}

/** The number of hosts that the goals are about, or the one next to it that was measured. */
export function mainHosts(results: Results, wanted = 50): number {
  const counts = [...new Set(results.samples.map(({ hosts }) => hosts))];
  return counts.sort((a, b) => Math.abs(a - wanted) - Math.abs(b - wanted))[0] ?? wanted;
}
