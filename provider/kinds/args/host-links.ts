import type { BondArgs, BondOutputs } from "./bond";
import type { BridgeArgs, BridgeOutputs } from "./bridge";
import type { IpvlanArgs, IpvlanOutputs } from "./ipvlan";
import type { LinkArgs } from "./link";
import type { MacvlanArgs, MacvlanOutputs } from "./macvlan";
import type { MacvtapArgs, MacvtapOutputs } from "./macvtap";
import type { ShimArgs, ShimOutputs } from "./shim";
import type { VlanArgs, VlanOutputs } from "./vlan";

/** Arguments and outputs of a link of `HostLinks`, by its `kind`: those of the resource class of that kind. */
export type LinkKinds = {
  macvlan: { args: MacvlanArgs; outputs: MacvlanOutputs };
  macvtap: { args: MacvtapArgs; outputs: MacvtapOutputs };
  ipvlan: { args: IpvlanArgs; outputs: IpvlanOutputs };
  shim: { args: ShimArgs; outputs: ShimOutputs };
  vlan: { args: VlanArgs; outputs: VlanOutputs };
  bond: { args: BondArgs; outputs: BondOutputs };
  bridge: { args: BridgeArgs; outputs: BridgeOutputs };
};

/** Properties that may stand once beside `links`: they apply to each link that does not have its own. */
export type SharedLinkArgs = Pick<
  LinkArgs,
  | "mtu"
  | "up"
  | "txQueueLength"
  | "persist"
  | "adopt"
  | "duplicateAddressDetection"
  | "checks"
  | "expectCarrier"
>;
