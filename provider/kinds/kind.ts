/** What makes a kind of link a kind. The engine's side knows nothing else of it. */
import type { z } from "zod";
import type { Desired, HostState, LinkId, PortKind } from "../model/host";
import type { Observation } from "../model/observation";
import type { Owner } from "../model/owner";
import type { HostAddress } from "../ssh/address";
import type { IpvlanFlag, IpvlanMode } from "./args";

/** Something wrong with an input, on its path. */
export interface Issue {
  /** `addresses[1]`, `host.port`; empty for the resource as a whole. */
  readonly property: string;
  readonly reason: string;
}

/** Who is asking: identity of a resource, which no property of it holds. */
export interface Identity extends Owner {
  /** The Pulumi resource's name. */
  readonly resource: string;
}

/** What every kind's inputs have, once they are canonical. */
export interface CommonInputs {
  readonly host: HostAddress;
  readonly name: string;
  readonly netns?: string;
  readonly up: boolean;
  readonly mtu?: number;
  readonly macAddress?: string;
  readonly addresses?: readonly string[];
  readonly alias?: string;
  readonly txQueueLength?: number;
  readonly adopt?: boolean;
  readonly duplicateAddressDetection?: DuplicateDetection;
  readonly maxMacs?: number;
  readonly persist?: boolean;
}

/** A host as one resource sees it while it plans. */
export interface PlanContext extends Identity {
  readonly observation: Observation;
  /** The resource is in the stack's state already, under these name and namespace. */
  readonly previous?: { readonly name: string; readonly netns: string };
  /** The resource's inputs of the last run, where it is in the stack's state. */
  readonly previousInputs?: Json;
  /** Another resource of this run is to make, or has made, a link of that name on this host. */
  readonly isExpected: (name: string) => boolean;
  /**
   * The MTU that another resource of this run gives a link of that name; undefined where it leaves that as it is. Not
   * given where the observation has it already.
   */
  readonly expectedMtu?: (name: string) => number | "unknown" | undefined;
}

/** Plain JSON, as it travels between the engine and a kind. */
export type Json = Readonly<Record<string, unknown>>;

/**
 * A kind of link. `I` is its canonical inputs: checked, defaults filled in, only what is given.
 *
 * Never give an existing kind a new default that is written into the inputs: every resource of every stack would
 * then show a change after the upgrade. Let the absent property mean the default.
 */
export interface Kind<I extends CommonInputs> {
  /** Name of the resource class. */
  readonly type: string;
  /** One schema a property; a property that is not here is refused. */
  readonly schema: Readonly<Record<string, z.ZodType>>;
  readonly required: readonly string[];
  /** Fills in defaults of properties that are neither given nor still unknown. */
  readonly defaults: Json;
  /** A MAC address is derived for the link, unless the kernel decides. */
  derivesMac(inputs: Partial<I>): boolean;
  label(inputs: Pick<I, keyof I>): string;
  /** The link whose LAN the link's addresses are on: a macvlan's lowest parent, a bridge itself. */
  lan(inputs: I, state: HostState): string;
  /**
   * What of another link only one can have: `VLAN 10` of `eth0`. `of` is also what carries the link's frames, so that
   * MAC addresses on the one are on the other.
   */
  exclusiveUse?(inputs: I): ExclusiveUse;
  /** What the link needs its parent to be; absent for kinds that leave a parent as it is. */
  parentUse?(inputs: I): ParentUse;
  /** Rules between properties; those that are still unknown are absent. */
  rules(inputs: Partial<I>): Issue[];
  /** Properties without which the host cannot be asked anything about the link. */
  readonly identifying: readonly string[];
  /** Properties of which a change needs the link to be made anew, the old one removed first. */
  replaces(before: I, after: I): string[];
  /** What the resource wants of its host. */
  desired(inputs: I, context: PlanContext): Desired;
  /** What would fail, told before it is tried. */
  problems(inputs: I, context: PlanContext): Issue[];
  /** What works, and is seldom meant. */
  warnings?(inputs: I, context: PlanContext): string[];
  /** Outputs beside the common ones. */
  outputs(inputs: I, observation: Observation): Json;
  /** The given inputs as the host has them. */
  readInputs(inputs: I, observation: Observation): Json;
}

/** A part of a link that only one other link can have. */
export interface ExclusiveUse {
  readonly property: string;
  readonly what: string;
  readonly of: string;
}

/** What to do about an address that somebody else has: see `duplicateAddressDetection` of the arguments. */
export type DuplicateDetection = "off" | "warn" | "error";

/** What a link needs its parent to be. */
export interface ParentUse {
  readonly kind: PortKind;
  /** Of ipvlans: the port's, and so that of all of them. */
  readonly mode?: IpvlanMode;
  readonly flag?: IpvlanFlag;
}

/** The place of a resource's link on its host. */
export function linkId(inputs: Pick<CommonInputs, "name" | "netns">): LinkId {
  return { name: inputs.name, netns: inputs.netns ?? "" };
}

/** A resource as messages name it, and as those of one run are told apart: `MacvlanInterface "web"`. */
export function resourceName(type: string, name: string): string {
  return `${type} "${name}"`;
}
