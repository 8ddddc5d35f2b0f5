/** HairpinBridge: a bridge whose ports may send frames back to where they came from, as vepa children need. */
import { z } from "zod";
import { portToolSets } from "../host/commands";
import type { Observation } from "../host/observation";
import {
  type HostState,
  type LinkState,
  type Route,
  type Wanted,
  type WantedLink,
  childrenOf,
  findLink,
  sameLink,
} from "../plan/model";
import type { BridgeArgs, PortArgs } from "./args";
import { type Binding, LINK_BINDINGS, centiseconds, foundOf, number, settingsOf, toggle } from "./bindings";
import {
  adopts,
  commonFound,
  commonOutputs,
  commonRules,
  formerly,
  linkId,
  linkProblems,
  ownRecord,
  recordFor,
} from "./common";
import type { CommonInputs, Issue, Json, Kind, View } from "./kind";
import { ANNOUNCES } from "./on-parent";
import * as p from "./properties";

/** A port in canonical form. */
type Port = Readonly<PortArgs> & { readonly hairpin: boolean };

export interface BridgeInputs extends CommonInputs {
  readonly ports?: readonly Port[];
  readonly takeOverAddresses?: boolean;
  readonly vlanFiltering?: boolean;
  readonly stp?: boolean;
  readonly forwardDelay?: number;
}

const BINDINGS: readonly Binding[] = [
  centiseconds("type.forward_delay", "forwardDelay"),
  centiseconds("type.hello_time", "helloTime"),
  centiseconds("type.max_age", "maxAge"),
  centiseconds("type.ageing_time", "ageingTime"),
  number("type.priority", "priority"),
  toggle("type.stp_state", "stp", "1", "0"),
  toggle("type.vlan_filtering", "vlanFiltering", "1", "0"),
  toggle("type.mcast_snooping", "mcastSnooping", "1", "0"),
  ...LINK_BINDINGS,
];

const PORT_BINDINGS: readonly Binding[] = [
  toggle("port.hairpin", "hairpin", "on", "off"),
  toggle("port.isolated", "isolated", "on", "off"),
  toggle("port.learning", "learning", "on", "off"),
  toggle("port.flood", "flood", "on", "off"),
  toggle("port.mcast_flood", "mcastFlood", "on", "off"),
  number("port.cost", "cost"),
  number("port.priority", "priority"),
  toggle("port.guard", "guard", "on", "off"),
  toggle("port.root_block", "rootBlock", "on", "off"),
];

const portFields = z.strictObject({
  name: p.linkName,
  hairpin: p.flag.optional(),
  isolated: p.flag.optional(),
  learning: p.flag.optional(),
  flood: p.flag.optional(),
  mcastFlood: p.flag.optional(),
  // net/bridge/br_stp_if.c: BR_MAX_PATH_COST, BR_MAX_PORTS
  cost: p.whole(1, 65_535).optional(),
  priority: p.whole(0, 63).optional(),
  guard: p.flag.optional(),
  rootBlock: p.flag.optional(),
});

const port = z.union([p.linkName.transform((name) => ({ name })), portFields]).transform((given): Port => {
  const said = Object.entries(given).filter(([, value]) => value !== undefined);
  return { hairpin: true, ...(Object.fromEntries(said) as unknown as PortArgs) };
});

export const bridge: Kind<BridgeInputs> = {
  type: "HairpinBridge",
  schema: {
    ...p.commonSchema,
    ports: p.list(port, ({ name }) => name),
    stp: p.flag,
    priority: p.whole(0, 65_535),
    // the ranges are the kernel's: net/bridge/br_private_stp.h
    forwardDelay: p.seconds(0, 30),
    helloTime: p.seconds(1, 10),
    maxAge: p.seconds(6, 40),
    ageingTime: p.seconds(0, 1_000_000),
    vlanFiltering: p.flag,
    mcastSnooping: p.flag,
    takeOverAddresses: p.flag,
  } satisfies Record<keyof BridgeArgs, unknown>,
  required: ["host"],
  defaults: { up: true },
  derivesMac: () => false,
  label: (inputs) => inputs.name,
  lan: (inputs) => inputs.name,
  rules: (inputs) => [...commonRules(inputs), ...bridgeRules(inputs)],
  identifying: ["host", "name", "ports"],
  replaces: () => [],
  wanted: wantedBridge,
  problems: bridgeProblems,
  outputs: (inputs, observation) => ({
    ...commonOutputs(inputs, observation),
    bridgeId: findLink(observation.state, linkId(inputs))?.details["bridge_id"] ?? "",
    ports: (inputs.ports ?? []).flatMap((given) => portOutputs(inputs, given, observation)),
    portTool: observation.facts.portTool,
  }),
  found(inputs, observation) {
    const link = findLink(observation.state, linkId(inputs));
    if (!link) return {};
    return {
      ...foundOf(BINDINGS, jsonOf(inputs), link),
      ...commonFound(inputs, link),
      ...(inputs.ports === undefined ? {} : { ports: foundPorts(inputs, observation) }),
    };
  },
};

