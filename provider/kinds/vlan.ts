/** VlanInterface: the frames of one VLAN of a parent, as a link. */
import { z } from "zod";
import { type HostState, type LinkState, findLink, nameAndPlace } from "../model/host";
import { mustBeReplaced } from "../plan/transition";
import type { QosMapping, VlanProtocol } from "./args";
import { type Form, number, toggle } from "./bindings";
import { ON_PARENT, desiredOn, noParent, mtuProblems, readRoutes, childRules } from "./child";
import { type KindInputs, defineKind } from "./define";
import { type Issue, issue } from "../model/error";
import { type KernelType, type PlanContext, linkId } from "./kind";
import { isDisplaceable } from "./displaced";
import { adopts } from "./ownership";
import { linkProblems } from "./problems";
import { properties } from "./property";
import * as p from "./schemas";

const VLAN: KernelType = {
  word: "vlan",
  links: "VLANs",
  module: "8021q",
  besides: ", and VLANs as parents (eth0.10)",
};

const onOff = toggle("on", "off");

/** In iproute2's form `0:3 5:6`, sorted by the first number. */
const qosMap: Form<readonly QosMapping[]> = {
  encode: (entries) => entries.map(({ from, to }) => `${from}:${to}`).join(" "),
  decode: (text) =>
    text.split(" ").flatMap((entry) => {
      const [from, to] = entry.split(":").map(Number);
      return from === undefined || to === undefined ? [] : [{ from, to }];
    }),
};

/** A map without the entries that are the default anyway, as the kernel does not keep them. */
function qosEntries(from: z.ZodType<number>, to: z.ZodType<number>): z.ZodType<QosMapping[]> {
  return p
    .list(z.strictObject({ from, to }), (entry) => String(entry.from))
    .transform((entries) => entries.filter((e) => e.to !== 0).toSorted((a, b) => a.from - b.from));
}

const tagPriority = p.whole(0, 7);
const packetPriority = p.whole(0, 4_294_967_295);

/**
 * net/8021q/vlan_netlink.c: vlan_newlink has the defaults; vlan_changelink changes only flags and maps, and accepts a
 * new id without any effect.
 */
const PROPERTIES = properties({
  ...ON_PARENT,
  protocol: {
    schema: p.oneOf("802.1Q", "802.1ad"),
    default: "802.1Q",
    identifying: true,
    setting: "type.protocol",
    fixed: true,
    kernelDefault: "802.1Q",
  },
  vlanId: {
    schema: p.whole(0, 4094),
    required: true,
    identifying: true,
    setting: "type.id",
    form: number,
    fixed: true,
  },
  reorderHeader: { schema: p.flag, setting: "type.reorder_hdr", form: onOff, kernelDefault: "on" },
  gvrp: { schema: p.flag, setting: "type.gvrp", form: onOff, kernelDefault: "off" },
  mvrp: { schema: p.flag, setting: "type.mvrp", form: onOff, kernelDefault: "off" },
  looseBinding: { schema: p.flag, setting: "type.loose_binding", form: onOff, kernelDefault: "off" },
  bridgeBinding: {
    schema: p.flag,
    setting: "type.bridge_binding",
    form: onOff,
    kernelDefault: "off",
    since: { iproute2: "5.2", kernel: "5.2", word: "on" },
  },
  ingressQosMap: {
    schema: qosEntries(tagPriority, packetPriority),
    setting: "type.ingress-qos-map",
    form: qosMap,
    kernelDefault: "",
  },
  egressQosMap: {
    schema: qosEntries(packetPriority, tagPriority),
    setting: "type.egress-qos-map",
    form: qosMap,
    kernelDefault: "",
  },
  netns: { schema: p.netnsName, identifying: true },
  routes: { schema: p.routes },
});

export type VlanInputs = KindInputs<typeof PROPERTIES>;

export const vlan = defineKind({
  type: "VlanInterface",
  link: VLAN,
  properties: PROPERTIES,
  lan: (inputs) => (inputs.netns === undefined ? inputs.name : `${inputs.name} in ${inputs.netns}`),
  exclusiveUse: (inputs) => ({ property: "vlanId", what: describeVlan(inputs), of: inputs.parent }),
  rules: childRules,
  desired: (inputs, context, settings) => desiredOn(inputs.parent, "vlan", inputs, context, settings),
  problems: (inputs, context) => {
    const common = linkProblems(inputs, context, VLAN);
    return common.length > 0
      ? common
      : [
          ...parentProblems(inputs, context),
          ...duplicateProblems(inputs, context),
          ...adoptionProblems(inputs, context),
        ];
  },
  warnings: vlanWarnings,
  outputs: (_link, inputs, { state }) => ({
    parentMacAddress: parentOf(inputs, state)?.settings["link.address"] ?? "",
  }),
  read: (link) => ({ parent: link.parent, ...readRoutes(link) }),
});

