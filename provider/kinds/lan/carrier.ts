/** The carrier of the links below a link: without one no packet arrives, whatever is configured. Pure. */
import type { Difference } from "../../model/difference";
import { type HostState, type LinkState, findLink } from "../../model/host";
import { type CommonInputs, type Json, linkId } from "../kind";

/** The lowest link at fault. */
export interface CarrierFault {
  readonly link: string;
  readonly is: "down" | "without a carrier";
}

/** The lowest link that is down or has no carrier, from a link of the host's own namespace downwards. */
export function carrierFault(
  state: HostState,
  name: string,
  above: readonly string[] = [],
): CarrierFault | undefined {
  const link = findLink(state, { name, netns: "" });
  if (!link || above.includes(name) || hasCarrier(link)) return undefined;
  const path = [...above, name];
  const parent = link.parent === "" ? undefined : carrierFault(state, link.parent, path);
  if (parent) return parent;
  const ports = portsOf(state, name).map((port) => carrierFault(state, port.name, path));
  const [first] = ports;
  if (first && ports.every((fault) => fault !== undefined)) return first;
  return { link: name, is: link.up ? "without a carrier" : "down" };
}

/** Whether a link is up, and the kernel says nothing against its carrier. */
export function hasCarrier({ up, details }: LinkState): boolean {
  return up && details["carrier"] !== "no";
}

function portsOf({ links }: HostState, master: string): LinkState[] {
  return links.filter((link) => link.netns === "" && link.settings["link.master"] === master);
}

/** The fault that keeps packets from a resource's link: below its parent, or below its ports if it has any. */
export function carrierFaultOf(known: CommonInputs, state: HostState): CarrierFault | undefined {
  if (!known.up) return undefined;
  const { parent }: Json = known;
  if (typeof parent === "string" && parent !== "") return carrierFault(state, parent);
  const isMaster = known.netns === undefined && portsOf(state, known.name).length > 0;
  const fault = isMaster ? carrierFault(state, known.name) : undefined;
  // that it is down itself is a difference, which the run mends
  return fault?.link === known.name && fault.is === "down" ? undefined : fault;
}

/** A link that should be operational and is not, as a difference: `operState: found lowerlayerdown, wanted up`. */
export function carrierDifferences(known: CommonInputs, state: HostState): Difference[] {
  const link = known.expectCarrier === true ? findLink(state, linkId(known)) : undefined;
  // UNKNOWN: its driver does not say (Documentation/networking/operstates.rst)
  if (!link?.up || ["UP", "UNKNOWN"].includes(link.operState)) return [];
  return [{ property: "operState", found: link.operState.toLowerCase(), wanted: "up" }];
}

/** What the kernel remembers of a link's carrier. */
export interface CarrierHistory {
  /** How often it was lost; undefined before Linux 4.16. */
  readonly lost?: number;
  /** How often there was one. */
  readonly gained?: number;
  /** Seconds since the driver told that it was lost, if its message is still in the kernel's log. */
  readonly since?: number;
}

/** `eth0 is without a carrier, since 2 h 5 min (kernel log); it was lost 3 times` */
export function describeFault({ link, is }: CarrierFault, history: CarrierHistory = {}): string {
  const { lost, gained, since } = history;
  if (is === "down") return `${link} is down`;
  const first = gained === 0 ? ", and has had none since it was made" : "";
  const when = since === undefined ? "" : `, for ${describeTime(since)} (kernel log)`;
  const times =
    lost === undefined || lost === 0 || gained === 0
      ? ""
      : `; the kernel counts ${lost === 1 ? "one loss" : `${lost} losses`} since it was made`;
  return `${link} is without a carrier${first}${when}${times}`;
}

function describeTime(seconds: number): string {
  const [days, hours, minutes] = [86_400, 3600, 60].map((unit) => Math.floor(seconds / unit));
  if (days !== undefined && days > 0) return `${days} d ${(hours ?? 0) % 24} h`;
  if (hours !== undefined && hours > 0) return `${hours} h ${(minutes ?? 0) % 60} min`;
  return minutes !== undefined && minutes > 0 ? `${minutes} min` : `${Math.floor(seconds)} s`;
}
