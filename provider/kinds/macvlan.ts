/** MacvlanInterface: one macvlan child of a parent. */
import type { Observation } from "../host/observation";
import {
  type HostState,
  type LinkState,
  type Route,
  type SettingKey,
  type Wanted,
  type WantedLink,
  childrenOf,
  findLink,
} from "../plan/model";
import type { MacvlanArgs, MacvlanMode } from "./args";
import { carriersOf, macsOn } from "./conflicts";
import { type Binding, LINK_BINDINGS, foundOf, number, settingsOf, string } from "./bindings";
import {
  type LinkNeeds,
  commonFound,
  commonOutputs,
  commonRules,
  formerly,
  linkId,
  linkProblems,
  recordFor,
} from "./common";
import type { CommonInputs, Issue, Json, Kind, View } from "./kind";
import * as p from "./properties";

export interface MacvlanInputs extends CommonInputs {
  readonly parent: string;
  readonly mode: MacvlanMode;
  readonly sourceMacAddresses?: readonly string[];
  readonly noPromisc?: boolean;
  readonly nodst?: boolean;
  readonly broadcastQueueLength?: number;
  readonly routes?: readonly Route[];
}

const MODES = ["bridge", "vepa", "private", "passthru", "source"] as const;

/** The mode comes first: the flags are valid in one mode each, and leaving `source` empties its list. */
const BINDINGS: readonly Binding[] = [
  // drivers/net/macvlan.c, macvlan_changelink: passthru cannot be set or left on a live link
  string("type.mode", "mode", ["passthru"]),
  {
    key: "type.flags",
    property: "noPromisc",
    also: ["nodst"],
    words: { "": "false", nopromisc: "true", nodst: "true" },
    encode: (inputs) =>
      [inputs["noPromisc"] === true ? ["nopromisc"] : [], inputs["nodst"] === true ? ["nodst"] : []]
        .flat()
        .join(" "),
    decode: (value) => ({
      noPromisc: value.split(" ").includes("nopromisc"),
      nodst: value.split(" ").includes("nodst"),
    }),
  },
  {
    key: "type.macaddr",
    property: "sourceMacAddresses",
    encode: (inputs) => (inputs["sourceMacAddresses"] as readonly string[]).toSorted().join(" "),
    decode: (value) => ({ sourceMacAddresses: value === "" ? [] : value.split(" ") }),
  },
  number("type.bcqueuelen", "broadcastQueueLength"),
  ...LINK_BINDINGS,
];

export const macvlan: Kind<MacvlanInputs> = {
  type: "MacvlanInterface",
  schema: {
    ...p.commonSchema,
    parent: p.linkName,
    mode: p.oneOf(...MODES),
    sourceMacAddresses: p.list(p.macAddress, (mac) => mac),
    noPromisc: p.flag,
    nodst: p.flag,
    broadcastQueueLength: p.whole(0, 4_294_967_295, "frames"),
    netns: p.netnsName,
    maxMacs: p.maxMacs,
    routes: p.routes,
  } satisfies Record<keyof MacvlanArgs, unknown>,
  required: ["host", "parent"],
  defaults: { mode: "bridge", up: true },
  derivesMac: (inputs) => inputs.mode !== undefined && inputs.mode !== "passthru",
  label: (inputs) => `${inputs.name}@${inputs.parent}`,
  lan: (inputs, state) => lowestParent(state, inputs.parent),
  rules: (inputs) => [...commonRules(inputs), ...routeRules(inputs), ...modeRules(inputs)],
  identifying: ["host", "name", "netns", "parent", "mode"],
  replaces(before, after) {
    const passthru = (before.mode === "passthru") !== (after.mode === "passthru");
    return [...(before.parent === after.parent ? [] : ["parent"]), ...(passthru ? ["mode"] : [])];
  },
  wanted(inputs, view) {
    return wantedMacvlan(inputs, view, settingsOf(BINDINGS, jsonOf(inputs)));
  },
  problems(inputs, view) {
    return macvlanProblems(inputs, view);
  },
  outputs: (inputs, observation) => ({
    ...commonOutputs(inputs, observation),
    ...parentOutputs(inputs, observation),
    parentPromiscuity: findParent(inputs.parent, observation.state)?.promiscuity ?? 0,
    siblings: childrenOf(observation.state, lowestParent(observation.state, inputs.parent)).length,
  }),
  found(inputs, observation) {
    const link = findLink(observation.state, linkId(inputs));
    if (!link) return {};
    return {
      ...foundOf(BINDINGS, jsonOf(inputs), link),
      ...commonFound(inputs, link),
      ...macvlanFound(inputs, link, observation.state),
    };
  },
};

