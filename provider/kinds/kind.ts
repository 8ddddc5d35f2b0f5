/** What defines a kind of link. The engine uses nothing else of it. */
import type { z } from "zod";
import type { Issue } from "../model/error";
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

/** The identity of a resource, which none of its properties contains. */
export interface Identity extends Owner {
  /** The Pulumi resource's name. */
  readonly resource: string;
}

/** What a kind needs for planning a resource on its host. */
export interface PlanContext extends Identity {
  readonly observation: Observation;
  /** The link's place in the last run, if the resource is already in the stack's state. */
  readonly previous?: { readonly name: string; readonly netns: string };
  /** The resource's inputs of the last run, if it is in the stack's state. */
  readonly previousInputs?: Json;
  /** Paths of properties that the program ignores (`ignoreChanges`). */
  readonly ignored?: readonly string[];
  /** Properties that are secrets of the program, now or in the last run. */
  readonly secrets?: readonly string[];
  /** Whether another resource of this run makes, or has made, a link of that name on this host. */
  readonly isExpected: (name: string) => boolean;
  /**
   * The MTU that another resource of this run gives a link of that name; undefined if it does not set it. Absent if the
   * observation already has it.
   */
  readonly expectedMtu?: (name: string) => number | "unknown" | undefined;
  /** Whether the observation has a link of this very resource as it is to be: `HostLinks` plans one after the other. */
  readonly isPlanned?: (link: LinkId) => boolean;
  /** Whether another resource of this run gives an IP address to a link of this namespace of the host. */
  readonly isExpectedAddress?: (ip: string, netns: string) => boolean;
}

/** A link type of the kernel and of iproute2. */
export interface KernelType {
  /** iproute2's word for it. */
  readonly word: string;
  /** The usual name of such links. */
  readonly links: string;
  /** The kernel's module for them, if some kernels lack it: `shell/features.sh` looks for it. */
  readonly module?: string;
  /** Most programs need it. */
  readonly isNeeded?: true;
  /** What the module is needed for besides the resources of the kind: `, and bonds as parents`. */
  readonly besides?: string;
  /** Kernel defaults without a property, or different from those of other kinds. */
  readonly defaults?: Settings;
}

/** A kind of link. `I` are its canonical inputs, `O` its outputs beside the common ones. */
export interface Kind<I extends CommonInputs, O extends object = object> {
  /** Name of the resource class. */
  readonly type: string;
  readonly link: KernelType;
  /** All of its properties; others are refused. */
  readonly properties: Properties;
  /** The settings among them, in the order in which they are set. */
  readonly bindings: readonly Binding[];
  /** One schema per property. */
  readonly schema: Readonly<Record<string, z.ZodType>>;
  readonly required: readonly string[];
  /** Fills in defaults of properties that are neither given nor still unknown. */
  readonly defaults: Json;
  /** Properties that must be known before the link can be planned on its host. */
  readonly identifying: readonly string[];
  /** Properties of the ports, if it has any. */
  readonly portProperties?: Properties;
  /** Changed properties for which the link must be replaced; the old one is removed first. */
  replaces(before: Json, after: Json): string[];
  /** `mac0@eth0` */
  label(inputs: Json): string;
  /** A MAC address is derived for the link, unless the kernel decides. */
  derivesMac(inputs: Partial<I>): boolean;
  /** The link whose LAN the link's addresses are on: a macvlan's lowest parent, a bridge itself. */
  lan(inputs: I, state: HostState): string;
  /**
   * A part of another link that only one link can use: `VLAN 10` of `eth0`. The frames of this link pass through `of`,
   * which therefore carries its MAC addresses too.
   */
  exclusiveUse?(inputs: I): ExclusiveUse;
  /** How the link uses its parent; absent for kinds that do not affect a parent. */
  parentUse?(inputs: I): ParentUse;
  /** Rules between properties. Properties that are still unknown are absent. */
  rules(inputs: Partial<I>): Issue[];
  /** The desired state of the resource's host. */
  desired(inputs: I, context: PlanContext): Desired;
  /** What would fail, found before it is tried. */
  problems(inputs: I, context: PlanContext): Issue[];
  /** What works but is rarely intended. */
  warnings?(inputs: I, context: PlanContext): string[];
  /** The observed outputs of the link; empty if it does not exist. */
  outputs(inputs: I, observation: Observation): Partial<Omit<LinkOutputs, "host" | "label" | "checks"> & O>;
  /** The observed values of the given inputs. */
  readInputs(inputs: I, observation: Observation): Json;
  /** All inputs that describe an existing link, with the kernel's or our defaults. For `adopt`. */
  describe(link: LinkState, state: HostState): Json;
}

/** A part of a link that only one other link can use. */
export interface ExclusiveUse {
  readonly property: string;
  readonly what: string;
  readonly of: string;
}

/** What to do if another machine has an address: see `duplicateAddressDetection` in the arguments. */
export type DuplicateDetection = NonNullable<CommonInputs["duplicateAddressDetection"]>;

/** How a link uses its parent. */
export interface ParentUse {
  readonly kind: PortKind;
  /** Of ipvlans: the mode of the parent, which all of its ipvlans share. */
  readonly mode?: IpvlanMode;
  readonly flag?: IpvlanFlag;
  /** Of a macvlan: whether it is the parent's only child. */
  readonly isPassthru?: boolean;
  /** Of a macvlan: what it asks of the parent's queue for broadcasts. */
  readonly broadcastQueueThreshold?: number;
}

/** The place of a resource's link on its host. */
export function linkId(inputs: Pick<CommonInputs, "name" | "netns">): LinkId {
  return { name: inputs.name, netns: inputs.netns ?? "" };
}

/** The name of a resource in messages, unique in a run: `MacvlanInterface "web"`. */
export function resourceName(type: string, name: string): string {
  return `${type} "${name}"`;
}
