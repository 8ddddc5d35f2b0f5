/** What bridges and bonds have in common: ports, and the addresses and routes that move between them and their ports. Pure. */
import { permanentMac } from "../plan/kernel/bond";
import {
  type LinkState,
  type Route,
  type Desired,
  type DesiredLink,
  type DesiredSetting,
  childrenOf,
  findLink,
  portKindOf,
  recordOf,
  sameLink,
} from "../model/host";
import { type ErrorCode, type Issue, issue } from "../model/error";
import { uniqueBy } from "../model/lists";
import { isOwn } from "../model/owner";
import { displacedByPorts, isDisplaceable, pointOfPort } from "./displaced";
import { adopts, ownRecord, ownerOf, previousPlace, recordFor, withoutLowering } from "./ownership";
import { type CommonInputs, type PlanContext, linkId } from "./kind";
import { ANNOUNCES } from "./child";
import { foundMtuProblems } from "./problems";
import * as p from "./schemas";
import { routeKey } from "../plan/kernel/routes";

/** Inputs of a link that has ports. */
export type MasterInputs = CommonInputs & {
  readonly ports?: readonly { readonly name: string }[];
  readonly takeOverAddresses?: boolean;
};

/** What a kind specifies for its link and its ports. */
export interface MasterSpec {
  readonly kind: "bridge" | "bond";
  readonly settings: readonly DesiredSetting[];
  /** For a link that does not exist yet. */
  readonly initial?: readonly DesiredSetting[];
  /** Options of the port at that index of the list. */
  readonly portSettings?: (index: number, path: string) => readonly DesiredSetting[];
  /** The link always gets its first port's MAC address when it is made, not only if it takes over addresses. */
  readonly takesMac: boolean;
  /** Whether a port has to be up, even that of an adopted link. */
  readonly portsUp: boolean;
}

/** The link with its ports, and what its record remembers of them. */
export function desiredMaster(inputs: MasterInputs, context: PlanContext, spec: MasterSpec): Desired {
  const { state } = context.observation;
  const kept = ownRecord(inputs, context)?.restore ?? [];
  const ports = inputs.ports ?? [];
  const linkNow = findLink(state, linkId(inputs)) ?? (context.previous && findLink(state, context.previous));
  const taken = takenOver(inputs, linkNow, context, kept, spec.takesMac);
  // ports that are not listed any more go back to where they were, unless they have been moved on
  const released = kept.filter((k) => {
    const now = findLink(state, k);
    const masters = [inputs.name, context.previous?.name];
    const isListed =
      sameLink(k, linkId(inputs)) || ports.some(({ name }) => sameLink(k, { name, netns: "" }));
    return now && !isListed && masters.includes(now.settings["link.master"] ?? "");
  });
  const back = [...taken.back, ...released];
  const givesBack = new Set(back.flatMap((l) => (l.addresses ?? []).map((a) => a.cidr)));
  const isGivenBack = (r: Route): boolean => back.some((l) => l.routes?.some((b) => b.to === r.to) === true);
  const moves =
    taken.from.length > 0 || back.some((l) => l.addresses !== undefined || l.routes !== undefined);
  const addresses = inputs.addresses === undefined ? undefined : p.desiredAddresses(inputs.addresses);
  const stay = addresses ?? (linkNow?.addresses ?? []).filter((a) => !givesBack.has(a.cidr));
  const link: DesiredLink = {
    ...linkId(inputs),
    ...previousPlace(inputs, context),
    exists: true,
    kind: spec.kind,
    ...(adopts(inputs, context) ? {} : { up: inputs.up }),
    settings: spec.settings,
    initial: [...ANNOUNCES, ...taken.macAddress, ...(spec.initial ?? [])],
    ...(moves
      ? {
          addresses: uniqueBy([...stay, ...taken.from.flatMap((l) => l.addresses)], (a) => a.cidr),
          routes: uniqueBy(
            [
              ...(linkNow?.routes ?? []).filter((r) => !isGivenBack(r)),
              ...taken.from.flatMap((l) => l.routes),
            ],
            routeKey,
          ),
        }
      : addresses === undefined
        ? {}
        : { addresses }),
  };
  const portLinks = ports.map(({ name }, i) => desiredPort(inputs, context, spec, name, i));
  const withBack = portLinks.map((l) => {
    const back = taken.back.find((b) => sameLink(b, l));
    return back ? { ...l, addresses: back.addresses ?? [], routes: back.routes ?? [] } : l;
  });
  const links = [link, ...withBack];
  const record = recordFor(inputs, context, links);
  const displaced = displacedByPorts(
    link,
    ports.map(({ name }) => name),
    inputs.takeOverAddresses === true,
    context,
  );
  return {
    links: [...links, ...released.map((point) => withoutLowering(point, context))],
    ...(displaced.length === 0 ? {} : { displaced }),
    netns: "",
    ...ownerOf(context),
    record: {
      ...record,
      restore: record.restore.map((r) => (taken.back.some((b) => sameLink(b, r)) ? withoutIp(r) : r)),
    },
  };
}

