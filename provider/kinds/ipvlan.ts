/** IpvlanInterface: an ipvlan child of a parent, with the parent's MAC address and IP addresses of its own. */
import { isOfIp, withoutPrefix } from "../model/addresses";
import { type LinkState, childrenOf, recordOf } from "../model/host";
import { isOwn } from "../model/owner";
import {
  ON_PARENT,
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
import type { KernelType, PlanContext } from "./kind";
import { ONE_FOR_ALL } from "./lan/parent-use";
import { properties } from "./property";
import * as p from "./schemas";

const IPVLAN = {
  word: "ipvlan",
  links: "ipvlans",
  module: "ipvlan",
  besides: ": links on Wi-Fi, where macvlan does not work",
} as const satisfies KernelType;

/** The kernel's defaults are from drivers/net/ipvlan/ipvlan_main.c, ipvlan_link_new. */
const PROPERTIES = properties({
  ...ON_PARENT,
  mode: {
    schema: p.oneOf("l2", "l3", "l3s"),
    default: "l2",
    identifying: true,
    setting: "type.mode",
    kernelDefault: "l3",
  },
  flag: {
    schema: p.oneOf("bridge", "private", "vepa"),
    default: "bridge",
    identifying: true,
    setting: "type.flag",
    kernelDefault: "bridge",
  },
  netns: { schema: p.netnsName, identifying: true },
  routes: { schema: p.routes },
});

export type IpvlanInputs = KindInputs<typeof PROPERTIES>;

export const ipvlan = defineKind({
  type: "IpvlanInterface",
  link: IPVLAN,
  properties: PROPERTIES,
  without: ["macAddress"],
  lan: (inputs, state) => lowestParent(state, inputs.parent, "ipvlan"),
  parentUse: ({ mode, flag }) => ({ kind: "ipvlan", mode, flag }),
  rules: childRules,
  desired: (inputs, context, settings) => desiredOnParent("ipvlan", inputs, context, settings),
  problems(inputs, context) {
    const problems = childProblems(IPVLAN, inputs, context);
    return problems.length > 0 ? problems : siblingProblems(inputs, context);
  },
  outputs: (_link, inputs, { state }) => ({ siblings: countSiblings(inputs, state, "ipvlan") }),
  read: (link, inputs, state) => readChild(link, inputs, state, "ipvlan"),
});

/**
 * Conflicts with ipvlans on this parent that belong to others: their mode and flag would silently change too, and only
 * one of them can have an address. This stack's own ipvlans are compared in their desired state (lan/parent-use.ts), so
 * that all may change in one update.
 */
function siblingProblems(inputs: IpvlanInputs, context: PlanContext): Issue[] {
  const { state } = context.observation;
  const parent = findParent(inputs.parent, state, "ipvlan");
  if (!parent) return [];
  const words = ["mode", "flag"] as const;
  const own = (inputs.addresses ?? []).map(withoutPrefix);
  const isInTheWay = ({ settings, addresses }: LinkState): boolean =>
    words.some((word) => settings[`type.${word}`] !== inputs[word]) ||
    own.some((ip) => addresses.some(({ cidr }) => isOfIp(cidr, ip)));
  const children = childrenOf(state, parent.name).filter(isInTheWay);
  const others = siblingsAmong(children, inputs, context).filter((l) => {
    const record = recordOf(state, l);
    return record === undefined || !isOwn(record, context);
  });
  const differs = words.flatMap((word): Issue[] => {
    const other = others.find((l) => l.settings[`type.${word}`] !== inputs[word]);
    return other
      ? [
          issue(
            "taken-on-host",
            word,
            `is "${inputs[word]}", but ${other.name} on ${parent.name} has "${other.settings[`type.${word}`] ?? ""}"; ${ONE_FOR_ALL}`,
          ),
        ]
      : [];
  });
  const taken = own.flatMap((address, i): Issue[] => {
    const holder = others.find((l) => l.addresses.some(({ cidr }) => isOfIp(cidr, address)));
    return holder
      ? [
          issue(
            "taken-on-host",
            `addresses[${i}]`,
            `${holder.name} on ${parent.name} already has ${address}; two ipvlans of one parent cannot have the same address`,
          ),
        ]
      : [];
  });
  return [...differs, ...taken];
}
