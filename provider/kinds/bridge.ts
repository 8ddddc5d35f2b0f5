/** HairpinBridge: a bridge whose ports may send frames back to where they came from, as vepa children need. */
import { z } from "zod";
import { portToolSets } from "../iproute2/commands";
import type { Observation } from "../model/observation";
import { type Desired, findLink } from "../model/host";
import type { BridgeArgs, PortArgs } from "./args";
import {
  type Binding,
  LINK_BINDINGS,
  centiseconds,
  readBindings,
  number,
  settingsOf,
  toggle,
} from "./bindings";
import { commonOutputs, readLinkInputs } from "./outputs";
import { commonRules, linkProblems } from "./problems";
import { type CommonInputs, type Issue, type Json, type Kind, type PlanContext, linkId } from "./kind";
import { joinProblems, portRules, desiredMaster } from "./master";
import * as p from "./schemas";

/** A port in canonical form. */
type Port = Readonly<PortArgs> & { readonly hairpin: boolean };

export interface BridgeInputs extends CommonInputs {
  readonly ports?: readonly Port[];
  readonly takeOverAddresses?: boolean;
  readonly vlanFiltering?: boolean;
  readonly stp?: boolean;
  readonly forwardDelay?: number;
}

const BINDINGS: readonly Binding[] = [
  centiseconds("type.forward_delay", "forwardDelay"),
  centiseconds("type.hello_time", "helloTime"),
  centiseconds("type.max_age", "maxAge"),
  centiseconds("type.ageing_time", "ageingTime"),
  number("type.priority", "priority"),
  toggle("type.stp_state", "stp", "1", "0"),
  toggle("type.vlan_filtering", "vlanFiltering", "1", "0"),
  toggle("type.mcast_snooping", "mcastSnooping", "1", "0"),
  ...LINK_BINDINGS,
];

const PORT_BINDINGS: readonly Binding[] = [
  toggle("port.hairpin", "hairpin", "on", "off"),
  toggle("port.isolated", "isolated", "on", "off"),
  toggle("port.learning", "learning", "on", "off"),
  toggle("port.flood", "flood", "on", "off"),
  toggle("port.mcast_flood", "mcastFlood", "on", "off"),
  number("port.cost", "cost"),
  number("port.priority", "priority"),
  toggle("port.guard", "guard", "on", "off"),
  toggle("port.root_block", "rootBlock", "on", "off"),
];

const portFields = z.strictObject({
  name: p.linkName,
  hairpin: p.flag.optional(),
  isolated: p.flag.optional(),
  learning: p.flag.optional(),
  flood: p.flag.optional(),
  mcastFlood: p.flag.optional(),
  // net/bridge/br_stp_if.c: BR_MAX_PATH_COST, BR_MAX_PORTS
  cost: p.whole(1, 65_535).optional(),
  priority: p.whole(0, 63).optional(),
  guard: p.flag.optional(),
  rootBlock: p.flag.optional(),
});

const port = z.union([p.linkName.transform((name) => ({ name })), portFields]).transform((given): Port => {
  const said = Object.entries(given).filter(([, value]) => value !== undefined);
  return { hairpin: true, ...(Object.fromEntries(said) as unknown as PortArgs) };
});

export const bridge: Kind<BridgeInputs> = {
  type: "HairpinBridge",
  schema: {
    ...p.commonSchema,
    ports: p.list(port, ({ name }) => name),
    stp: p.flag,
    priority: p.whole(0, 65_535),
    // the ranges are the kernel's: net/bridge/br_private_stp.h
    forwardDelay: p.seconds(0, 30),
    helloTime: p.seconds(1, 10),
    maxAge: p.seconds(6, 40),
    ageingTime: p.seconds(0, 1_000_000),
    vlanFiltering: p.flag,
    mcastSnooping: p.flag,
    takeOverAddresses: p.flag,
  } satisfies Record<keyof BridgeArgs, unknown>,
  required: ["host"],
  defaults: { up: true },
  derivesMac: () => false,
  label: (inputs) => inputs.name,
  lan: (inputs) => inputs.name,
  rules: (inputs) => [...commonRules(inputs), ...bridgeRules(inputs)],
  identifying: ["host", "name", "ports"],
  replaces: () => [],
  desired: desiredBridge,
  problems: bridgeProblems,
  outputs: (inputs, observation) => ({
    ...commonOutputs(inputs, observation),
    bridgeId: findLink(observation.state, linkId(inputs))?.details["bridge_id"] ?? "",
    ports: (inputs.ports ?? []).flatMap((given) => portOutputs(inputs, given, observation)),
    portTool: observation.facts.portTool,
  }),
  readInputs: (inputs, observation) =>
    readLinkInputs(inputs, observation, BINDINGS, () => ({
      ...(inputs.ports === undefined ? {} : { ports: readPorts(inputs, observation) }),
    })),
};

