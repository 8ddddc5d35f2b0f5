/**
 * Settings of a kind that `ip -j -d` does not print as one word and one value, in the form that the plan compares and
 * `commands.ts` writes. Pure.
 */
import type { SettingKey } from "../plan/model";

/** `linkinfo.info_data` as iproute2 prints it. */
type InfoData = Readonly<Record<string, unknown>>;

type TypeSettings = Partial<Record<SettingKey, string>>;

/** By kind. What is not here is read as it is printed. */
const READERS: Readonly<Record<string, (data: InfoData) => TypeSettings>> = {
  macvlan: macvlanSettings,
  macvtap: macvlanSettings,
  vlan: vlanSettings,
};

/** What has to be put together of a link's own settings. */
export function typeSettings(kind: string, data: InfoData): TypeSettings {
  return READERS[kind]?.(data) ?? {};
}

/** iproute2 prints flags only when they are set, and a source list in the kernel's hash order. */
function macvlanSettings(data: InfoData): TypeSettings {
  const list = Array.isArray(data["macaddr_data"]) ? data["macaddr_data"].map(String) : [];
  return {
    "type.mode": typeof data["mode"] === "string" ? data["mode"] : "",
    "type.flags": ["nopromisc", "nodst"].filter((flag) => data[flag] === true).join(" "),
    "type.macaddr": list.toSorted().join(" "),
  };
}

/** Flags are printed by their names in C, and the maps as lists of pairs in the kernel's order (ip/iplink_vlan.c). */
function vlanSettings(data: InfoData): TypeSettings {
  const flags = Array.isArray(data["flags"]) ? data["flags"].map(String) : [];
  const names = ["reorder_hdr", "gvrp", "mvrp", "loose_binding", "bridge_binding"];
  return {
    ...Object.fromEntries(names.map((n) => [`type.${n}`, flags.includes(n.toUpperCase()) ? "on" : "off"])),
    "type.ingress-qos-map": qosMap(data["ingress_qos"]),
    "type.egress-qos-map": qosMap(data["egress_qos"]),
  };
}

function qosMap(list: unknown): string {
  const entries = Array.isArray(list) ? (list as readonly { from?: unknown; to?: unknown }[]) : [];
  return entries
    .toSorted((a, b) => Number(a.from) - Number(b.from))
    .map(({ from, to }) => `${String(from)}:${String(to)}`)
    .join(" ");
}
