/** All links of a host as one resource: its class, and the outputs of its links. */
import * as pulumi from "@pulumi/pulumi";
import type { HostArgs, LinkKinds, SharedLinkArgs } from "../kinds/args/index";
import { withCode } from "../model/error";
import { pathOf } from "../model/property-path";
import { KIND_OUTPUTS } from "./outputs";
import { type DeepInput, type InputArgs, type LinkNames, type Outputs, linkResource } from "./resource";

/** A link of {@link HostLinks}: its kind, and the properties of that kind's resource class, without the host. */
export type HostLinkArgs = {
  [K in keyof LinkKinds]: { readonly kind: K } & InputArgs<Omit<LinkKinds[K]["args"], "host">>;
}[keyof LinkKinds];

/** The links of a host. A key is the link's name on the host, unless the link has a `name`. */
export type HostLinkMap = Readonly<Record<string, HostLinkArgs>>;

/**
 * Arguments of {@link HostLinks}. The map, its keys and kinds must be plain values; all other values may be outputs. What
 * stands beside `links` applies to each link that does not have its own.
 */
export interface HostLinksArgs<L extends HostLinkMap = HostLinkMap> extends InputArgs<SharedLinkArgs> {
  /** The host: `user@host:port`, an alias of the OpenSSH client configuration, or an object. */
  readonly host: DeepInput<string | HostArgs>;
  /**
   * All links, by key: `{ web: { kind: "macvlan", parent: "eth0" } }`. A key is the link's name, unless the link has a `name`. Its
   * `kind` (`macvlan`, `macvtap`, `ipvlan`, `shim`, `vlan`, `bond` or `bridge`) says which other properties it has: those of
   * the resource class of that kind, without `host`. A link that is removed from the map is deleted in the same transaction.
   */
  readonly links: L;
}

/**
 * What the compiler does not see by itself in arguments whose type it infers: properties that a link's kind does not have,
 * such as misspelt ones. None of them has a value.
 */
export type KnownProperties<L extends HostLinkMap> = {
  readonly links: {
    readonly [K in keyof L]: {
      readonly [P in Exclude<keyof L[K], "kind" | PropertiesOf<L[K]["kind"]>>]: never;
    };
  };
};

/** Of a kind, or of any of several. */
type PropertiesOf<K extends keyof LinkKinds> = K extends unknown
  ? Exclude<keyof LinkKinds[K]["args"], "host">
  : never;

/** Outputs of the links, by key: those of the resource class of each link's kind, without the host. */
export type HostLinksOutputs<L extends HostLinkMap> = {
  readonly [K in keyof L]: Outputs<Omit<LinkKinds[L[K]["kind"]]["outputs"], "host">>;
};

const Base = linkResource<HostLinksArgs, { host: HostArgs; __inputs: string }>(
  "HostLinks",
  { __inputs: undefined },
  (_name, args) => linksOfHost(args),
  secretParts,
);

/** The links of a `HostLinks`, as far as its arguments name them. */
export function linksOfHost({ host, links }: Record<"host" | "links", unknown>): LinkNames[] {
  return Object.entries(plainMap(links)).map(([key, link]): LinkNames => ({
    ...link,
    host,
    name: link["name"] ?? key,
  }));
}

/**
 * All links of a host, as one transaction: one reading, one plan in the order in which they depend on each other, one
 * script and one undo. If a command fails, none of the links is changed. Each link has the properties and the outputs of
 * the resource class of its kind.
 *
 * @example
 * const node1 = new HostLinks("node1", {
 *   host: "ops@node1.example",
 *   links: {
 *     bond0: { kind: "bond", mode: "active-backup", ports: ["eth0", "eth1"], takeOverAddresses: true },
 *     "bond0.10": { kind: "vlan", parent: "bond0", vlanId: 10 },
 *     web: { kind: "macvlan", parent: "bond0.10", addresses: ["192.0.2.10/24"] },
 *   },
 * });
 * export const mac = node1.links.web.macAddress;
 */
