/** HostShim: a macvlan that the host itself uses, since it cannot reach its macvlans by their parent. */
import { ON_PARENT, desiredOnParent, lowestParent, readChild, readRoutes, childRules } from "./child";
import { type KindInputs, defineKind } from "./define";
import { MACVLAN, macvlanProblems, parentOutputs } from "./macvlan";
import { properties } from "./property";
import * as p from "./schemas";

const PROPERTIES = properties({
  ...ON_PARENT,
  // an adopted one may be in passthru
  mode: { schema: p.oneOf("bridge", "vepa"), default: "bridge", setting: "type.mode", fixed: ["passthru"] },
  routes: { schema: p.routes },
  /**
   * With arp_filter the shim answers only where the kernel would route the asker's address back through it: for the
   * children, which have routes, and not for the LAN (facts: mv2.txt, mv3.txt; ip-sysctl.rst).
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
    // with `kernel` the sysctl is left alone, except that what the last run set is taken back
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
