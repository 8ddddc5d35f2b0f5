import fc from "fast-check";

/** Something that is given inputs of any kind, and what has to hold for it. */
export interface FuzzTarget {
  /** For the command line: `iproute2`. */
  readonly name: string;
  /** What is fuzzed, and what has to hold. */
  readonly about: string;
  readonly property: fc.IRawProperty<unknown>;
}

/** What came of running a target for a while. */
export interface FuzzResult {
  readonly runs: number;
  /** What failed, with the input and how to run it again; undefined if nothing did. */
  readonly failure?: string;
}

/**
 * Runs a target with inputs that follow from the seed, until the time is over or one of them fails.
 *
 * @param shrinks whether to look for the shortest input that fails, which can take longer than finding the first
 */
export async function fuzz(
  { name, property }: FuzzTarget,
  seed: number,
  milliseconds: number,
  shrinks = true,
): Promise<FuzzResult> {
  const details = await fc.check(property, {
    seed,
    endOnFailure: !shrinks,
    numRuns: Number.MAX_SAFE_INTEGER,
    interruptAfterTimeLimit: milliseconds,
    markInterruptAsFailure: false,
    verbose: fc.VerbosityLevel.None,
  });
  if (!details.failed) return { runs: details.numRuns };
  const { errorInstance: error } = details;
  const failure = [
    fc.defaultReportMessage(details),
    error instanceof Error ? error.stack : String(error),
    `To run it again: npm run fuzz -- ${name} --seed ${details.seed}`,
  ].join("\n");
  return { runs: details.numRuns, failure };
}