function desiredBridge(inputs: BridgeInputs, context: PlanContext): Desired {
  return desiredMaster(inputs, context, {
    kind: "bridge",
    settings: settingsOf(BINDINGS, jsonOf(inputs)),
    portSettings: (i, path) => settingsOf(PORT_BINDINGS, { ...inputs.ports?.[i] }, path),
    takesMac: false,
    portsUp: false,
  });
}

function bridgeRules(inputs: Partial<BridgeInputs>): Issue[] {
  if (inputs.stp === true && isBelowStp(inputs.forwardDelay)) {
    return [{ property: "forwardDelay", reason: "has to be 2 seconds at least while stp is on" }];
  }
  return portRules(inputs, "bridge");
}

function bridgeProblems(inputs: BridgeInputs, context: PlanContext): Issue[] {
  const { facts, state } = context.observation;
  const manual = inputs.adopt === true ? {} : { iproute2: "makes bridges" };
  const common = linkProblems(inputs, context, { kind: "bridge", ...manual });
  if (common.length > 0) return common;
  if (inputs.vlanFiltering === true && facts.vlanFiltering === false) {
    return [
      {
        property: "vlanFiltering",
        reason: `the host's kernel ${facts.kernel} cannot filter VLANs (CONFIG_BRIDGE_VLAN_FILTERING)`,
      },
    ];
  }
  const stp = findLink(state, linkId(inputs))?.settings["type.stp_state"] === "1";
  if (stp && inputs.stp === undefined && isBelowStp(inputs.forwardDelay)) {
    return [{ property: "forwardDelay", reason: "has to be 2 seconds at least: the bridge has stp on" }];
  }
  return (inputs.ports ?? []).flatMap((given, i) => portProblems(inputs, context, given, i));
}

/** Spanning tree does not work with less (net/bridge/br_private_stp.h, BR_MIN_FORWARD_DELAY). */
function isBelowStp(forwardDelay: number | undefined): boolean {
  return forwardDelay !== undefined && forwardDelay < 2;
}

function portProblems(inputs: BridgeInputs, context: PlanContext, given: Port, i: number): Issue[] {
  const { facts, state } = context.observation;
  const problems = joinProblems(inputs, context, i, "bridge", (link) => {
    if (link.kind === "bridge") return "is a bridge, which cannot be a port of one";
    const isWireless = facts.wireless.includes(link.name);
    return isWireless ? "is a wireless link: 802.11 stations cannot be bridged" : undefined;
  });
  const link = findLink(state, { name: given.name, netns: "" });
  if (problems.length > 0 || !link || link.settings["link.master"] === "") return problems;
  const word = settingsOf(PORT_BINDINGS, { ...given }, "").find(
    (s) => !portToolSets(facts.portTool, s.key.slice("port.".length)) && !(s.key in link.settings),
  );
  return word
    ? [
        {
          property: `ports[${i}].${word.property}`,
          reason: `cannot be set with the host's ${facts.portTool}`,
        },
      ]
    : [];
}

function portOutputs(inputs: BridgeInputs, given: Port, observation: Observation): Json[] {
  const link = findLink(observation.state, { name: given.name, netns: "" });
  if (link?.settings["link.master"] !== inputs.name) return [];
  const state = link.details["port_state"] ?? "";
  return [{ ...given, ...readBindings(PORT_BINDINGS, { ...given }, link), state }];
}

function readPorts(inputs: BridgeInputs, observation: Observation): Json[] {
  return (inputs.ports ?? [])
    .flatMap((given) => portOutputs(inputs, given, observation))
    .map(({ state, ...port }) => port);
}

function jsonOf(inputs: BridgeInputs): Json {
  return { ...inputs };
}
