/** MacvlanInterface: a macvlan child of a parent; and what macvtap and shim share with it. */
import {
  type LinkState,
  childrenOf,
  childrenWithMac,
  nameAndPlace,
  passthruChildrenOf,
  recordOf,
} from "../model/host";
import type { Observation } from "../model/observation";
import { isOwn } from "../model/owner";
import type { MacvlanMode, MacvlanOutputs } from "./args";
import { flagWord, list, number } from "./bindings";
import {
  ON_PARENT,
  type OnParent,
  childProblems,
  countSiblings,
  desiredOnParent,
  findParent,
  lowestParent,
  readChild,
  childRules,
  siblingsAmong,
} from "./child";
import { type KindInputs, defineKind } from "./define";
import { type Issue, issue } from "../model/error";
import { isDisplaceable } from "./displaced";
import { type KernelType, type Kind, type PlanContext, linkId } from "./kind";
import { macsOn } from "./lan/conflicts";
import { properties } from "./property";
import * as p from "./schemas";

export const MACVLAN = {
  word: "macvlan",
  links: "macvlans",
  module: "macvlan",
  isNeeded: true,
} as const satisfies KernelType;

/**
 * The mode comes first: each flag is valid in one mode only, and leaving `source` empties its list. The kernel's
 * defaults are from drivers/net/macvlan.c, macvlan_common_setup.
 */
const PROPERTIES = properties({
  ...ON_PARENT,
  mode: {
    schema: p.oneOf("bridge", "vepa", "private", "passthru", "source"),
    default: "bridge",
    identifying: true,
    setting: "type.mode",
    // macvlan_changelink: passthru cannot be set or left on a live link
    fixed: ["passthru"],
    kernelDefault: "vepa",
  },
  noPromisc: { schema: p.flag, setting: "type.flags", form: flagWord("nopromisc"), kernelDefault: "" },
  nodst: {
    schema: p.flag,
    setting: "type.flags",
    form: flagWord("nodst"),
    kernelDefault: "",
    since: { iproute2: "5.14", kernel: "5.14", word: "nodst" },
  },
  sourceMacAddresses: {
    schema: p.list(p.macAddress, (mac) => mac),
    setting: "type.macaddr",
    form: list(" ", true),
    kernelDefault: "",
  },
  broadcastQueueLength: {
    schema: p.whole(0, 4_294_967_295, "frames"),
    setting: "type.bcqueuelen",
    form: number,
    kernelDefault: "1000",
    since: { iproute2: "5.11", kernel: "5.11" },
  },
  broadcastQueueThreshold: {
    // -1: no queue at all. The kernel takes other negative numbers for the same
    schema: p.whole(-1, 2_147_483_647, "macvlans"),
    setting: "type.bclim",
    form: number,
    // drivers/net/macvlan.c, macvlan_port_create
    kernelDefault: "1",
    since: { iproute2: "6.4", kernel: "6.4" },
  },
  netns: { schema: p.netnsName, identifying: true },
  maxMacs: { schema: p.maxMacs },
  routes: { schema: p.routes },
});

export type MacvlanInputs = KindInputs<typeof PROPERTIES>;

/** The outputs of a macvlan beside the common ones. */
type OwnOutputs = Pick<MacvlanOutputs, "parentMacAddress" | "parentMacs" | "parentPromiscuity" | "siblings">;

export const macvlan = kindOfMacvlan("MacvlanInterface", MACVLAN, () => ({}));

/** Defines a kind whose links are iproute2's `macvlan` or `macvtap`, with outputs of its own. */
export function kindOfMacvlan<O extends object>(
  type: string,
  link: KernelType & { readonly word: "macvlan" | "macvtap" },
  outputs: (link: LinkState) => O,
): Kind<MacvlanInputs, OwnOutputs & O> {
  const { word } = link;
  return defineKind({
    type,
    link,
    properties: PROPERTIES,
    derivesMac: (inputs) => inputs.mode !== undefined && inputs.mode !== "passthru",
    lan: (inputs, state) => lowestParent(state, inputs.parent, word),
    parentUse: ({ mode, broadcastQueueThreshold }) => ({
      kind: "macvlan",
      ...(mode === "passthru" ? { isPassthru: true } : {}),
      ...(broadcastQueueThreshold === undefined ? {} : { broadcastQueueThreshold }),
    }),
    rules: (inputs) => [...childRules(inputs), ...modeRules(inputs)],
    desired: (inputs, context, settings) => desiredOnParent(word, inputs, context, settings),
    problems: (inputs, context) => macvlanProblems(link, inputs, context),
    warnings: thresholdWarnings,
    outputs: (now, inputs, observation) => ({
      ...parentOutputs(inputs, observation),
      parentPromiscuity: findParent(inputs.parent, observation.state, word)?.promiscuity ?? 0,
      siblings: countSiblings(inputs, observation.state, word),
      ...outputs(now),
    }),
    read: (now, inputs, state) => readChild(now, inputs, state, word),
  });
}

