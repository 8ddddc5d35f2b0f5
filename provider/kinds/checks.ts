/** The property `checks`: its schema, and what follows from it without a host. Pure. */
import { z } from "zod";
import { canonicalIp } from "../model/addresses";
import { DEFAULT_WITHIN, OWN_ADDRESSES, PROBES, type Probe } from "../model/checks";
import { type Issue, issue } from "../model/error";
import { printable } from "../model/outside-text";
import { type HostAddress, hostLabel, hostSchema } from "../ssh/address";
import type { Json } from "../model/json";
import { flag, linkName, list, seconds } from "./schemas";

/** Another host from which a check starts. */
export interface OtherHost {
  readonly host: HostAddress;
  readonly link?: string;
}

/** A check in canonical form, with what was given and nothing else. */
export interface LinkCheck {
  readonly ping?: string;
  readonly arp?: string;
  readonly tcp?: string;
  readonly http?: string;
  readonly dns?: string;
  readonly command?: string;
  readonly within?: number;
  readonly from?: "link" | "host" | OtherHost;
  readonly required?: boolean;
}

/** Labels of a DNS name, also of one in a tcp or http target. */
const HOST_NAME =
  /^(?=.{1,253}\.?$)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?$/;
const LONGEST_COMMAND = 8192;

/** The canonical target, or why it is none. */
type Spelt = { readonly target: string } | { readonly wrong: string };

