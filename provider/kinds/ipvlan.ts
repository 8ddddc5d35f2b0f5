/** IpvlanInterface: one ipvlan child of a parent, which has the parent's MAC address and IP addresses of its own. */
import { withoutPrefix } from "../model/addresses";
import { type Route, recordOf } from "../model/host";
import { isOwn } from "../model/owner";
import type { IpvlanArgs, IpvlanFlag, IpvlanMode } from "./args";
import { type Binding, LINK_BINDINGS, settingsOf, string } from "./bindings";
import { commonOutputs, readLinkInputs } from "./outputs";
import { commonRules } from "./problems";
import type { CommonInputs, Issue, Json, Kind, PlanContext } from "./kind";
import {
  childProblems,
  countSiblings,
  findParent,
  readChildInputs,
  lowestParent,
  routeRules,
  siblingsOf,
  desiredOnParent,
} from "./child";
import { ONE_FOR_ALL } from "./lan/parent-use";
import * as p from "./schemas";

export interface IpvlanInputs extends CommonInputs {
  readonly parent: string;
  readonly mode: IpvlanMode;
  readonly flag: IpvlanFlag;
  readonly routes?: readonly Route[];
}

const BINDINGS: readonly Binding[] = [
  string("type.mode", "mode"),
  string("type.flag", "flag"),
  ...LINK_BINDINGS.filter((b) => b.property !== "macAddress"),
];

const { macAddress: _, ...schemaWithoutMac } = p.commonSchema;

export const ipvlan: Kind<IpvlanInputs> = {
  type: "IpvlanInterface",
  schema: {
    ...schemaWithoutMac,
    parent: p.linkName,
    mode: p.oneOf("l2", "l3", "l3s"),
    flag: p.oneOf("bridge", "private", "vepa"),
    netns: p.netnsName,
    routes: p.routes,
  } satisfies Record<keyof IpvlanArgs, unknown>,
  required: ["host", "parent"],
  defaults: { mode: "l2", flag: "bridge", up: true },
  derivesMac: () => false,
  label: (inputs) => `${inputs.name}@${inputs.parent}`,
  lan: (inputs, state) => lowestParent(state, inputs.parent, "ipvlan"),
  parentUse: ({ mode, flag }) => ({ kind: "ipvlan", mode, flag }),
  rules: (inputs) => [...commonRules(inputs), ...routeRules(inputs)],
  identifying: ["host", "name", "netns", "parent", "mode", "flag"],
  replaces: (before, after) => (before.parent === after.parent ? [] : ["parent"]),
  desired: (inputs, context) =>
    desiredOnParent("ipvlan", inputs, context, settingsOf(BINDINGS, jsonOf(inputs))),
  problems(inputs, context) {
    const problems = childProblems("ipvlan", inputs, context);
    return problems.length > 0 ? problems : siblingProblems(inputs, context);
  },
  outputs: (inputs, observation) => ({
    ...commonOutputs(inputs, observation),
    siblings: countSiblings(inputs, observation.state, "ipvlan"),
  }),
  readInputs: (inputs, observation) =>
    readLinkInputs(inputs, observation, BINDINGS, (link) => ({
      ...readChildInputs(inputs, link, observation.state, "ipvlan"),
    })),
};

/**
 * What the ipvlans of others on this parent keep it from: their mode and flag would change along, silently, and an
 * address is on one of them only. This stack's own are compared as the program wants them to be, not as they are
 * (port-use.ts), so that all may change in one update.
 */
function siblingProblems(inputs: IpvlanInputs, context: PlanContext): Issue[] {
  const { state } = context.observation;
  const parent = findParent(inputs.parent, state, "ipvlan");
  if (!parent) return [];
  const others = siblingsOf(inputs, parent, context).filter((l) => {
    const record = recordOf(state, l);
    return record === undefined || !isOwn(record, context);
  });
  const differs = (["mode", "flag"] as const).flatMap((word): Issue[] => {
    const other = others.find((l) => l.settings[`type.${word}`] !== inputs[word]);
    return other
      ? [
          {
            property: word,
            reason: `is "${inputs[word]}", and that of ${other.name} on ${parent.name} is "${other.settings[`type.${word}`] ?? ""}"; ${ONE_FOR_ALL}`,
          },
        ]
      : [];
  });
  const taken = (inputs.addresses ?? []).flatMap((cidr, i): Issue[] => {
    const address = withoutPrefix(cidr);
    const holder = others.find((l) => l.addresses.some((a) => withoutPrefix(a.cidr) === address));
    return holder
      ? [
          {
            property: `addresses[${i}]`,
            reason: `${holder.name} on ${parent.name} has ${address}; the kernel gives no address to two ipvlans of one parent`,
          },
        ]
      : [];
  });
  return [...differs, ...taken];
}

function jsonOf(inputs: IpvlanInputs): Json {
  return { ...inputs };
}
