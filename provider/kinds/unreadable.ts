/** What a host printed and nobody can read: no reason to leave the host alone, unless it is of the very link in question. Pure. */
import { type Desired, type DesiredLink, findLink, sameLink } from "../model/host";
import type { Observation, Unreadable } from "../model/observation";
import { describeRoute } from "../plan/differences";
import { sameRoute, sameRouteKey } from "../plan/kernel/routes";
import type { Issue } from "./kind";

/** What of a resource's own links cannot be read, so that nothing can be planned for it. */
export function unreadableIssues(desired: Desired, { state, unreadable }: Observation): Issue[] {
  if (unreadable.length === 0) return [];
  return desired.links.flatMap((link) => {
    const found = unreadable.find((u) => isOf(u, link));
    if (!found) return [];
    return [
      {
        property: propertyOf(found, link),
        reason: `${describeUnreadable(found)}: ${link.name} cannot be managed`,
      },
    ];
  });

  function isOf(u: Unreadable, link: DesiredLink): boolean {
    if (u.netns !== link.netns) return false;
    if (u.what !== "link") return link.routes !== undefined && (u.link === link.name || isToOneOf(u, link));
    // one without a name may be any that is not there
    return u.link === undefined ? !findLink(state, link) : sameLink(link, { name: u.link, netns: u.netns });
  }
}

function isToOneOf({ text }: Unreadable, { routes = [] }: DesiredLink): boolean {
  return routes.some(
    ({ to }) => text.includes(`"${to}"`) || text.includes(`"${to.replace(/\/(?:32|128)$/, "")}"`),
  );
}

function propertyOf({ what }: Unreadable, { path = "" }: DesiredLink): string {
  return what === "link" ? `${path}name` : `${path}routes`;
}

/** `what ip printed of an IPv4 route through eth1 cannot be read (metric is text: "{\"dst\"…")` */
export function describeUnreadable({ what, netns, link, reason, text }: Unreadable): string {
  const route = `an ${what}${link === undefined ? "" : ` through ${escaped(link)}`}`;
  const subject = what !== "link" ? route : link === undefined ? "a link" : `the link ${escaped(link)}`;
  const where = netns === "" ? "" : ` in the namespace ${netns}`;
  return `what ip printed of ${subject}${where} cannot be read (${reason}: ${JSON.stringify(text.slice(0, 80))})`;
}

/** A name from outside: in quotes unless it is a usual one. */
function escaped(name: string): string {
  return /^[\w.:@+-]+$/.test(name) ? name : JSON.stringify(name);
}

/** What is left out of everything that is said of the host. */
export function unreadableLines({ unreadable }: Observation): string[] {
  const shown = unreadable.slice(0, MOST).map((u) => `${describeUnreadable(u)}; it is left out`);
  const more = unreadable.length - shown.length;
  return more === 0 ? shown : [...shown, `${more} more links and routes cannot be read`];
}

/** So many are described, and the others counted. */
const MOST = 5;

/** Routes that are not compared, on links whose routes are given: they stay, unless one of those has to have their place. */
export function opaqueRouteLines(desired: Desired, { state }: Observation): string[] {
  return desired.links.flatMap((link) => {
    const { routes, name, netns } = link;
    if (routes === undefined) return [];
    const current = findLink(state, link);
    const missing = routes.filter((r) => current?.routes.some((have) => sameRoute(have, r)) !== true);
    return (current?.opaqueRoutes ?? []).map((route) => {
      const words = describeRoute(route);
      return missing.some((r) => sameRouteKey(r, route))
        ? `the route ${words} on ${name} is replaced, and could not be put back if that had to be rolled back`
        : `the route ${words} on ${name} is not one of routes, and stays, as it could not be put back if that had to be rolled ` +
            `back: if nobody needs it, remove it by ip ${netns === "" ? "" : `-n ${netns} `}route delete`;
    });
  });
}
