/**
 * Macvlan interfaces, hairpin bridges and host shims on Linux hosts, over SSH.
 *
 * @packageDocumentation
 */
export type * from "./kinds/args";
export type * from "./network/args";
export type { DeepInput, InputArgs, Outputs } from "./engine/resource";
export { HairpinBridge, HostShim, IpvlanInterface, MacvlanInterface, MacvtapInterface } from "./links";
export { MacvlanNetwork } from "./network/network";
