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
import type { Settings } from "../ssh/settings";
import { type Seen, seenKey } from "./look";
import { clientOf } from "./ssh-client";
import type { StackLink, StackReading } from "./stack";

/** What came of a check, for a report. */
export interface CheckedResult {
  /** `ping 192.0.2.1` */
  readonly check: string;
  /** Its path among the properties. */
  readonly property: string;
  readonly passed: boolean;
  /** Milliseconds. */
  readonly ms?: number;
  /** What was tried, and what the last answer was, if it has not passed. */
  readonly failure?: string;
}

/** Runs the checks of all links that are there, of all hosts at once. A link without an entry has none, or is not there. */
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
      if ((known.checks?.length ?? 0) === 0 || !isThere) return [];
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
