/** Schemas of the properties that several kinds have. Messages complete a sentence that begins with the property. */
import { z } from "zod";
import {
  broadcastOf,
  canonicalCidr,
  canonicalIp,
  canonicalMac,
  subnetOf,
  whyNotHostAddress,
  whyNotLinkMac,
} from "../model/addresses";
import type { Address, Route } from "../model/host";

/** Why a link cannot have a name: the kernel (net/core/dev.c, dev_valid_name) or this package refuses it. */
export function whyNotLinkName(name: string): string | undefined {
  const bytes = Buffer.byteLength(name);
  return bytes > 15 ? `has ${bytes} bytes; a link's name has at most 15` : whyNotAnyName(name);
}

/** The same for an altname, which may be longer (include/uapi/linux/if.h, ALTIFNAMSIZ). */
function whyNotAnyName(name: string): string | undefined {
  const bytes = Buffer.byteLength(name);
  if (bytes === 0) return "is empty";
  if (bytes > 127) return `has ${bytes} bytes; a link's name has at most 15, and an altname 127`;
  if (!isUnicode(name)) return "contains half a character (a lone surrogate)";
  if (name === "." || name === "..") return "is not a valid link name";
  if (/[/:\s]/.test(name)) return "contains a slash, a colon or white space, which a link's name cannot have";
  // eslint-disable-next-line no-control-regex -- the kernel accepts them, but they harm terminals and JSON readers
  if (/[\u0000-\u001f\u007f]/.test(name)) return "contains control characters";
  if (name.includes("%")) return "contains a %, which the kernel would replace by a number";
  // they are directories with the sysctls of all links
  if (name === "all" || name === "default")
    return "is reserved: the kernel keeps the sysctls of all links under this name";
  return undefined;
}

/** Without lone surrogates, which UTF-8 cannot represent: they would become another character. */
function isUnicode(value: string): boolean {
  return Buffer.from(value).toString() === value;
}

function text(what: string, why: (value: string) => string | undefined): z.ZodType<string> {
  return z.string({ error: `must be ${what}` }).superRefine((value, ctx) => {
    const reason = why(value);
    if (reason !== undefined) ctx.addIssue({ code: "custom", message: reason });
  });
}

/** A string with one canonical spelling. */
function canonical(
  what: string,
  spell: (value: string) => string | undefined,
  why: (value: string) => string | undefined = () => undefined,
): z.ZodType<string> {
  return z.string({ error: `must be ${what}` }).transform((value, ctx) => {
    const spelt = spell(value.trim());
    const reason = spelt === undefined ? `is not ${what}` : why(spelt);
    if (spelt !== undefined && reason === undefined) return spelt;
    ctx.addIssue({ code: "custom", message: reason ?? "" });
    return z.NEVER;
  });
}

export function whole(min: number, max: number, unit = ""): z.ZodType<number> {
  const error = `must be a whole number from ${min} to ${max}${unit && ` ${unit}`}`;
  return z.number({ error }).refine((n) => Number.isInteger(n) && n >= min && n <= max, { error });
}

/** Seconds with one decimal: the kernel would round finer values to its clock ticks. */
export function seconds(min: number, max: number): z.ZodType<number> {
  const error = `must be a number of seconds from ${min} to ${max}, with at most one decimal`;
  return z
    .number({ error })
    .refine((n) => n >= min && n <= max && Math.abs(n * 10 - Math.round(n * 10)) < 1e-9, { error });
}

export const flag = z.boolean({ error: "must be true or false" });

export function oneOf<const T extends string>(...words: T[]): z.ZodType<T> {
  return z.enum(words, { error: `must be one of ${words.map((w) => `"${w}"`).join(", ")}` });
}

/** An existing or a future link, by its name or by one of its altnames. */
export const linkName = text("a link's name", whyNotAnyName);

export const linkNameOrNone = text("a link's name", (name) =>
  name === "" ? undefined : whyNotAnyName(name),
);

export const macAddress = canonical("a MAC address, such as 02:00:5e:00:53:01", canonicalMac, whyNotLinkMac);

/** Addresses of a link, canonical, in the order given. */
export const addresses = list(
  canonical(
    "an address in CIDR form, such as 192.0.2.10/24 or 2001:db8::10/64",
    canonicalCidr,
    whyNotHostAddress,
  ),
  (cidr) => cidr.split("/")[0] ?? cidr,
);

/** IPv4 addresses that a bond probes by ARP (include/net/bonding.h, BOND_MAX_ARP_TARGETS). */
export const arpTargets = list(
  canonical("an IPv4 address, such as 192.0.2.1", (value) => {
    const ip = canonicalIp(value);
    return ip?.includes(":") === true ? undefined : ip;
  }),
  (ip) => ip,
).refine((targets) => targets.length <= 16, { error: "has more than 16 addresses, the kernel's limit" });

/**
 * A string that stands for an object, or the object itself. Issues are those of the form that was given, on their path,
 * which a union would not report.
 */
export function textOr<T>(text: z.ZodType<T>, object: z.ZodType<T>): z.ZodType<T> {
  return z.unknown().transform((value, ctx) => {
    const parsed = (typeof value === "string" ? text : object).safeParse(value);
    if (parsed.success) return parsed.data;
    for (const { message, path } of flatIssues(parsed.error)) ctx.addIssue({ code: "custom", message, path });
    return z.NEVER;
  });
}

