/** That a change would harm links of others, for people. Pure. */
import { describeOwner } from "../model/owner";
import type { GivingWay } from "../kinds/displaced";
import { type LinkState, nameAndPlace } from "../model/host";
import type { Observation } from "../model/observation";
import { type Harmed, harmedBy } from "../plan/harm";
import type { DesiredPlan } from "../plan/plan";

/** `the macvlan vm1 is deleted with br0, tap0 loses its master br0`; undefined if no link of others is concerned. */
export function describeHarm(planned: DesiredPlan, now: Observation): string | undefined {
  const harmed = harmedBy(planned, now.state);
  return harmed.length === 0 ? undefined : harmed.map(describeOne).join(", ");
}

function describeOne({ link, is, with: master, record }: Harmed): string {
  const owner = record ? ` of the stack ${describeOwner(record)}` : "";
  const what = `${nameOf(link)}${owner}`;
  return is === "deleted" ? `${what} is deleted with ${master}` : `${what} loses its master ${master}`;
}

function nameOf({ kind, name, netns }: LinkState): string {
  return `${kind === "" ? "" : `the ${kind} `}${name}${netns === "" ? "" : ` in namespace ${netns}`}`;
}

/** Why a change is refused that would harm links of others, and what to do. */
export function whyHarmful(harm: string): string {
  return (
    `other links would be lost, which are not of this stack: ${harm}. Remove them first, or set force: true if this is ` +
    "intended"
  );
}

/** Why a change is refused for which a link would have to give way whose resource takes no part in the run. */
export function whyNotSelected({ link, resource }: GivingWay): string {
  return (
    `${nameAndPlace(link)} would have to give way, and this run leaves out its resource ${resource}: select that one as ` +
    "well, or update without --target"
  );
}