/** What macvlan and shim have in common from here on. */
interface OnParent extends CommonInputs {
  readonly parent: string;
  readonly mode: MacvlanMode;
  readonly routes?: readonly Route[];
}

/** A macvlan with these settings, its addresses and routes. */
export function wantedMacvlan(inputs: OnParent, view: View, settings: WantedLink["settings"]): Wanted {
  const { state } = view.observation;
  const link: WantedLink = {
    ...linkId(inputs),
    ...formerly(inputs, view),
    exists: true,
    kind: "macvlan",
    parent: lowestParent(state, inputs.parent),
    up: inputs.up,
    settings,
    initial: ANNOUNCES,
    ...(inputs.addresses === undefined ? {} : { addresses: p.wantedAddresses(inputs.addresses) }),
    ...(inputs.routes === undefined ? {} : { routes: inputs.routes }),
  };
  return {
    links: [link],
    netns: inputs.netns ?? "",
    owner: view.owner,
    record: recordFor(inputs, view, [link]),
  };
}

/**
 * Neighbours keep a stale entry for up to half a minute (facts: mv10.txt): the link tells them by itself when it
 * comes up or its MAC address changes (Documentation/networking/ip-sysctl.rst).
 */
export const ANNOUNCES: WantedLink["initial"] & object = (
  ["sysctl.ipv4.arp_notify", "sysctl.ipv6.ndisc_notify"] as SettingKey[]
).map((key) => ({ key, value: "1", property: key }));

/** A macvlan on a macvlan is put on the lowest link by the kernel (drivers/net/macvlan.c, macvlan_common_newlink). */
export function lowestParent(state: HostState, parent: string): string {
  let name = parent;
  for (let depth = 0; depth < 8; depth++) {
    const link = findLink(state, { name, netns: "" });
    if (!link || (link.kind !== "macvlan" && link.kind !== "macvtap") || link.parent === "") break;
    name = link.parent;
  }
  return name;
}

export function findParent(parent: string, state: HostState): LinkState | undefined {
  return findLink(state, { name: lowestParent(state, parent), netns: "" });
}

/** The parent and the routes as they are found, for a refresh. */
export function macvlanFound(inputs: OnParent, link: LinkState, state: HostState): Json {
  return {
    // what the kernel made of the parent is the parent that was asked for
    parent: link.parent === lowestParent(state, inputs.parent) ? inputs.parent : link.parent,
    ...(inputs.routes === undefined ? {} : { routes: link.routes.map(({ protocol, ...r }) => r) }),
  };
}

/** Outputs about the parent. */
export function parentOutputs(inputs: OnParent, observation: Observation): Json {
  const parent = findParent(inputs.parent, observation.state);
  const lan = lowestParent(observation.state, inputs.parent);
  return {
    parentMacAddress: parent?.settings["link.address"] ?? "",
    parentMacs: macsOn(observation.state, lan).length,
  };
}

export function routeRules(inputs: Partial<OnParent>): Issue[] {
  return inputs.up === false && (inputs.routes?.length ?? 0) > 0
    ? [{ property: "routes", reason: "cannot be on a link that is down; leave up: false or the routes out" }]
    : [];
}

function modeRules(inputs: Partial<MacvlanInputs>): Issue[] {
  const { mode } = inputs;
  if (mode === undefined) return [];
  const only = (property: keyof MacvlanInputs, wanted: MacvlanMode): Issue[] =>
    inputs[property] !== undefined && inputs[property] !== false && mode !== wanted
      ? [{ property, reason: `goes with mode "${wanted}" only, and the mode is "${mode}"` }]
      : [];
  return [
    ...only("sourceMacAddresses", "source"),
    ...only("noPromisc", "passthru"),
    ...only("nodst", "source"),
  ];
}

