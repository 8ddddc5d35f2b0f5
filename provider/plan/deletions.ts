/** What a change deleted, and is there all the same. Pure. */
import type { Difference } from "../model/difference";
import { type HostState, type LinkId, findLink, linkKey } from "../model/host";
import type { Step } from "../model/steps";
import { describeLink } from "./differences";

/**
 * Links and namespaces that are left. Their records went with them, so the next plan takes them for another owner's, and
 * finds nothing to do.
 */
export function undeleted(before: HostState, after: HostState, steps: readonly Step[]): Difference[] {
  const links = new Map<string, LinkId>();
  const namespaces = new Set<string>();
  for (const step of steps) {
    if (step.do === "deleteLink") links.set(linkKey(step.link), step.link);
    if (step.do === "deleteNetns") namespaces.add(step.name);
    if (step.do === "addNetns") namespaces.delete(step.name);
    const taken = placeTakenBy(step);
    if (taken) links.delete(linkKey(taken));
  }
  return [
    ...[...links.values()].flatMap((place): Difference[] => {
      const [was, is] = [findLink(before, place), findLink(after, place)];
      // another program may have made a link of that name since
      if (!is || (was && was.ifIndex !== is.ifIndex)) return [];
      return [{ property: "name", wanted: "none", found: describeLink(is) }];
    }),
    ...after.netns
      .filter(({ name }) => namespaces.has(name))
      .map(({ name }): Difference => ({ property: "netns", wanted: "none", found: name })),
  ];
}

/** Where a step puts a link. */
function placeTakenBy(step: Step): LinkId | undefined {
  switch (step.do) {
    case "addLink":
      return step.link;
    case "renameLink":
      return { ...step.link, name: step.name };
    case "moveLink":
      return { ...step.link, netns: step.netns };
    default:
      return undefined;
  }
}