function describeVlan({ vlanId, protocol }: Pick<VlanInputs, "vlanId" | "protocol">): string {
  return protocol === "802.1Q" ? `VLAN ${vlanId}` : `${protocol} VLAN ${vlanId}`;
}

function parentOf(inputs: VlanInputs, state: HostState): LinkState | undefined {
  return findLink(state, { name: inputs.parent, netns: "" });
}

function parentProblems(inputs: VlanInputs, context: PlanContext): Issue[] {
  const { state } = context.observation;
  const { up, looseBinding, bridgeBinding } = inputs;
  const parent = parentOf(inputs, state);
  if (!parent) {
    if (context.isExpected(inputs.parent)) return [];
    return [noParent(inputs.parent, state)];
  }
  if (parent.name === "lo") return [issue("unsuitable-link", "parent", "lo cannot have VLANs")];
  if (bridgeBinding === true && parent.kind !== "bridge") {
    // measured on 6.1: the kernel accepts it, and the link never has a carrier
    return [
      issue(
        "unsuitable-link",
        "bridgeBinding",
        `needs a bridge as the parent, and ${parent.name} is not one`,
      ),
    ];
  }
  const tooBig = mtuProblems(inputs, parent, context);
  // another resource of this run may set it up
  if (tooBig.length > 0 || context.isExpected(parent.name)) return tooBig;
  const isThere = findLink(state, context.previous ?? linkId(inputs)) !== undefined;
  if (up && !parent.up && looseBinding !== true && !isThere) {
    // net/8021q/vlan_dev.c, vlan_dev_open
    return [
      issue(
        "unsuitable-link",
        "parent",
        `${parent.name} is down, and a VLAN can only be up if its parent is; set the parent up, or give up: false or ` +
          "looseBinding: true",
      ),
    ];
  }
  return [];
}

/** A parent has each VLAN once, in all namespaces together (net/8021q/vlan.c, vlan_check_real_dev). */
function duplicateProblems(inputs: VlanInputs, context: PlanContext): Issue[] {
  const { state } = context.observation;
  const own = [linkId(inputs), ...(context.previous ? [context.previous] : [])];
  const duplicate = state.links.find(
    (l) => isSameVlan(l, inputs) && !own.some(({ name, netns }) => name === l.name && netns === l.netns),
  );
  if (!duplicate || isDisplaceable(duplicate, { ...linkId(inputs), kind: "vlan" }, context)) return [];
  const where = nameAndPlace(duplicate);
  return [
    issue(
      "taken-on-host",
      "vlanId",
      `${describeVlan(inputs)} of ${inputs.parent} already exists as the link ${where}, and the kernel allows only one; ` +
        "give this link the same name (with adopt: true if it was made by other means), or delete the other one",
    ),
  ];
}

function isSameVlan(link: LinkState, { parent, vlanId, protocol }: VlanInputs): boolean {
  return (
    link.kind === "vlan" &&
    link.parent === parent &&
    link.settings["type.id"] === String(vlanId) &&
    link.settings["type.protocol"] === protocol
  );
}

/** An adopted link is not replaced. */
function adoptionProblems(inputs: VlanInputs, context: PlanContext): Issue[] {
  const link = findLink(context.observation.state, linkId(inputs));
  const [desired] = vlan.desired(inputs, context).links;
  if (!link || !desired || !adopts(inputs, context) || !mustBeReplaced(link, desired)) return [];
  const found = describeVlan({
    vlanId: Number(link.settings["type.id"]),
    protocol: link.settings["type.protocol"] as VlanProtocol,
  });
  return [
    issue(
      "cannot-adopt",
      "adopt",
      `${link.name} is ${found} of ${link.parent}, which cannot be changed on an existing link; to adopt it, describe it as it is`,
    ),
  ];
}

/** The kernel gives a port's tagged frames to the VLAN before the bridge or bond gets them (net/core/dev.c). */
function vlanWarnings(inputs: VlanInputs, context: PlanContext): string[] {
  const { state } = context.observation;
  const master = parentOf(inputs, state)?.settings["link.master"] ?? "";
  const kind = findLink(state, { name: master, netns: "" })?.kind ?? "";
  const what = describeVlan(inputs);
  if (kind === "bridge") {
    return [
      `${inputs.parent} is a port of the bridge ${master}, and frames of ${what} that arrive there do not reach ` +
        `the bridge any more. If that is not intended, make ${master} the parent`,
    ];
  }
  if (kind === "bond" || kind === "team") {
    return [
      `${inputs.parent} is a port of the ${kind} ${master}, and ${what} does not move to another port at a failover: make ` +
        `${master} the parent instead`,
    ];
  }
  return [];
}
