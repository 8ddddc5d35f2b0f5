/**
 * Links that go along with a parent that this run makes anew: the kernel deletes a link's children with it. In an update
 * they are gone when they are checked; a preview has to say so. Pure.
 */
import type { CommonInputs } from "../kinds/kind";
import type { Difference } from "../model/difference";
import { type LinkId, findLink, recordOf } from "../model/host";
import type { Observation } from "../model/observation";
import { simulate } from "../plan/kernel/simulate";

/** The host as it is when these links have been taken away; those that were adopted are given back, and stay. */
export function withoutLinks(now: Observation, links: readonly LinkId[]): Observation {
  const state = links.reduce(
    (s, link) =>
      findLink(s, link) && recordOf(s, link)?.made !== false ? simulate(s, { do: "deleteLink", link }) : s,
    now.state,
  );
  return { ...now, state };
}

/** The name of the link that a resource's link sits on. */
export function parentNameOf(known: CommonInputs): string | undefined {
  const { parent } = known as CommonInputs & { readonly parent?: unknown };
  return typeof parent === "string" ? parent : undefined;
}

/** What is shown of a link that is made again since its parent is. */
export function goneWith(parent: string, desired: string): Difference {
  return { property: "name", wanted: desired, found: `none, as it goes with ${parent}, which is made anew` };
}
