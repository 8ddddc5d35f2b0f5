/** Which hosts are in which groups, and what value counts where several are given. Pure. */
import { matchesPatterns } from "../ssh/config/patterns";
import type { InventoryData, Vars } from "./schema";

/** Something wrong with the data, on its path. */
export interface DataIssue {
  readonly path: readonly PropertyKey[];
  readonly reason: string;
}

/** Hosts by group, and the groups in the order in which their values count: the last one wins. */
export interface Membership {
  readonly members: ReadonlyMap<string, readonly string[]>;
  readonly order: readonly string[];
  readonly issues: readonly DataIssue[];
}

/** Who belongs where. With issues the rest is of no use. */
export function resolveMembership(data: InventoryData): Membership {
  const issues = Object.entries(data.groups).flatMap(([name, group]) => [
    ...group.groups.flatMap((inner, i) =>
      data.groups[inner] === undefined
        ? [{ path: ["groups", name, "groups", i], reason: `is no group; there are ${listed(data.groups)}` }]
        : [],
    ),
    ...group.hosts.flatMap((pattern, i) => {
      const isThere = Object.keys(data.hosts).some((host) =>
        matchesPatterns([pattern.replace(/^!/, "")], host),
      );
      return isThere ? [] : [{ path: ["groups", name, "hosts", i], reason: "is no host of this inventory" }];
    }),
  ]);
  const circle = Object.keys(data.groups).find((name) => isBelow(data, name, name));
  if (circle !== undefined) {
    issues.push({ path: ["groups", circle, "groups"], reason: `goes round in a circle, back to ${circle}` });
  }
  if (issues.length > 0) return { members: new Map(), order: [], issues };
  const names = Object.keys(data.groups);
  const depths = new Map(names.map((name) => [name, depthOf(data, name)]));
  return {
    members: new Map(names.map((name) => [name, hostsOf(data, name)])),
    order: names.toSorted((a, b) => (depths.get(a) ?? 0) - (depths.get(b) ?? 0)),
    issues,
  };
}

/** A value, and where it was given. */
export interface GivenVar {
  readonly value: unknown;
  readonly path: readonly PropertyKey[];
}

/** A host's values: everybody's, then the outer groups', the inner groups', its own; whole values, the last one wins. */
export function varsOf(
  data: InventoryData,
  { members, order }: Membership,
  host: string,
): Map<string, GivenVar> {
  const within = (vars: Vars, ...path: string[]): [string, GivenVar][] =>
    Object.entries(vars).map(([key, value]) => [key, { value, path: [...path, "vars", key] }]);
  const groups = order.filter((name) => members.get(name)?.includes(host));
  return new Map([
    ...within(data.vars),
    ...groups.flatMap((name) => within(data.groups[name]?.vars ?? {}, "groups", name)),
    ...within(data.hosts[host]?.vars ?? {}, "hosts", host),
  ]);
}

function hostsOf(data: InventoryData, name: string): string[] {
  const group = data.groups[name];
  if (!group) return [];
  const inner = group.groups.flatMap((other) => hostsOf(data, other));
  return Object.keys(data.hosts).filter((host) => matchesPatterns(group.hosts, host) || inner.includes(host));
}

function isBelow(data: InventoryData, name: string, above: string, seen: readonly string[] = []): boolean {
  const inner = data.groups[above]?.groups ?? [];
  return inner.some(
    (other) => other === name || (!seen.includes(other) && isBelow(data, name, other, [...seen, other])),
  );
}

/** How many groups are around a group, by the longest way. */
function depthOf(data: InventoryData, name: string): number {
  const around = Object.keys(data.groups).filter((other) => data.groups[other]?.groups.includes(name));
  return around.length === 0 ? 0 : 1 + Math.max(...around.map((other) => depthOf(data, other)));
}

export function listed(named: object): string {
  return Object.keys(named).join(", ") || "none";
}
