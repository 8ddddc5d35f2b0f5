/** The goals of this package, and whether a run reached them. Pure. */
import { PHASES } from "../job";
import type { Results } from "../results";
import { type Cell, type Measure, type Span, cellsOf, difference, figure, mainHosts, ratio } from "./figures";
import { describeSpread, threeDigits } from "./statistics";

export interface Verdict {
  readonly goal: string;
  readonly cell: Cell;
  /** What was measured, in words. */
  readonly found: string;
  /** Undefined if something for it was not measured. */
  readonly met: boolean | undefined;
}

/** This package with the CLI's own choice of how many resources are in progress at a time, and with 32. */
export const OURS = "macvlan";
export const OURS_PARALLEL = "macvlan-32";

interface Goal {
  readonly goal: string;
  /** Round trips that it is about. */
  readonly at?: (rtt: number) => boolean;
  /** @param ours the contender that is to reach it */
  readonly judge: (results: Results, cell: Cell, ours: string) => Pick<Verdict, "found" | "met">;
}

const NOT_MEASURED = { found: "not measured", met: undefined };

/** The time that we take beside the engine, at most so many times that of OpenSSH. */
function besideEngine(span: Span, most: number): Goal["judge"] {
  return (results, cell, ours) => {
    const own = difference(results, cell, ours, "engine", span);
    const ssh = figure(results, cell, "ssh", span);
    if (own === undefined || ssh === undefined) return NOT_MEASURED;
    if (own.median <= 0) return { found: "nothing that differs measurably from the engine's own", met: true };
    return {
      found: `${threeDigits(own.median)} s, OpenSSH ${threeDigits(ssh.median)} s: × ${threeDigits(own.median / ssh.median)}`,
      met: own.median <= most * ssh.median,
    };
  };
}

/** Our first apply, engine and all, at most such a part of a rival's. */
function against(rival: string, most: number): Goal["judge"] {
  return (results, cell, ours) => {
    const own = figure(results, cell, ours, "apply");
    const other = figure(results, cell, rival, "apply");
    if (own === undefined || other === undefined) return NOT_MEASURED;
    const part = own.median / other.median;
    return {
      found: `${threeDigits(own.median)} s against ${threeDigits(other.median)} s: × ${threeDigits(part)}`,
      met: most === 1 ? part < 1 : part <= most,
    };
  };
}

const GOALS: readonly Goal[] = [
  {
    goal: "First apply without the engine's own time: at most 1.5 × plain OpenSSH",
    judge: besideEngine("apply", 1.5),
  },
  {
    goal: "First apply, engine included: at most half the time of the obvious dynamic provider",
    at: (rtt) => rtt < 50,
    judge: against("obvious", 1 / 2),
  },
  {
    goal: "First apply with a round trip of 50 ms: at most a third of the time of the obvious dynamic provider",
    at: (rtt) => rtt >= 50,
    judge: against("obvious", 1 / 3),
  },
  {
    goal: "First apply, engine included: faster than Ansible's batched task",
    judge: against("ansible-batched", 1),
  },
  { goal: "First apply, engine included: faster than pyinfra", judge: against("pyinfra", 1) },
  {
    goal: "First apply, engine included: faster than pyinfra with its commands joined to one per host",
    judge: against("pyinfra-joined", 1),
  },
  {
    goal: "First apply, engine included: at most 0.65 × @pulumi/command",
    judge: against("command", 0.65),
  },
  {
    goal: "Preview without changes: one connection and one command per host",
    judge(results, cell, ours) {
      const connections = figure(results, cell, ours, "preview", "connections");
      const commands = figure(results, cell, ours, "preview", "commands");
      if (connections === undefined || commands === undefined) return NOT_MEASURED;
      return {
        found: `${connections.most} connections and ${commands.most} commands for ${cell.hosts} hosts`,
        met: connections.most === cell.hosts && commands.most === cell.hosts,
      };
    },
  },
  {
    goal: "Preview without changes, without the engine's own time: at most 1.2 × plain OpenSSH with one reading per host",
    judge: besideEngine("preview", 1.2),
  },
];

