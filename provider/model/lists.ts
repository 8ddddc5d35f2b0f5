/** Lists by key, and what follows from a list, found once. Pure. */

/** Items with the same key, in their order, by that key. */
export function groupBy<T, K>(items: Iterable<T>, keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

/** One item of those with the same key: the last, at the place of the first. */
export function uniqueBy<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [keyOf(item), item])).values()];
}

/** The same function of a value that never changes: what it has found is kept as long as the value. */
export function keptPer<V extends object, T extends object>(find: (value: V) => T): typeof find {
  const kept = new WeakMap<V, T>();
  return (value) => {
    const known = kept.get(value);
    if (known !== undefined) return known;
    const found = find(value);
    kept.set(value, found);
    return found;
  };
}

/** The same function of two values that never change. */
export function keptPerPair<V extends object, W extends object, T extends object>(
  find: (value: V, other: W) => T,
): typeof find {
  const finderOf = keptPer((value: V) => keptPer((other: W) => find(value, other)));
  return (value, other) => finderOf(value)(other);
}

/** The same function of a list that never changes and a key. */
export function keptPerList<L extends object, T>(find: (list: L, key: string) => T): typeof find {
  const keptOf = keptPer<L, Map<string, { readonly found: T }>>(() => new Map());
  return (list, key) => {
    const kept = keptOf(list);
    const known = kept.get(key);
    if (known) return known.found;
    const found = find(list, key);
    kept.set(key, { found });
    return found;
  };
}
