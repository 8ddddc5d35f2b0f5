/** What makes a kind of link a kind. The engine's side knows nothing else of it. */
import type { z } from "zod";
import type { Desired, HostState, LinkId, LinkState, PortKind, Settings } from "../model/host";
import type { Json } from "../model/json";
import type { Observation } from "../model/observation";
import type { Owner } from "../model/owner";
import type { IpvlanFlag, IpvlanMode, LinkOutputs } from "./args";
import type { Binding } from "./bindings";
import type { CommonInputs } from "./link";
import type { Properties } from "./property";

export type { Json } from "../model/json";
export type { CommonInputs } from "./link";

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

/** A host as one resource sees it while it plans. */
export interface PlanContext extends Identity {
  readonly observation: Observation;
  /** The resource is in the stack's state already, under these name and namespace. */
  readonly previous?: { readonly name: string; readonly netns: string };
  /** The resource's inputs of the last run, where it is in the stack's state. */
  readonly previousInputs?: Json;
  /** Paths of properties that the program ignores (`ignoreChanges`). */
  readonly ignored?: readonly string[];
  /** Another resource of this run is to make, or has made, a link of that name on this host. */
  readonly isExpected: (name: string) => boolean;
  /**
   * The MTU that another resource of this run gives a link of that name; undefined where it leaves that as it is. Not
   * given where the observation has it already.
   */
  readonly expectedMtu?: (name: string) => number | "unknown" | undefined;
  /** Another resource of this run gives an IP address to a link of this namespace of the host. */
  readonly isExpectedAddress?: (ip: string, netns: string) => boolean;
}

/** What a link is to the kernel, and to iproute2. */
export interface KernelType {
  /** iproute2's word for it. */
  readonly word: string;
  /** What people call such links. */
  readonly links: string;
  /** The kernel's module for them, if some kernels lack it: `shell/features.sh` looks for it. */
  readonly module?: string;
  /** Without it a host is of no use to most programs. */
  readonly isNeeded?: true;
  /** What the module is for besides the resources of the kind: `, and bonds as parents`. */
  readonly besides?: string;
  /** Settings of a new link of which no property tells, or that other kinds have otherwise. */
  readonly defaults?: Settings;
}

/** A kind of link. `I` is its canonical inputs, `O` are its outputs beside the common ones. */
export interface Kind<I extends CommonInputs, O extends object = object> {
  /** Name of the resource class. */
  readonly type: string;
  readonly link: KernelType;
  /** All that it has; what is not here is refused. */
  readonly properties: Properties;
  /** The settings among them, in the order in which they are set. */
  readonly bindings: readonly Binding[];
  /** One schema a property. */
  readonly schema: Readonly<Record<string, z.ZodType>>;
  readonly required: readonly string[];
  /** Fills in defaults of properties that are neither given nor still unknown. */
  readonly defaults: Json;
  /** Properties without which the host cannot be asked anything about the link. */
  readonly identifying: readonly string[];
  /** Properties of the ports, if it has any. */
  readonly portProperties?: Properties;
  /** Properties of which a change needs another link, the old one removed first. */
  replaces(before: Json, after: Json): string[];
  /** `mac0@eth0` */
  label(inputs: Json): string;
  /** A MAC address is derived for the link, unless the kernel decides. */
  derivesMac(inputs: Partial<I>): boolean;
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
  /** What the resource wants of its host. */
  desired(inputs: I, context: PlanContext): Desired;
  /** What would fail, told before it is tried. */
  problems(inputs: I, context: PlanContext): Issue[];
  /** What works, and is seldom meant. */
  warnings?(inputs: I, context: PlanContext): string[];
  /** All that the host tells of the link; nothing if it is not there. */
  outputs(inputs: I, observation: Observation): Partial<Omit<LinkOutputs, "host" | "label"> & O>;
  /** The given inputs as the host has them. */
  readInputs(inputs: I, observation: Observation): Json;
  /** All that inputs can say of a link of the kind, as the host has it, with its kernel's or our defaults. */
  describe(link: LinkState, state: HostState): Json;
}

/** A part of a link that only one other link can have. */
export interface ExclusiveUse {
  readonly property: string;
  readonly what: string;
  readonly of: string;
}

/** What to do about an address that another machine has: see `duplicateAddressDetection` of the arguments. */
export type DuplicateDetection = NonNullable<CommonInputs["duplicateAddressDetection"]>;

/** What a link needs its parent to be. */
export interface ParentUse {
  readonly kind: PortKind;
  /** Of ipvlans: the port's, and so that of all of them. */
  readonly mode?: IpvlanMode;
  readonly flag?: IpvlanFlag;
  /** Of a macvlan: it takes the parent for itself. */
  readonly isPassthru?: boolean;
  /** Of a macvlan: what it asks of the parent's queue for broadcasts. */
  readonly broadcastQueueThreshold?: number;
}

/** The place of a resource's link on its host. */
export function linkId(inputs: Pick<CommonInputs, "name" | "netns">): LinkId {
  return { name: inputs.name, netns: inputs.netns ?? "" };
}

/** A resource as messages name it, and as those of one run are told apart: `MacvlanInterface "web"`. */
export function resourceName(type: string, name: string): string {
  return `${type} "${name}"`;
}