/** What a contender takes, as so many times the sum of others', run by run: at most `most`. */
function timesOf(
  others: readonly string[],
  most: number,
  span: Span,
  measure: Measure = "wall",
): Goal["judge"] {
  return (results, cell, ours) => {
    const found = ratio(results, cell, ours, others, span, measure);
    if (found === undefined) return NOT_MEASURED;
    const own = figure(results, cell, ours, span, measure)?.median ?? NaN;
    return { found: `${threeDigits(own)} s: × ${describeSpread(found)}`, met: found.median <= most };
  };
}

/** One connection per host in each phase. */
const connectsOnce: Goal["judge"] = (results, cell, ours) => {
  const counts = PHASES.map((phase) => figure(results, cell, ours, phase, "connections")?.most);
  if (counts.includes(undefined)) return NOT_MEASURED;
  return {
    found: `${counts.join(", ")} connections in the ${counts.length} phases`,
    met: counts.every((count) => count === cell.hosts),
  };
};

/** What the forms of this package reach beside each other, in one run: HostLinks, and the native provider. */
const FORMS: readonly (Goal & { readonly form: string })[] = [
  {
    form: "hostlinks",
    goal: "HostLinks, first apply: at most 0.75 × a resource per link",
    judge: timesOf([OURS], 0.75, "apply"),
  },
  {
    form: "hostlinks",
    goal: "HostLinks, first apply: at most 0.8 × @pulumi/command",
    judge: timesOf(["command"], 0.8, "apply"),
  },
  {
    form: "hostlinks",
    goal: "HostLinks, first apply with a round trip of 50 ms: faster than pyinfra",
    at: (rtt) => rtt >= 50,
    judge: timesOf(["pyinfra"], 1, "apply"),
  },
  {
    form: "hostlinks",
    goal: "HostLinks, preview: at most 1.15 × the engine with one resource per host and plain OpenSSH together",
    judge: timesOf(["engine-hosts", "ssh"], 1.15, "preview"),
  },
  { form: "hostlinks", goal: "HostLinks: one connection per host and phase", judge: connectsOnce },
  {
    form: "yaml",
    goal: "YAML, first apply: at most 0.85 × the client's CPU of the dynamic resources",
    judge: timesOf([OURS], 0.85, "apply", "cpu"),
  },
  {
    form: "yaml",
    goal: "YAML, preview: no more than the client's CPU of the dynamic resources",
    judge: timesOf([OURS], 1, "preview", "cpu"),
  },
  {
    form: "yaml",
    goal: "YAML, first apply with a round trip of 50 ms: no slower than the dynamic resources",
    at: (rtt) => rtt >= 50,
    judge: timesOf([OURS], 1, "apply"),
  },
  { form: "yaml", goal: "YAML: one connection per host and phase", judge: connectsOnce },
  { form: "native", goal: "Native classes: one connection per host and phase", judge: connectsOnce },
];

/** Each goal of a resource per link, at the number of hosts that they are about, with each round trip. */
export function judgeGoals(results: Results, ours: string = OURS): Verdict[] {
  return verdictsOf(results, GOALS, () => ours);
}

/** Each goal of the other forms of this package, in the same way. */
export function judgeForms(results: Results): Verdict[] {
  return verdictsOf(results, FORMS, ({ form }) => form);
}

function verdictsOf<G extends Goal>(
  results: Results,
  goals: readonly G[],
  contenderOf: (goal: G) => string,
): Verdict[] {
  const hosts = mainHosts(results);
  const cells = cellsOf(results).filter((cell) => cell.hosts === hosts);
  return goals.flatMap((one) =>
    cells
      .filter(({ rtt }) => one.at?.(rtt) ?? true)
      .map((cell) => ({ goal: one.goal, cell, ...one.judge(results, cell, contenderOf(one)) })),
  );
}
