/** Bond: several links that are used as one (drivers/net/bonding). */
import { z } from "zod";
import { type HostState, type LinkState, findLink } from "../model/host";
import { type Issue, issue } from "../model/error";
import {
  BOND_MODES,
  BOND_OPTIONS,
  DEFAULT_MIIMON,
  MII_MODES,
  PRIMARY_MODES,
  givesOut,
  permanentMac,
  portsOf,
} from "../plan/kernel/bond";
import type { BondMode, BondOutputs, BondPortOutputs } from "./args";
import { list, number, toggle } from "./bindings";
import { type KindInputs, defineKind } from "./define";
import { type KernelType, type PlanContext, linkId } from "./kind";
import { desiredMaster, joinProblems, masterMtuProblems, portRules } from "./master";
import { isDisplaceable } from "./displaced";
import { adopts } from "./ownership";
import { linkProblems } from "./problems";
import { properties } from "./property";
import * as p from "./schemas";

const BOND: KernelType = {
  word: "bond",
  links: "bonds",
  module: "bonding",
  besides: ", and bonds as parents",
};

/** How an option is set, and its kernel default. */
function option(word: string): { setting: `type.${string}`; kernelDefault: string } {
  const { kernelDefault } = BOND_OPTIONS.find((one) => one.word === word) ?? {};
  if (kernelDefault === undefined) throw new Error(`a bond has no option ${word}`);
  return { setting: `type.${word}`, kernelDefault };
}

/** bond_options.c: the kernel stores it in an int. */
const milliseconds = { schema: p.whole(0, 2_147_483_647, "milliseconds"), form: number };

/** In the order in which they are set (plan/kernel/bond.ts). */
const PROPERTIES = properties({
  mode: { schema: p.oneOf(...BOND_MODES), required: true, identifying: true, ...option("mode") },
  ports: {
    schema: p.list(
      p.textOr(
        p.linkName.transform((name) => ({ name })),
        z.strictObject({ name: p.linkName }, { error: "must be a link's name" }),
      ),
      ({ name }) => name,
    ),
    identifying: true,
  },
  takeOverAddresses: { schema: p.flag },
  miimon: { ...milliseconds, ...option("miimon") },
  updelay: { ...milliseconds, ...option("updelay") },
  downdelay: { ...milliseconds, ...option("downdelay") },
  arpInterval: { ...milliseconds, ...option("arp_interval") },
  arpIpTargets: { schema: p.arpTargets, form: list(","), ...option("arp_ip_target") },
  arpValidate: {
    schema: p.oneOf("none", "active", "backup", "all", "filter", "filter_active", "filter_backup"),
    ...option("arp_validate"),
  },
  arpAllTargets: { schema: p.oneOf("any", "all"), ...option("arp_all_targets") },
  primaryReselect: { schema: p.oneOf("always", "better", "failure"), ...option("primary_reselect") },
  failOverMac: { schema: p.oneOf("none", "active", "follow"), ...option("fail_over_mac") },
  xmitHashPolicy: {
    schema: p.oneOf("layer2", "layer2+3", "layer3+4", "encap2+3", "encap3+4", "vlan+srcmac"),
    ...option("xmit_hash_policy"),
  },
  lacpRate: { schema: p.oneOf("slow", "fast"), ...option("lacp_rate") },
  adSelect: { schema: p.oneOf("stable", "bandwidth", "count"), ...option("ad_select") },
  minLinks: { schema: p.whole(0, 255), form: number, ...option("min_links") },
  numPeerNotifications: { schema: p.whole(0, 255), form: number, ...option("num_grat_arp") },
  allPortsActive: { schema: p.flag, form: toggle("1", "0"), ...option("all_slaves_active") },
  primary: { schema: p.linkNameOrNone, ...option("primary") },
});

export type BondInputs = KindInputs<typeof PROPERTIES>;

