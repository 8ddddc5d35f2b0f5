/** What the kinds that sit on a parent and take its frames have in common: macvlan, macvtap, shim and ipvlan. Pure. */
import {
  type HostState,
  type LinkState,
  type Route,
  type SettingKey,
  type Desired,
  type DesiredLink,
  childrenOf,
  findLink,
  portKindOf,
  sameLink,
} from "../model/host";
import { ownerOf, previousPlace, recordFor } from "./ownership";
import { linkProblems } from "./problems";
import { carriersOf } from "./lan/conflicts";
import { handsOver, isOfStack } from "./lan/on-host";
import { withoutPrefix } from "../model/addresses";
import { sameRouteKey } from "../plan/kernel/routes";
import { type CommonInputs, type Issue, type Json, type KernelType, type PlanContext, linkId } from "./kind";
import * as p from "./schemas";

/** The property by which a link says what it sits on. */
export const ON_PARENT = {
  parent: { schema: p.linkName, required: true, identifying: true, fixed: true },
} as const;

/** iproute2's words for these kinds. */
export type ChildKind = "macvlan" | "macvtap" | "ipvlan";

type WithRoutes = CommonInputs & { readonly routes?: readonly Route[] };

export type OnParent = WithRoutes & { readonly parent: string };

/** A link of this kind with these settings, its addresses and routes. */
export function desiredOnParent(
  kind: ChildKind,
  inputs: OnParent,
  context: PlanContext,
  settings: DesiredLink["settings"],
): Desired {
  return desiredOn(
    lowestParent(context.observation.state, inputs.parent, kind),
    kind,
    inputs,
    context,
    settings,
  );
}

/** The same on exactly that parent, or on none (`""`): a VLAN on a VLAN stays there. */
export function desiredOn(
  parent: string,
  kind: string,
  inputs: WithRoutes,
  context: PlanContext,
  settings: DesiredLink["settings"],
): Desired {
  const link: DesiredLink = {
    ...linkId(inputs),
    ...previousPlace(inputs, context),
    exists: true,
    kind,
    parent,
    up: inputs.up,
    settings,
    initial: ANNOUNCES,
    ...(inputs.addresses === undefined ? {} : { addresses: p.desiredAddresses(inputs.addresses) }),
    ...(inputs.routes === undefined ? {} : { routes: inputs.routes }),
  };
  return {
    links: [link, ...givers(link, context)],
    netns: inputs.netns ?? "",
    ...ownerOf(context),
    record: recordFor(inputs, context, [link]),
  };
}

/**
 * Links of this stack from which a route goes over to this one, or from one ipvlan to another of its parent an address:
 * the kernel has each once, so that it has to leave there in the same change. That their resources list it no more is told
 * by the claims of the run.
 */
function givers(link: DesiredLink, context: PlanContext): DesiredLink[] {
  const { state } = context.observation;
  const { routes = [], addresses = [] } = link;
  const own = [link, ...(link.previous ? [link.previous] : [])];
  const now = own.map((id) => findLink(state, id)).find((l) => l !== undefined);
  const comes = routes.filter((r) => now?.routes.some((have) => sameRouteKey(have, r)) !== true);
  if (comes.length === 0 && (link.kind !== "ipvlan" || addresses.length === 0)) return [];
  return state.links.flatMap((other): DesiredLink[] => {
    if (own.some((id) => sameLink(id, other))) return [];
    const goes = other.routes.filter((have) =>
      comes.some((r) => other.netns === link.netns && sameRouteKey(have, r) && handsOver(other, r, context)),
    );
    const isSibling = link.kind === "ipvlan" && other.kind === "ipvlan" && other.parent === link.parent;
    const leaves =
      isSibling && isOfStack(other, context)
        ? other.addresses.filter((have) =>
            addresses.some((a) => withoutPrefix(a.cidr) === withoutPrefix(have.cidr)),
          )
        : [];
    if (goes.length === 0 && leaves.length === 0) return [];
    return [
      {
        ...{ name: other.name, netns: other.netns, exists: true, settings: [] },
        ...(goes.length === 0 ? {} : { routes: other.routes.filter((r) => !goes.includes(r)) }),
        ...(leaves.length === 0 ? {} : { addresses: other.addresses.filter((a) => !leaves.includes(a)) }),
      },
    ];
  });
}

/**
 * Neighbours keep a stale entry for up to half a minute (facts: mv10.txt): the link tells them by itself when it
 * comes up or its MAC address changes (Documentation/networking/ip-sysctl.rst).
 */
export const ANNOUNCES: DesiredLink["initial"] & object = (
  ["sysctl.ipv4.arp_notify", "sysctl.ipv6.ndisc_notify"] as SettingKey[]
).map((key) => ({ key, value: "1", property: key }));

/**
 * A macvlan on a macvlan is put on the lowest link by the kernel (drivers/net/macvlan.c, macvlan_common_newlink), and
 * an ipvlan on an ipvlan (drivers/net/ipvlan/ipvlan_main.c, ipvlan_link_new). An ipvlan on a macvlan stays there.
 */
export function lowestParent(state: HostState, parent: string, kind: ChildKind): string {
  let name = parent;
  for (let depth = 0; depth < 8; depth++) {
    const link = findLink(state, { name, netns: "" });
    if (!link || portKindOf(link.kind) !== portKindOf(kind) || link.parent === "") break;
    name = link.parent;
  }
  return name;
}

export function findParent(parent: string, state: HostState, kind: ChildKind): LinkState | undefined {
  return findLink(state, { name: lowestParent(state, parent, kind), netns: "" });
}

