/** What the kinds that share their parent's frames have in common: macvlan, macvtap, shim and ipvlan. Pure. */
import {
  type HostState,
  type LinkState,
  type Route,
  type SettingKey,
  type Desired,
  type DesiredLink,
  childrenOf,
  childrenOfOtherPort,
  findLink,
  nameAndPlace,
  portKindOf,
  sameLink,
} from "../model/host";
import { type Issue, issue } from "../model/error";
import { ownerOf, previousPlace, recordFor } from "./ownership";
import { displacedBy, isDisplaceable, pointOfPort } from "./displaced";
import { foundMtuProblems, linkProblems } from "./problems";
import { carriersOf } from "./lan/conflicts";
import { handsOver, isOfStack } from "./lan/on-host";
import { withoutPrefix } from "../model/addresses";
import { sameRouteKey } from "../plan/kernel/routes";
import { type CommonInputs, type Json, type KernelType, type PlanContext, linkId } from "./kind";
import * as p from "./schemas";

/** The property that names the parent. */
export const ON_PARENT = {
  parent: { schema: p.linkName, required: true, identifying: true, fixed: true },
} as const;

/** iproute2's words for these kinds. */
export type ChildKind = "macvlan" | "macvtap" | "ipvlan";

type WithRoutes = CommonInputs & { readonly routes?: readonly Route[] };

export type OnParent = WithRoutes & { readonly parent: string };

/** The desired link of this kind, with its settings, addresses and routes. */
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

/** The same on exactly this parent, or on none (`""`): a VLAN on a VLAN stays there. */
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
  const displaced = displacedBy(link, inputs, context);
  return {
    links: [link, ...givers(link, context)],
    ...(displaced.length === 0 ? {} : { displaced }),
    netns: inputs.netns ?? "",
    ...ownerOf(context),
    record: recordFor(inputs, context, [link]),
  };
}

/**
 * Links of this stack from which a route moves to this one, or an address between ipvlans of one parent. The kernel has
 * each only once, so it must leave there in the same change. The claims of the run ensure that their resources do not
 * list it any more.
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
 * Neighbours keep a stale entry for up to half a minute. With these sysctls the link announces itself when it comes up
 * or its MAC address changes (Documentation/networking/ip-sysctl.rst).
 */
export const ANNOUNCES: DesiredLink["initial"] & object = (
  ["sysctl.ipv4.arp_notify", "sysctl.ipv6.ndisc_notify"] as SettingKey[]
).map((key) => ({ key, value: "1", property: key }));

/**
 * The kernel puts a macvlan on a macvlan on the lowest link (drivers/net/macvlan.c, macvlan_common_newlink), and an
 * ipvlan on an ipvlan (drivers/net/ipvlan/ipvlan_main.c, ipvlan_link_new). An ipvlan on a macvlan stays there.
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

/**
 * Some children of a parent, without links of other kinds and the resource's own at its present and previous place.
 *
 * @param children those that are meant, as a parent may have thousands
 */
export function siblingsAmong(
  children: readonly LinkState[],
  inputs: OnParent,
  context: PlanContext,
): LinkState[] {
  const ids = [linkId(inputs), ...(context.previous ? [context.previous] : [])];
  return children.filter((l) => portKindOf(l.kind) !== undefined && !ids.some((id) => sameLink(id, l)));
}

/** The observed parent and routes. The parent is the given one if the kernel has put the link on its lowest link. */
export function readChild(
  link: LinkState,
  { parent }: Partial<OnParent>,
  state: HostState,
  kind: ChildKind,
): Json {
  const isAsked = parent !== undefined && link.parent === lowestParent(state, parent, kind);
  return { parent: isAsked ? parent : link.parent, ...readRoutes(link) };
}

/** The routes as a property can express them: routes of others may have more attributes. */
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

/** Rules of all links with a parent. */
export function childRules(inputs: Partial<OnParent>): Issue[] {
  const { name, netns, parent } = inputs;
  const isItself = name !== undefined && netns === undefined && name === parent;
  return [
    ...(isItself ? [issue("invalid-input", "parent", "is the link itself; give the link another name")] : []),
    ...routeRules(inputs),
  ];
}

