/** The hosts of each group, and the precedence of values. Pure. */
import { matchesPatterns } from "../ssh/config/patterns";
import type { GroupData, InventoryData, Vars } from "./schema";

/** A problem with the data, on its path. */
export interface DataIssue {
  readonly path: readonly PropertyKey[];
  readonly reason: string;
}

/** Hosts by group, and the groups in the order of precedence: the last one wins. */
export interface Membership {
  readonly members: ReadonlyMap<string, ReadonlySet<string>>;
  readonly order: readonly string[];
  readonly issues: readonly DataIssue[];
}

/**
 * Finds the hosts of each group, in linear time in groups, hosts and patterns, however groups are nested. If there are
 * issues, the rest of the result cannot be used.
 */
export function resolveMembership(data: InventoryData): Membership {
  // maps, because a group may have the name of a property that every object has
  const groups = new Map(Object.entries(data.groups));
  const hosts = Object.keys(data.hosts);
  const issues = [...groups].flatMap(([name, group]) => [
    ...group.groups.flatMap((inner, i) =>
      groups.has(inner)
        ? []
        : [
            {
              path: ["groups", name, "groups", i],
              reason: `is not a group; the groups are ${listed(data.groups)}`,
            },
          ],
    ),
    ...group.hosts.flatMap((pattern, i) => {
      const isThere = hosts.some((host) => matchesPatterns([pattern.replace(/^!/, "")], host));
      return isThere
        ? []
        : [{ path: ["groups", name, "hosts", i], reason: "is not a host of this inventory" }];
    }),
  ]);
  const { order, circle } = innerFirst(groups);
  if (circle !== undefined) {
    issues.push({ path: ["groups", circle, "groups"], reason: `forms a loop, back to ${circle}` });
  }
  if (issues.length > 0) return { members: new Map(), order: [], issues };
  const members = new Map<string, ReadonlySet<string>>();
  for (const name of order) {
    const { hosts: patterns = [], groups: inner = [] } = groups.get(name) ?? {};
    members.set(
      name,
      new Set([
        ...hosts.filter((host) => matchesPatterns(patterns, host)),
        ...inner.flatMap((other) => [...(members.get(other) ?? [])]),
      ]),
    );
  }
  // the nesting depth of each group, by the longest path
  const depths = new Map(order.map((name) => [name, 0]));
  for (const name of order.toReversed()) {
    const depth = (depths.get(name) ?? 0) + 1;
    for (const inner of groups.get(name)?.groups ?? [])
      depths.set(inner, Math.max(depths.get(inner) ?? 0, depth));
  }
  const names = [...groups.keys()];
  return {
    members,
    order: names.toSorted((a, b) => (depths.get(a) ?? 0) - (depths.get(b) ?? 0)),
    issues,
  };
}

/** The groups, each after those that it contains; or one that contains itself. */
function innerFirst(groups: ReadonlyMap<string, GroupData>): { order: string[]; circle?: string } {
  const order: string[] = [];
  const state = new Map<string, "open" | "done">();
  for (const root of groups.keys()) {
    // an explicit stack: groups may be nested deeper than calls can be
    const stack = state.has(root) ? [] : [{ name: root, next: 0 }];
    if (stack.length > 0) state.set(root, "open");
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const inner = groups.get(top.name)?.groups[top.next++];
      if (inner === undefined) {
        state.set(top.name, "done");
        order.push(top.name);
        stack.pop();
      } else if (state.get(inner) === "open") return { order, circle: inner };
      else if (groups.has(inner) && !state.has(inner)) {
        state.set(inner, "open");
        stack.push({ name: inner, next: 0 });
      }
    }
  }
  return { order };
}

/** A value, and its place in the inventory. */
export interface GivenVar {
  readonly value: unknown;
  readonly path: readonly PropertyKey[];
}

/**
 * A host's values: those of all hosts, then of outer groups, inner groups, and its own. The last one wins, as a whole.
 */
export function varsOf(
  data: InventoryData,
  { members, order }: Membership,
  host: string,
): Map<string, GivenVar> {
  const within = (vars: Vars, ...path: string[]): [string, GivenVar][] =>
    Object.entries(vars).map(([key, value]) => [key, { value, path: [...path, "vars", key] }]);
  const groups = order.filter((name) => members.get(name)?.has(host));
  return new Map([
    ...within(data.vars),
    ...groups.flatMap((name) => within(data.groups[name]?.vars ?? {}, "groups", name)),
    ...within(data.hosts[host]?.vars ?? {}, "hosts", host),
  ]);
}

export function listed(named: object): string {
  return Object.keys(named).join(", ") || "none";
}
