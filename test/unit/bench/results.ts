/** Results as a run of the benchmark would leave them. */
import { PHASES, type Phase } from "../../bench/job";
import type { Results, Sample } from "../../bench/results";

/** Seconds of a contender's first apply and preview, run by run; its other phases take one. */
export interface Given {
  readonly apply: readonly number[];
  readonly preview: readonly number[];
}

export function sampleOf(contender: string, phase: Phase, wall: number, more: Partial<Sample> = {}): Sample {
  const counts = { connections: 50, commands: 50, up: 50_000, down: 100_000 };
  const times = { user: wall / 2, system: wall / 4, hostCpu: wall / 8, wayCpu: 0.01 };
  return { hosts: 50, rtt: 0, run: 1, contender, phase, wall, ...times, ...counts, failure: "", ...more };
}

export function resultsOf(given: Readonly<Record<string, Given>>, cell: Partial<Sample> = {}): Results {
  return {
    machine: {
      ...{ date: "2026-01-31", cpu: "a CPU", cores: 2, memory: 4, kernel: "6.1", system: "Linux", load: 0.1 },
      versions: { OpenSSH: "OpenSSH_9.2p1" },
    },
    command: "npm run bench -- --hosts 50",
    contenders: Object.keys(given).map((id) => ({
      ...{
        id,
        title: `the ${id}`,
        note: `a note on ${id}`,
        lacks: {},
        isFloor: id === "engine",
        unavailable: "",
      },
    })),
    widths: [{ hosts: 50, rtt: 0, width: 8 }],
    samples: Object.entries(given).flatMap(([id, times]) =>
      times.apply.flatMap((apply, i) =>
        PHASES.map((phase) => {
          const wall = phase === "apply" ? apply : phase === "preview" ? (times.preview[i] ?? 1) : 1;
          return sampleOf(id, phase, wall, { run: i + 1, ...cell });
        }),
      ),
    ),
    micro: [],
  };
}
