/** A fleet from an inventory: what a host gets is decided by its groups and values. */
import * as pulumi from "@pulumi/pulumi";
import { MacvlanNetwork } from "pulumi-macvlan";
import { readInventory } from "pulumi-macvlan/inventory";
import { z } from "zod";

const config = new pulumi.Config();

const inventory = readInventory(`${__dirname}/hosts.yaml`, {
  vars: z.object({ parent: z.string(), stage: z.string(), mtu: z.number().optional() }),
});

const lan = new MacvlanNetwork("lan", {
  hosts: inventory.hosts("production"),
  parent: (host) => host.vars.parent,
  children: (host) =>
    ["web", "db"]
      .filter((role) => host.groups.includes(role))
      .map((name) => ({ name, netns: name, mtu: host.vars.mtu, alias: `${name}, ${host.vars.stage}` })),
  cidr: config.require("cidr"),
  range: config.require("range"),
});

/** Host, child, MAC and IP address of each, for DNS, DHCP or a monitoring system. */
export const leases = lan.leases;
/** For other stacks: `await inventoryFromStack(new pulumi.StackReference("…"), "fleet")`. */
export const fleet = inventory.data;
