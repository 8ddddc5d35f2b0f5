/** MacvlanInterface: one macvlan child of a parent; and what a macvtap and the shim have of one. */
import type { Observation } from "../model/observation";
import { type Route } from "../model/host";
import type { MacvlanArgs, MacvlanMode } from "./args";
import { type Binding, LINK_BINDINGS, number, settingsOf, string } from "./bindings";
import { commonOutputs, readLinkInputs } from "./outputs";
import { commonRules } from "./problems";
import { macsOn } from "./lan/conflicts";
import type { CommonInputs, Issue, Json, Kind, PlanContext } from "./kind";
import {
  type OnParent,
  childProblems,
  countSiblings,
  findParent,
  readChildInputs,
  lowestParent,
  routeRules,
  siblingsOf,
  desiredOnParent,
} from "./child";
import * as p from "./schemas";

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

export const macvlan: Kind<MacvlanInputs> = kindOfMacvlan("MacvlanInterface", "macvlan");

/** The kind of a resource class whose links are iproute2's `macvlan` or `macvtap`. */
export function kindOfMacvlan(type: string, kind: "macvlan" | "macvtap"): Kind<MacvlanInputs> {
  return {
    type,
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
    lan: (inputs, state) => lowestParent(state, inputs.parent, kind),
    parentUse: () => ({ kind: "macvlan" }),
    rules: (inputs) => [...commonRules(inputs), ...routeRules(inputs), ...modeRules(inputs)],
    identifying: ["host", "name", "netns", "parent", "mode"],
    replaces(before, after) {
      const passthru = (before.mode === "passthru") !== (after.mode === "passthru");
      return [...(before.parent === after.parent ? [] : ["parent"]), ...(passthru ? ["mode"] : [])];
    },
    desired(inputs, context) {
      return desiredOnParent(kind, inputs, context, settingsOf(BINDINGS, jsonOf(inputs)));
    },
    problems(inputs, context) {
      return macvlanProblems(kind, inputs, context);
    },
    outputs: (inputs, observation) => ({
      ...commonOutputs(inputs, observation),
      ...parentOutputs(inputs, observation),
      parentPromiscuity: findParent(inputs.parent, observation.state, kind)?.promiscuity ?? 0,
      siblings: countSiblings(inputs, observation.state, kind),
    }),
    readInputs: (inputs, observation) =>
      readLinkInputs(inputs, observation, BINDINGS, (link) => ({
        ...readChildInputs(inputs, link, observation.state, kind),
      })),
  };
}

/** A macvlan child of a parent: what a shim is, too. */
interface WithMode extends OnParent {
  readonly mode: MacvlanMode;
}

/** Outputs about the parent of a macvlan. */
export function parentOutputs(inputs: OnParent, { state }: Observation): Json {
  return {
    parentMacAddress: findParent(inputs.parent, state, "macvlan")?.settings["link.address"] ?? "",
    parentMacs: macsOn(state, lowestParent(state, inputs.parent, "macvlan")).length,
  };
}

function modeRules(inputs: Partial<MacvlanInputs>): Issue[] {
  const { mode } = inputs;
  if (mode === undefined) return [];
  const only = (property: keyof MacvlanInputs, desired: MacvlanMode): Issue[] =>
    inputs[property] !== undefined && inputs[property] !== false && mode !== desired
      ? [{ property, reason: `goes with mode "${desired}" only, and the mode is "${mode}"` }]
      : [];
  return [
    ...only("sourceMacAddresses", "source"),
    ...only("noPromisc", "passthru"),
    ...only("nodst", "source"),
  ];
}

/** What the kernel would refuse of a macvlan or macvtap on this parent, beside its siblings. */
export function macvlanProblems(
  kind: "macvlan" | "macvtap",
  inputs: WithMode,
  context: PlanContext,
): Issue[] {
  const problems = childProblems(kind, inputs, context);
  return problems.length > 0 ? problems : siblingProblems(inputs, context);
}

function siblingProblems(inputs: WithMode, context: PlanContext): Issue[] {
  const parent = findParent(inputs.parent, context.observation.state, "macvlan");
  if (!parent) return [];
  const siblings = siblingsOf(inputs, parent, context);
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
  const duplicate = [parent, ...siblings].find((l) => l.settings["link.address"] === inputs.macAddress);
  return duplicate
    ? [
        {
          property: "macAddress",
          reason: `is that of ${duplicate.name}; the kernel wants another one for each`,
        },
      ]
    : [];
}

function jsonOf(inputs: MacvlanInputs): Json {
  return { ...inputs };
}
