/** When two routes are the same, and links without some of their routes. Pure. */
import type { LinkState, Route } from "../../model/host";

/** Two routes are the same if all but their origin is the same. */
export function sameRoute(a: Route, b: Route): boolean {
  return sameRouteKey(a, b) && a.via === b.via && a.source === b.source && a.foreign === b.foreign;
}

/** The kernel has one route of a key in a table (net/ipv4/fib_trie.c, fib_table_insert; net/ipv6/ip6_fib.c). */
export function sameRouteKey(a: Route, b: Route): boolean {
  return a.to === b.to && a.metric === b.metric && a.selector === b.selector;
}

/** That key as text. */
export function routeKey({ to, metric, selector = "" }: Route): string {
  return `${to} ${selector} ${metric ?? ""}`;
}

/** All routes of a link that a new one could replace. */
export function allRoutes(link: LinkState): readonly Route[] {
  return link.opaqueRoutes ? [...link.routes, ...link.opaqueRoutes] : link.routes;
}

/** The link without those routes; the same object if it has none of them. */
export function withoutRoute(link: LinkState, is: (route: Route) => boolean): LinkState {
  if (!allRoutes(link).some(is)) return link;
  const { opaqueRoutes, ...rest } = link;
  const opaque = opaqueRoutes?.filter((r) => !is(r)) ?? [];
  const routes = link.routes.filter((r) => !is(r));
  return opaque.length === 0 ? { ...rest, routes } : { ...rest, routes, opaqueRoutes: opaque };
}

export function withoutRoutes({ opaqueRoutes, otherRoutes, ...link }: LinkState): LinkState {
  return { ...link, routes: [] };
}
