/**
 * Links that are deleted with a parent that this run replaces: the kernel deletes a link's children with it. In an
 * update they are gone when they are checked; a preview has to predict it. Pure.
 */
import type { CommonInputs } from "../kinds/kind";
import type { Difference } from "../model/difference";
import { type LinkId, findLink, recordOf } from "../model/host";
import type { Observation } from "../model/observation";
import { simulate } from "../plan/kernel/simulate";

/** The host after these links have been deleted. Adopted links are restored and stay. */
export function withoutLinks(now: Observation, links: readonly LinkId[]): Observation {
  const state = links.reduce(
    (s, link) =>
      findLink(s, link) && recordOf(s, link)?.made !== false ? simulate(s, { do: "deleteLink", link }) : s,
    now.state,
  );
  return { ...now, state };
}

/** The name of the parent of a resource's link. */
export function parentNameOf(known: CommonInputs): string | undefined {
  const { parent } = known as CommonInputs & { readonly parent?: unknown };
  return typeof parent === "string" ? parent : undefined;
}

/** The difference shown for a link that is created again because its parent is replaced. */
export function goneWith(parent: string, desired: string): Difference {
  return { property: "name", wanted: desired, found: `none, because its parent ${parent} is replaced` };
}
