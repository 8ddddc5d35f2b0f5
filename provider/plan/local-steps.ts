/** Steps that concern nothing but a link that the same change has made. Pure. */
import { type LinkId, type SettingKey, linkKey } from "../model/host";
import type { Step } from "../model/steps";
import { isSysctl } from "./kernel/sysctls";

/**
 * Which of the steps are local: they change a new link and no other one, whatever is below it. So they can be run before
 * or after those of other new links, and what they do is gone with the link.
 */
export function localSteps(steps: readonly Step[]): ReadonlySet<Step> {
  const made = new Set<string>();
  const local = new Set<Step>();
  for (const step of steps) {
    if (step.do === "addLink") {
      if (!takesPorts(step.kind)) made.add(linkKey(step.link));
    } else if (step.do === "deleteLink" || step.do === "moveLink" || step.do === "renameLink") {
      made.delete(linkKey(step.link));
    } else {
      const link = changedAlone(step);
      if (link && made.has(linkKey(link))) local.add(step);
    }
  }
  return local;
}

/** The ports of a master follow it when it goes up and down. */
function takesPorts(kind: string): boolean {
  return kind === "bridge" || kind === "bond";
}

/** The link that a step changes, if no other link without a master sees anything of it. */
function changedAlone(step: Step): LinkId | undefined {
  switch (step.do) {
    case "up":
    case "addAddress":
      return step.link;
    case "set":
      return isOwnSetting(step.key) ? step.link : undefined;
    default:
      return undefined;
  }
}

function isOwnSetting(key: SettingKey): boolean {
  return key === "link.alias" || key === "link.txqueuelen" || isSysctl(key);
}
