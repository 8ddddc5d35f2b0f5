/** Leases addresses to children: a child keeps its address, and a new one gets a free address. Pure. */
import { z } from "zod";
import { type Issue, issue } from "../model/error";
import { canonicalCidr, subnetOf, whyNotHostAddress } from "../model/addresses";
import {
  type AddressNumber,
  type AddressRange,
  contains,
  hostsOfCidr,
  intersection,
  ipOf,
  numberOf,
  parseRange,
} from "./ranges";

/** Addresses in CIDR form by key (`node1/web`), one of each of the pool's families. */
export type Leases = Readonly<Record<string, readonly string[]>>;

/** Why a CIDR is not a subnet for leases; undefined if it is. */
function whyNotSubnet(cidr: string): string | undefined {
  if (canonicalCidr(cidr) === undefined) return "is not a CIDR, such as 192.0.2.0/24 or 2001:db8::/64";
  return subnetOf(cidr) === canonicalCidr(cidr)
    ? undefined
    : `has bits set behind its prefix; write ${subnetOf(cidr)}`;
}

function checked(why: (text: string) => string | undefined): z.ZodType<string> {
  return z.string({ error: "must be a text" }).superRefine((text, ctx) => {
    const reason = why(text);
    if (reason !== undefined) ctx.addIssue({ code: "custom", message: reason });
  });
}

const range = checked((text) => {
  const parsed = parseRange(text);
  return typeof parsed === "string" ? parsed : undefined;
});
const ip = checked((text) =>
  numberOf(text) === undefined ? "is not an IP address without a prefix" : undefined,
);

/** Schema of the pool. Messages complete a sentence that begins with the property. */
export const poolSchema = z.strictObject({
  cidr: z
    .array(checked(whyNotSubnet))
    .max(2, { error: "has more than one subnet per family" })
    .refine((cidrs) => new Set(cidrs.map((c) => c.includes(":"))).size === cidrs.length, {
      error: "has two subnets of one family; a network is one LAN",
    }),
  range: z.array(range).optional(),
  exclude: z.array(range).optional(),
  reservations: z.record(z.string(), z.array(ip)).optional(),
  keys: z.array(z.string()),
});

/** A pool's subnets, the parts that are assigned, and the keys that get addresses. */
export type PoolInputs = z.infer<typeof poolSchema>;

/** The result. If there are problems, the leases cannot be used. */
export interface Leased {
  readonly leases: Leases;
  readonly problems: readonly Issue[];
}

/**
 * Assigns each key one address of each subnet.
 *
 * - Reservations come first, also outside `range`. The address of a reservation without a key is kept free.
 * - A key that had an address (`before`) keeps it while other keys come and go, as long as it is in the pool.
 * - All others get the lowest free addresses, in the order of the keys. An address that becomes free in this run is
 *   assigned again in the next run at the earliest, because its previous owner is deleted after the new one is created.
 */
export function leaseAddresses(pool: PoolInputs, before: Leases): Leased {
  const problems: Issue[] = [...outside(pool)];
  const [first] = pool.keys;
  if (pool.cidr.length === 0 && first !== undefined) {
    problems.push(issue("invalid-input", "cidr", `is empty, and ${first} has no address of its own`));
  }
  const families = pool.cidr.map((cidr) => {
    const leased = leaseFamily(cidr, pool, before);
    problems.push(...leased.problems);
    return leased.addresses;
  });
  const leases = pool.keys.map((key) => {
    return [key, families.flatMap((addresses) => addresses.get(key) ?? [])] as const;
  });
  return { leases: Object.fromEntries(leases), problems };
}

interface FamilyLeases {
  readonly addresses: ReadonlyMap<string, string>;
  readonly problems: readonly Issue[];
}

function leaseFamily(cidr: string, pool: PoolInputs, before: Leases): FamilyLeases {
  const hosts = hostsOfCidr(cidr);
  const { family } = hosts;
  const prefix = cidr.split("/")[1] ?? "";
  const excluded = rangesOf(pool.exclude, family);
  const { reserved, problems } = reservedIn(cidr, pool, excluded);
  const given = givenRanges(pool, hosts, excluded);
  const previous = new Map(
    Object.entries(before).flatMap(([key, addresses]) => {
      const number = addresses.map((a) => numberOf(a.split("/")[0] ?? "")).find((n) => n?.family === family);
      return number === undefined ? [] : [[key, number.value] as const];
    }),
  );

  const leased = new Map<string, bigint>();
  const taken = new Set(reserved.values());
  for (const key of pool.keys) {
    const own = reserved.get(key);
    const kept = previous.get(key);
    if (own !== undefined) leased.set(key, own);
    else if (kept !== undefined && !taken.has(kept) && given.some((r) => r.first <= kept && kept <= r.last)) {
      leased.set(key, kept);
      taken.add(kept);
    }
  }
  const fresh = pool.keys.filter((key) => !leased.has(key));
  const free = freeAddresses(given, new Set([...taken, ...previous.values()]));
  for (const key of fresh) {
    const next = free.next();
    if (next.done === true) break;
    leased.set(key, next.value);
  }
  if (leased.size < pool.keys.length) problems.push(exhausted(cidr, pool, given, leased, previous));
  const addresses = new Map(
    [...leased].map(([key, value]) => [key, `${ipOf({ family, value })}/${prefix}`] as const),
  );
  return { addresses, problems };
}

