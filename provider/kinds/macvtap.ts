/** MacvtapInterface: a macvlan whose frames a program, such as a VM, reads and writes through a device file. */
import { kindOfMacvlan } from "./macvlan";

const MACVTAP = {
  word: "macvtap",
  links: "macvtaps",
  module: "macvtap",
  // drivers/net/macvtap.c, macvtap_setup: TUN_READQ_SIZE
  defaults: { "link.txqueuelen": "500" },
} as const;

export const macvtap = kindOfMacvlan("MacvtapInterface", MACVTAP, (link) => ({
  // drivers/net/macvtap.c, macvtap_device_event: "tap%d" with the link's index, in any namespace
  devicePath: `/dev/tap${link.ifIndex}`,
}));
