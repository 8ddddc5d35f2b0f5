/* eslint-disable @typescript-eslint/no-require-imports -- the client configuration comes with the SSH libraries: only inventories that ask for it load them; a literal require is what bundlers follow */
/**
 * Hosts with groups and values, from a YAML file, the OpenSSH client configuration, or another stack. This is a separate
 * module, `pulumi-macvlan/inventory`, so only programs that have an inventory load what reads one.
 *
 * @packageDocumentation
 */
import * as pulumi from "@pulumi/pulumi";
import { matchesPatterns } from "../ssh/config/patterns";
import { readSettings } from "../ssh/settings";
import { inventoryError } from "./error";
import { type Inventory, type InventoryOptions, type Source, openInventory } from "./inventory";
import type { Vars } from "./schema";
import { readYamlFile } from "./yaml-file";
import { reasonOf } from "../model/error";

export type { Inventory, InventoryHost, InventoryOptions, VarsSchema } from "./inventory";
export type { GroupData, HostData, InventoryData, Vars } from "./schema";

/**
 * Reads an inventory from a YAML file.
 *
 * @param path of the file; a relative one starts from the program's working folder
 * @throws RunError with all errors, each with file, line and column
 * @example
 * ```ts
 * import { readInventory } from "pulumi-macvlan/inventory";
 * import { z } from "zod";
 *
 * const inventory = readInventory("hosts.yaml", { vars: z.object({ parent: z.string() }) });
 * for (const { name, host, vars } of inventory.hosts("web")) {
 *   new MacvlanInterface(`web-${name}`, { host, parent: vars.parent, name: "web0" });
 * }
 * ```
 */
export function readInventory<V = Vars>(path: string, options: InventoryOptions<V> = {}): Inventory<V> {
  const { data, where, problems } = readFile(path);
  if (problems.length > 0) {
    throw inventoryError(`the inventory is not valid YAML:\n  ${problems.join("\n  ")}`);
  }
  return openInventory(data, { where, sshConfigHosts }, options);
}

/**
 * The hosts of the OpenSSH client configuration whose names match, without groups and values. Only names from `Host`
 * lines without a wildcard count. The configuration is the one that the resources use: `macvlan:sshConfigPath` or
 * `MACVLAN_SSH_CONFIG_PATH`, else the user's.
 *
 * @param patterns names with `*` and `?`; a `!` in front excludes names (ssh_config(5), PATTERNS)
 * @throws RunError if the configuration cannot be read, or if nothing matches
 * @example
 * ```ts
 * import { inventoryFromSshConfig } from "pulumi-macvlan/inventory";
 *
 * for (const { name, host } of inventoryFromSshConfig("edge-*", "!edge-test*").hosts()) {
 *   new MacvlanInterface(`web-${name}`, { host, parent: "eth0", name: "web0" });
 * }
 * ```
 */
export function inventoryFromSshConfig(...patterns: string[]): Inventory {
  const source: Source = {
    where: () => ({ text: "the OpenSSH client configuration", offset: 0 }),
    sshConfigHosts,
  };
  const inventory = openInventory({ sshConfig: patterns }, source);
  if (inventory.hosts().length > 0) return inventory;
  throw inventoryError(
    `the OpenSSH client configuration names no host that matches ${patterns.join(" ") || "no pattern at all"}; ` +
      "Host lines with wildcards do not count",
  );
}

/**
 * An inventory that is an output of another stack: the `data` of an inventory, or an object in the form of an inventory's
 * file. The program has to wait for it, because hosts must be known before resources can be made for them.
 *
 * @throws RunError if the other stack has no such output, has it as a secret, or has something else in it
 * @example
 * ```ts
 * import * as pulumi from "@pulumi/pulumi";
 * import { inventoryFromStack } from "pulumi-macvlan/inventory";
 *
 * // the other stack has: export const fleet = { hosts: { node1: "192.0.2.1" }, groups: { web: { hosts: ["node1"] } } };
 * export = async () => {
 *   const inventory = await inventoryFromStack(new pulumi.StackReference("org/hosts/prod"), "fleet");
 *   return { hosts: inventory.hosts("web").map(({ name }) => name) };
 * };
 * ```
 */
export async function inventoryFromStack<V = Vars>(
  stack: pulumi.StackReference,
  output: string,
  options: InventoryOptions<V> = {},
): Promise<Inventory<V>> {
  const details = await stack.getOutputDetails(output);
  const value: unknown = details.value;
  const name = await new Promise<string>((done) => stack.name.apply(done));
  const place = `output ${output} of the stack ${name}`;
  if (value === undefined || value === null) {
    const why =
      details.secretValue === undefined
        ? "does not exist"
        : "is a secret, but names of hosts cannot be kept secret";
    throw inventoryError(`${place} ${why}`);
  }
  return openInventory(value, { where: () => ({ text: place, offset: 0 }), sshConfigHosts }, options);
}

function readFile(path: string): ReturnType<typeof readYamlFile> {
  try {
    return readYamlFile(path);
  } catch (error) {
    const reason = reasonOf(error);
    throw inventoryError(`the inventory cannot be read: ${reason}`);
  }
}

function sshConfigHosts(patterns: readonly string[]): string[] {
  const config = new pulumi.Config("macvlan");
  // an inventory needs no credentials
  const settings = readSettings(process.env, (key) =>
    key === "macvlan:sshConfigPath" ? config.get("sshConfigPath") : undefined,
  );
  const { configuredHosts } = require("../ssh/config/resolve") as typeof import("../ssh/config/resolve");
  try {
    return configuredHosts(settings).filter((name) => matchesPatterns(patterns, name));
  } catch (error) {
    throw inventoryError(reasonOf(error));
  }
}
