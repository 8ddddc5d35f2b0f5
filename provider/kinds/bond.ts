/** Bond: several links that are used as one (drivers/net/bonding). */
import type { Observation } from "../model/observation";
import { BOND_MODES, DEFAULT_MIIMON, MII_MODES, PRIMARY_MODES } from "../plan/kernel/bond";
import { type LinkState, type Desired, findLink } from "../model/host";
import type { BondArgs, BondMode } from "./args";
import { type Binding, LINK_BINDINGS, number, settingsOf, string, toggle } from "./bindings";
import { commonOutputs, readLinkInputs } from "./outputs";
import { adopts } from "./ownership";
import { commonRules, linkProblems } from "./problems";
import { type CommonInputs, type Issue, type Json, type Kind, type PlanContext, linkId } from "./kind";
import { joinProblems, portRules, desiredMaster } from "./master";
import * as p from "./schemas";

export interface BondInputs
  extends CommonInputs, Omit<BondArgs, keyof CommonInputs | "host" | "ports" | "arpIpTargets"> {
  readonly ports?: readonly { readonly name: string }[];
  readonly arpIpTargets?: readonly string[];
}

/** In the order in which they are set (plan/bond.ts). */
export const BOND_BINDINGS: readonly Binding[] = [
  string("type.mode", "mode"),
  number("type.miimon", "miimon"),
  number("type.updelay", "updelay"),
  number("type.downdelay", "downdelay"),
  number("type.arp_interval", "arpInterval"),
  {
    key: "type.arp_ip_target",
    property: "arpIpTargets",
    encode: (inputs) => (inputs["arpIpTargets"] as readonly string[]).join(","),
    decode: (value) => ({ arpIpTargets: value === "" ? [] : value.split(",") }),
  },
  string("type.arp_validate", "arpValidate"),
  string("type.arp_all_targets", "arpAllTargets"),
  string("type.primary_reselect", "primaryReselect"),
  string("type.fail_over_mac", "failOverMac"),
  string("type.xmit_hash_policy", "xmitHashPolicy"),
  string("type.lacp_rate", "lacpRate"),
  string("type.ad_select", "adSelect"),
  number("type.min_links", "minLinks"),
  number("type.num_grat_arp", "numPeerNotifications"),
  toggle("type.all_slaves_active", "allPortsActive", "1", "0"),
  string("type.primary", "primary"),
  ...LINK_BINDINGS,
];

/** bond_options.c: what is above, an int cannot hold. */
const MILLISECONDS = p.whole(0, 2_147_483_647, "milliseconds");

export const bond: Kind<BondInputs> = {
  type: "Bond",
  schema: {
    ...p.commonSchema,
    mode: p.oneOf(...BOND_MODES),
    ports: p.list(
      p.linkName.transform((name) => ({ name })),
      ({ name }) => name,
    ),
    takeOverAddresses: p.flag,
    miimon: MILLISECONDS,
    updelay: MILLISECONDS,
    downdelay: MILLISECONDS,
    arpInterval: MILLISECONDS,
    arpIpTargets: p.arpTargets,
    arpValidate: p.oneOf("none", "active", "backup", "all", "filter", "filter_active", "filter_backup"),
    arpAllTargets: p.oneOf("any", "all"),
    primary: p.linkNameOrNone,
    primaryReselect: p.oneOf("always", "better", "failure"),
    failOverMac: p.oneOf("none", "active", "follow"),
    xmitHashPolicy: p.oneOf("layer2", "layer2+3", "layer3+4", "encap2+3", "encap3+4", "vlan+srcmac"),
    lacpRate: p.oneOf("slow", "fast"),
    adSelect: p.oneOf("stable", "bandwidth", "count"),
    minLinks: p.whole(0, 255),
    numPeerNotifications: p.whole(0, 255),
    allPortsActive: p.flag,
  } satisfies Record<keyof BondArgs, unknown>,
  required: ["host", "mode"],
  defaults: { up: true },
  derivesMac: () => false,
  label: (inputs) => inputs.name,
  lan: (inputs) => inputs.name,
  rules: (inputs) => [...commonRules(inputs), ...portRules(inputs, "bond"), ...bondRules(inputs)],
  identifying: ["host", "name", "mode", "ports"],
  replaces: () => [],
  desired: desiredBond,
  problems: bondProblems,
  outputs(inputs, observation) {
    const link = findLink(observation.state, linkId(inputs));
    return {
      ...commonOutputs(inputs, observation),
      ports: readPorts(inputs, observation).map(portOutputs),
      activePort: link?.details["active_slave"] ?? "",
      ...aggregatorOutputs(link),
    };
  },
  readInputs: (inputs, observation) =>
    readLinkInputs(inputs, observation, BOND_BINDINGS, () => ({
      ...(inputs.ports === undefined
        ? {}
        : { ports: readPorts(inputs, observation).map(({ name }) => ({ name })) }),
    })),
};

function desiredBond(inputs: BondInputs, context: PlanContext): Desired {
  const isByArp = (inputs.arpInterval ?? 0) > 0 || validates(inputs);
  const goesByItself = inputs.miimon !== undefined || isByArp || adopts(inputs, context);
  return desiredMaster(inputs, context, {
    kind: "bond",
    settings: settingsOf(BOND_BINDINGS, { ...inputs }),
    initial: goesByItself ? [] : [{ key: "type.miimon", value: String(DEFAULT_MIIMON), property: "miimon" }],
    takesMac: true,
    portsUp: true,
  });
}

function validates({ arpValidate = "none" }: Partial<BondInputs>): boolean {
  return arpValidate !== "none";
}

