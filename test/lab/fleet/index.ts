/** The lab: one machine as a fleet of Linux hosts with SSH, on one switch. `cli.ts` is its command line. */
export type { Capture } from "./capture";
export type { Lab, LabHost, LabSwitch, PortCounters } from "./lab";
export type { Login } from "./names";
export type { PingOptions } from "./ping";
export type { RebootOptions } from "./reboot";
export type { CommandResult, RunOptions } from "./run";
export { labDown, labOpen, labUp, type LabOptions } from "./up";
