import type { MacvlanArgs, MacvlanOutputs } from "./macvlan";

/** A macvtap is a macvlan that has a device file besides. */
export type MacvtapArgs = MacvlanArgs;

export interface MacvtapOutputs extends MacvlanOutputs {
  /**
   * The device by which a VM has the link's frames: `/dev/tap7`, with the link's index. It is another one when the link is
   * made anew, and after a reboot.
   */
  devicePath: string;
}
