/** The arguments of a network's lease book, from those of the network. */
import { type Input, Output, output } from "@pulumi/pulumi";
import type { NetworkArgs, NetworkHost } from "./args";
import type { HostMember } from "./members";

/** The value or values of an argument as a list, or an output of one. */
export type ListInput = Input<Input<string>[]>;

/** The parts of the lease book's arguments. Excluded addresses come from three of them. */
export interface PoolArgs {
  readonly cidr: ListInput;
  readonly range?: ListInput;
  readonly exclude?: ListInput;
  readonly reservations?: Readonly<Record<string, ListInput>>;
  readonly keys: readonly string[];
  /** Addresses that children have of their own, without prefix lengths. */
  readonly taken: readonly ListInput[];
  readonly gateway: ListInput;
}

/** Keys of the members that get an address of the network, in the order of the program. */
export function leasedKeys(hosts: readonly HostMember[]): string[] {
  const keys = hosts.flatMap((host) => [
    ...host.children.filter((child) => child.address !== "own").map((child) => child.key),
    ...(host.shim?.address === "leased" ? [host.shim.key] : []),
  ]);
  return [...new Set(keys)];
}

/** The pool of a network with these hosts. */
export function poolOf<H extends NetworkHost>(args: NetworkArgs<H>, hosts: readonly HostMember[]): PoolArgs {
  const members = hosts.flatMap((host) => [...host.children, ...(host.shim ? [host.shim] : [])]);
  const reservations = Object.entries(args.reservations ?? {}).map(
    ([key, ips]) => [key, listOf(ips)] as const,
  );
  return {
    cidr: listOf(args.cidr),
    ...(args.range === undefined ? {} : { range: listOf(args.range) }),
    ...(args.exclude === undefined ? {} : { exclude: listOf(args.exclude) }),
    ...(reservations.length === 0 ? {} : { reservations: Object.fromEntries(reservations) }),
    keys: leasedKeys(hosts),
    taken: members
      .filter((member) => member.address === "own")
      .map((member) => withoutPrefix(listOf(member.args["addresses"]))),
    gateway: listOf(args.gateway),
  };
}

/**
 * Completes the lease book's arguments. Addresses outside the subnets exclude nothing.
 *
 * @public for `network.ts`, which loads it on demand
 */
export function bookArgs({ taken, gateway, exclude = [], ...pool }: PoolArgs): Record<string, unknown> {
  return { ...pool, exclude: output([exclude, gateway, ...taken]).apply((lists) => lists.flat()) };
}

/** One or several, or nothing, as a list. */
export function listOf(value: unknown): ListInput {
  if (value === undefined) return [];
  if (Output.isInstance(value) || value instanceof Promise) {
    return output(value as Input<string | string[]>).apply((v) => [v].flat());
  }
  return [value].flat() as Input<string>[];
}

function withoutPrefix(addresses: ListInput): ListInput {
  const ip = (cidr: string): string => cidr.split("/")[0] ?? cidr;
  if (Array.isArray(addresses)) {
    return addresses.map((a) => (typeof a === "string" ? ip(a) : output(a).apply(ip)));
  }
  return output(addresses).apply((list) => list.map(ip));
}
