/** Conflicts of a link with the other links of its host and namespace, found before the kernel refuses them. Pure. */
import { isIPv6Cidr, isLinkLocal, subnetOf, withoutPrefix } from "../../model/addresses";
import {
  type HostState,
  type LinkId,
  type LinkState,
  type Route,
  allAddresses,
  findInSubnet,
  findLink,
  findWithIp,
  hasIp,
  isAlone,
  recordOf,
  sameLink,
} from "../../model/host";
import { isOwn } from "../../model/owner";
import { sameRouteKey } from "../../plan/kernel/routes";
import { type Issue, issue } from "../../model/error";
import type { CommonInputs, PlanContext } from "../kind";

/** Inputs of any link, with those for routes and ports. */
type Inputs = CommonInputs & {
  readonly routes?: readonly Route[];
  readonly ports?: readonly { readonly name: string }[];
};

/** All routes of a link, managed or not. */
function allRoutes({ routes, opaqueRoutes = [], otherRoutes = [] }: LinkState): readonly Route[] {
  return [...routes, ...opaqueRoutes, ...otherRoutes];
}

/** The links of a namespace except some. */
function othersIn(state: HostState, netns: string, own: readonly LinkId[]): LinkState[] {
  return state.links.filter((l) => l.netns === netns && !own.some((id) => sameLink(id, l)));
}

/** The conflicts with other links of the namespace, as issues on the property. */
export function hostConflicts(inputs: CommonInputs, context: PlanContext): Issue[] {
  return [...addressProblems(inputs, context), ...routeProblems(inputs, context)];
}

/** Issues for addresses that the link does not have yet: another link has them, or IPv6 is off. */
function addressProblems(inputs: Inputs, context: PlanContext): Issue[] {
  const { state } = context.observation;
  const now = ownLink(inputs, context);
  const off = whereIPv6IsOff(inputs, context);
  const netns = inputs.netns ?? "";
  const own = [
    ...ownPlaces(inputs, context),
    // ports give their addresses to their master
    ...(inputs.ports ?? []).map(({ name }) => ({ name, netns: "" })),
  ];
  const isForeign = (l: LinkState): boolean => !own.some((id) => sameLink(id, l)) && !isOfStack(l, context);
  return (inputs.addresses ?? []).flatMap((cidr, i): Issue[] => {
    const address = withoutPrefix(cidr);
    const property = `addresses[${i}]`;
    if (now && hasIp(now, address)) return [];
    if (off !== undefined && isIPv6Cidr(cidr)) return [issue("host-unsupported", property, off)];
    if (inputs.duplicateAddressDetection === "off") return [];
    if (isLinkLocal(cidr)) return [];
    const holder = findWithIp(state, netns, address, isForeign);
    if (!holder) return [];
    return [
      issue(
        "taken-on-host",
        property,
        `${holder.name} of the host already has ${address}; give the link another one, remove it from ${holder.name}, or set ` +
          'duplicateAddressDetection: "off" if that is intended',
      ),
    ];
  });
}

/** Issues for routes that the link does not have yet and that the kernel would refuse. */
function routeProblems(inputs: Inputs, context: PlanContext): Issue[] {
  if (inputs.routes === undefined || inputs.routes.length === 0) return [];
  const { state } = context.observation;
  const now = ownLink(inputs, context);
  const own = ownPlaces(inputs, context);
  const others = othersIn(state, inputs.netns ?? "", own);
  const off = whereIPv6IsOff(inputs, context);
  return inputs.routes.flatMap((route, i): Issue[] => {
    const property = `routes[${i}]`;
    if (now?.routes.some((r) => sameRouteKey(r, route) && r.source === route.source) === true) return [];
    if (off !== undefined && isIPv6Cidr(route.to)) return [issue("host-unsupported", property, off)];
    const holder = others.find((l) => !handsOver(l, route, context) && holdsRoute(l, route));
    if (holder) return [issue("taken-on-host", property, describeHolder(holder, route))];
    return sourceProblems(inputs, context, route).map((reason) =>
      issue("not-on-host", `${property}.source`, reason),
    );
  });
}

/** The kernel has one route per destination and metric, through whichever link (fib_trie.c, ip6_fib.c). */
function holdsRoute(link: LinkState, route: Route): boolean {
  return allRoutes(link).some((r) => sameRouteKey(r, route));
}

function describeHolder(holder: LinkState, route: Route): string {
  const held = allRoutes(holder).find((r) => sameRouteKey(r, route));
  const metric = route.metric === undefined ? "" : ` with the metric ${route.metric}`;
  if (held?.protocol === "kernel") {
    return (
      `${route.to} is the network of ${holder.name}, which already has the route to it${metric}; give ` +
      "the addresses that are reached through this link instead, such as 192.0.2.10/32 for each"
    );
  }
  const kind =
    held?.foreign === undefined || holder.name !== "lo" ? `through ${holder.name}` : `as ${held.foreign}`;
  return (
    `the host already has a route to ${route.to}${metric}, ${kind}; ` +
    "delete it there, or give this one another metric"
  );
}

/**
 * Whether a route moves from another link to this one: this stack made that link, and its resource does not list the
 * route any more. If it still does, the claims of the two conflict.
 */
