/**
 * What the bonding driver does by itself (drivers/net/bonding): the options of each mode, when they can be set, and
 * what changes when a port joins or leaves. Pure.
 */
import { isIPv6Cidr } from "../../model/addresses";
import type { HostState, LinkId, LinkState, SettingKey, Settings, DesiredSetting } from "../../model/host";
import { withoutRoutes } from "./routes";

export const BOND_MODES = [
  ...(["balance-rr", "active-backup", "balance-xor", "broadcast"] as const),
  ...(["802.3ad", "balance-tlb", "balance-alb"] as const),
];

/** bonding.h, bond_mode_uses_primary: modes in which one port at a time has a special role. */
export const PRIMARY_MODES: readonly string[] = ["active-backup", "balance-tlb", "balance-alb"];
/** bonding.h, bond_mode_uses_arp is false for these: they only watch the carrier. */
export const MII_MODES: readonly string[] = ["802.3ad", "balance-tlb", "balance-alb"];
const ARP_MODES = BOND_MODES.filter((mode) => !MII_MODES.includes(mode));

/** Milliseconds between checks of the carrier if a mode needs them and none are set (BOND_DEFAULT_MIIMON). */
export const DEFAULT_MIIMON = 100;

/** An option of a bond: iproute2's word for setting it. */
export interface BondOption {
  readonly word: string;
  /** The word by which `ip -j` shows it, if different. */
  readonly shown?: string;
  readonly kernelDefault: string;
  /** The modes that have it; default: all. */
  readonly modes?: readonly string[];
  /** It is refused while the bond is up (`down`), or also while it has ports (bond_options.c, BOND_OPTFLAG_*). */
  readonly needs?: "down" | "noPorts";
}

/** In the order in which they are set: options that depend on the mode or on an interval come after it. */
export const BOND_OPTIONS: readonly BondOption[] = [
  { word: "mode", kernelDefault: "balance-rr", needs: "noPorts" },
  { word: "miimon", kernelDefault: "0" },
  { word: "updelay", kernelDefault: "0" },
  { word: "downdelay", kernelDefault: "0" },
  { word: "arp_interval", kernelDefault: "0", modes: ARP_MODES },
  { word: "arp_ip_target", kernelDefault: "" },
  { word: "arp_validate", kernelDefault: "none", modes: ARP_MODES },
  { word: "arp_all_targets", kernelDefault: "any" },
  { word: "primary", kernelDefault: "", modes: PRIMARY_MODES },
  { word: "primary_reselect", kernelDefault: "always" },
  { word: "fail_over_mac", kernelDefault: "none", needs: "noPorts" },
  { word: "xmit_hash_policy", kernelDefault: "layer2" },
  { word: "lacp_rate", shown: "ad_lacp_rate", kernelDefault: "slow", modes: ["802.3ad"], needs: "down" },
  { word: "ad_select", kernelDefault: "stable", needs: "down" },
  { word: "min_links", kernelDefault: "0" },
  { word: "num_grat_arp", shown: "num_peer_notif", kernelDefault: "1" },
  { word: "all_slaves_active", kernelDefault: "0" },
];

/** The primary takes effect, and is shown, as soon as it is a port, so it is set after the ports have joined. */
export const PRIMARY: SettingKey = "type.primary";

/** Among a bond's details: the name of a primary that is not a port now. */
const KEPT_PRIMARY = "kept_primary";

/** Delays are multiples of the carrier check's interval: the kernel refuses them without it. */
const DELAYS: readonly SettingKey[] = ["type.updelay", "type.downdelay"];

/** The options that a bond shows. The kernel hides or refuses those of other modes. */
export function bondOptions(mode: string, miimon: string): readonly BondOption[] {
  return BOND_OPTIONS.filter(
    ({ word, modes }) =>
      (modes === undefined || modes.includes(mode)) && (miimon !== "0" || !DELAYS.includes(`type.${word}`)),
  );
}

/** The options of a bond that is created with these. */
export function newBond(given: Settings): Settings {
  return settled(given, {});
}

