/** The lab: one machine as a fleet of Linux hosts with SSH, on one switch. `cli.ts` is its command line. */
export type { Capture } from "./capture";
export type { GuestNetwork } from "./state";
export type { Lab, LabGuest, LabHost, LabNode, LabSwitch, PortCounters } from "./lab";
export type { Login } from "./names";
export type { PingOptions } from "./ping";
export type { RebootOptions } from "./reboot";
export type { CommandResult, RunOptions } from "./run";
export { labDown, labOpen, labUp, type GuestOptions, type LabOptions } from "./up";