/** The other children of a parent, the resource's own link left out at its present and former place. */
export function siblingsOf(inputs: OnParent, parent: LinkState, context: PlanContext): LinkState[] {
  const ids = [linkId(inputs), ...(context.previous ? [context.previous] : [])];
  return childrenOf(context.observation.state, parent.name).filter(
    (l) => portKindOf(l.kind) !== undefined && !ids.some((id) => sameLink(id, l)),
  );
}

/** The parent and the routes as they are observed: the parent that was asked for, if that is what the kernel made of it. */
export function readChild(
  link: LinkState,
  { parent }: Partial<OnParent>,
  state: HostState,
  kind: ChildKind,
): Json {
  const isAsked = parent !== undefined && link.parent === lowestParent(state, parent, kind);
  return { parent: isAsked ? parent : link.parent, ...readRoutes(link) };
}

/** The routes as a property can have them: those of others may have more to them. */
export function readRoutes(link: LinkState): { routes: Pick<Route, "to" | "via" | "source" | "metric">[] } {
  return {
    routes: link.routes
      .filter(({ selector, foreign }) => selector === undefined && foreign === undefined)
      .map(({ protocol, ...route }) => route),
  };
}

/** How many links share the parent, the resource's own among them. */
export function countSiblings(inputs: OnParent, state: HostState, kind: ChildKind): number {
  return childrenOf(state, lowestParent(state, inputs.parent, kind)).length;
}

/** Rules of all that sit on a parent. */
export function childRules(inputs: Partial<OnParent>): Issue[] {
  const { name, netns, parent } = inputs;
  const isItself = name !== undefined && netns === undefined && name === parent;
  return [
    ...(isItself
      ? [{ property: "parent", reason: "is the link itself; give the link a name of its own" }]
      : []),
    ...routeRules(inputs),
  ];
}

/** Rules of all that have routes. */
export function routeRules(inputs: Partial<WithRoutes>): Issue[] {
  return inputs.up === false && (inputs.routes?.length ?? 0) > 0
    ? [{ property: "routes", reason: "cannot be on a link that is down; leave up: false or the routes out" }]
    : [];
}

/** What the kernel would refuse of any child of this parent, in its own words worth nothing ("Invalid argument"). */
export function childProblems(
  type: KernelType & { word: ChildKind },
  inputs: OnParent,
  context: PlanContext,
): Issue[] {
  const common = linkProblems(inputs, context, type);
  return common.length > 0 ? common : parentProblems(type.word, inputs, context);
}

function parentProblems(kind: ChildKind, inputs: OnParent, context: PlanContext): Issue[] {
  const { state, facts } = context.observation;
  const issue = (reason: string): Issue[] => [{ property: "parent", reason }];
  const parent = findParent(inputs.parent, state, kind);
  if (!parent) {
    if (context.isExpected(inputs.parent)) return [];
    return issue(`there is no link ${inputs.parent} on the host; ${listLinks(state)}`);
  }
  const port = portKindOf(kind);
  const wireless = carriersOf(state, parent.name).find((name) => facts.wireless.includes(name));
  if (port === "macvlan" && wireless !== undefined) {
    return issue(
      `${wireless} is a wireless link: 802.11 allows one MAC address a station, so that macvlan does not work ` +
        "on it; an IpvlanInterface does, as ipvlans have their parent's",
    );
  }
  if (parent.name === "lo") return issue(`lo cannot have ${kind}s`);
  // found out on a stock kernel (6.1): Invalid argument
  if (port === "macvlan" && portKindOf(parent.kind) === "ipvlan") {
    return issue(`${parent.name} is an ipvlan, which can have no ${kind}s`);
  }
  const master = parent.settings["link.master"] ?? "";
  const masterKind = findLink(state, { name: master, netns: "" })?.kind;
  if (masterKind === "bridge") {
    return issue(`${parent.name} is a port of the bridge ${master}; make ${master} the parent instead`);
  }
  if (masterKind === "bond" || masterKind === "team") {
    return issue(`${parent.name} belongs to the ${masterKind} ${master}; make ${master} the parent instead`);
  }
  // an rx_handler of the one kind keeps the other out (net/core/dev.c, netdev_rx_handler_register)
  const foreign = childrenOf(state, parent.name).find((l) => ![undefined, port].includes(portKindOf(l.kind)));
  if (foreign) {
    return issue(
      `${parent.name} has the ${foreign.kind} ${foreign.name}, beside which no ${kind} can be: a parent has macvlans ` +
        "or ipvlans; what is on its way out has to go in an update of its own",
    );
  }
  return mtuProblems(inputs, parent, context);
}

/**
 * That a link's MTU is above its parent's, which the kernel refuses. Where another resource of this run gives the parent
 * an MTU, that counts; a bridge of another resource has the least of its ports, which may be others by then.
 */
export function mtuProblems(
  { mtu }: Pick<OnParent, "mtu">,
  { name, kind, settings }: LinkState,
  context: PlanContext,
): Issue[] {
  const expected = context.expectedMtu?.(name);
  const isForeseen = !(kind === "bridge" && context.isExpected(name));
  const most = expected ?? (isForeseen ? Number(settings["link.mtu"]) : "unknown");
  if (mtu === undefined || most === "unknown" || mtu <= most) return [];
  const reason =
    expected === undefined
      ? `is above that of the parent ${name}, which is ${most}; raise that first`
      : `is above that of the parent ${name}, which this program sets to ${most}; raise that as well`;
  return [{ property: "mtu", reason }];
}

export function listLinks(state: HostState): string {
  const names = state.links.filter((l) => l.netns === "" && l.name !== "lo").map((l) => l.name);
  const more = names.length > 12 ? ` and ${names.length - 12} more` : "";
  return names.length === 0 ? "it has none" : `it has ${names.slice(0, 12).join(", ")}${more}`;
}