function rangesOf(texts: readonly string[] | undefined, family: 4 | 6): AddressRange[] {
  const ranges = (texts ?? []).map(parseRange);
  return ranges.filter((r): r is AddressRange => typeof r !== "string" && r.family === family);
}

/** The parts of the subnet that are given, ascending and apart from each other. */
function givenRanges(
  pool: PoolInputs,
  hosts: AddressRange,
  excluded: readonly AddressRange[],
): AddressRange[] {
  const own = rangesOf(pool.range, hosts.family);
  const wanted = (own.length === 0 ? [hosts] : own).flatMap((r) => intersection(r, hosts) ?? []);
  const cut = excluded.reduce((ranges, without) => ranges.flatMap((r) => subtract(r, without)), wanted);
  const apart: AddressRange[] = [];
  for (const range of cut.toSorted((a, b) => (a.first < b.first ? -1 : 1))) {
    const earlier = apart.at(-1);
    if (earlier === undefined || earlier.last < range.first) apart.push(range);
    else if (earlier.last < range.last) apart.splice(-1, 1, { ...earlier, last: range.last });
  }
  return apart;
}

function subtract(range: AddressRange, without: AddressRange): AddressRange[] {
  const shared = intersection(range, without);
  if (shared === undefined) return [range];
  return [
    { ...range, last: shared.first - 1n },
    { ...range, first: shared.last + 1n },
  ].filter((r) => r.first <= r.last);
}

/** Reservations of one family; only those without a problem count. */
function reservedIn(
  cidr: string,
  pool: PoolInputs,
  excluded: readonly AddressRange[],
): { reserved: Map<string, bigint>; problems: Issue[] } {
  const reserved = new Map<string, bigint>();
  const problems: Issue[] = [];
  const owners = new Map<bigint, string>();
  const subnet = hostsOfCidr(cidr);
  for (const [key, addresses] of Object.entries(pool.reservations ?? {})) {
    for (const address of addresses) {
      const number = numberOf(address);
      if (number?.family !== subnet.family) continue;
      const reason = whyNotReserved(number, cidr, excluded, reserved.has(key), owners.get(number.value));
      if (reason === undefined) {
        reserved.set(key, number.value);
        owners.set(number.value, key);
      } else problems.push(issue("invalid-input", `reservations["${key}"]`, `${address} ${reason}`));
    }
  }
  return { reserved, problems };
}

function whyNotReserved(
  number: AddressNumber,
  cidr: string,
  excluded: readonly AddressRange[],
  isSecond: boolean,
  owner: string | undefined,
): string | undefined {
  if (!contains(hostsOfCidr(cidr), number)) {
    return whyNotHostAddress(`${ipOf(number)}/${cidr.split("/")[1] ?? ""}`) ?? `is not in ${cidr}`;
  }
  if (isSecond) return "is a second address of its family";
  if (owner !== undefined) return `is reserved for ${owner} as well`;
  return excluded.some((r) => contains(r, number))
    ? "is excluded, or used by the gateway or a child with addresses of its own"
    : undefined;
}

/** Addresses outside all subnets, reported once and not per family. */
function outside(pool: PoolInputs): Issue[] {
  const subnets = pool.cidr.map(hostsOfCidr);
  const ranges = (pool.range ?? []).flatMap((text, i) => {
    const parsed = parseRange(text);
    const isIn = typeof parsed !== "string" && subnets.some((s) => intersection(s, parsed));
    return isIn ? [] : [issue("invalid-input", `range[${i}]`, `${text} is not in ${pool.cidr.join(" or ")}`)];
  });
  const reservations = Object.entries(pool.reservations ?? {}).flatMap(([key, addresses]) =>
    addresses
      .filter((address) => !subnets.some((s) => s.family === numberOf(address)?.family))
      .map((address) =>
        issue("invalid-input", `reservations["${key}"]`, `${address} is not in ${pool.cidr.join(" or ")}`),
      ),
  );
  return [...ranges, ...reservations];
}

/** The free addresses, ascending. An IPv6 subnet has too many to list, so they come one by one. */
function* freeAddresses(
  given: readonly AddressRange[],
  taken: ReadonlySet<bigint>,
): Generator<bigint, undefined> {
  for (const { first, last } of given) {
    for (let value = first; value <= last; value++) {
      if (!taken.has(value)) yield value;
    }
  }
  return undefined;
}

function exhausted(
  cidr: string,
  pool: PoolInputs,
  given: readonly AddressRange[],
  leased: ReadonlyMap<string, bigint>,
  previous: ReadonlyMap<string, bigint>,
): Issue {
  const size = given.reduce((sum, r) => sum + (r.last - r.first + 1n), 0n);
  const missing = pool.keys.filter((key) => !leased.has(key));
  const values = new Set(leased.values());
  const released = [...previous.values()].filter(
    (v) => !values.has(v) && given.some((r) => r.first <= v && v <= r.last),
  );
  const later =
    released.length === 0
      ? "widen range or cidr, or exclude less"
      : `${released.length} more ${released.length === 1 ? "is" : "are"} free after the removals of this run: ` +
        "run pulumi up without the new ones first, or widen range";
  return issue(
    "no-free-address",
    pool.range === undefined ? "cidr" : "range",
    `has ${size} addresses of ${cidr}, but ${pool.keys.length} are needed; ` +
      `none is left for ${missing.slice(0, 3).join(", ")}${missing.length > 3 ? `, … (${missing.length})` : ""}. ` +
      `To solve this, ${later}`,
  );
}
