import type { MacvlanArgs, MacvlanOutputs } from "./macvlan";

/** A macvtap is a macvlan that also has a device file. */
export type MacvtapArgs = MacvlanArgs;

export interface MacvtapOutputs extends MacvlanOutputs {
  /**
   * The device through which a VM sends and receives frames: `/dev/tap7`, with the link's index. It changes if the
   * link is replaced, and after a reboot.
   */
  devicePath: string;
}
