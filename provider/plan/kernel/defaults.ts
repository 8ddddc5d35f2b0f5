/** The kernel defaults of every new link and every new port. Those of a kind of link are in the kind's own table. */
import type { Settings } from "../../model/host";

/** A new bridge port's settings (net/bridge/br_if.c, new_nbp); the cost follows the link's speed. */
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
