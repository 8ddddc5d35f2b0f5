/** In which order links of one host depend on each other. Pure. */
import { withoutPrefix } from "../model/addresses";

/** What of a link's inputs names other links, or addresses of theirs. */
export interface LinkReferences {
  readonly name: string;
  readonly netns?: string | undefined;
  readonly parent?: string | undefined;
  readonly ports?: readonly { readonly name: string }[] | undefined;
  readonly addresses?: readonly string[] | undefined;
  readonly routes?: readonly { readonly source?: string | undefined }[] | undefined;
}

/** Links in their order, and those that depend on themselves. */
export interface Ordered<T> {
  readonly order: readonly T[];
  /** One that is below itself; undefined if there is none. */
  readonly circular: T | undefined;
}

/**
 * Parents and ports come before what is on them, and a link with an address before one with a route that has it as its
 * source. Otherwise the order stays.
 */
export function inDependencyOrder<T>(
  links: readonly T[],
  referencesOf: (link: T) => LinkReferences,
): Ordered<T> {
  const all = links.map((link) => ({ link, is: referencesOf(link) }));
  type Entry = (typeof all)[number];
  // parents and ports are links of the host's own namespace
  const byName = new Map(all.flatMap((one) => ((one.is.netns ?? "") === "" ? [[one.is.name, one]] : [])));
  const byAddress = new Map(
    all.flatMap((one) =>
      (one.is.addresses ?? []).map((cidr) => [addressKey(one.is.netns, withoutPrefix(cidr)), one] as const),
    ),
  );
  const below = ({ is }: Entry): Entry[] =>
    [is.parent, ...(is.ports ?? []).map(({ name }) => name)].flatMap((name) => byName.get(name ?? "") ?? []);
  const sources = ({ is }: Entry): Entry[] =>
    (is.routes ?? []).flatMap(({ source }) => byAddress.get(addressKey(is.netns, source ?? "")) ?? []);
  const order: T[] = [];
  const begun = new Set<Entry>();
  const done = new Set<Entry>();
  let circular: T | undefined;
  const visit = (one: Entry): void => {
    if (begun.has(one)) return;
    begun.add(one);
    for (const other of below(one)) {
      if (begun.has(other) && !done.has(other)) circular ??= one.link;
      visit(other);
    }
    // a source alone makes no circle: then the order stays
    for (const other of sources(one)) if (!leadsTo(other, one)) visit(other);
    done.add(one);
    order.push(one.link);
  };
  const leadsTo = (from: Entry, to: Entry): boolean => {
    const seen = new Set([from]);
    for (const one of seen) for (const other of [...below(one), ...sources(one)]) seen.add(other);
    return seen.has(to);
  };
  all.forEach(visit);
  return { order, circular };
}

function addressKey(netns: string | undefined, ip: string): string {
  return `${netns ?? ""} ${ip}`;
}
