/**
 * Settings of a kind that `ip -j -d` does not print as one word and one value, in the form that the plan compares and
 * `commands.ts` writes. Pure.
 */
import { bondOptions } from "../plan/kernel/bond";
import type { SettingKey } from "../model/host";
import { type Printed, isPrinted, plainText } from "./fields";
import { isOlder } from "./version";

type TypeSettings = Partial<Record<SettingKey, string>>;

/** Readers by kind. Other kinds are read as printed. */
const READERS: ReadonlyMap<string, (data: Printed, iproute2: string) => TypeSettings> = new Map<
  string,
  (data: Printed, iproute2: string) => TypeSettings
>([
  ["macvlan", macvlanSettings],
  ["macvtap", macvlanSettings],
  ["vlan", vlanSettings],
  ["bond", bondSettings],
  ["bridge", bridgeSettings],
  ["ipvlan", ipvlanSettings],
]);

/** Kinds whose settings are all read above: other printed values are only details. */
export const READ_WHOLE: ReadonlySet<string> = new Set(["bond"]);

/** The settings of a link that have to be composed. */
export function typeSettings(kind: string, data: Printed, iproute2: string): TypeSettings {
  return READERS.get(kind)?.(data, iproute2) ?? {};
}

/**
 * iproute2 prints flags only when they are set, and a source list in the kernel's hash order. The kernel reports
 * `bclim` only if it is not 1, and iproute2 before 6.4 never shows it (drivers/net/macvlan.c, macvlan_fill_info).
 */
function macvlanSettings(data: Printed, iproute2: string): TypeSettings {
  const list = Array.isArray(data["macaddr_data"]) ? data["macaddr_data"].map(plainText) : [];
  return {
    "type.mode": typeof data["mode"] === "string" ? data["mode"] : "",
    "type.flags": ["nopromisc", "nodst"].filter((flag) => data[flag] === true).join(" "),
    "type.macaddr": list.toSorted().join(" "),
    ...(isOlder(iproute2, "6.4") ? {} : { "type.bclim": plainText(data["bclim"]) || "1" }),
  };
}

/** Flags are printed by their names in C, and the maps as lists of pairs in the kernel's order (ip/iplink_vlan.c). */
function vlanSettings(data: Printed): TypeSettings {
  const flags = Array.isArray(data["flags"]) ? data["flags"].map(plainText) : [];
  const names = ["reorder_hdr", "gvrp", "mvrp", "loose_binding", "bridge_binding"];
  return {
    ...Object.fromEntries(names.map((n) => [`type.${n}`, flags.includes(n.toUpperCase()) ? "on" : "off"])),
    "type.ingress-qos-map": qosMap(data["ingress_qos"]),
    "type.egress-qos-map": qosMap(data["egress_qos"]),
  };
}

function qosMap(list: unknown): string {
  const entries = Array.isArray(list) ? (list as readonly unknown[]).filter(isPrinted) : [];
  return entries
    .map(({ from, to }) => ({ from: plainText(from), to: plainText(to) }))
    .toSorted((a, b) => Number(a.from) - Number(b.from))
    .map(({ from, to }) => `${from}:${to}`)
    .join(" ");
}

/** What `ip -j` calls otherwise than `ip link set` (ip/iplink_bridge.c), which a deleted bridge is made with again. */
const BRIDGE_WORDS: Readonly<Record<string, string>> = {
  group_fwd_mask: "group_fwd_mask",
  mcast_last_member_cnt: "mcast_last_member_count",
  mcast_startup_query_cnt: "mcast_startup_query_count",
  mcast_last_member_intvl: "mcast_last_member_interval",
  mcast_membership_intvl: "mcast_membership_interval",
  mcast_querier_intvl: "mcast_querier_interval",
  mcast_query_intvl: "mcast_query_interval",
  mcast_query_response_intvl: "mcast_query_response_interval",
  mcast_startup_query_intvl: "mcast_startup_query_interval",
};

/** A group address that is set stays if the VLAN protocol changes, so that of a new bridge is none (net/bridge/br_netlink.c). */
function bridgeSettings(data: Printed): TypeSettings {
  const address = plainText(data["group_addr"]);
  return {
    ...Object.fromEntries(
      Object.entries(BRIDGE_WORDS).flatMap(([printed, word]) => {
        const value = plainText(data[printed]);
        return value === "" ? [] : [[`type.${word}`, value]];
      }),
    ),
    ...(["", "01:80:c2:00:00:00"].includes(address) ? {} : { "type.group_address": address }),
  };
}

/** Options of other modes are printed too, but cannot be set. */
function bondSettings(data: Printed): TypeSettings {
  const text = (value: unknown): string | undefined => {
    if (Array.isArray(value)) return value.map(plainText).join(",");
    return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
  };
  const mode = text(data["mode"]) ?? "";
  const options = bondOptions(mode, text(data["miimon"]) ?? "0");
  return Object.fromEntries(
    options.flatMap(({ word, shown = word, kernelDefault }) => {
      // empty values are left out, and "none" is null; a kernel without the option shows nothing either
      const value =
        text(data[shown]) ?? (data[shown] === null || kernelDefault === "" ? kernelDefault : undefined);
      return value === undefined ? [] : [[`type.${word}`, value]];
    }),
  );
}

/** Details of a bond's 802.3ad aggregator: `ad_aggregator`, `ad_num_ports`, `ad_partner_mac`, … */
export function bondDetails(data: Printed): Record<string, string> {
  const told = isPrinted(data["ad_info"]) ? data["ad_info"] : {};
  return Object.fromEntries(Object.entries(told).map(([word, value]) => [`ad_${word}`, plainText(value)]));
}

/** Details of a bond's port: `bond_state`, `bond_mii_status`, and its permanent MAC address. */
export function bondPortDetails(data: Printed): Record<string, string> {
  const text = (word: string): string => (typeof data[word] === "string" ? data[word] : "");
  return {
    bond_state: text("state").toLowerCase(),
    bond_mii_status: text("mii_status").toLowerCase(),
    perm_hwaddr: text("perm_hwaddr"),
  };
}

/** iproute2 prints the flag as a word of its own that is true (ip/iplink_ipvlan.c). */
function ipvlanSettings(data: Printed): TypeSettings {
  return { "type.flag": ["private", "vepa"].find((flag) => data[flag] === true) ?? "bridge" };
}