function desiredPort(
  inputs: MasterInputs,
  context: PlanContext,
  spec: MasterSpec,
  name: string,
  index: number,
): DesiredLink {
  const path = `ports[${index}].`;
  return {
    name,
    netns: "",
    exists: true,
    path,
    settings: [
      { key: "link.master", value: inputs.name, property: `${path}name` },
      ...(spec.portSettings?.(index, path) ?? []),
    ],
    ...(adopts(inputs, context) && !spec.portsUp ? {} : { up: true }),
    ...(inputs.takeOverAddresses === true ? { addresses: [], routes: [] } : {}),
  };
}

/** What moves between ports and their master. */
interface TakenOver {
  /** Addresses and routes that the master has, or will have, from its ports. */
  readonly from: readonly {
    readonly addresses: LinkState["addresses"];
    readonly routes: LinkState["routes"];
  }[];
  /** Restore points of ports that get theirs back, because `takeOverAddresses` is off now. */
  readonly back: readonly DesiredLink[];
  /** A port's MAC address for a new master, so that the neighbours need not learn another one. */
  readonly macAddress: NonNullable<DesiredLink["initial"]>;
}

/**
 * A master may be a port of another one that takes over addresses, as a bond is of a bridge. What went on there is not to
 * come back.
 */
function takenOver(
  inputs: MasterInputs,
  linkNow: LinkState | undefined,
  context: PlanContext,
  kept: readonly DesiredLink[],
  takesMac: boolean,
): TakenOver {
  const { state } = context.observation;
  const ports = (inputs.ports ?? []).map(({ name }) => ({ name, netns: "" }));
  const macOf = (port = takesMac ? ports[0] : undefined): TakenOver["macAddress"] => {
    const link = port && findLink(state, port);
    return link === undefined || inputs.macAddress !== undefined
      ? []
      : [{ key: "link.address", value: permanentMac(link), property: "macAddress" }];
  };
  if (inputs.takeOverAddresses !== true) {
    const back = kept.filter((k) => ports.some((l) => sameLink(l, k)) && k.addresses !== undefined);
    return { from: [], back, macAddress: macOf() };
  }
  const passedOn = linkNow && pointOfPort(linkNow, context);
  const has = new Set(passedOn?.addresses?.map(({ cidr }) => cidr));
  const leads = new Set(passedOn?.routes?.map(routeKey));
  const from = ports.map((id) => {
    const now = findLink(state, id);
    const before = kept.find((k) => sameLink(k, id)) ?? (now && pointOfPort(now, context));
    const addresses = [...(before?.addresses ?? []), ...(now?.addresses ?? [])];
    const routes = [...(before?.routes ?? []), ...(now?.routes ?? [])];
    return {
      addresses: uniqueBy(addresses, (a) => a.cidr).filter(({ cidr }) => !has.has(cidr)),
      routes: uniqueBy(routes, routeKey).filter((route) => !leads.has(routeKey(route))),
    };
  });
  const first = ports.find((_, i) => (from[i]?.addresses.length ?? 0) > 0);
  return { from, back: [], macAddress: macOf(first) };
}

function withoutIp({ addresses, routes, ...rest }: DesiredLink): DesiredLink {
  return rest;
}

/**
 * An IPv6 address on a master whose MTU is not stated and will be too small. A bridge has the smallest MTU of its ports
 * (net/bridge/br_if.c, br_mtu_auto_adjust); a bond gives its ports its own.
 */