/** What the kernel would refuse of a macvlan on this parent, in its own words worth nothing ("Invalid argument"). */
export function macvlanProblems(inputs: OnParent, view: View): Issue[] {
  const needs: LinkNeeds = { kind: "macvlan", iproute2: "makes macvlans" };
  const common = linkProblems(inputs, view, needs);
  if (common.length > 0) return common;
  return [...parentProblems(inputs, view), ...siblingProblems(inputs, view)];
}

function parentProblems(inputs: OnParent, view: View): Issue[] {
  const { state, facts } = view.observation;
  const issue = (reason: string): Issue[] => [{ property: "parent", reason }];
  const parent = findParent(inputs.parent, state);
  if (!parent) {
    if (view.expected(inputs.parent)) return [];
    return issue(`there is no link ${inputs.parent} on the host; ${listLinks(state)}`);
  }
  const wireless = carriersOf(state, parent.name).find((name) => facts.wireless.includes(name));
  if (wireless !== undefined) {
    return issue(
      `${wireless} is a wireless link: 802.11 allows one MAC address a station, so that macvlan does not work ` +
        "on it; use ipvlan there",
    );
  }
  if (parent.name === "lo") return issue("lo cannot have macvlans");
  const master = parent.settings["link.master"] ?? "";
  const masterKind = findLink(state, { name: master, netns: "" })?.kind;
  if (masterKind === "bridge") {
    return issue(`${parent.name} is a port of the bridge ${master}; make ${master} the parent instead`);
  }
  if (masterKind === "bond" || masterKind === "team") {
    return issue(`${parent.name} belongs to the ${masterKind} ${master}; make ${master} the parent instead`);
  }
  const ipvlan = childrenOf(state, parent.name).find((l) => l.kind.startsWith("ipvl"));
  if (ipvlan) return issue(`${parent.name} has the ipvlan ${ipvlan.name}, beside which no macvlan can be`);
  const most = Number(parent.settings["link.mtu"]);
  if (inputs.mtu !== undefined && inputs.mtu > most) {
    return [
      {
        property: "mtu",
        reason: `is above that of the parent ${parent.name}, which is ${most}; raise that first`,
      },
    ];
  }
  return [];
}

function siblingProblems(inputs: OnParent, view: View): Issue[] {
  const { state } = view.observation;
  const parent = findParent(inputs.parent, state);
  if (!parent) return [];
  const ids = [linkId(inputs), ...(view.previous ? [view.previous] : [])];
  const siblings = childrenOf(state, parent.name).filter(
    (l) => l.kind.startsWith("macv") && !ids.some((id) => id.name === l.name && id.netns === l.netns),
  );
  const passthru = siblings.find((l) => l.settings["type.mode"] === "passthru");
  if (passthru) {
    return [
      {
        property: "parent",
        reason: `${parent.name} has the passthru child ${passthru.name}, which excludes all others`,
      },
    ];
  }
  const [other] = siblings;
  if (inputs.mode === "passthru" && other) {
    return [
      {
        property: "mode",
        reason: `passthru takes ${parent.name} for itself, and it has the child ${other.name} already`,
      },
    ];
  }
  if (inputs.macAddress === undefined || inputs.mode === "passthru") return [];
  const twin = [parent, ...siblings].find((l) => l.settings["link.address"] === inputs.macAddress);
  return twin
    ? [{ property: "macAddress", reason: `is that of ${twin.name}; the kernel wants another one for each` }]
    : [];
}

/** What there is, for who has asked for something else. */
export function listLinks(state: HostState): string {
  const names = state.links.filter((l) => l.netns === "" && l.name !== "lo").map((l) => l.name);
  const more = names.length > 12 ? ` and ${names.length - 12} more` : "";
  return names.length === 0 ? "it has none" : `it has ${names.slice(0, 12).join(", ")}${more}`;
}

function jsonOf(inputs: MacvlanInputs): Json {
  return { ...inputs };
}
