/** MacvlanNetwork: one description for the macvlans of a whole fleet. */
import * as pulumi from "@pulumi/pulumi";
import { HostLinks } from "../program/host-links";
import { providerCode } from "../program/provider-code";
import { secretNames } from "../program/resource";
import { HostShim, MacvlanInterface, VlanInterface } from "../program/resources";
import type { Grain, NetworkArgs, NetworkHost } from "./args";
import { type LeaseBook, NetworkComponent } from "./component";

/**
 * A macvlan network on one host or many: on each host the children of one parent, each with an address of the LAN's
 * subnet, and a shim with routes to exactly these, through which the host itself reaches them.
 *
 * **Addresses.** No two are alike, over all hosts. They are kept in the stack's state (in the resource `NAME/addresses`):
 * a child keeps its address, whatever hosts and children come, go, or change places. A new child gets the lowest free
 * address. An address that becomes free is assigned again in the next run at the earliest. A child moves only if `cidr`,
 * `range`, `exclude` or a reservation takes its address away. A new stack, or one that lost its state, starts with the
 * lowest addresses in the program's order: put an address that must outlive a stack into `reservations`.
 *
 * **Checks.** Everything is checked before anything is made, and all errors are reported at once, with their paths in
 * the arguments.
 *
 * **Options.** Children have the component as their parent, and wait for what it depends on. With `grain: "host"`, all
 * links of a host are one resource and one transaction.
 *
 * @example
 * const lan = new MacvlanNetwork("lan", {
 *   hosts: ["node1", "node2"],
 *   parent: "eth0",
 *   children: [{ name: "web", netns: "web" }],
 *   cidr: "192.0.2.0/24",
 *   exclude: ["192.0.2.0-192.0.2.99"],
 *   gateway: "192.0.2.1",
 *   reservations: { "node1/web": "192.0.2.200" },
 * });
 * export const mac = lan.hosts["node1"]?.children["web"]?.macAddress;
 * export const reservations = lan.leases; // [{ host, child, macAddress, ipv4 }, …]
 */
export class MacvlanNetwork<
  H extends NetworkHost = NetworkHost,
  G extends Grain = "link",
> extends NetworkComponent<H, G> {
  /**
   * @param name part of the names of all resources: `NAME/HOST/CHILD`, with grain `host` `NAME/HOST`
   * @throws RunError with all errors in the arguments, before anything is made
   */
  constructor(name: string, args: NetworkArgs<H, G>, opts?: pulumi.ComponentResourceOptions) {
    super(CLASSES, name, args, opts);
  }
}

class DynamicLeaseBook extends pulumi.CustomResource implements LeaseBook {
  declare readonly leases: LeaseBook["leases"];

  constructor(name: string, args: Record<string, unknown>, opts: pulumi.CustomResourceOptions) {
    super(
      "pulumi-nodejs:dynamic/macvlan:LeaseBook",
      name,
      {
        ...args,
        // what is leased follows from the arguments: it is a secret if one of them is
        leases: pulumi.output(args).apply(() => undefined),
        __secrets: secretNames(args),
        __provider: providerCode("LeaseBook"),
      },
      opts,
    );
  }
}

const CLASSES = {
  otherTypeOf: (name: string) => `macvlan:index:${name}`,
  MacvlanInterface,
  HostShim,
  VlanInterface,
  HostLinks,
  LeaseBook: DynamicLeaseBook,
};
