/** MacvtapInterface: a macvlan whose frames a program, such as a VM's, reads and writes by a device file. */
import { findLink } from "../model/host";
import { type Kind, linkId } from "./kind";
import { type MacvlanInputs, kindOfMacvlan } from "./macvlan";

const base = kindOfMacvlan("MacvtapInterface", "macvtap");

export const macvtap: Kind<MacvlanInputs> = {
  ...base,
  outputs(inputs, observation) {
    const link = findLink(observation.state, linkId(inputs));
    return {
      ...base.outputs(inputs, observation),
      // drivers/net/macvtap.c, macvtap_device_event: "tap%d" with the link's index, in whatever namespace
      ...(link ? { devicePath: `/dev/tap${link.ifIndex}` } : {}),
    };
  },
};
