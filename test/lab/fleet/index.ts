/** The lab: one machine as a fleet of Linux hosts with SSH, on one switch. `cli.ts` is its command line. */
export type { GuestNetwork } from "./state";
export type { Lab, LabGuest } from "./lab";
export { labDown, labOpen, labUp, type GuestOptions } from "./up";
