/** `ports[0].name`, `reservations["node1/web"]`: as the engine's own messages write a path. */
export function pathOf([first, ...rest]: readonly PropertyKey[]): string {
  const step = (p: PropertyKey): string => {
    if (typeof p === "number") return `[${p}]`;
    return /^[A-Za-z_$][\w$]*$/.test(String(p)) ? `.${String(p)}` : `[${JSON.stringify(String(p))}]`;
  };
  return String(first ?? "") + rest.map(step).join("");
}

/**
 * The parts of a path in the forms that Pulumi accepts for `ignoreChanges`: `mtu`, `ports[0].cost`, `routes[*].metric`,
 * `host["user"]`. `*` stands for every entry.
 *
 * @returns undefined if it is not a path
 */
export function parsePath(path: string): (string | number)[] | undefined {
  const steps: (string | number)[] = [];
  const step = /\.?([^.[\]"]+)|\[(\d+)\]|\[(\*)\]|\[("(?:[^"\\]|\\.)*")\]/y;
  while (step.lastIndex < path.length) {
    const match = step.exec(path);
    if (match === null) return undefined;
    const [, name, index, every, quoted] = match;
    if (index !== undefined) steps.push(Number(index));
    else if (quoted !== undefined) steps.push(JSON.parse(quoted) as string);
    else steps.push(every ?? name ?? "");
  }
  return steps.length === 0 ? undefined : steps;
}

/** All values at a path, as {@link parsePath} reads it; none if the path leads nowhere. */
export function valuesAt(value: unknown, [step, ...rest]: readonly (string | number)[]): unknown[] {
  if (step === undefined) return value === undefined ? [] : [value];
  if (typeof value !== "object" || value === null) return [];
  const entries: readonly unknown[] =
    step === "*"
      ? Object.values(value)
      : Object.hasOwn(value, step)
        ? [(value as Record<string | number, unknown>)[step]]
        : [];
  return entries.flatMap((entry) => valuesAt(entry, rest));
}
