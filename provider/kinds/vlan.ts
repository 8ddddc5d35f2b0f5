/** VlanInterface: the frames of one VLAN of a parent, as a link. */
import { z } from "zod";
import { type HostState, type LinkState, type Route, type Desired, findLink } from "../model/host";
import { mustBeReplaced } from "../plan/plan";
import type { QosMapping, VlanArgs, VlanProtocol } from "./args";
import { type Binding, LINK_BINDINGS, settingsOf, string, toggle } from "./bindings";
import { commonOutputs, readLinkInputs } from "./outputs";
import { adopts } from "./ownership";
import { commonRules, linkProblems } from "./problems";
import { type CommonInputs, type Issue, type Json, type Kind, type PlanContext, linkId } from "./kind";
import { readRoutes, listLinks, mtuProblems, routeRules, desiredOn } from "./child";
import * as p from "./schemas";

export interface VlanInputs extends CommonInputs {
  readonly parent: string;
  readonly vlanId: number;
  readonly protocol: VlanProtocol;
  readonly looseBinding?: boolean;
  readonly bridgeBinding?: boolean;
  readonly ingressQosMap?: readonly QosMapping[];
  readonly egressQosMap?: readonly QosMapping[];
  readonly routes?: readonly Route[];
}

/** net/8021q/vlan_netlink.c, vlan_changelink: flags and maps alone; a new id it takes without a word, and for nothing. */
const BINDINGS: readonly Binding[] = [
  string("type.protocol", "protocol", ["*"]),
  {
    key: "type.id",
    property: "vlanId",
    fixed: ["*"],
    encode: (inputs) => String(inputs["vlanId"]),
    decode: (value) => ({ vlanId: Number(value) }),
  },
  toggle("type.reorder_hdr", "reorderHeader", "on", "off"),
  toggle("type.gvrp", "gvrp", "on", "off"),
  toggle("type.mvrp", "mvrp", "on", "off"),
  toggle("type.loose_binding", "looseBinding", "on", "off"),
  toggle("type.bridge_binding", "bridgeBinding", "on", "off"),
  qosMap("type.ingress-qos-map", "ingressQosMap"),
  qosMap("type.egress-qos-map", "egressQosMap"),
  ...LINK_BINDINGS,
];

/** In iproute2's words `0:3 5:6`, by the first number. */
function qosMap(key: Binding["key"], property: string): Binding {
  return {
    key,
    property,
    encode: (inputs) =>
      (inputs[property] as readonly QosMapping[]).map(({ from, to }) => `${from}:${to}`).join(" "),
    decode: (value) => ({
      [property]: value.split(" ").flatMap((entry) => {
        const [from, to] = entry.split(":").map(Number);
        return from === undefined || to === undefined ? [] : [{ from, to }];
      }),
    }),
  };
}

/** A map without the entries that say what holds anyway, as the kernel keeps none of them. */
function qosEntries(from: z.ZodType<number>, to: z.ZodType<number>): z.ZodType<QosMapping[]> {
  return p
    .list(z.strictObject({ from, to }), (entry) => String(entry.from))
    .transform((entries) => entries.filter((e) => e.to !== 0).toSorted((a, b) => a.from - b.from));
}

const tagPriority = p.whole(0, 7);
const packetPriority = p.whole(0, 4_294_967_295);

export const vlan: Kind<VlanInputs> = {
  type: "VlanInterface",
  schema: {
    ...p.commonSchema,
    parent: p.linkName,
    vlanId: p.whole(0, 4094),
    protocol: p.oneOf("802.1Q", "802.1ad"),
    reorderHeader: p.flag,
    gvrp: p.flag,
    mvrp: p.flag,
    looseBinding: p.flag,
    bridgeBinding: p.flag,
    ingressQosMap: qosEntries(tagPriority, packetPriority),
    egressQosMap: qosEntries(packetPriority, tagPriority),
    netns: p.netnsName,
    routes: p.routes,
  } satisfies Record<keyof VlanArgs, unknown>,
  required: ["host", "parent", "vlanId"],
  defaults: { protocol: "802.1Q", up: true },
  derivesMac: () => false,
  label: (inputs) => `${inputs.name}@${inputs.parent}`,
  lan: (inputs) => (inputs.netns === undefined ? inputs.name : `${inputs.name} in ${inputs.netns}`),
  exclusiveUse: (inputs) => ({ property: "vlanId", what: describeVlan(inputs), of: inputs.parent }),
  rules: (inputs) => [...commonRules(inputs), ...routeRules(inputs), ...vlanRules(inputs)],
  identifying: ["host", "name", "netns", "parent", "vlanId", "protocol"],
  replaces: (before, after) =>
    (["parent", "vlanId", "protocol"] as const).filter((property) => before[property] !== after[property]),
  desired: desiredVlan,
  problems: vlanProblems,
  warnings: vlanWarnings,
  outputs: (inputs, observation) => ({
    ...commonOutputs(inputs, observation),
    parentMacAddress: parentOf(inputs, observation.state)?.settings["link.address"] ?? "",
  }),
  readInputs: (inputs, observation) =>
    readLinkInputs(inputs, observation, BINDINGS, (link) => ({
      parent: link.parent,
      ...readRoutes(inputs, link),
    })),
};