/** What the kernel refuses, or takes and does not do, whatever the host (drivers/net/bonding/bond_options.c). */
function bondRules(inputs: Partial<BondInputs>): Issue[] {
  const { mode, miimon = 0, arpInterval = 0 } = inputs;
  const issue = (property: keyof BondInputs, reason: string): Issue[] => [{ property, reason }];
  const only = (property: keyof BondInputs, modes: readonly string[]): Issue[] =>
    inputs[property] === undefined || mode === undefined || modes.includes(mode)
      ? []
      : issue(property, `goes with ${modes.map((m) => `"${m}"`).join(", ")} only, and the mode is "${mode}"`);
  const byArp = BOND_MODES.filter((m: BondMode) => !MII_MODES.includes(m));
  const isPort = inputs.ports?.some((port) => port.name === inputs.primary) !== false;
  const needsMii = MII_MODES.includes(mode ?? "");
  return [
    // bond_netlink.c, bond_changelink: each of the two switches the other off
    ...(miimon > 0 && arpInterval > 0 ? issue("arpInterval", "excludes miimon: leave one of them out") : []),
    // bond_option_mode_set: the kernel then takes 100
    ...(inputs.miimon === 0 && needsMii
      ? issue("miimon", `cannot be 0 in mode "${mode ?? ""}", which knows dead ports by their carrier only`)
      : []),
    ...only("arpInterval", byArp),
    ...(arpInterval > 0 && inputs.arpIpTargets?.length === 0
      ? issue("arpIpTargets", "is empty: without an address to ask for, arpInterval finds all ports dead")
      : []),
    ...only("arpValidate", byArp),
    ...(validates(inputs) && (miimon > 0 || inputs.arpInterval === 0)
      ? issue("arpValidate", "needs arpInterval, and excludes miimon")
      : []),
    ...(["updelay", "downdelay"] as const).flatMap((delay) => {
      const value = inputs[delay];
      if (value === undefined) return [];
      // _bond_option_delay_set
      if (inputs.miimon === 0 || arpInterval > 0) return issue(delay, "needs miimon");
      return miimon > 0 && value % miimon !== 0
        ? issue(delay, `has to be a multiple of miimon, ${miimon}: the kernel rounds it down`)
        : [];
    }),
    ...only("primary", PRIMARY_MODES),
    ...((inputs.primary ?? "") === "" || isPort ? [] : issue("primary", "is none of the ports")),
    ...only("lacpRate", ["802.3ad"]),
    // bond_set_mac_address: the bond has its active port's
    ...(inputs.failOverMac === "active" && mode === "active-backup" && inputs.macAddress !== undefined
      ? issue(
          "macAddress",
          'goes with failOverMac "none" or "follow": with "active" it is the active port\'s',
        )
      : []),
  ];
}

function bondProblems(inputs: BondInputs, context: PlanContext): Issue[] {
  const common = linkProblems(inputs, context, { kind: "bond", iproute2: "makes bonds" });
  if (common.length > 0) return common;
  return [
    ...delayProblems(inputs, context),
    ...(inputs.ports ?? []).flatMap((_, i) => portProblems(inputs, context, i)),
  ];
}

/** Rules that hang on what the bond has of itself where a property is not given. */
function delayProblems(inputs: BondInputs, context: PlanContext): Issue[] {
  if (inputs.miimon !== undefined) return [];
  const now = findLink(context.observation.state, linkId(inputs))?.settings["type.miimon"];
  const miimon = Number(now ?? DEFAULT_MIIMON);
  return (["updelay", "downdelay"] as const).flatMap((delay) => {
    const value = inputs[delay];
    if (value === undefined || (miimon > 0 && value % miimon === 0)) return [];
    const reason =
      miimon === 0
        ? "needs miimon, which the bond has at 0"
        : `has to be a multiple of miimon, which the bond has at ${miimon}`;
    return [{ property: delay, reason }];
  });
}

function portProblems(inputs: BondInputs, context: PlanContext, index: number): Issue[] {
  const { facts, state } = context.observation;
  return joinProblems(inputs, context, index, "bond", (link) => {
    const followsPort = inputs.mode === "active-backup" && inputs.failOverMac === "active";
    if (facts.wireless.includes(link.name) && !followsPort) {
      return (
        'is a wireless link, whose MAC address cannot be changed: it goes with mode "active-backup" and failOverMac ' +
        '"active" only'
      );
    }
    const vlan = state.links.find((l) => l.netns === "" && l.kind === "vlan" && l.parent === link.name);
    return vlan && `has the VLAN ${vlan.name}, which would go down along with it; put it on the bond instead`;
  });
}

function readPorts(inputs: BondInputs, { state }: Observation): LinkState[] {
  return (inputs.ports ?? []).flatMap(({ name }) => {
    const link = findLink(state, { name, netns: "" });
    return link?.settings["link.master"] === inputs.name ? [link] : [];
  });
}

function portOutputs({ name, details }: LinkState): Json {
  return { name, state: details["bond_state"] ?? "", miiStatus: details["bond_mii_status"] ?? "" };
}

function aggregatorOutputs(link: LinkState | undefined): Json {
  const { details = {} } = link ?? {};
  if (details["ad_aggregator"] === undefined) return {};
  return {
    aggregator: {
      id: Number(details["ad_aggregator"]),
      ports: Number(details["ad_num_ports"]),
      actorKey: Number(details["ad_actor_key"]),
      partnerKey: Number(details["ad_partner_key"]),
      partnerMacAddress: details["ad_partner_mac"] ?? "",
    },
  };
}