export function masterMtuProblems(
  inputs: MasterInputs,
  noun: MasterSpec["kind"],
  context: PlanContext,
): Issue[] {
  const { state } = context.observation;
  const now = findLink(state, context.previous ?? linkId(inputs));
  const ports = inputs.ports?.map(({ name }) => findLink(state, { name, netns: "" }));
  const joins = (port: LinkState | undefined): boolean => port?.settings["link.master"] !== now?.name;
  const isSame = now !== undefined && ports?.some(joins) !== true;
  if (isSame || noun === "bond") return foundMtuProblems(inputs, Number(now?.settings["link.mtu"] ?? 1500));
  const mtus = (ports ?? []).map((port) => {
    const given = port && context.expectedMtu?.(port.name);
    return given ?? port?.settings["link.mtu"] ?? "unknown";
  });
  return mtus.length === 0 || mtus.includes("unknown")
    ? []
    : foundMtuProblems(inputs, Math.min(...mtus.map(Number)));
}

/** The link itself among its ports. */
export function portRules(inputs: Partial<MasterInputs>, noun: MasterSpec["kind"]): Issue[] {
  const own = inputs.ports?.findIndex((port) => port.name === inputs.name) ?? -1;
  return own < 0 ? [] : [issue("invalid-input", `ports[${own}].name`, `is the ${noun} itself`)];
}

/**
 * Why a link cannot become a port. Links that are ports already have no such problems.
 *
 * @param refused why the kind refuses the link; undefined if it does not
 */
export function joinProblems(
  inputs: MasterInputs,
  context: PlanContext,
  index: number,
  noun: MasterSpec["kind"],
  refused: (link: LinkState) => string | undefined,
): Issue[] {
  const { state } = context.observation;
  const name = inputs.ports?.[index]?.name ?? "";
  const refuse = (code: ErrorCode, reason: string): Issue[] => [issue(code, `ports[${index}].name`, reason)];
  const link = findLink(state, { name, netns: "" });
  if (!link)
    return context.isExpected(name) ? [] : refuse("not-on-host", `there is no link ${name} on the host`);
  const master = link.settings["link.master"] ?? "";
  if ([inputs.name, context.previous?.name].includes(master)) return [];
  // a master of this stack gives it up in this run; if both list it, their claims conflict
  if (master !== "" && !isMasterOfStack(master, context)) {
    return refuse("taken-on-host", `${name} is a port of ${master} already; remove it from there first`);
  }
  if (name === "lo") return refuse("unsuitable-link", `lo cannot be a ${noun}'s port`);
  const why = refused(link);
  if (why !== undefined) return refuse("unsuitable-link", `${name} ${why}`);
  const child = childrenOf(state, name).find(
    (l) => portKindOf(l.kind) !== undefined && !isDisplaceable(l, { ...linkId(inputs), kind: noun }, context),
  );
  if (child)
    return refuse(
      "unsuitable-link",
      `${name} is the parent of the ${child.kind} ${child.name}; make the ${noun} its parent instead`,
    );
  return addressProblems(inputs, link, noun, context, (reason) => refuse("port-has-addresses", reason));
}

/** An address on a port stops answering, because the frames go to the port's master. */
function addressProblems(
  inputs: MasterInputs,
  link: LinkState,
  noun: MasterSpec["kind"],
  context: PlanContext,
  refuse: (reason: string) => Issue[],
): Issue[] {
  const dynamic = link.details["dynamic"] ?? "";
  if (dynamic !== "") {
    return refuse(
      `${link.name} has ${dynamic} by DHCP or router advertisement, which would stop answering as a ${noun}'s port; ` +
        `run the client on the ${noun} first`,
    );
  }
  // those that went to its present master come back when it leaves that
  const addresses = [...link.addresses, ...(pointOfPort(link, context)?.addresses ?? [])];
  if (addresses.length === 0 || inputs.takeOverAddresses === true) return [];
  const list = [...new Set(addresses.map((a) => a.cidr))].join(", ");
  return refuse(
    `${link.name} has ${list}, which would stop answering as a ${noun}'s port; set takeOverAddresses: true to move ` +
      `it to the ${noun}`,
  );
}

/** Whether a master belongs to this stack, so that a port may move from it to another master in one update. */
function isMasterOfStack(name: string, context: PlanContext): boolean {
  const record = recordOf(context.observation.state, { name, netns: "" });
  return record !== undefined && isOwn(record, context);
}
