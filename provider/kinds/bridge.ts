/** HairpinBridge: a bridge whose ports may send frames back to where they came from, as vepa children need. */
import { portToolSets } from "../iproute2/commands";
import { type Issue, issue } from "../model/error";
import { type HostState, type LinkState, findLink } from "../model/host";
import { DEFAULT_PVID, MAX_VLAN, defaultVlans } from "../model/vlans";
import { portsOf } from "../plan/kernel/bond";
import { PORT_DEFAULTS } from "../plan/kernel/defaults";
import type { PortOutputs } from "./args";
import {
  type Form,
  bindingsOf,
  centiseconds,
  number,
  readBindings,
  readGiven,
  settingsOf,
  toggle,
} from "./bindings";
import { type KindInputs, defineKind } from "./define";
import { type Json, type KernelType, type PlanContext, linkId } from "./kind";
import { desiredMaster, joinProblems, masterMtuProblems, portRules } from "./master";
import { linkProblems } from "./problems";
import { type InputsOf, type Since, objectOf, properties } from "./property";
import * as p from "./schemas";
import { vlanList, vlans } from "./vlans";

const BRIDGE: KernelType = {
  word: "bridge",
  links: "bridges",
  module: "bridge",
  isNeeded: true,
};

/** How a port's option is set, and its kernel default. */
function option<T>(
  word: string,
  form: Form<T>,
): { setting: `port.${string}`; form: Form<T>; kernelDefault: string } {
  return { setting: `port.${word}`, form, kernelDefault: PORT_DEFAULTS[`port.${word}`] ?? "" };
}

const onOff = toggle("on", "off");
const isolatedSince: Since = { iproute2: "4.18" };

const PORT_PROPERTIES = properties({
  name: { schema: p.linkName, required: true },
  hairpin: { schema: p.flag, default: true, ...option("hairpin", onOff) },
  isolated: { schema: p.flag, since: isolatedSince, ...option("isolated", onOff) },
  learning: { schema: p.flag, ...option("learning", onOff) },
  flood: { schema: p.flag, ...option("flood", onOff) },
  mcastFlood: { schema: p.flag, ...option("mcast_flood", onOff) },
  // net/bridge/br_stp_if.c: BR_MAX_PATH_COST, BR_MAX_PORTS
  cost: { schema: p.whole(1, 65_535), ...option("cost", number) },
  priority: { schema: p.whole(0, 63), ...option("priority", number) },
  guard: { schema: p.flag, ...option("guard", onOff) },
  rootBlock: { schema: p.flag, ...option("root_block", onOff) },
  vlans: {
    schema: vlans,
    setting: "port.vlans",
    form: vlanList,
    kernelDefault: defaultVlans(DEFAULT_PVID),
  },
});

const PORT_BINDINGS = bindingsOf(PORT_PROPERTIES);

/** A port in canonical form. */
type Port = InputsOf<typeof PORT_PROPERTIES>;

const port = p.textOr(
  p.linkName.transform((name): Port => ({ name, hairpin: PORT_PROPERTIES.hairpin.default })),
  objectOf(PORT_PROPERTIES, "a link's name or { name, hairpin, … }"),
);

const bit = toggle("1", "0");

/** Ranges and defaults are the kernel's (net/bridge/br_private_stp.h; net/bridge/br_device.c, br_dev_setup). */
const PROPERTIES = properties({
  ports: { schema: p.list(port, ({ name }) => name), identifying: true },
  forwardDelay: {
    schema: p.seconds(0, 30),
    setting: "type.forward_delay",
    form: centiseconds,
    kernelDefault: "1500",
  },
  helloTime: {
    schema: p.seconds(1, 10),
    setting: "type.hello_time",
    form: centiseconds,
    kernelDefault: "200",
  },
  maxAge: { schema: p.seconds(6, 40), setting: "type.max_age", form: centiseconds, kernelDefault: "2000" },
  ageingTime: {
    schema: p.seconds(0, 1_000_000),
    setting: "type.ageing_time",
    form: centiseconds,
    kernelDefault: "30000",
  },
  priority: { schema: p.whole(0, 65_535), setting: "type.priority", form: number, kernelDefault: "32768" },
  stp: { schema: p.flag, setting: "type.stp_state", form: bit, kernelDefault: "0" },
  vlanFiltering: { schema: p.flag, setting: "type.vlan_filtering", form: bit, kernelDefault: "0" },
  // before the VLANs, which it changes
  vlanDefaultPvid: {
    schema: p.whole(0, MAX_VLAN),
    setting: "type.vlan_default_pvid",
    form: number,
    kernelDefault: DEFAULT_PVID,
  },
  vlans: {
    schema: vlans,
    setting: "self.vlans",
    form: vlanList,
    kernelDefault: defaultVlans(DEFAULT_PVID),
  },
  mcastSnooping: { schema: p.flag, setting: "type.mcast_snooping", form: bit, kernelDefault: "1" },
  takeOverAddresses: { schema: p.flag },
});

export type BridgeInputs = KindInputs<typeof PROPERTIES>;

