/**
 * What the bonding driver does of itself (drivers/net/bonding): which options a mode has, when they can be set, and what
 * a port's coming and going changes. Pure.
 */
import { isIPv6Cidr } from "./addresses";
import type { HostState, LinkId, LinkState, SettingKey, Settings, WantedSetting } from "./model";

export const BOND_MODES = [
  ...(["balance-rr", "active-backup", "balance-xor", "broadcast"] as const),
  ...(["802.3ad", "balance-tlb", "balance-alb"] as const),
];
export type BondMode = (typeof BOND_MODES)[number];

/** bonding.h, bond_mode_uses_primary: modes in which one port at a time has a part of its own. */
export const PRIMARY_MODES: readonly string[] = ["active-backup", "balance-tlb", "balance-alb"];
/** bonding.h, bond_mode_uses_arp is none of these: they go by the carrier alone. */
export const MII_MODES: readonly string[] = ["802.3ad", "balance-tlb", "balance-alb"];
const ARP_MODES = BOND_MODES.filter((mode) => !MII_MODES.includes(mode));

/** Milliseconds between looks at the carrier where a mode needs them and none are said (BOND_DEFAULT_MIIMON). */
export const DEFAULT_MIIMON = 100;

/** An option of a bond: iproute2's word for setting it. */
export interface BondOption {
  readonly word: string;
  /** The word by which `ip -j` shows it, where that is another one. */
  readonly shown?: string;
  readonly fresh: string;
  /** The modes that have it; not given: all. */
  readonly modes?: readonly string[];
  /** It is refused while the bond is up, or besides while it has ports (bond_options.c, BOND_OPTFLAG_*). */
  readonly needs?: "down" | "noPorts";
}

/** In the order in which they are set: what a mode or an interval changes of the others comes after it. */
export const BOND_OPTIONS: readonly BondOption[] = [
  { word: "mode", fresh: "balance-rr", needs: "noPorts" },
  { word: "miimon", fresh: "0" },
  { word: "updelay", fresh: "0" },
  { word: "downdelay", fresh: "0" },
  { word: "arp_interval", fresh: "0", modes: ARP_MODES },
  { word: "arp_ip_target", fresh: "" },
  { word: "arp_validate", fresh: "none", modes: ARP_MODES },
  { word: "arp_all_targets", fresh: "any" },
  { word: "primary", fresh: "", modes: PRIMARY_MODES },
  { word: "primary_reselect", fresh: "always" },
  { word: "fail_over_mac", fresh: "none", needs: "noPorts" },
  { word: "xmit_hash_policy", fresh: "layer2" },
  { word: "lacp_rate", shown: "ad_lacp_rate", fresh: "slow", modes: ["802.3ad"], needs: "down" },
  { word: "ad_select", fresh: "stable", needs: "down" },
  { word: "min_links", fresh: "0" },
  { word: "num_grat_arp", shown: "num_peer_notif", fresh: "1" },
  { word: "all_slaves_active", fresh: "0" },
];

/** The primary counts, and shows, as soon as it is a port: it is set when the ports are there. */
export const PRIMARY: SettingKey = "type.primary";

/** Delays are counted in looks at the carrier: without these the kernel refuses them. */
const DELAYS: readonly SettingKey[] = ["type.updelay", "type.downdelay"];

/** The options that a bond has as it is: those of other modes the kernel keeps to itself, or refuses. */
export function bondOptions(mode: string, miimon: string): readonly BondOption[] {
  return BOND_OPTIONS.filter(
    ({ word, modes }) =>
      (modes === undefined || modes.includes(mode)) && (miimon !== "0" || !DELAYS.includes(`type.${word}`)),
  );
}

/** The options of a bond that is made with some of them. */
export function newBond(given: Settings): Settings {
  const fresh = Object.fromEntries(BOND_OPTIONS.map(({ word, fresh: value }) => [`type.${word}`, value]));
  return settled({ ...fresh, ...given });
}

/** What setting an option makes of them all. `""` is a value that shows only then. */
export function withBondOption(before: Settings, key: SettingKey, value: string): Settings {
  const after: Settings = { ...before, [key]: value };
  const miimon = before["type.miimon"] ?? "0";
  switch (key) {
    case "type.mode": // bond_option_mode_set
      return settled({ ...after, "type.arp_validate": "none" });
    case "type.miimon": // bond_option_miimon_set
      return settled({
        ...after,
        ...(value === "0" ? {} : rescaled(before, Number(miimon), Number(value))),
        ...(value === "0" || (before["type.arp_interval"] ?? "0") === "0"
          ? {}
          : { "type.arp_interval": "0", "type.arp_validate": "none" }),
      });
    case "type.arp_interval": // bond_option_arp_interval_set
      return settled(value === "0" ? after : { ...after, "type.miimon": "0" });
    default:
      return after;
  }
}