/**
 * A bond after an option was set, with the effect on other options. The kernel keeps and shows options that the mode
 * does not use: they are among the details. It keeps delays without showing them: after a time without carrier checks
 * they are taken to be none.
 */
export function withBondOption(bond: LinkState, key: SettingKey, value: string): LinkState {
  const settings = settled(
    { ...bond.settings, ...following(bond.settings, key, value), [key]: value },
    bond.details,
  );
  const hidden = BOND_OPTIONS.flatMap(({ word, shown = word }): [string, string][] => {
    const before = bond.settings[`type.${word}`];
    return before === undefined || settings[`type.${word}`] !== undefined ? [] : [[shown, before]];
  });
  return {
    ...bond,
    settings,
    details: {
      ...bond.details,
      ...Object.fromEntries(hidden),
      ...{ updelay: "0", downdelay: "0" },
      ...(key === PRIMARY ? { [KEPT_PRIMARY]: "" } : {}),
    },
  };
}

function following(before: Settings, key: SettingKey, value: string): Settings {
  switch (key) {
    case "type.mode": // bond_option_mode_set
      return {
        "type.arp_validate": "none",
        ...(MII_MODES.includes(value) ? { "type.arp_interval": "0" } : {}),
      };
    case "type.miimon": {
      // bond_option_miimon_set
      if (value === "0") return {};
      const byArp = (before["type.arp_interval"] ?? "0") !== "0";
      const looks = Number(before["type.miimon"] ?? "0");
      const scale = (delay: SettingKey): string =>
        looks === 0 ? "0" : String(Math.floor(Number(before[delay] ?? "0") / looks) * Number(value));
      return {
        ...Object.fromEntries(DELAYS.map((delay) => [delay, scale(delay)])),
        ...(byArp ? { "type.arp_interval": "0", "type.arp_validate": "none" } : {}),
      };
    }
    case "type.arp_interval": // bond_option_arp_interval_set
      return value === "0" ? {} : { "type.miimon": "0" };
    default:
      return {};
  }
}

/** All settings; the bond's own are those of its mode. `kept`: the other options that it shows. */
function settled(settings: Settings, kept: Readonly<Record<string, string>>): Settings {
  const others = Object.entries(settings).filter(([key]) => !isOption(key));
  const mode = settings["type.mode"] ?? "balance-rr";
  const asked = settings["type.miimon"] ?? "0";
  const miimon = MII_MODES.includes(mode) && asked === "0" ? String(DEFAULT_MIIMON) : asked;
  const has = bondOptions(mode, miimon).map(({ word, shown = word, kernelDefault }): [string, string] => [
    `type.${word}`,
    settings[`type.${word}`] ?? kept[shown] ?? kernelDefault,
  ]);
  return { ...Object.fromEntries(others), ...Object.fromEntries(has), "type.miimon": miimon };
}

function isOption(key: string): boolean {
  return BOND_OPTIONS.some(({ word }) => key === `type.${word}`);
}

/** The state a bond must be in for these of its settings to be changed. */
export function bondNeeds(
  bond: LinkState,
  desired: readonly DesiredSetting[],
): { down: boolean; noPorts: boolean } {
  const needs = desired
    .filter((s) => (bond.settings[s.key] ?? "") !== s.value)
    .map((s) => BOND_OPTIONS.find(({ word }) => s.key === `type.${word}`)?.needs);
  const isMode = desired.some((s) => s.key === "type.mode" && bond.settings[s.key] !== s.value);
  return { down: isMode || needs.includes("down"), noPorts: needs.includes("noPorts") };
}

export function portsOf(state: HostState, master: string): LinkState[] {
  return state.links.filter((l) => l.netns === "" && l.settings["link.master"] === master);
}

/** The MAC address that a link has outside a bond. */
export function permanentMac(link: LinkState): string {
  return link.details["perm_hwaddr"] ?? link.settings["link.address"] ?? "";
}

/**
 * bond_enslave: a port is opened and gets the bond's MTU and MAC address; a bond without one takes the first port's. A
 * port that was the primary when it left becomes the primary again, because the bond keeps its name
 * (bond->params.primary).
 */