function wantedBridge(inputs: BridgeInputs, view: View): Wanted {
  const { state } = view.observation;
  const kept = ownRecord(inputs, view)?.restore ?? [];
  const ports = inputs.ports ?? [];
  const taken = takenOver(inputs, view, kept);
  const bridgeNow = findLink(state, linkId(inputs)) ?? (view.previous && findLink(state, view.previous));
  const givesBack = new Set(taken.back.flatMap((l) => (l.addresses ?? []).map((a) => a.cidr)));
  const isGivenBack = (r: Route): boolean =>
    taken.back.some((l) => l.routes?.some((b) => b.to === r.to) === true);
  const moves = taken.from.length > 0 || taken.back.length > 0;
  const addresses = inputs.addresses === undefined ? undefined : p.wantedAddresses(inputs.addresses);
  const stay = addresses ?? (bridgeNow?.addresses ?? []).filter((a) => !givesBack.has(a.cidr));
  const link: WantedLink = {
    ...linkId(inputs),
    ...formerly(inputs, view),
    exists: true,
    kind: "bridge",
    ...(adopts(inputs, view) ? {} : { up: inputs.up }),
    settings: settingsOf(BINDINGS, jsonOf(inputs)),
    initial: [...ANNOUNCES, ...taken.macAddress],
    ...(moves
      ? {
          addresses: unique([...stay, ...taken.from.flatMap((l) => l.addresses)], (a) => a.cidr),
          routes: unique(
            [
              ...(bridgeNow?.routes ?? []).filter((r) => !isGivenBack(r)),
              ...taken.from.flatMap((l) => l.routes),
            ],
            (r) => `${r.to} ${r.metric ?? ""}`,
          ),
        }
      : addresses === undefined
        ? {}
        : { addresses }),
  };
  const portLinks = ports.map((given, i) => wantedPort(inputs, view, given, `ports[${i}].`));
  const withBack = portLinks.map((l) => {
    const back = taken.back.find((b) => sameLink(b, l));
    return back ? { ...l, addresses: back.addresses ?? [], routes: back.routes ?? [] } : l;
  });
  const links = [link, ...withBack];
  const record = recordFor(inputs, view, links);
  // ports that are named no more go back to where they were, unless somebody has moved them on
  const released = kept.filter((k) => {
    const now = findLink(state, k);
    const masters = [inputs.name, view.previous?.name];
    return now && !links.some((l) => sameLink(l, k)) && masters.includes(now.settings["link.master"] ?? "");
  });
  return {
    links: [...links, ...released],
    netns: "",
    owner: view.owner,
    record: {
      ...record,
      restore: record.restore.map((r) => (taken.back.some((b) => sameLink(b, r)) ? withoutIp(r) : r)),
    },
  };
}

function wantedPort(inputs: BridgeInputs, view: View, given: Port, path: string): WantedLink {
  return {
    name: given.name,
    netns: "",
    exists: true,
    path,
    settings: [
      { key: "link.master", value: inputs.name, property: `${path}name` },
      ...settingsOf(PORT_BINDINGS, { ...given }, path),
    ],
    ...(adopts(inputs, view) ? {} : { up: true }),
    ...(inputs.takeOverAddresses === true ? { addresses: [], routes: [] } : {}),
  };
}

/** What moves between ports and bridge. */
interface TakenOver {
  /** Addresses and routes that the bridge has, or is to have, from its ports. */
  readonly from: readonly {
    readonly addresses: LinkState["addresses"];
    readonly routes: LinkState["routes"];
  }[];
  /** Restore points of ports that get theirs back, because `takeOverAddresses` is off by now. */
  readonly back: readonly WantedLink[];
  /** The port's MAC address for a bridge that is to be made: the neighbours need not learn another one. */
  readonly macAddress: NonNullable<WantedLink["initial"]>;
}

function takenOver(inputs: BridgeInputs, view: View, kept: readonly WantedLink[]): TakenOver {
  const { state } = view.observation;
  const ports = (inputs.ports ?? []).map(({ name }) => ({ name, netns: "" }));
  if (inputs.takeOverAddresses !== true) {
    const back = kept.filter((k) => ports.some((l) => sameLink(l, k)) && k.addresses !== undefined);
    return { from: [], back, macAddress: [] };
  }
  const from = ports.map((id) => {
    const before = kept.find((k) => sameLink(k, id));
    const now = findLink(state, id);
    return {
      addresses: unique([...(before?.addresses ?? []), ...(now?.addresses ?? [])], (a) => a.cidr),
      routes: unique([...(before?.routes ?? []), ...(now?.routes ?? [])], (r) => `${r.to} ${r.metric ?? ""}`),
    };
  });
  const first = ports.find((_, i) => (from[i]?.addresses.length ?? 0) > 0);
  const mac = first && findLink(state, first)?.settings["link.address"];
  const pinned = mac !== undefined && inputs.macAddress === undefined;
  return {
    from,
    back: [],
    macAddress: pinned ? [{ key: "link.address", value: mac, property: "macAddress" }] : [],
  };
}