function desiredVlan(inputs: VlanInputs, context: PlanContext): Desired {
  return desiredOn(inputs.parent, "vlan", inputs, context, settingsOf(BINDINGS, jsonOf(inputs)));
}

function describeVlan({ vlanId, protocol }: Pick<VlanInputs, "vlanId" | "protocol">): string {
  return protocol === "802.1Q" ? `VLAN ${vlanId}` : `${protocol} VLAN ${vlanId}`;
}

function parentOf(inputs: VlanInputs, state: HostState): LinkState | undefined {
  return findLink(state, { name: inputs.parent, netns: "" });
}

function vlanRules(inputs: Partial<VlanInputs>): Issue[] {
  const { name, netns, parent } = inputs;
  return name !== undefined && netns === undefined && name === parent
    ? [{ property: "parent", reason: "is the link itself; give the link a name of its own" }]
    : [];
}

function vlanProblems(inputs: VlanInputs, context: PlanContext): Issue[] {
  const common = linkProblems(inputs, context, { kind: "vlan", iproute2: "makes VLANs" });
  if (common.length > 0) return common;
  return [
    ...parentProblems(inputs, context),
    ...duplicateProblems(inputs, context),
    ...adoptionProblems(inputs, context),
  ];
}

function parentProblems(inputs: VlanInputs, context: PlanContext): Issue[] {
  const { state } = context.observation;
  const { up, looseBinding, bridgeBinding } = inputs;
  const parent = parentOf(inputs, state);
  if (!parent) {
    if (context.isExpected(inputs.parent)) return [];
    return [
      { property: "parent", reason: `there is no link ${inputs.parent} on the host; ${listLinks(state)}` },
    ];
  }
  if (parent.name === "lo") return [{ property: "parent", reason: "lo cannot have VLANs" }];
  if (bridgeBinding === true && parent.kind !== "bridge") {
    // found out on 6.1: the kernel takes it, and the link never has a carrier
    return [{ property: "bridgeBinding", reason: `goes with a bridge below, and ${parent.name} is none` }];
  }
  const tooBig = mtuProblems(inputs, parent, context);
  // whether another resource of this run sets it up is not to be seen yet
  if (tooBig.length > 0 || context.isExpected(parent.name)) return tooBig;
  const isThere = findLink(state, context.previous ?? linkId(inputs)) !== undefined;
  if (up && !parent.up && looseBinding !== true && !isThere) {
    // net/8021q/vlan_dev.c, vlan_dev_open
    return [
      {
        property: "parent",
        reason:
          `${parent.name} is down, and a VLAN comes up with its parent alone; set it up, or give up: false or ` +
          "looseBinding: true",
      },
    ];
  }
  return [];
}

/** A parent has each VLAN once, in whatever namespace (net/8021q/vlan.c, vlan_check_real_dev). */
function duplicateProblems(inputs: VlanInputs, context: PlanContext): Issue[] {
  const { state } = context.observation;
  const own = [linkId(inputs), ...(context.previous ? [context.previous] : [])];
  const duplicate = state.links.find(
    (l) => isSameVlan(l, inputs) && !own.some(({ name, netns }) => name === l.name && netns === l.netns),
  );
  if (!duplicate) return [];
  const where =
    duplicate.netns === "" ? duplicate.name : `${duplicate.name} in the namespace ${duplicate.netns}`;
  return [
    {
      property: "vlanId",
      reason:
        `${describeVlan(inputs)} of ${inputs.parent} is there already: the link ${where}, and the kernel has one for ` +
        "each; give this one its name (with adopt: true where it is somebody else's), or delete it",
    },
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

/** A link of somebody else's is not made anew. */
function adoptionProblems(inputs: VlanInputs, context: PlanContext): Issue[] {
  const link = findLink(context.observation.state, linkId(inputs));
  const [desired] = desiredVlan(inputs, context).links;
  if (!link || !desired || !adopts(inputs, context) || !mustBeReplaced(link, desired)) return [];
  const found = describeVlan({
    vlanId: Number(link.settings["type.id"]),
    protocol: link.settings["type.protocol"] as VlanProtocol,
  });
  return [
    {
      property: "adopt",
      reason: `${link.name} is ${found} of ${link.parent}, which no live link can be taken from; describe it as it is`,
    },
  ];
}

/** The kernel gives a port's tagged frames to the VLAN before bridge or bond sees them (net/core/dev.c). */
function vlanWarnings(inputs: VlanInputs, context: PlanContext): string[] {
  const { state } = context.observation;
  const master = parentOf(inputs, state)?.settings["link.master"] ?? "";
  const kind = findLink(state, { name: master, netns: "" })?.kind ?? "";
  const what = describeVlan(inputs);
  if (kind === "bridge") {
    return [
      `${inputs.parent} is a port of the bridge ${master}, and the frames of ${what} that come in there are taken out of ` +
        `the bridge: where that is not meant, make ${master} the parent`,
    ];
  }
  if (kind === "bond" || kind === "team") {
    return [
      `${inputs.parent} belongs to the ${kind} ${master}, and ${what} does not go over to another port with it: make ` +
        `${master} the parent instead`,
    ];
  }
  return [];
}

function jsonOf(inputs: VlanInputs): Json {
  return { ...inputs };
}