function rescaled(before: Settings, from: number, to: number): Settings {
  const scale = (key: SettingKey): string =>
    from === 0 ? "" : String(Math.floor(Number(before[key] ?? "0") / from) * to);
  return Object.fromEntries(DELAYS.map((key) => [key, scale(key)]));
}

function settled(settings: Settings): Settings {
  const mode = settings["type.mode"] ?? "";
  const needsMii = MII_MODES.includes(mode) && (settings["type.miimon"] ?? "0") === "0";
  const miimon = needsMii ? String(DEFAULT_MIIMON) : (settings["type.miimon"] ?? "0");
  const has = new Set(bondOptions(mode, miimon).map(({ word }) => `type.${word}`));
  const others = Object.entries(settings).filter(
    ([key]) => has.has(key) || !BOND_OPTIONS.some(({ word }) => key === `type.${word}`),
  );
  return { ...Object.fromEntries(others), "type.miimon": miimon };
}

/** What a bond has to be for these of its settings to be changed. */
export function bondNeeds(
  bond: LinkState,
  wanted: readonly WantedSetting[],
): { down: boolean; noPorts: boolean } {
  const needs = wanted
    .filter((s) => (bond.settings[s.key] ?? "") !== s.value)
    .map((s) => BOND_OPTIONS.find(({ word }) => s.key === `type.${word}`)?.needs);
  const isMode = wanted.some((s) => s.key === "type.mode" && bond.settings[s.key] !== s.value);
  return { down: isMode || needs.includes("down"), noPorts: needs.includes("noPorts") };
}

export function portsOf(state: HostState, master: string): LinkState[] {
  return state.links.filter((l) => l.netns === "" && l.settings["link.master"] === master);
}

/** The MAC address that a link has where no bond gives it its own. */
export function permanentMac(link: LinkState): string {
  return link.details["perm_hwaddr"] ?? link.settings["link.address"] ?? "";
}

/** bond_enslave: a port is opened, and takes the bond's MTU and MAC address; a bond without one takes the first port's. */
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
          "link.address": keepsMac(bond) ? own : (mac ?? ""),
          "link.mtu": bond.settings["link.mtu"] ?? mtu,
        },
        details: { ...l.details, perm_hwaddr: own, original_mtu: mtu },
      };
    }
    return l.name === bond.name && l.netns === "" && bond.settings["link.address"] === ""
      ? { ...l, settings: { ...l.settings, "link.address": own } }
      : l;
  });
}

/**
 * bond_release: a port is closed, which takes its routes and IPv6 addresses, and gets back its own MAC address and MTU; a
 * bond without ports gets a random MAC address, which nobody can know before.
 *
 * @param state in which the port has left the bond already
 */
export function leaveBond(state: HostState, port: LinkId, bond: string): HostState {
  const isLast = portsOf(state, bond).length === 0;
  return map(state, (l) => {
    if (l.netns === port.netns && l.name === port.name) return released(l, l.settings["link.master"]);
    if (l.name !== bond || l.netns !== "") return l;
    return {
      ...l,
      settings: {
        ...l.settings,
        ...(l.settings[PRIMARY] === port.name ? { [PRIMARY]: "" } : {}),
        ...(isLast ? { "link.address": "" } : {}),
      },
    };
  });
}

/** A link as it is when its bond has let it go, to another master or to none. */
export function released(link: LinkState, master = ""): LinkState {
  const { perm_hwaddr, original_mtu, ...details } = link.details;
  return {
    ...link,
    up: false,
    routes: [],
    addresses: link.addresses.filter((a) => !isIPv6Cidr(a.cidr)),
    settings: {
      ...link.settings,
      "link.master": master,
      ...(perm_hwaddr === undefined ? {} : { "link.address": perm_hwaddr }),
      ...(original_mtu === undefined ? {} : { "link.mtu": original_mtu }),
    },
    details,
  };
}

/** bond_change_mtu, bond_set_mac_address: the ports follow their bond. */
export function portsFollow(state: HostState, bond: LinkState, key: SettingKey, value: string): HostState {
  if (key === "link.address" && keepsMac(bond)) return state;
  return map(state, (l) =>
    l.netns === "" && l.settings["link.master"] === bond.name
      ? { ...l, settings: { ...l.settings, [key]: value } }
      : l,
  );
}

/** With this the bond goes by its port's MAC address, and the ports keep theirs. */
function keepsMac(bond: LinkState): boolean {
  return bond.settings["type.mode"] === "active-backup" && bond.settings["type.fail_over_mac"] === "active";
}

function map(state: HostState, how: (link: LinkState) => LinkState): HostState {
  return { ...state, links: state.links.map(how) };
}