export const bond = defineKind({
  type: "Bond",
  link: BOND,
  properties: PROPERTIES,
  lan: (inputs) => inputs.name,
  rules: (inputs) => [...portRules(inputs, "bond"), ...bondRules(inputs)],
  desired(inputs, context, settings) {
    const isByArp = (inputs.arpInterval ?? 0) > 0 || validates(inputs);
    const goesByItself = inputs.miimon !== undefined || isByArp || adopts(inputs, context);
    return desiredMaster(inputs, context, {
      kind: "bond",
      settings,
      initial: goesByItself
        ? []
        : [{ key: "type.miimon", value: String(DEFAULT_MIIMON), property: "miimon" }],
      takesMac: true,
      portsUp: true,
    });
  },
  problems: bondProblems,
  outputs: (link, inputs, { state }) => ({
    ports: portsNow(link, inputs, state).map(portOutputs),
    activePort: link.details["active_slave"] ?? "",
    ...aggregatorOutputs(link),
  }),
  read: (link, inputs, state) => ({
    ports: (inputs.ports ? portsNow(link, inputs, state) : portsOf(state, link.name)).map(({ name }) => ({
      name,
    })),
  }),
});

function validates({ arpValidate = "none" }: Partial<BondInputs>): boolean {
  return arpValidate !== "none";
}

/** What the kernel refuses, or accepts without effect, on any host (drivers/net/bonding/bond_options.c). */
function bondRules(inputs: Partial<BondInputs>): Issue[] {
  const { mode, miimon = 0, arpInterval = 0 } = inputs;
  const refuse = (property: keyof BondInputs, reason: string): Issue[] => [
    issue("invalid-input", property, reason),
  ];
  const only = (property: keyof BondInputs, modes: readonly string[]): Issue[] =>
    inputs[property] === undefined || mode === undefined || modes.includes(mode)
      ? []
      : refuse(property, `needs mode ${modes.map((m) => `"${m}"`).join(", ")}, and the mode is "${mode}"`);
  const byArp = BOND_MODES.filter((m: BondMode) => !MII_MODES.includes(m));
  const isPort = inputs.ports?.some((port) => port.name === inputs.primary) !== false;
  const needsMii = MII_MODES.includes(mode ?? "");
  return [
    // bond_netlink.c, bond_changelink: each of the two disables the other
    ...(miimon > 0 && arpInterval > 0
      ? refuse("arpInterval", "cannot be combined with miimon; leave one of them out")
      : []),
    // bond_option_mode_set: the kernel would set it to 100
    ...(inputs.miimon === 0 && needsMii
      ? refuse(
          "miimon",
          `cannot be 0 in mode "${mode ?? ""}", which detects dead ports only by their carrier`,
        )
      : []),
    ...only("arpInterval", byArp),
    ...(arpInterval > 0 && inputs.arpIpTargets?.length === 0
      ? refuse("arpIpTargets", "is empty; without an address to probe, arpInterval takes all ports for dead")
      : []),
    ...only("arpValidate", byArp),
    ...(validates(inputs) && (miimon > 0 || inputs.arpInterval === 0)
      ? refuse("arpValidate", "needs arpInterval, and cannot be combined with miimon")
      : []),
    ...(["updelay", "downdelay"] as const).flatMap((delay) => {
      const value = inputs[delay];
      if (value === undefined) return [];
      // _bond_option_delay_set
      if (inputs.miimon === 0 || arpInterval > 0) return refuse(delay, "needs miimon");
      return miimon > 0 && value % miimon !== 0
        ? refuse(delay, `must be a multiple of miimon, ${miimon}; the kernel would round it down`)
        : [];
    }),
    ...only("primary", PRIMARY_MODES),
    ...((inputs.primary ?? "") === "" || isPort ? [] : refuse("primary", "is not one of the ports")),
    ...only("lacpRate", ["802.3ad"]),
    // bond_set_mac_address: the bond has the address of its active port
    ...(inputs.failOverMac === "active" && mode === "active-backup" && inputs.macAddress !== undefined
      ? refuse(
          "macAddress",
          'needs failOverMac "none" or "follow"; with "active" the bond has the active port\'s MAC address',
        )
      : []),
  ];
}

