/** What a site has: a child a host, with an address of the site's range, and a shim by which the host reaches it. */
import type { PulumiFn } from "@pulumi/pulumi/automation";
import { MacvlanNetwork } from "pulumi-macvlan";
import { readInventory } from "pulumi-macvlan/inventory";
import { z } from "zod";

const vars = z.object({ parent: z.string(), cidr: z.string(), range: z.string() });

const inventory = readInventory(`${__dirname}/hosts.yaml`, { vars });

/** The names of all sites: each is the name of a stack, too. */
export const sites = inventory.groups;

/** The program of a site's stack. It may run beside those of other sites in one process: it has no state of its own. */
export function siteProgram(site: string): PulumiFn {
  return () => {
    const hosts = inventory.hosts(site);
    const [first] = hosts;
    if (first === undefined) throw new Error(`the site ${site} has no hosts`);
    const { cidr, range } = first.vars;
    const lan = new MacvlanNetwork("lan", {
      hosts,
      parent: (host) => host.vars.parent,
      children: [{ name: "web", netns: "web" }],
      cidr,
      range,
    });
    return Promise.resolve({ leases: lan.leases });
  };
}
