/** HostShim: a macvlan that the host itself uses, since it cannot reach its macvlans by their parent. */
import { type Route, findLink } from "../model/host";
import type { ShimArgs } from "./args";
import { type Binding, LINK_BINDINGS, settingsOf, string } from "./bindings";
import { commonOutputs, readLinkInputs } from "./outputs";
import { commonRules } from "./problems";
import { type CommonInputs, type Json, type Kind, linkId } from "./kind";
import { macvlanProblems, parentOutputs } from "./macvlan";
import { readChildInputs, lowestParent, plainRoutes, routeRules, desiredOnParent } from "./child";
import * as p from "./schemas";

export interface ShimInputs extends CommonInputs {
  readonly parent: string;
  readonly mode: "bridge" | "vepa";
  readonly routes?: readonly Route[];
  readonly arp?: "exclusive" | "kernel";
}

const BINDINGS: readonly Binding[] = [string("type.mode", "mode", ["passthru"]), ...LINK_BINDINGS];

/**
 * With arp_filter the shim answers only where the kernel would route the asker's address back through it: for the
 * children, which have routes, and not for the LAN (facts: mv2.txt, mv3.txt; ip-sysctl.rst).
 */
const ARP: Binding = {
  key: "sysctl.ipv4.arp_filter",
  property: "arp",
  words: { "1": "exclusive", "0": "kernel" },
  encode: (inputs) => (inputs["arp"] === "exclusive" ? "1" : "0"),
  decode: (value) => ({ arp: value === "1" ? "exclusive" : "kernel" }),
};

export const shim: Kind<ShimInputs> = {
  type: "HostShim",
  schema: {
    ...p.commonSchema,
    parent: p.linkName,
    mode: p.oneOf("bridge", "vepa"),
    routes: p.routes,
    arp: p.oneOf("exclusive", "kernel"),
    maxMacs: p.maxMacs,
  } satisfies Record<keyof ShimArgs, unknown>,
  required: ["host", "parent"],
  defaults: { mode: "bridge", up: true, arp: "exclusive" },
  derivesMac: () => true,
  label: (inputs) => `${inputs.name}@${inputs.parent}`,
  lan: (inputs, state) => lowestParent(state, inputs.parent, "macvlan"),
  parentUse: () => ({ kind: "macvlan" }),
  rules: (inputs) => [...commonRules(inputs), ...routeRules(inputs)],
  identifying: ["host", "name", "parent"],
  replaces: (before, after) => (before.parent === after.parent ? [] : ["parent"]),
  desired(inputs, context) {
    // what the last run set is taken back; what others set is left alone
    const wasExclusive = context.previousInputs?.["arp"] === "exclusive";
    const bindings = wasExclusive ? [...BINDINGS, ARP] : bindingsFor(inputs);
    const settings = settingsOf(bindings, jsonOf(inputs));
    return desiredOnParent("macvlan", inputs, context, settings);
  },
  problems: (inputs, context) => macvlanProblems("macvlan", inputs, context),
  outputs: (inputs, observation) => ({
    ...commonOutputs(inputs, observation),
    ...parentOutputs(inputs, observation),
    routes: plainRoutes(findLink(observation.state, linkId(inputs))),
  }),
  readInputs: (inputs, observation) =>
    readLinkInputs(inputs, observation, bindingsFor(inputs), (link) => ({
      ...readChildInputs(inputs, link, observation.state, "macvlan"),
    })),
};

/** `arp: "kernel"` is nobody's to set, and nothing that it finds is drift. */
function bindingsFor(inputs: ShimInputs): readonly Binding[] {
  return inputs.arp === "exclusive" ? [...BINDINGS, ARP] : BINDINGS;
}

function jsonOf(inputs: ShimInputs): Json {
  return { ...inputs };
}
