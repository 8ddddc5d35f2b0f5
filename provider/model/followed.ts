/**
 * Finds items of a list by keys. A list that follows from another one, as one more item is added or some are changed in
 * their places, shares its index: what is done for each link of a host must not look through all of them. Pure.
 */

/** Lists that are shorter are looked through faster than an index of them is made. */
const INDEXED = 64;

/**
 * By key, in ascending order: the places of the items that have it in one of the lists that share the index. At such a
 * place a list may have an item without the key, or none.
 */
type Index = Map<string, number[]>;

export interface Followed<T extends object> {
  /**
   * The items that have a key, in the order of the list.
   *
   * @param has whether an item has that key
   */
  all(list: readonly T[], key: string, has: (item: T) => boolean): readonly T[];
  /** The first of them; undefined if there is none. */
  first(list: readonly T[], key: string, has: (item: T) => boolean): T | undefined;
  /** Notes that a list has the items of another one, other ones at these places, and none beyond its end. */
  follow(from: readonly T[], list: readonly T[], places: readonly number[]): void;
}

/** @param keysOf all keys of an item, the same ones for the same item */
export function openFollowed<T extends object>(keysOf: (item: T) => readonly string[]): Followed<T> {
  const indexes = new WeakMap<readonly T[], Index>();
  const addAll = (index: Index, item: T | undefined, place: number): void => {
    for (const key of item === undefined ? [] : keysOf(item)) {
      const places = index.get(key);
      if (places) add(places, place);
      else index.set(key, [place]);
    }
  };
  /** Lists that were asked once: an index is made for the second question. */
  const asked = new WeakSet<readonly T[]>();
  /** Undefined if the list is to be looked through. */
  const indexOf = (list: readonly T[]): Index | undefined => {
    if (list.length < INDEXED) return undefined;
    const known = indexes.get(list);
    if (known) return known;
    if (!asked.has(list)) {
      asked.add(list);
      return undefined;
    }
    const index: Index = new Map();
    list.forEach((item, place) => {
      addAll(index, item, place);
    });
    indexes.set(list, index);
    return index;
  };
  return {
    all(list, key, has) {
      const index = indexOf(list);
      if (!index) return list.filter(has);
      return (index.get(key) ?? []).flatMap((place) => {
        const item = list[place];
        return item && has(item) ? [item] : [];
      });
    },
    first(list, key, has) {
      const index = indexOf(list);
      if (!index) return list.find(has);
      for (const place of index.get(key) ?? []) {
        const item = list[place];
        if (item && has(item)) return item;
      }
      return undefined;
    },
    follow(from, list, places) {
      const index = indexes.get(from);
      if (!index) return;
      for (const place of places) addAll(index, list[place], place);
      indexes.set(list, index);
    },
  };
}

/** Adds a number to an ascending list that does not have it; most are greater than all in it. */
function add(numbers: number[], number: number): void {
  let at = numbers.length;
  while (at > 0 && (numbers[at - 1] ?? number) > number) at--;
  if (numbers[at - 1] !== number) numbers.splice(at, 0, number);
}