export class HostLinks<const L extends HostLinkMap = HostLinkMap> extends Base {
  /** Outputs of each link, by key. What follows from the inputs, such as `macAddress`, is known at preview. */
  declare readonly links: HostLinksOutputs<L>;

  constructor(
    name: string,
    args: HostLinksArgs<L> & KnownProperties<L>,
    opts?: pulumi.CustomResourceOptions,
  ) {
    const { links }: HostLinksArgs<L> = args;
    assertPlain(name, links);
    super(name, args, opts);
    this.links = linkOutputs(this, this.__inputs, links);
  }
}

/** @throws RunError if it is not known yet which links there are to be */
export function assertPlain(name: string, links: unknown): void {
  const misplaced = notPlain(links);
  if (misplaced === undefined) return;
  const why = "must be a plain value; what is in a link may be an output";
  throw new pulumi.RunError(
    withCode(`HostLinks ${JSON.stringify(name)}: ${misplaced} ${why}`, "invalid-input"),
  );
}

/** @param made unknown as long as the host does not have what the inputs say */
export function linkOutputs<L extends HostLinkMap>(
  resource: object,
  made: pulumi.Output<unknown>,
  links: L,
): HostLinksOutputs<L> {
  // a field that is not only declared would have taken its place
  const all = propertyOf(resource, "links") as pulumi.Output<unknown>;
  return Object.fromEntries(
    Object.entries(plainMap(links)).map(([key, link]) => [key, outputsOf(all, made, key, link["kind"])]),
  ) as HostLinksOutputs<L>;
}

/** The path of the map, a link or its kind, if that is known later only, or may be a secret as a whole. */
function notPlain(links: unknown): string | undefined {
  if (isLater(links)) return "links";
  const found = Object.entries(links ?? {}).flatMap(([key, link]: [string, unknown]) => [
    ...(isLater(link) ? [pathOf(["links", key])] : []),
    ...(isRecord(link) && isLater(link["kind"]) ? [pathOf(["links", key, "kind"])] : []),
  ]);
  return found[0];
}

function isLater(value: unknown): boolean {
  return pulumi.Output.isInstance(value) || value instanceof Promise;
}

/** Properties of one link are secret while those of the others are not. */
function secretParts(args: object): [path: string, value: unknown][] {
  return Object.entries(args).flatMap(([name, value]: [string, unknown]): [string, unknown][] =>
    name === "links"
      ? Object.entries(plainMap(value)).flatMap(([key, link]) =>
          Object.entries(link).map(([property, v]): [string, unknown] => [pathOf([name, key, property]), v]),
        )
      : [[name, value]],
  );
}

/** A property as the SDK has set it. */
function propertyOf(resource: object, name: string): unknown {
  return Reflect.get(resource, name);
}

type Map = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** The links as far as they are there; what is wrong with the rest `check` reports. */
function plainMap(links: unknown): Map {
  const entries = Object.entries(links ?? {}).filter(([, link]: [string, unknown]) => isRecord(link));
  return Object.fromEntries(entries);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

/**
 * The outputs of one link, each made when it is asked for.
 *
 * @param all outputs of all links; at preview, the inputs
 * @param made unknown as long as the host does not have what the inputs say
 */
function outputsOf(
  all: pulumi.Output<unknown>,
  made: pulumi.Output<unknown>,
  key: string,
  kind: unknown,
): object {
  // the second argument of the SDK's own property accesses: what is known of one link does not depend on the others
  const apply: (of: (links: unknown) => unknown, runWithUnknowns: boolean) => unknown = all.apply.bind(all);
  const names = Object.entries(KIND_OUTPUTS).find(([word]) => word === kind)?.[1] ?? {};
  const outputs = {};
  for (const name of Object.keys(names)) {
    let output: unknown;
    const get = (): unknown =>
      (output ??= apply((links) => {
        const link = isRecord(links) ? links[key] : undefined;
        const value = isRecord(link) ? link[name] : undefined;
        return value ?? made.apply(() => undefined);
      }, true));
    Object.defineProperty(outputs, name, { enumerable: true, get });
  }
  return outputs;
}
