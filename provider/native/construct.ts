/**
 * The components of the native provider: the class of TypeScript programs, over the native resources, with arguments
 * and outputs as programs in other languages have them.
 */
import * as pulumi from "@pulumi/pulumi";
import type { ConstructResult } from "@pulumi/pulumi/provider";
import { withCode } from "../model/error";
import type { Grain, NetworkArgs, NetworkHost, NetworkHostOutputs } from "../network/args";
import { InvalidNetwork } from "../network/component";
import { MacvlanNetwork } from "../network/native";
import { KIND_OUTPUTS } from "../program/outputs";
import { currentProgram } from "../program/resource";
import { rootOf } from "./detailed-diff";

/** What of a network a host can have of its own, in the place of the functions of a program in TypeScript. */
const OF_HOST = ["parent", "children", "shim"] as const;

type OfHost = Partial<Pick<NetworkArgs, (typeof OF_HOST)[number]>>;

/**
 * Makes a component.
 *
 * @throws InputPropertiesError with all errors in the arguments, before anything is made
 */
export async function construct(
  name: string,
  type: string,
  inputs: pulumi.Inputs,
  options: pulumi.ComponentResourceOptions,
): Promise<ConstructResult> {
  if (type !== "macvlan:index:MacvlanNetwork") throw new Error(`pulumi-macvlan has no component ${type}`);
  currentProgram(false);
  // what is wrong with them, the class says
  const args = inputs as NetworkArgs<NetworkHost & OfHost>;
  try {
    const network = new MacvlanNetwork(name, withFunctions(args), options);
    const hosts = Object.values(network.hosts);
    return {
      urn: network.urn,
      state: {
        leases: network.leases,
        hosts: Object.fromEntries(hosts.map((host) => [host.name, childrenOf(host)])),
        links: Object.fromEntries(hosts.map((host) => [host.name, linksOf(host)])),
      },
    };
  } catch (error) {
    if (!(error instanceof InvalidNetwork)) throw error;
    const message = `MacvlanNetwork ${name} cannot be made`;
    const issues = error.issues.map(({ code, property, reason }) => {
      const propertyPath = pathInInputs(property, args.hosts);
      return { propertyPath, reason: withCode(reason, code), value: inputs[rootOf(propertyPath)] as unknown };
    });
    // the engine prints the value at the path, also if a secret is in it; without a path, all values
    if (await pulumi.isSecret(pulumi.output(issues.map(({ value }) => value)))) {
      const lines = issues.map(({ propertyPath, reason }) => `  ${propertyPath} ${reason}`);
      throw new Error(`${message}:\n${lines.join("\n")}`, { cause: error });
    }
    const errors = issues.map(({ value: _, ...issue }) => issue);
    throw new pulumi.InputPropertiesError({ message, errors });
  }
}

/** The arguments with a function for each property that some host has of its own. */
function withFunctions(args: NetworkArgs<NetworkHost & OfHost>): NetworkArgs<NetworkHost & OfHost> {
  const { hosts } = args;
  const own = OF_HOST.filter((property) => ownersOf(hosts, property).length > 0);
  const functions = own.map((property) => [property, (host: OfHost) => host[property] ?? args[property]]);
  return { ...args, ...Object.fromEntries(functions) } as typeof args;
}

/** The hosts that have such a property of their own, with their index. */
function ownersOf(hosts: unknown, property: string): { readonly name: string; readonly index: number }[] {
  if (!Array.isArray(hosts)) return [];
  return (hosts as unknown[]).flatMap((host, index) =>
    typeof host === "object" && host !== null && Reflect.get(host, property) !== undefined
      ? [{ name: String(Reflect.get(host, "name")), index }]
      : [],
  );
}

/** `children("node1")[0].mtu` as `hosts[0].children[0].mtu`, or as `children[0].mtu` if the host has none of its own. */
function pathInInputs(path: string, hosts: unknown): string {
  const [, property = "", called = "", rest = ""] = /^(\w+)\(("(?:[^"\\]|\\.)*")\)(.*)$/s.exec(path) ?? [];
  if (property === "") return path;
  const name: unknown = JSON.parse(called);
  const owner = ownersOf(hosts, property).find((host) => host.name === name);
  return owner === undefined ? property + rest : `hosts[${owner.index}].${property}${rest}`;
}

function childrenOf({ name, children }: NetworkHostOutputs<Grain>): object {
  const entries = Object.entries(children).map(([key, { link: _, ...child }]) => [key, child] as const);
  return { name, children: Object.fromEntries(entries) };
}

/**
 * All outputs of the links of a host. They are apart from those of `hosts`: a preview does not know them all, and most
 * languages know a property as a whole or not at all.
 */
function linksOf({ children, shim, vlan }: NetworkHostOutputs<Grain>): object {
  const entries = Object.values(children).map(
    ({ name, link }) => [name, outputsOf(link, KIND_OUTPUTS.macvlan)] as const,
  );
  return {
    children: Object.fromEntries(entries),
    ...(shim ? { shim: outputsOf(shim, KIND_OUTPUTS.shim) } : {}),
    ...(vlan ? { vlan: outputsOf(vlan, KIND_OUTPUTS.vlan) } : {}),
  };
}

/** @param link a resource, or the outputs of a link of a host */
function outputsOf(link: object, names: object): object {
  return Object.fromEntries(["host", ...Object.keys(names)].map((name) => [name, Reflect.get(link, name)]));
}