function withoutIp({ addresses, routes, ...rest }: WantedLink): WantedLink {
  return rest;
}

function unique<T>(items: readonly T[], key: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [key(item), item])).values()];
}

function bridgeRules(inputs: Partial<BridgeInputs>): Issue[] {
  if (inputs.stp === true && isBelowStp(inputs.forwardDelay)) {
    return [{ property: "forwardDelay", reason: "has to be 2 seconds at least while stp is on" }];
  }
  const own = inputs.ports?.findIndex((port) => port.name === inputs.name) ?? -1;
  return own < 0 ? [] : [{ property: `ports[${own}].name`, reason: "is the bridge itself" }];
}

function bridgeProblems(inputs: BridgeInputs, view: View): Issue[] {
  const { facts, state } = view.observation;
  const manual = inputs.adopt === true ? {} : { iproute2: "makes bridges" };
  const common = linkProblems(inputs, view, { kind: "bridge", ...manual });
  if (common.length > 0) return common;
  if (inputs.vlanFiltering === true && facts.vlanFiltering === false) {
    return [
      {
        property: "vlanFiltering",
        reason: `the host's kernel ${facts.kernel} cannot filter VLANs (CONFIG_BRIDGE_VLAN_FILTERING)`,
      },
    ];
  }
  const stp = findLink(state, linkId(inputs))?.settings["type.stp_state"] === "1";
  if (stp && inputs.stp === undefined && isBelowStp(inputs.forwardDelay)) {
    return [{ property: "forwardDelay", reason: "has to be 2 seconds at least: the bridge has stp on" }];
  }
  return (inputs.ports ?? []).flatMap((given, i) => portProblems(inputs, view, given, i, state));
}

/** Spanning tree does not work with less (net/bridge/br_private_stp.h, BR_MIN_FORWARD_DELAY). */
function isBelowStp(forwardDelay: number | undefined): boolean {
  return forwardDelay !== undefined && forwardDelay < 2;
}

function portProblems(inputs: BridgeInputs, view: View, given: Port, i: number, state: HostState): Issue[] {
  const issue = (reason: string): Issue[] => [{ property: `ports[${i}].name`, reason }];
  const link = findLink(state, { name: given.name, netns: "" });
  if (!link) return view.expected(given.name) ? [] : issue(`there is no link ${given.name} on the host`);
  const master = link.settings["link.master"] ?? "";
  const members = [inputs.name, ...(view.previous ? [view.previous.name] : [])];
  if (master !== "" && !members.includes(master)) {
    return issue(`${given.name} belongs to ${master} already; take it out of there first`);
  }
  if (master === "") {
    if (link.kind === "bridge") return issue(`${given.name} is a bridge, which cannot be a port of one`);
    if (given.name === "lo") return issue("lo cannot be a bridge's port");
    if (view.observation.facts.wireless.includes(given.name)) {
      return issue(`${given.name} is a wireless link: 802.11 stations cannot be bridged`);
    }
    const child = childrenOf(state, given.name).find((l) => /^(?:mac|ip)v/.test(l.kind));
    if (child) {
      return issue(`${given.name} has the ${child.kind} ${child.name}; make the bridge its parent instead`);
    }
    return addressProblems(inputs, link, issue);
  }
  const { portTool } = view.observation.facts;
  const word = settingsOf(PORT_BINDINGS, { ...given }, "").find(
    (s) => !portToolSets(portTool, s.key.slice("port.".length)) && !(s.key in link.settings),
  );
  return word
    ? [{ property: `ports[${i}].${word.property}`, reason: `cannot be set with the host's ${portTool}` }]
    : [];
}

/** An address on a port stops answering: the frames go to the bridge. */
function addressProblems(inputs: BridgeInputs, link: LinkState, issue: (reason: string) => Issue[]): Issue[] {
  const dynamic = link.details["dynamic"] ?? "";
  if (dynamic !== "") {
    return issue(
      `${link.name} has ${dynamic} by DHCP or router advertisement, which would stop answering as a bridge's port; ` +
        "have the client run on the bridge first",
    );
  }
  if (link.addresses.length === 0 || inputs.takeOverAddresses === true) return [];
  const list = link.addresses.map((a) => a.cidr).join(", ");
  return issue(
    `${link.name} has ${list}, which would stop answering as a bridge's port; set takeOverAddresses: true to move ` +
      "it to the bridge",
  );
}

function portOutputs(inputs: BridgeInputs, given: Port, observation: Observation): Json[] {
  const link = findLink(observation.state, { name: given.name, netns: "" });
  if (link?.settings["link.master"] !== inputs.name) return [];
  const state = link.details["port_state"] ?? "";
  return [{ ...given, ...foundOf(PORT_BINDINGS, { ...given }, link), state }];
}

function foundPorts(inputs: BridgeInputs, observation: Observation): Json[] {
  return (inputs.ports ?? [])
    .flatMap((given) => portOutputs(inputs, given, observation))
    .map(({ state, ...port }) => port);
}

function jsonOf(inputs: BridgeInputs): Json {
  return { ...inputs };
}