/** A macvlan child of a parent; a shim is one too. */
type WithMode = OnParent & { readonly mode: MacvlanMode };

/** Outputs about the parent of a macvlan. */
export function parentOutputs(
  inputs: OnParent,
  { state }: Observation,
): Pick<MacvlanOutputs, "parentMacAddress" | "parentMacs"> {
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
      ? [issue("invalid-input", property, `needs mode "${desired}", and the mode is "${mode}"`)]
      : [];
  return [
    ...only("sourceMacAddresses", "source"),
    ...only("noPromisc", "passthru"),
    ...only("nodst", "source"),
  ];
}

/** Why the kernel would refuse a macvlan or macvtap on this parent, beside its siblings. */
export function macvlanProblems(
  type: KernelType & { readonly word: "macvlan" | "macvtap" },
  inputs: WithMode,
  context: PlanContext,
): Issue[] {
  const problems = childProblems(type, inputs, context);
  return problems.length > 0 ? problems : siblingProblems(type.word, inputs, context);
}

function siblingProblems(word: string, inputs: WithMode, context: PlanContext): Issue[] {
  const parent = findParent(inputs.parent, context.observation.state, "macvlan");
  if (!parent) return [];
  const own = { ...linkId(inputs), kind: word };
  const { state } = context.observation;
  // a parent may have thousands of links, and whose they are is asked only of those that are in the way
  const inTheWay = (children: readonly LinkState[]): LinkState | undefined =>
    siblingsAmong(children, inputs, context).find((l) => !isDisplaceable(l, own, context));
  const passthru = inTheWay(passthruChildrenOf(state, parent.name));
  if (passthru) {
    return [
      issue(
        "taken-on-host",
        "parent",
        `${parent.name} has the passthru child ${nameAndPlace(passthru)}, which excludes all others`,
      ),
    ];
  }
  const other = inputs.mode === "passthru" ? inTheWay(childrenOf(state, parent.name)) : undefined;
  if (other) {
    return [
      issue(
        "taken-on-host",
        "mode",
        `mode passthru needs ${parent.name} for itself, but it already has the child ${nameAndPlace(other)}`,
      ),
    ];
  }
  if (inputs.macAddress === undefined || inputs.mode === "passthru") return [];
  const duplicate =
    parent.settings["link.address"] === inputs.macAddress
      ? parent
      : inTheWay(childrenWithMac(state, parent.name, inputs.macAddress));
  return duplicate
    ? [
        issue(
          "taken-on-host",
          "macAddress",
          `is already used by ${nameAndPlace(duplicate)}; each child of a parent needs another one`,
        ),
      ]
    : [];
}

/** The threshold is the parent's: macvlans of other owners get it along. */
function thresholdWarnings(inputs: MacvlanInputs, context: PlanContext): string[] {
  const { broadcastQueueThreshold: threshold } = inputs;
  const { state } = context.observation;
  const parent = findParent(inputs.parent, state, "macvlan");
  if (threshold === undefined || !parent) return [];
  const differs = ({ settings: { "type.bclim": has } }: LinkState): boolean =>
    has !== undefined && has !== String(threshold);
  const children = childrenOf(state, parent.name).filter(differs);
  const others = siblingsAmong(children, inputs, context).filter((l) => {
    const record = recordOf(state, l);
    return !(record && isOwn(record, context));
  });
  const names = others.map(nameAndPlace);
  return names.length === 0
    ? []
    : [
        `broadcastQueueThreshold ${threshold} is that of all macvlans on ${parent.name}, and so also of ${names.join(", ")}, ` +
          `for which it is ${others[0]?.settings["type.bclim"] ?? ""} now`,
      ];
}
