/** Runs the checks of a stack's links, with the provider's own connections. Nothing is changed. */
import { runChecks } from "../engine/checks";
import { knownInputs } from "../engine/planning";
import { describeFailure } from "../host/errors";
import { openFleet } from "../host/managed-host";
import { withKernelNames } from "../kinds/altnames";
import { isOfLink } from "../kinds/check-inputs";
import { linkId } from "../kinds/kind";
import { type CheckOutcome } from "../model/checks";
import { reasonOf } from "../model/error";
import { findLink } from "../model/host";
import { SECRET } from "../model/redact";
import type { Settings } from "../ssh/settings";
import { type Seen, seenKey } from "./look";
import { clientOf } from "./ssh-client";
import type { StackLink, StackReading } from "./stack";

/** What came of a check, for a report. */
export interface CheckedResult {
  /** `ping 192.0.2.1`; `[secret]` if it is one. */
  readonly check: string;
  /** Its path among the properties: `checks[0]`, of a secret that of what is secret: `checks[0].http`. */
  readonly property: string;
  /** Undefined if it was not run, because it is a secret. */
  readonly passed?: boolean;
  /** Milliseconds. */
  readonly ms?: number;
  /** What was tried, and what the last answer was, if it has not passed. */
  readonly failure?: string;
}

/**
 * Runs the checks of all links that are there, of all hosts at once. A link without an entry has none, or is not there. Those
 * of a link with a secret among them are named and not run, as neither preview nor export has them.
 */
export async function checkStack(
  { links }: StackReading,
  seen: ReadonlyMap<string, Seen>,
  settings: Settings,
): Promise<ReadonlyMap<StackLink, readonly CheckedResult[]>> {
  const fleet = openFleet(clientOf(settings));
  try {
    const results = links.map(async (link): Promise<(readonly [StackLink, readonly CheckedResult[]])[]> => {
      const { host, after, action } = link;
      const read = host && seen.get(seenKey(host));
      if (!after || action === "delete" || !read || "error" in read || !isOfLink(after)) return [];
      const known = knownInputs(after, []);
      const { observation } = read;
      const isThere = findLink(observation.state, linkId(withKernelNames(known, observation.state)));
      if (!isThere) return [];
      if (link.secretChecks.length > 0)
        return [[link, link.secretChecks.map((property) => ({ check: SECRET, property }))]];
      if ((known.checks?.length ?? 0) === 0) return [];
      try {
        const outcomes = await runChecks({ fleet }, { known, inputs: after, path: "" }, observation);
        return [[link, outcomes.map(resultOf)]];
      } catch (error) {
        return [[link, [{ check: "checks", property: "checks", passed: false, failure: reasonOf(error) }]]];
      }
    });
    return new Map((await Promise.all(results)).flat());
  } finally {
    await fleet.close();
  }
}

/** How many of so many checks passed, failed, and were not run. */
export interface CheckCounts {
  readonly passed: number;
  readonly failed: number;
  readonly secret: number;
}

export function countChecks(checks: readonly CheckedResult[]): CheckCounts {
  const of = (result: boolean | undefined): number => checks.filter(({ passed }) => passed === result).length;
  return { passed: of(true), failed: of(false), secret: of(undefined) };
}

function resultOf(outcome: CheckOutcome): CheckedResult {
  const { check, passed, ms } = outcome;
  return {
    check: check.label,
    property: check.path,
    passed,
    ...(ms === undefined ? {} : { ms }),
    ...(passed ? {} : { failure: describeFailure(outcome) }),
  };
}