export function joinBond(state: HostState, port: LinkId, bond: LinkState): HostState {
  const joining = state.links.find((l) => l.netns === port.netns && l.name === port.name);
  if (!joining) return state;
  const own = joining.settings["link.address"] ?? "";
  const mac = bond.settings["link.address"] === "" ? own : bond.settings["link.address"];
  const mtu = joining.settings["link.mtu"] ?? "";
  return map(state, (l) => {
    if (l === joining) {
      return {
        ...l,
        up: true,
        settings: {
          ...l.settings,
          "link.address": keepsMac(bond) ? own : givesOut(bond.settings["type.mode"]) ? "" : (mac ?? ""),
          "link.mtu": bond.settings["link.mtu"] ?? mtu,
        },
        details: { ...l.details, perm_hwaddr: own, original_mtu: mtu },
      };
    }
    if (l.name !== bond.name || l.netns !== "") return l;
    const isPrimary = l.settings[PRIMARY] === "" && l.details[KEPT_PRIMARY] === joining.name;
    return {
      ...l,
      settings: {
        ...l.settings,
        ...(bond.settings["link.address"] === "" ? { "link.address": own } : {}),
        ...(isPrimary ? { [PRIMARY]: joining.name } : {}),
      },
    };
  });
}

/**
 * bond_release: a port is closed, loses its routes and IPv6 addresses, and gets back its own MAC address and MTU. A
 * bond without ports gets a random MAC address, which cannot be predicted.
 *
 * @param state the state in which the port has left the bond already
 */
export function leaveBond(state: HostState, port: LinkId, bond: string): HostState {
  const isLast = portsOf(state, bond).length === 0;
  return map(state, (l) => {
    if (l.netns === port.netns && l.name === port.name) return released(l, l.settings["link.master"]);
    if (l.name !== bond || l.netns !== "") return l;
    const wasPrimary = l.settings[PRIMARY] === port.name;
    return {
      ...l,
      settings: {
        ...l.settings,
        ...(wasPrimary ? { [PRIMARY]: "" } : {}),
        ...(isLast ? { "link.address": "" } : {}),
      },
      ...(wasPrimary ? { details: { ...l.details, [KEPT_PRIMARY]: port.name } } : {}),
    };
  });
}

/** A link after it has left its bond, for another master or none. */
export function released(link: LinkState, master = ""): LinkState {
  const { perm_hwaddr, original_mtu, ...details } = link.details;
  return {
    ...withoutRoutes(link),
    up: false,
    addresses: link.addresses.filter((a) => !isIPv6Cidr(a.cidr)),
    settings: {
      ...link.settings,
      "link.master": master,
      ...(perm_hwaddr === undefined ? {} : { "link.address": perm_hwaddr }),
      // not known of a bond that existed before
      "link.mtu": original_mtu ?? "",
    },
    details,
  };
}

/** bond_change_mtu, bond_set_mac_address: the ports follow their bond. */
export function portsFollow(state: HostState, bond: LinkState, key: SettingKey, value: string): HostState {
  if (key === "link.address" && keepsMac(bond)) return state;
  return map(state, (l) =>
    l.netns === "" && l.settings["link.master"] === bond.name
      ? {
          ...l,
          settings: {
            ...l.settings,
            [key]: key === "link.address" && givesOut(bond.settings["type.mode"]) ? "" : value,
          },
        }
      : l,
  );
}

/** bond_alb.c, bond_alb_init_slave: these modes give their ports different addresses, and exchange them. */
export function givesOut(mode = ""): boolean {
  return ["balance-tlb", "balance-alb"].includes(mode);
}

/** With this, the bond uses the MAC address of its port, and the ports keep theirs. */
function keepsMac(bond: LinkState): boolean {
  return bond.settings["type.mode"] === "active-backup" && bond.settings["type.fail_over_mac"] === "active";
}

function map(state: HostState, how: (link: LinkState) => LinkState): HostState {
  return { ...state, links: state.links.map(how) };
}