function bondProblems(inputs: BondInputs, context: PlanContext): Issue[] {
  const common = linkProblems(inputs, context, BOND);
  if (common.length > 0) return common;
  return [
    ...delayProblems(inputs, context),
    ...(inputs.ports ?? []).flatMap((_, i) => portProblems(inputs, context, i)),
    ...sharedMacProblems(inputs, context),
    ...masterMtuProblems(inputs, "bond", context),
  ];
}

/**
 * These modes have each port use another MAC address: its own, or that of the bond or of another port that does not use it
 * (bond_alb.c, alb_handle_addr_collision_on_attach; found on 6.1: Bad address).
 */
function sharedMacProblems(inputs: BondInputs, context: PlanContext): Issue[] {
  const { mode, ports = [], macAddress } = inputs;
  const { state } = context.observation;
  const now = findLink(state, context.previous ?? linkId(inputs));
  if (!givesOut(mode) || (now && givesOut(now.settings["type.mode"]) && macAddress === undefined)) return [];
  const bondMac = macAddress ?? now?.settings["link.address"] ?? "";
  const macs = new Map<string, string>();
  let count = bondMac === "" ? 0 : 1;
  return ports.flatMap(({ name }, i): Issue[] => {
    const link = findLink(state, { name, netns: "" });
    if (!link) return [];
    const mac = permanentMac(link);
    const other = macs.get(mac);
    if (other === undefined) macs.set(mac, name);
    if (mac !== bondMac && other === undefined) count++;
    if (count > i || other === undefined) return [];
    const spare = count === 1 ? "give the bond a macAddress of its own, or " : "";
    return [
      issue(
        "unsuitable-link",
        `ports[${i}].name`,
        `${name} has the MAC address of ${other}, ${mac}, and mode "${mode}" needs a different one for each port; ` +
          `${spare}give one of the ports another MAC address`,
      ),
    ];
  });
}

/** Rules that depend on the bond's observed values for properties that are not given. */
function delayProblems(inputs: BondInputs, context: PlanContext): Issue[] {
  if (inputs.miimon !== undefined) return [];
  const now = findLink(context.observation.state, linkId(inputs))?.settings["type.miimon"];
  const miimon = Number(now ?? DEFAULT_MIIMON);
  return (["updelay", "downdelay"] as const).flatMap((delay) => {
    const value = inputs[delay];
    if (value === undefined || (miimon > 0 && value % miimon === 0)) return [];
    const reason =
      miimon === 0
        ? "needs miimon, which is 0 on the bond"
        : `must be a multiple of miimon, which is ${miimon} on the bond`;
    return [issue("invalid-input", delay, reason)];
  });
}

function portProblems(inputs: BondInputs, context: PlanContext, index: number): Issue[] {
  const { facts, state } = context.observation;
  return joinProblems(inputs, context, index, "bond", (link) => {
    const followsPort = inputs.mode === "active-backup" && inputs.failOverMac === "active";
    if (facts.wireless.includes(link.name) && !followsPort) {
      return (
        'is a wireless link, whose MAC address cannot be changed; it needs mode "active-backup" and failOverMac ' +
        '"active"'
      );
    }
    const vlan = state.links.find(
      (l) =>
        l.kind === "vlan" &&
        l.parent === link.name &&
        !isDisplaceable(l, { ...linkId(inputs), kind: "bond" }, context),
    );
    return (
      vlan &&
      `has the VLAN ${vlan.name}, which would go down with it; make the bond the VLAN's parent instead`
    );
  });
}

function portsNow(bondNow: LinkState, { ports = [] }: Partial<BondInputs>, state: HostState): LinkState[] {
  return ports.flatMap(({ name }) => {
    const link = findLink(state, { name, netns: "" });
    return link?.settings["link.master"] === bondNow.name ? [link] : [];
  });
}

function portOutputs({ name, details }: LinkState): BondPortOutputs {
  return { name, state: details["bond_state"] ?? "", miiStatus: details["bond_mii_status"] ?? "" };
}

function aggregatorOutputs({ details }: LinkState): Pick<BondOutputs, "aggregator"> {
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
