/** Output of a host that cannot be parsed. It prevents a change only if it concerns the resource's own link. Pure. */
import { type Issue, issue } from "../model/error";
import { type Desired, type DesiredLink, findLink, sameLink } from "../model/host";
import type { Observation, Unreadable } from "../model/observation";
import { describeRoute } from "../plan/differences";
import { sameRoute, sameRouteKey } from "../plan/kernel/routes";

/** Issues for the resource's own links that cannot be read, so that nothing can be planned for them. */
export function unreadableIssues(desired: Desired, { state, unreadable }: Observation): Issue[] {
  if (unreadable.length === 0) return [];
  return desired.links.flatMap((link) => {
    const found = unreadable.find((u) => isOf(u, link));
    if (!found) return [];
    return [
      issue(
        "host-unreadable",
        propertyOf(found, link),
        `${describeUnreadable(found)}: ${link.name} cannot be managed`,
      ),
    ];
  });

  function isOf(u: Unreadable, link: DesiredLink): boolean {
    if (u.netns !== link.netns) return false;
    if (u.what !== "link") return link.routes !== undefined && (u.link === link.name || isToOneOf(u, link));
    // an unreadable link without a name may be any link that seems to be missing
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

/** A name from a host: in quotes unless it is a usual one. */
function escaped(name: string): string {
  return /^[\w.:@+-]+$/.test(name) ? name : JSON.stringify(name);
}

/** Lines about what is ignored on the host because it cannot be read. */
export function unreadableLines({ unreadable, unreadNamespaces }: Observation): string[] {
  const shown = unreadable.slice(0, MOST).map((u) => `${describeUnreadable(u)}; it is ignored`);
  const more = unreadable.length - shown.length;
  return [
    ...shown,
    ...(more === 0 ? [] : [`${more} more links and routes cannot be read`]),
    ...(unreadNamespaces === undefined
      ? []
      : [
          `${unreadNamespaces} more namespaces without a name, such as those of containers, were not read: links in them are not ` +
            "counted as siblings, and are not seen by the check for links that would be lost",
        ]),
  ];
}

/** The most that are described; the others are counted. */
const MOST = 5;

/** Routes that are not compared, on links whose routes are given. They stay, unless a given route takes their place. */
export function opaqueRouteLines(desired: Desired, { state }: Observation): string[] {
  return desired.links.flatMap((link) => {
    const { routes, name, netns } = link;
    if (routes === undefined) return [];
    const current = findLink(state, link);
    const missing = routes.filter((r) => current?.routes.some((have) => sameRoute(have, r)) !== true);
    return (current?.opaqueRoutes ?? []).map((route) => {
      const words = describeRoute(route);
      return missing.some((r) => sameRouteKey(r, route))
        ? `the route ${words} on ${name} will be replaced, and could not be restored if the change were rolled back`
        : `the route ${words} on ${name} is not in routes but stays, because it could not be restored if the change were rolled ` +
            `back; if it is not needed, remove it with ip ${netns === "" ? "" : `-n ${netns} `}route delete`;
    });
  });
}
