/** What a plan does to links that are not its own: the kernel deletes what sits on a link with it, and frees its ports. Pure. */
import {
  type HostState,
  type LinkId,
  type LinkRecord,
  type LinkState,
  recordOf,
  sameLink,
} from "../model/host";
import { type Owner, isOwn } from "../model/owner";
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
  const list: Harmed[] = [];
  const { owner, stack } = desired;
  const { removes, ...anyMaking } = stack ?? {};
  const own: Owner = stack ? { owner, stack: anyMaking } : { owner };
  let state = observed;
  for (const { step } of steps) {
    const before = state;
    state = simulate(before, step);
    if (step.do !== "deleteLink") continue;
    for (const link of before.links) {
      const record = recordOf(observed, link);
      const isOfPlan = [...desired.links, step.link].some((l: LinkId) => sameLink(l, link));
      if (isOfPlan || (record && isOwn(record, own))) continue;
      const isGone = !state.links.some((l) => sameLink(l, link));
      if (!isGone && !isPortOf(link, step.link)) continue;
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

function isPortOf(link: LinkState, master: LinkId): boolean {
  return link.netns === "" && master.netns === "" && link.settings["link.master"] === master.name;
}
