/** MacvlanNetwork over the resources of the native provider. */
import * as pulumi from "@pulumi/pulumi";
import { HostLinks, HostShim, MacvlanInterface, PLUGIN_DOWNLOAD_URL, VlanInterface } from "../program/native";
import type { Grain, NetworkArgs, NetworkHost } from "./args";
import { type LeaseBook, NetworkComponent } from "./component";

/** As `MacvlanNetwork` of `pulumi-macvlan`. */
export class MacvlanNetwork<
  H extends NetworkHost = NetworkHost,
  G extends Grain = "link",
> extends NetworkComponent<H, G> {
  constructor(name: string, args: NetworkArgs<H, G>, opts?: pulumi.ComponentResourceOptions) {
    super(CLASSES, name, args, opts);
  }
}

class NativeLeaseBook extends pulumi.CustomResource implements LeaseBook {
  declare readonly leases: LeaseBook["leases"];

  constructor(name: string, args: Record<string, unknown>, opts: pulumi.CustomResourceOptions) {
    super(
      "macvlan:index:LeaseBook",
      name,
      { ...args, leases: pulumi.output(args).apply(() => undefined) },
      { pluginDownloadURL: PLUGIN_DOWNLOAD_URL, ...opts },
    );
  }
}

const CLASSES = {
  otherTypeOf: (name: string) => `pulumi-nodejs:dynamic/macvlan:${name}`,
  MacvlanInterface,
  HostShim,
  VlanInterface,
  HostLinks,
  LeaseBook: NativeLeaseBook,
};
