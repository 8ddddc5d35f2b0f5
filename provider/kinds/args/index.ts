/** Arguments and outputs of the resources, one file per kind: types only, so that a program loads nothing for them. */
export type * from "./bond";
export type * from "./bridge";
export type * from "./checks";
export type * from "./host-links";
export type * from "./ipvlan";
export type * from "./link";
export type * from "./macvlan";
export type * from "./macvtap";
export type * from "./shim";
export type * from "./vlan";