export function handsOver(link: LinkState, route: Route, context: PlanContext): boolean {
  const record = recordOf(context.observation.state, link);
  const held = allRoutes(link).filter((r) => sameRouteKey(r, route));
  return (
    record?.made === true &&
    isOwn(record, context) &&
    held.every((r) => (r.protocol ?? "static") === "static" && link.routes.includes(r))
  );
}

/** The kernel accepts only addresses of the namespace as a source (fib_valid_prefsrc, ipv6_chk_addr). */
function sourceProblems(inputs: Inputs, context: PlanContext, { source }: Route): string[] {
  if (source === undefined || isExpectedAddress(inputs, context, source)) return [];
  const where = inputs.netns === undefined ? "the host" : `the namespace ${inputs.netns}`;
  return [
    `is not an address of ${where}, as the kernel requires; if another resource adds it to a link, make this one ` +
      "depend on that resource (dependsOn)",
  ];
}

function isExpectedAddress(inputs: Inputs, context: PlanContext, ip: string): boolean {
  const netns = inputs.netns ?? "";
  const has = (cidr: string): boolean => withoutPrefix(cidr) === ip;
  if (inputs.addresses?.some(has) === true || context.isExpectedAddress?.(ip, netns) === true) return true;
  const own = ownPlaces(inputs, context);
  return context.observation.state.links.some((l) => {
    const isOwn = own.some((id) => sameLink(id, l));
    if (l.netns !== netns && !isOwn) return false;
    // addresses that the resource removes from its own link do not count
    const stays = isOwn && inputs.addresses !== undefined ? (l.otherAddresses ?? []) : allAddresses(l);
    return stays.some((a) => has(a.cidr));
  });
}

/** Why the link cannot have IPv6, with the sysctl that disables it. */
function whereIPv6IsOff(inputs: Inputs, context: PlanContext): string | undefined {
  const { state } = context.observation;
  const now = ownLink(inputs, context);
  const isMoved = now !== undefined && now.netns !== (inputs.netns ?? "");
  const newLinks = state.newLinkSysctls?.[inputs.netns ?? ""];
  if (newLinks && newLinks["sysctl.ipv6.disable_ipv6"] === undefined) {
    return "needs IPv6, which the host's kernel does not have (ipv6.disable=1, or no module ipv6); leave IPv6 out";
  }
  const value = now && !isMoved ? now.details["disable_ipv6"] : newLinks?.["sysctl.ipv6.disable_ipv6"];
  if (value !== "1") return undefined;
  const sysctl = `net.ipv6.conf.${now && !isMoved ? now.name : "default"}.disable_ipv6`;
  const where = inputs.netns === undefined ? "" : ` in the namespace ${inputs.netns}`;
  return (
    `needs IPv6, which is disabled${where} by ${sysctl} = 1; set it to 0 (sysctl -w ${sysctl}=0, and in /etc/sysctl.d), or ` +
    "leave IPv6 out"
  );
}

function ownPlaces({ name, netns = "" }: Inputs, context: PlanContext): LinkId[] {
  return [{ name, netns }, ...(context.previous ? [context.previous] : [])];
}

function ownLink(inputs: Inputs, context: PlanContext): LinkState | undefined {
  return ownPlaces(inputs, context)
    .map((id) => findLink(context.observation.state, id))
    .find((link) => link !== undefined);
}

export function isOfStack(link: LinkState, context: PlanContext): boolean {
  const record = recordOf(context.observation.state, link);
  return record !== undefined && isOwn(record, context);
}

/**
 * Warnings about addresses that give the host a second route to a network, and about routes that are never used.
 *
 * @param ports links that give what they have to this one
 */
export function doubleRouteLines(
  link: LinkId & { readonly addresses: readonly string[]; readonly routes: readonly Route[] },
  ports: readonly LinkId[],
  state: HostState,
): string[] {
  const { name, netns } = link;
  const own = [link, ...ports];
  const connected = link.addresses.flatMap((cidr) => {
    if (isLinkLocal(cidr) || isAlone(cidr)) return [];
    const subnet = subnetOf(cidr);
    // one with the very address gives it up, or has it on purpose
    const isSecond = (l: LinkState): boolean =>
      l.up && !own.some((id) => sameLink(id, l)) && !hasIp(l, withoutPrefix(cidr));
    const holder = findInSubnet(state, netns, subnet, isSecond);
    return holder
      ? [
          `${name} gets ${cidr}, but ${holder.name} is in ${subnet} too: the host then has two connected routes to ` +
            `that network, and it is undefined which link answers; give the address as ` +
            `${withoutPrefix(cidr)}/${isIPv6Cidr(cidr) ? 128 : 32}, and routes for what is behind ${name}`,
        ]
      : [];
  });
  const unused = link.routes.flatMap((route) => {
    const holder = othersIn(state, netns, own).find((l) =>
      (l.otherRoutes ?? []).some(
        (r) => r.protocol === "kernel" && r.to === route.to && metricOf(r) < metricOf(route),
      ),
    );
    return holder
      ? [
          `the route to ${route.to} through ${name} is never used, because ${holder.name} is in that network and its own route ` +
            `comes first; give the addresses that are reached through ${name}, each as a route of its own`,
        ]
      : [];
  });
  return [...connected, ...unused];
}

function metricOf({ to, metric }: Route): number {
  return metric ?? (isIPv6Cidr(to) ? 1024 : 0);
}
