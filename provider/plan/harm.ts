/** What a plan does to links that are not its own: the kernel deletes what sits on a link with it, and frees its ports. Pure. */
import {
  type HostState,
  type LinkId,
  type LinkRecord,
  type LinkState,
  differingLinks,
  recordOf,
  sameLink,
} from "../model/host";
import { isOwn, ofAnyMaking } from "../model/owner";
import { simulate } from "./kernel/simulate";
import type { DesiredPlan } from "./plan";

/** A link of others that goes along with a link, or loses it as its master. */
export interface Harmed {
  readonly link: LinkState;
  readonly is: "deleted" | "released";
  /** The link that is deleted. */
  readonly with: string;
  /** Another stack's record of it. */
  readonly record?: LinkRecord;
}

/**
 * The links of others that the plan deletes or releases. Links of the same stack are left out: they are deleted or made
 * again in the same run. So are the ports that the resource itself has, which go back to where they were.
 */
export function harmedBy({ steps, desired }: DesiredPlan, observed: HostState): Harmed[] {
  if (!steps.some(({ step }) => step.do === "deleteLink")) return [];
  const list: Harmed[] = [];
  const owners = desired.map(ofAnyMaking);
  const ofPlan = new Set(desired.flatMap(({ links }) => links.map(keyOf)));
  let state = observed;
  for (const { step } of steps) {
    const before = state;
    state = simulate(before, step);
    if (step.do !== "deleteLink") continue;
    // a host may have thousands of links, and each of them may be deleted
    const differing = differingLinks(before.links, state.links);
    const left = new Set(differing.after.map(keyOf));
    for (const link of differing.before) {
      const isGone = !left.has(keyOf(link));
      if (!isGone && !isPortOf(link, step.link)) continue;
      if (ofPlan.has(keyOf(link)) || sameLink(link, step.link)) continue;
      const record = recordOf(observed, link);
      if (record && owners.some((own) => isOwn(record, own))) continue;
      list.push({
        link,
        is: isGone ? "deleted" : "released",
        with: step.link.name,
        ...(record ? { record } : {}),
      });
    }
  }
  return list;
}

function keyOf({ netns, name }: LinkId): string {
  return `${netns}:${name}`;
}

function isPortOf(link: LinkState, master: LinkId): boolean {
  return link.netns === "" && master.netns === "" && link.settings["link.master"] === master.name;
}
