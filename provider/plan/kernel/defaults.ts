/** What the kernel gives a link that has just been made: what a plan may leave unsaid, and a model has to know. */
import type { Settings } from "../../model/host";

/** drivers/net/macvlan.c, macvlan_common_setup */
const MACVLAN: Settings = {
  "type.mode": "vepa",
  "type.flags": "",
  "type.macaddr": "",
  "type.bcqueuelen": "1000",
};

/** By kind, settings of its own (`type.WORD`), and others where it has other ones than most. */
const KERNEL_DEFAULTS: Readonly<Record<string, Settings>> = {
  macvlan: MACVLAN,
  // drivers/net/macvtap.c, macvtap_setup
  macvtap: { ...MACVLAN, "link.txqueuelen": "500" },
  // drivers/net/ipvlan/ipvlan_main.c, ipvlan_link_new
  ipvlan: { "type.mode": "l3", "type.flag": "bridge" },
  // net/bridge/br_device.c, br_dev_setup
  bridge: {
    "type.stp_state": "0",
    "type.forward_delay": "1500",
    "type.hello_time": "200",
    "type.max_age": "2000",
    "type.ageing_time": "30000",
    "type.priority": "32768",
    "type.vlan_filtering": "0",
    "type.mcast_snooping": "1",
  },
  // net/8021q/vlan_netlink.c, vlan_newlink
  vlan: {
    "type.protocol": "802.1Q",
    "type.reorder_hdr": "on",
    "type.gvrp": "off",
    "type.mvrp": "off",
    "type.loose_binding": "off",
    "type.bridge_binding": "off",
    "type.ingress-qos-map": "",
    "type.egress-qos-map": "",
  },
};

/** The settings of its kind that a new link has; none for a kind that is not known here. */
export function kernelDefaults(kind: string): Settings {
  return KERNEL_DEFAULTS[kind] ?? {};
}

/** A fresh port's settings (net/bridge/br_if.c, new_nbp); the cost follows the link's speed. */
export const PORT_DEFAULTS: Settings = {
  "port.hairpin": "off",
  "port.isolated": "off",
  "port.learning": "on",
  "port.flood": "on",
  "port.mcast_flood": "on",
  "port.cost": "2",
  "port.priority": "32",
  "port.guard": "off",
  "port.root_block": "off",
};

export const SYSCTL_DEFAULTS: Settings = {
  "sysctl.ipv4.arp_filter": "0",
  "sysctl.ipv4.arp_notify": "0",
  "sysctl.ipv6.ndisc_notify": "0",
};