const SPELL: Readonly<Record<Probe, (text: string) => Spelt>> = {
  ping: spellIp,
  arp: spellIp,
  tcp(text) {
    const [, six, other = "", port = ""] = /^(?:\[([^\]]*)\]|([^:]*)):([0-9]{1,5})$/.exec(text) ?? [];
    const number = Number(port);
    const name = six ?? other;
    const address = canonicalIp(name) ?? (HOST_NAME.test(name) ? name : undefined);
    const isSix = address?.includes(":") === true;
    return address === undefined || isSix !== (six !== undefined) || number < 1 || number > 65_535
      ? { wrong: "is not ADDRESS:PORT, such as 192.0.2.1:443 or [2001:db8::1]:443" }
      : { target: `${isSix ? `[${address}]` : address}:${number}` };
  },
  http(text) {
    const wrong = { wrong: "is not a URL, such as http://192.0.2.1/health" };
    if (!/^https?:\/\/[^\s"\\]+$/.test(text) || !URL.canParse(text)) return wrong;
    const { href, username, password } = new URL(text);
    return username === "" && password === ""
      ? { target: href }
      : { wrong: "has a user name or a password in it; use a command for it" };
  },
  dns(text) {
    const [name = "", server, ...more] = text.split("@");
    const ip = server === undefined ? undefined : canonicalIp(server);
    const isServer = server === undefined || ip !== undefined;
    return !HOST_NAME.test(name) || !isServer || more.length > 0
      ? { wrong: "is not NAME@SERVER, such as www.example.com@192.0.2.53" }
      : { target: ip === undefined ? name : `${name}@${ip}` };
  },
  command(text) {
    if (text.trim() === "") return { wrong: "is empty" };
    if (text.includes("\0") || Buffer.from(text).toString() !== text)
      return { wrong: "contains a character that no shell can have" };
    return Buffer.byteLength(text) > LONGEST_COMMAND
      ? { wrong: `has more than ${LONGEST_COMMAND} bytes; put it into a file on the host` }
      : { target: text };
  },
};

function spellIp(text: string): Spelt {
  const ip = text === OWN_ADDRESSES ? text : canonicalIp(text);
  return ip === undefined
    ? { wrong: "is not an IP address, such as 192.0.2.1 or 2001:db8::1" }
    : { target: ip };
}

function target(probe: Probe): z.ZodType<string> {
  return z.string({ error: "must be a text" }).transform((value, ctx) => {
    const spelt = SPELL[probe](probe === "command" ? value : value.trim());
    if ("target" in spelt) return spelt.target;
    ctx.addIssue({ code: "custom", message: spelt.wrong });
    return z.NEVER;
  });
}

const otherHost = z
  .strictObject(
    { host: hostSchema, link: linkName.optional() },
    {
      error: ({ code }) =>
        code === "invalid_type" ? 'must be "link", "host" or { host, link? }' : undefined,
    },
  )
  .transform(({ host, link }): OtherHost => ({ host, ...(link === undefined ? {} : { link }) }));

const start = z.unknown().transform((value, ctx): NonNullable<LinkCheck["from"]> => {
  if (value === "link" || value === "host") return value;
  const parsed = otherHost.safeParse(value);
  if (parsed.success) return parsed.data;
  for (const { message, path } of parsed.error.issues) ctx.addIssue({ code: "custom", message, path });
  return z.NEVER;
});

const check: z.ZodType<LinkCheck> = z
  .strictObject(
    {
      ...(Object.fromEntries(PROBES.map((probe) => [probe, target(probe).optional()])) as Record<
        Probe,
        z.ZodOptional<z.ZodType<string>>
      >),
      within: seconds(0.5, 600).optional(),
      from: start.optional(),
      required: flag.optional(),
    },
    {
      error: ({ code }) =>
        code === "invalid_type" ? `must be an object with one of ${PROBES.join(", ")}` : undefined,
    },
  )
  .superRefine((given, ctx) => {
    const probes = PROBES.filter((probe) => given[probe] !== undefined);
    const [probe] = probes;
    if (probe === undefined || probes.length > 1) {
      const found = probes.length === 0 ? "none" : probes.join(" and ");
      ctx.addIssue({
        code: "custom",
        message: `must have exactly one of ${PROBES.join(", ")}, and has ${found}`,
      });
      return;
    }
    if (hostOfTarget(probe, given[probe] ?? "") !== OWN_ADDRESSES || (given.from ?? "link") !== "link")
      return;
    const message =
      'stands for the link\'s own addresses, which the link itself does not reach; set from to "host" or another host';
    ctx.addIssue({ code: "custom", message, path: [probe] });
  })
  .transform((given) => definedOf(given) as LinkCheck);

/** Checks, canonical, in the order given. */
export const checks: z.ZodType<LinkCheck[]> = list(check, (one) => JSON.stringify(one));

function definedOf(given: object): object {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** What a check does, and to what. */
export function probeOf(one: LinkCheck): { readonly probe: Probe; readonly target: string } {
  const probe = PROBES.find((name) => one[name] !== undefined) ?? "command";
  return { probe, target: one[probe] ?? "" };
}

/** The host in a target: `192.0.2.1` of `192.0.2.1:443`. */
export function hostOfTarget(probe: Probe, text: string): string {
  switch (probe) {
    case "ping":
    case "arp":
      return text;
    case "tcp":
      return text.replace(/:[0-9]+$/, "").replace(/^\[(.*)\]$/, "$1");
    case "http":
      return URL.canParse(text) ? new URL(text).hostname.replace(/^\[(.*)\]$/, "$1") : "";
    case "dns":
      return text.split("@")[1] ?? "";
    case "command":
      return "";
  }
}

/** The target with each of the addresses in the place of the link; itself if it names another host. */
export function targetsOf(probe: Probe, text: string, addresses: readonly string[]): readonly string[] {
  if (hostOfTarget(probe, text) !== OWN_ADDRESSES) return [text];
  return addresses.map((ip) => {
    const bracketed = ip.includes(":") ? `[${ip}]` : ip;
    if (probe === "tcp") return bracketed + text.slice(OWN_ADDRESSES.length);
    return probe === "http" ? text.replace(/^(https?:\/\/)link\b/, `$1${bracketed}`) : ip;
  });
}

/** Seconds. */
export function withinOf({ within = DEFAULT_WITHIN }: LinkCheck): number {
  return within;
}

/** The other host from which it starts; undefined if it starts on the link's own. */
export function otherHostOf({ from }: LinkCheck): OtherHost | undefined {
  return typeof from === "object" ? from : undefined;
}

/** `ping 192.0.2.1`, `command "test -e /run/up"`, `tcp 192.0.2.10:443 from node2`; of a secret only what it does. */
export function describeCheck(one: LinkCheck, isSecret: boolean): string {
  const { probe, target: text } = probeOf(one);
  const { from } = one;
  const shown = isSecret
    ? " (secret)"
    : probe === "command"
      ? ` ${JSON.stringify(printable(text, 100))}`
      : ` ${printable(text, 200)}`;
  const start =
    typeof from === "object" ? ` from ${hostLabel(from.host)}` : from === "host" ? " from the host" : "";
  return `${probe}${shown}${start}`;
}

/** Rules between checks and the link's other properties. */
export function checkRules({
  checks: given = [],
  expectCarrier,
  up,
}: {
  readonly checks?: readonly object[];
  readonly expectCarrier?: boolean;
  readonly up?: boolean;
}): Issue[] {
  if (up !== false) return [];
  const reason = "cannot be combined with up: false: a link that is down carries nothing";
  return [
    ...(given.length > 0 ? [issue("invalid-input", "checks", reason)] : []),
    ...(expectCarrier === true ? [issue("invalid-input", "expectCarrier", reason)] : []),
  ];
}

const GIVEN: readonly string[] = [...PROBES, "within", "from", "required"];

/** The checks as a program gave them, from the state, which has their results as well. */
export function withoutResults(kept: unknown): unknown {
  if (!Array.isArray(kept)) return kept;
  return kept.map((one: unknown) =>
    typeof one === "object" && one !== null
      ? Object.fromEntries(Object.entries(one).filter(([key]) => GIVEN.includes(key)))
      : one,
  );
}

/** What in the checks of a resource may be a secret: what is tried, not how. */
export function secretTexts(given: unknown): string[] {
  if (!Array.isArray(given)) return [];
  return given.flatMap((one: unknown) =>
    PROBES.flatMap((probe) => {
      const text = typeof one === "object" && one !== null ? (one as Json)[probe] : undefined;
      return typeof text === "string" && text !== OWN_ADDRESSES ? [text] : [];
    }),
  );
}