export const bridge = defineKind({
  type: "HairpinBridge",
  link: BRIDGE,
  properties: PROPERTIES,
  portProperties: PORT_PROPERTIES,
  lan: (inputs) => inputs.name,
  rules: bridgeRules,
  desired: (inputs, context, settings) =>
    desiredMaster(inputs, context, {
      kind: "bridge",
      settings,
      portSettings: (i, path) => settingsOf(PORT_BINDINGS, inputs.ports?.[i] ?? {}, path),
      takesMac: false,
      portsUp: false,
    }),
  problems: bridgeProblems,
  warnings: vlanWarnings,
  outputs: (link, inputs, { facts, state }) => ({
    bridgeId: link.details["bridge_id"] ?? "",
    ports: (inputs.ports ?? []).flatMap((given) => portOutputs(inputs.name, given, state)),
    portTool: facts.portTool,
  }),
  read: (link, { ports }, state) => ({
    ports: ports
      ? ports.flatMap((given) => portOutputs(link.name, given, state)).map(({ state: _, ...given }) => given)
      : portsOf(state, link.name).map(describePort),
  }),
});

function bridgeRules(inputs: Partial<BridgeInputs>): Issue[] {
  if (inputs.stp === true && isBelowStp(inputs.forwardDelay)) {
    return [issue("invalid-input", "forwardDelay", "must be at least 2 seconds while stp is on")];
  }
  return portRules(inputs, "bridge");
}

function bridgeProblems(inputs: BridgeInputs, context: PlanContext): Issue[] {
  const { state } = context.observation;
  const common = linkProblems(inputs, context, BRIDGE, inputs.adopt !== true);
  if (common.length > 0) return common;
  const noVlans = vlanProblems(inputs, context);
  if (noVlans.length > 0) return noVlans;
  const stp = findLink(state, linkId(inputs))?.settings["type.stp_state"] === "1";
  if (stp && inputs.stp === undefined && isBelowStp(inputs.forwardDelay)) {
    return [
      issue("invalid-input", "forwardDelay", "must be at least 2 seconds, because the bridge has stp on"),
    ];
  }
  return [
    ...(inputs.ports ?? []).flatMap((given, i) => portProblems(inputs, context, given, i)),
    ...masterMtuProblems(inputs, "bridge", context),
  ];
}

/** What says something of VLANs, each with its property. */
function vlanProperties({ vlanDefaultPvid, vlans: own, ports = [] }: BridgeInputs): string[] {
  return [
    ...(vlanDefaultPvid === undefined ? [] : ["vlanDefaultPvid"]),
    ...(own === undefined ? [] : ["vlans"]),
    ...ports.flatMap((given, i) => (given.vlans === undefined ? [] : [`ports[${i}].vlans`])),
  ];
}

function vlanProblems(inputs: BridgeInputs, { observation: { facts } }: PlanContext): Issue[] {
  const asked = vlanProperties(inputs);
  if (facts.vlanFiltering === false) {
    const reason = `the host's kernel ${facts.kernel} cannot filter VLANs (CONFIG_BRIDGE_VLAN_FILTERING)`;
    return [...(inputs.vlanFiltering === true ? ["vlanFiltering"] : []), ...asked].map((property) =>
      issue("host-unsupported", property, reason),
    );
  }
  if (facts.portTool === "bridge") return [];
  return asked
    .filter((property) => property.endsWith("vlans"))
    .map((property) =>
      issue(
        "host-unsupported",
        property,
        "needs the command bridge of iproute2, which the host does not have; install it (iproute2 on Debian and Alpine, " +
          "iproute on Fedora, ip-bridge on OpenWrt)",
      ),
    );
}

function vlanWarnings(inputs: BridgeInputs, { observation: { state } }: PlanContext): string[] {
  const asked = vlanProperties(inputs);
  const now = findLink(state, linkId(inputs))?.settings["type.vlan_filtering"];
  const filters = inputs.vlanFiltering ?? now === "1";
  return asked.length === 0 || filters
    ? []
    : [`${asked.join(", ")} of ${inputs.name} have no effect until vlanFiltering is true`];
}

/** Spanning tree needs at least this (net/bridge/br_private_stp.h, BR_MIN_FORWARD_DELAY). */
function isBelowStp(forwardDelay: number | undefined): boolean {
  return forwardDelay !== undefined && forwardDelay < 2;
}

function portProblems(inputs: BridgeInputs, context: PlanContext, given: Port, i: number): Issue[] {
  const { facts, state } = context.observation;
  const problems = joinProblems(inputs, context, i, "bridge", (link) => {
    if (link.kind === "bridge") return "is a bridge, and a bridge cannot be a port of another bridge";
    const isWireless = facts.wireless.includes(link.name);
    return isWireless ? "is a wireless link: 802.11 stations cannot be bridged" : undefined;
  });
  const link = findLink(state, { name: given.name, netns: "" });
  if (problems.length > 0 || !link || link.settings["link.master"] === "") return problems;
  const word = settingsOf(PORT_BINDINGS, given).find(
    (s) => !portToolSets(facts.portTool, s.key.slice("port.".length)) && !(s.key in link.settings),
  );
  return word
    ? [
        issue(
          "host-unsupported",
          `ports[${i}].${word.property}`,
          `cannot be set with ${facts.portTool}, the only tool for port options on the host`,
        ),
      ]
    : [];
}

function portOutputs(bridgeName: string, given: Port, state: HostState): PortOutputs[] {
  const link = findLink(state, { name: given.name, netns: "" });
  if (link?.settings["link.master"] !== bridgeName) return [];
  const portState = link.details["port_state"] ?? "";
  const { vlans: passing, ...options } = { ...given, ...readGiven(PORT_BINDINGS, given, link) };
  return [{ ...options, ...(passing === undefined ? {} : { vlans: [...passing] }), state: portState }];
}

/**
 * All options of a port except its cost, which follows the link's speed unless it was set, and that cannot be observed.
 */
function describePort(link: LinkState): Json {
  const { cost, ...options } = readBindings(PORT_BINDINGS, link.settings);
  return { name: link.name, ...options };
}
