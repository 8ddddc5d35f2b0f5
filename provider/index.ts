/**
 * Macvlan interfaces, bonds, hairpin bridges and host shims on Linux hosts, over SSH.
 *
 * @packageDocumentation
 */
export type * from "./kinds/args";
export type * from "./network/args";
export type { DeepInput, InputArgs, Outputs } from "./program/resource";
export type {
  HostLinkArgs,
  HostLinkMap,
  HostLinksArgs,
  HostLinksOutputs,
  KnownProperties,
} from "./program/host-links";
export { HostLinks } from "./program/host-links";
export * from "./program/resources";
export { MacvlanNetwork } from "./network/network";