/** Rules of all links with routes. */
export function routeRules(inputs: Partial<WithRoutes>): Issue[] {
  return inputs.up === false && (inputs.routes?.length ?? 0) > 0
    ? [
        issue(
          "invalid-input",
          "routes",
          "are not possible on a link that is down; leave out up: false, or the routes",
        ),
      ]
    : [];
}

/** Why the kernel would refuse any child on this parent; its own message would be just "Invalid argument". */
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
  const refuse = (reason: string): Issue[] => [issue("unsuitable-link", "parent", reason)];
  const parent = findParent(inputs.parent, state, kind);
  if (!parent) {
    if (context.isExpected(inputs.parent)) return [];
    return [noParent(inputs.parent, state)];
  }
  const port = portKindOf(kind);
  const wireless = carriersOf(state, parent.name).find((name) => facts.wireless.includes(name));
  if (port === "macvlan" && wireless !== undefined) {
    return refuse(
      `${wireless} is a wireless link: 802.11 allows one MAC address per station, so macvlan does not work ` +
        "on it; use an IpvlanInterface, which has its parent's MAC address",
    );
  }
  if (parent.name === "lo") return refuse(`lo cannot have ${kind}s`);
  // measured on a stock kernel (6.1): Invalid argument
  if (port === "macvlan" && portKindOf(parent.kind) === "ipvlan") {
    return refuse(`${parent.name} is an ipvlan, which cannot have ${kind}s`);
  }
  const master = parent.settings["link.master"] ?? "";
  const masterKind = pointOfPort(parent, context)
    ? undefined
    : findLink(state, { name: master, netns: "" })?.kind;
  if (masterKind === "bridge") {
    return refuse(`${parent.name} is a port of the bridge ${master}; make ${master} the parent instead`);
  }
  if (masterKind === "bond" || masterKind === "team") {
    return refuse(
      `${parent.name} is a port of the ${masterKind} ${master}; make ${master} the parent instead`,
    );
  }
  // a parent has one rx_handler, of one kind (net/core/dev.c, netdev_rx_handler_register)
  const foreign = childrenOfOtherPort(state, parent.name, port ?? "").find(
    (l) => !isDisplaceable(l, { ...linkId(inputs), kind }, context),
  );
  if (foreign) {
    return refuse(
      `${parent.name} has the ${foreign.kind} ${nameAndPlace(foreign)}, which excludes ${kind}s: a parent has either macvlans ` +
        "or ipvlans",
    );
  }
  return mtuProblems(inputs, parent, context);
}

/**
 * Finds an MTU above the parent's, which the kernel refuses, and one that is too small for the addresses. If another resource of this run gives the parent an MTU,
 * that one counts. A bridge of another resource has the lowest MTU of its ports, which may change until then.
 */
export function mtuProblems(
  inputs: OnParent,
  { name, kind, settings }: LinkState,
  context: PlanContext,
): Issue[] {
  const { mtu } = inputs;
  const expected = context.expectedMtu?.(name);
  const isForeseen = !(kind === "bridge" && context.isExpected(name));
  const most = expected ?? (isForeseen ? Number(settings["link.mtu"]) : "unknown");
  const own = findLink(context.observation.state, context.previous ?? linkId(inputs));
  const found = own?.parent === name ? Number(own.settings["link.mtu"]) : most;
  const tooSmall = found === "unknown" ? [] : foundMtuProblems(inputs, found);
  if (mtu === undefined || most === "unknown" || mtu <= most) return tooSmall;
  const reason =
    expected === undefined
      ? `is above the MTU of the parent ${name}, which is ${most}; raise that first`
      : `is above the MTU of the parent ${name}, which this program sets to ${most}; raise that as well`;
  return [issue("unsuitable-link", "mtu", reason)];
}

/** That a link which is named as parent is not there, and which are. */
export function noParent(name: string, state: HostState): Issue {
  const names = state.links.filter((l) => l.netns === "" && l.name !== "lo").map((l) => l.name);
  const more = names.length > 12 ? ` and ${names.length - 12} more` : "";
  const list = names.length === 0 ? "none" : `${names.slice(0, 12).join(", ")}${more}`;
  return issue("not-on-host", "parent", `there is no link ${name} on the host; it has ${list}`);
}
