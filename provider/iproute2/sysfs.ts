/**
 * Hosts without a usable iproute2: their links from sysfs (`sysfs.sh` reads it), and the program that sets a bridge
 * port's options. sysfs shows neither a macvlan's kind nor its mode, so only bridges and their ports can be managed
 * there.
 */
import type { LinkState, SettingKey } from "../model/host";
import type { PortTool } from "../model/observation";

/**
 * The first of `bridge`, `ip … type bridge_slave`, `brctl` and sysfs that the host has and that is new enough: `bridge`
 * supports hairpin since iproute2 3.9, `ip` port options since 3.18, and brctl hairpin since bridge-utils 1.5
 * (busybox's applet does not).
 */
export function choosePortTool(ipText: string, tools: readonly string[], brctlText: string): PortTool {
  const iproute2 = /iproute2/.test(ipText);
  if (iproute2 && tools.includes("bridge")) return "bridge";
  if (iproute2 && tools.includes("ip")) return "ip";
  const brctl = /(?<![0-9])([0-9]{1,4})\.([0-9]{1,4})/.exec(/busybox/i.test(brctlText) ? "" : brctlText);
  if (tools.includes("brctl") && brctl && Number(brctl[1]) * 100 + Number(brctl[2]) >= 105) return "brctl";
  return "sysfs";
}

const PORT_ATTRIBUTES: Readonly<Record<string, SettingKey>> = {
  "brport/hairpin_mode": "port.hairpin",
  "brport/isolated": "port.isolated",
  "brport/learning": "port.learning",
  "brport/unicast_flood": "port.flood",
  "brport/multicast_flood": "port.mcast_flood",
  "brport/path_cost": "port.cost",
  "brport/priority": "port.priority",
  "brport/bpdu_guard": "port.guard",
  "brport/root_block": "port.root_block",
};

/** Port attributes with numbers; all others are switches. */
const NUMERIC = new Set<SettingKey>(["port.cost", "port.priority"]);

/** Links from sysfs, without addresses and routes. */
export function parseSysfs(text: string): LinkState[] {
  const links = new Map<string, Map<string, string>>();
  for (const line of text.split("\n")) {
    const [, link, attribute, value] = /^(\S+) (\S+)(?: (.*))?$/.exec(line) ?? [];
    if (link === undefined || attribute === undefined) continue;
    const attributes = links.get(link) ?? new Map<string, string>();
    links.set(link, attributes.set(attribute, value ?? ""));
  }
  return [...links].map(([name, attributes]) => sysfsLink(name, attributes));
}

function sysfsLink(name: string, attributes: ReadonlyMap<string, string>): LinkState {
  const get = (attribute: string): string => attributes.get(attribute) ?? "";
  const settings: Partial<Record<SettingKey, string>> = {
    "link.mtu": get("mtu"),
    "link.address": get("address"),
    "link.alias": get("ifalias"),
    "link.txqueuelen": get("tx_queue_len"),
    "link.master": get("master"),
  };
  for (const [attribute, value] of attributes) {
    if (attribute.startsWith("bridge/") && attribute !== "bridge/bridge_id") {
      const word = attribute.slice("bridge/".length);
      settings[`type.${word === "multicast_snooping" ? "mcast_snooping" : word}`] = value;
    }
    const key = PORT_ATTRIBUTES[attribute];
    if (key) settings[key] = NUMERIC.has(key) ? value : value === "1" ? "on" : "off";
  }
  // include/uapi/linux/if.h, IFF_UP
  const up = (Number(get("flags")) & 1) === 1;
  return {
    name,
    netns: "",
    kind: attributes.has("bridge/bridge_id") ? "bridge" : "",
    ifIndex: Number(get("ifindex")),
    parent: "",
    up,
    operState: get("operstate").toUpperCase(),
    promiscuity: 0,
    settings,
    details: {
      bridge_id: canonicalBridgeId(get("bridge/bridge_id")),
      port_state: PORT_STATES[Number(get("brport/state"))] ?? "",
      ...(up && ["down", "lowerlayerdown"].includes(get("operstate")) ? { carrier: "no" } : {}),
    },
    addresses: [],
    routes: [],
  };
}

/** `8000.02:00:5e:00:53:01`, from iproute2's `8000.2:0:5e:0:53:1` or sysfs's `8000.02005e005301`. */
export function canonicalBridgeId(text: string): string {
  const [priority = "", address = ""] = text.split(".");
  const bytes = address.includes(":") ? address.split(":") : (address.match(/../g) ?? []);
  return bytes.length === 6 ? `${priority}.${bytes.map((b) => b.padStart(2, "0")).join(":")}` : text;
}

/** include/uapi/linux/if_bridge.h, BR_STATE_* */
const PORT_STATES = ["disabled", "listening", "learning", "forwarding", "blocking"];
