/** HostShim: a macvlan that the host itself uses, since it cannot reach its macvlans through their parent. */
import { ON_PARENT, desiredOnParent, lowestParent, readChild, readRoutes, childRules } from "./child";
import { type KindInputs, defineKind } from "./define";
import { MACVLAN, macvlanProblems, parentOutputs } from "./macvlan";
import { properties } from "./property";
import * as p from "./schemas";

const PROPERTIES = properties({
  ...ON_PARENT,
  // an adopted one may have mode passthru
  mode: { schema: p.oneOf("bridge", "vepa"), default: "bridge", setting: "type.mode", fixed: ["passthru"] },
  routes: { schema: p.routes },
  /**
   * With arp_filter the shim answers only if the kernel would route the sender's address back through it: to the
   * children, which have routes, and not to the LAN (ip-sysctl.rst).
   */
  arp: {
    schema: p.oneOf("exclusive", "kernel"),
    default: "exclusive",
    setting: "sysctl.ipv4.arp_filter",
    form: {
      words: { "1": "exclusive", "0": "kernel" },
      encode: (arp) => (arp === "exclusive" ? "1" : "0"),
      decode: (text) => (text === "1" ? "exclusive" : "kernel"),
    },
  },
  maxMacs: { schema: p.maxMacs },
});

export type ShimInputs = KindInputs<typeof PROPERTIES>;

export const shim = defineKind({
  type: "HostShim",
  link: MACVLAN,
  properties: PROPERTIES,
  derivesMac: () => true,
  lan: (inputs, state) => lowestParent(state, inputs.parent, "macvlan"),
  parentUse: () => ({ kind: "macvlan" }),
  rules: childRules,
  desired(inputs, context, settings) {
    // with `kernel` the sysctl is left alone, except that the value of the last run is reverted
    const sets = inputs.arp === "exclusive" || context.previousInputs?.["arp"] === "exclusive";
    const others = settings.filter(({ property }) => property !== "arp");
    const arp = settings.filter(({ property }) => property === "arp" && sets);
    return desiredOnParent("macvlan", inputs, context, [...others, ...arp]);
  },
  problems: (inputs, context) => macvlanProblems(MACVLAN, inputs, context),
  outputs: (link, inputs, observation) => ({ ...parentOutputs(inputs, observation), ...readRoutes(link) }),
  read: (link, inputs, state) => ({
    ...readChild(link, inputs, state, "macvlan"),
    ...(inputs.arp === "kernel" ? { arp: inputs.arp } : {}),
  }),
});
