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
  ipvlan: ipvlanSettings,
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

/** iproute2 prints the flag as a word of its own that is true (ip/iplink_ipvlan.c). */
function ipvlanSettings(data: InfoData): TypeSettings {
  return { "type.flag": ["private", "vepa"].find((flag) => data[flag] === true) ?? "bridge" };
}
