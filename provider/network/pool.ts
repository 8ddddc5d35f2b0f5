/** What a network's lease book is asked for, from the network's arguments. */
import { type Input, Output, output } from "@pulumi/pulumi";
import type { NetworkArgs, NetworkHost } from "./args";
import type { HostMember } from "./members";

/** One or several of what an argument takes, as a list: an output of it where it is one. */
export type ListInput = Input<Input<string>[]>;

/** The lease book's arguments, in parts: what of them is excluded comes from three places. */
export interface PoolArgs {
  readonly cidr: ListInput;
  readonly range?: ListInput;
  readonly exclude?: ListInput;
  readonly reservations?: Readonly<Record<string, ListInput>>;
  readonly keys: readonly string[];
  /** Addresses that children have by themselves, without prefix lengths. */
  readonly taken: readonly ListInput[];
  readonly gateway: ListInput;
}

/** Keys of those who get an address of the network, in the order of the program. */
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
 * The lease book's arguments as it gets them. Addresses that do not belong to the subnets exclude nothing there.
 *
 * @public for `network.ts`, which loads it when a program has a network
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