/** The issues of a value, those of unknown properties on the path of each. */
export function flatIssues({
  issues,
}: z.ZodError): { readonly message: string; readonly path: PropertyKey[] }[] {
  return issues.flatMap((one) =>
    one.code === "unrecognized_keys"
      ? one.keys.map((key) => ({ message: "is not a property that there is", path: [...one.path, key] }))
      : [{ message: one.message, path: one.path }],
  );
}

/** A list without duplicates, compared by `key`. */
export function list<T>(item: z.ZodType<T>, key: (value: T) => string): z.ZodType<T[]> {
  return z.array(item, { error: "must be a list" }).superRefine((values, ctx) => {
    const seen = new Map<string, number>();
    values.forEach((value, i) => {
      const first = seen.get(key(value));
      if (first === undefined) seen.set(key(value), i);
      else ctx.addIssue({ code: "custom", message: `is the same as [${first}]`, path: [i] });
    });
  });
}

/** A named network namespace, which is a file under /run/netns (ip-netns(8)). */
export const netnsName = text("the name of a network namespace", (name) => {
  if (name === "") return "is empty; leave it out for the host's own namespace";
  if (!/^[A-Za-z0-9_.:@+-]{1,200}$/.test(name) || /^[.-]/.test(name)) {
    return "may only contain letters, digits and _ . : @ + -, and must not begin with . or -";
  }
  // iproute2 takes a number for a process ID
  if (/^[0-9]+$/.test(name)) return "is a number, which iproute2 would take for a process ID";
  return undefined;
});

/** An alias that every version of iproute2 prints as valid JSON, and that is safe for terminals. */
export const alias = text("a text", (value) => {
  if (!isUnicode(value)) return "contains half a character (a lone surrogate)";
  if (Buffer.byteLength(value) > 255) return "has more than 255 bytes, the kernel's limit (IFALIASZ)";
  // eslint-disable-next-line no-control-regex -- these characters are refused
  if (/[\u0000-\u001f\u007f]/.test(value)) return "contains control characters";
  return undefined;
});

/** Destination of a route: CIDR, a bare address, or `default` (IPv4's, unless gateway or source are IPv6 addresses). */
const destination = z.string({ error: "must be a destination" }).transform((value, ctx) => {
  const given = value.trim();
  const ip = canonicalIp(given);
  const cidr =
    given === "default"
      ? "0.0.0.0/0"
      : ip === undefined
        ? canonicalCidr(given)
        : `${ip}/${ip.includes(":") ? 128 : 32}`;
  if (cidr === undefined) {
    ctx.addIssue({ code: "custom", message: "is not a destination in CIDR form, such as 192.0.2.10/32" });
    return z.NEVER;
  }
  if (subnetOf(cidr) !== cidr) {
    ctx.addIssue({ code: "custom", message: `has bits set behind its prefix; write ${subnetOf(cidr)}` });
    return z.NEVER;
  }
  return cidr;
});

const ipAddress = canonical("an IP address, such as 192.0.2.1 or 2001:db8::1", canonicalIp);

const routeFields = z
  .strictObject(
    {
      to: z.unknown(),
      via: ipAddress.optional(),
      source: ipAddress.optional(),
      metric: whole(0, 4_294_967_295).optional(),
    },
    {
      error: (issue) =>
        issue.code === "invalid_type" ? "must be a destination or { to, via, source, metric }" : undefined,
    },
  )
  .transform(({ to, ...rest }, ctx): RouteFields => {
    const isSix = [rest.via, rest.source].some((ip) => ip?.includes(":") === true);
    const parsed = destination.safeParse(to === "default" && isSix ? "::/0" : to);
    if (parsed.success) return { to: parsed.data, ...rest };
    for (const { message } of parsed.error.issues) ctx.addIssue({ code: "custom", message, path: ["to"] });
    return z.NEVER;
  });

interface RouteFields {
  readonly to: string;
  readonly via?: string | undefined;
  readonly source?: string | undefined;
  readonly metric?: number | undefined;
}

/** Routes, canonical, in the order given. */
export const routes = list(
  textOr(
    destination.transform((to): RouteFields => ({ to })),
    routeFields,
  )
    .superRefine((route, ctx) => {
      for (const field of ["via", "source"] as const) {
        const value = route[field];
        if (value !== undefined && value.includes(":") !== route.to.includes(":")) {
          ctx.addIssue({
            code: "custom",
            message: "must be of the same address family as to",
            path: [field],
          });
        }
      }
    })
    .transform(withoutDefaultMetric),
  (route) => `${route.to} metric ${route.metric ?? 0}`,
);

/** The kernel's default metric is the one that iproute2 does not show. */
function withoutDefaultMetric(route: RouteFields): Route {
  const { to, via, source, metric } = route;
  const isDefault = metric === undefined || metric === (to.includes(":") ? 1024 : 0);
  return {
    to,
    ...(via === undefined ? {} : { via }),
    ...(source === undefined ? {} : { source }),
    ...(isDefault || (metric === 0 && to.includes(":")) ? {} : { metric }),
  };
}

/** How many MAC addresses a parent may carry, including its own. */
export const maxMacs = whole(1, 65_535, "MAC addresses");

/** Addresses as they are added to a link: with the broadcast address that other tools set too. */
export function desiredAddresses(cidrs: readonly string[]): Address[] {
  return cidrs.map((cidr) => {
    const broadcast = broadcastOf(cidr);
    return { cidr, ...(broadcast === undefined ? {} : { broadcast }) };
  });
}
