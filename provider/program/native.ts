/**
 * The same resource classes over the native provider, `pulumi-resource-macvlan`: a program chooses it by importing
 * `pulumi-macvlan/native`. The engine has to find the plugin (docs/languages.md).
 *
 * @packageDocumentation
 */
import * as pulumi from "@pulumi/pulumi";
import type {
  BondArgs,
  BondOutputs,
  BridgeArgs,
  BridgeOutputs,
  HostArgs,
  IpvlanArgs,
  IpvlanOutputs,
  MacvlanArgs,
  MacvlanOutputs,
  MacvtapArgs,
  MacvtapOutputs,
  ShimArgs,
  ShimOutputs,
  VlanArgs,
  VlanOutputs,
} from "../kinds/args/index";
import { resourceName } from "../kinds/kind";
import {
  type HostLinkMap,
  type HostLinksArgs,
  type HostLinksOutputs,
  type KnownProperties,
  assertPlain,
  linkOutputs,
  linksOfHost,
} from "./host-links";
import { KIND_OUTPUTS } from "./outputs";
import { writePrefetchHint } from "./prefetch";
import {
  type InputArgs,
  type LinkNames,
  type LinkResource,
  type RequiredOf,
  currentProgram,
  dependenciesOf,
  noteLinks,
  ofOneLink,
  pauseStackTraces,
} from "./resource";

export type * from "../kinds/args/index";
export type {
  HostLinkArgs,
  HostLinkMap,
  HostLinksArgs,
  HostLinksOutputs,
  KnownProperties,
} from "./host-links";
export type { DeepInput, InputArgs, Outputs } from "./resource";

/** There is no server for the plugin: without this, the engine would ask a public one for a plugin of its name. */
export const PLUGIN_DOWNLOAD_URL = "https://pulumi-macvlan.invalid";

/**
 * Makes the resource class of a kind. What the other classes add to their inputs, the provider knows by itself.
 *
 * @param outputs lists the outputs that are not required arguments
 * @param linksOf the links of a resource of that name, from its arguments
 */
function nativeResource<A extends object, O>(
  type: string,
  outputs: Readonly<Record<Exclude<keyof O, RequiredOf<A>>, undefined>>,
  linksOf: (name: string, args: InputArgs<A>) => readonly LinkNames[] = ofOneLink,
): LinkResource<A, O> {
  class Link extends pulumi.CustomResource {
    constructor(name: string, args: InputArgs<A>, opts: pulumi.CustomResourceOptions = {}) {
      const program = currentProgram();
      const links = linksOf(name, args);
      const { needs, free, places } = dependenciesOf(program, resourceName(type, name), args, opts, links);
      const { host }: LinkNames = args;
      writePrefetchHint(program.engine, host, program.hinted, { free, links: places });
      const resume = pauseStackTraces();
      try {
        super(
          `macvlan:index:${type}`,
          name,
          { ...outputs, ...args },
          pulumi.mergeOptions(
            {
              pluginDownloadURL: PLUGIN_DOWNLOAD_URL,
              // a stack of the other classes becomes one of these, and its links stay
              aliases: [{ type: `pulumi-nodejs:dynamic/macvlan:${type}` }],
              dependsOn: needs,
            },
            opts,
          ),
        );
      } catch (error) {
        resume(error);
        throw error;
      }
      resume();
      noteLinks(program, links, this);
    }
  }
  // the outputs are set by the SDK from the properties above, which TypeScript cannot see
  return Link as unknown as LinkResource<A, O>;
}

/** As `MacvlanInterface` of `pulumi-macvlan`. */
export class MacvlanInterface extends nativeResource<MacvlanArgs, MacvlanOutputs>(
  "MacvlanInterface",
  KIND_OUTPUTS.macvlan,
) {}

/** As `Bond` of `pulumi-macvlan`. */
export class Bond extends nativeResource<BondArgs, BondOutputs>("Bond", KIND_OUTPUTS.bond) {}

/** As `MacvtapInterface` of `pulumi-macvlan`. */
export class MacvtapInterface extends nativeResource<MacvtapArgs, MacvtapOutputs>(
  "MacvtapInterface",
  KIND_OUTPUTS.macvtap,
) {}

/** As `IpvlanInterface` of `pulumi-macvlan`. */
export class IpvlanInterface extends nativeResource<IpvlanArgs, IpvlanOutputs>(
  "IpvlanInterface",
  KIND_OUTPUTS.ipvlan,
) {}

/** As `HairpinBridge` of `pulumi-macvlan`. */
export class HairpinBridge extends nativeResource<BridgeArgs, BridgeOutputs>(
  "HairpinBridge",
  KIND_OUTPUTS.bridge,
) {}

/** As `HostShim` of `pulumi-macvlan`. */
export class HostShim extends nativeResource<ShimArgs, ShimOutputs>("HostShim", KIND_OUTPUTS.shim) {}

/** As `VlanInterface` of `pulumi-macvlan`. */
export class VlanInterface extends nativeResource<VlanArgs, VlanOutputs>(
  "VlanInterface",
  KIND_OUTPUTS.vlan,
) {}

const AllLinks = nativeResource<HostLinksArgs, { host: HostArgs; __inputs: string }>(
  "HostLinks",
  { __inputs: undefined },
  (_name, args) => linksOfHost(args),
);

/** As `HostLinks` of `pulumi-macvlan`. */
export class HostLinks<const L extends HostLinkMap = HostLinkMap> extends AllLinks {
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
