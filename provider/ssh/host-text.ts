/** Hosts as text. A separate file, because programs load it without needing the schema of a host. */
import { isIPv6 } from "node:net";

/** The default port of sshd. */
export const DEFAULT_PORT = 22;

/**
 * One text per host, however it is given: as a string or as an object, in any order of properties. It is the key by
 * which resources share a connection and an observation.
 */
export function hostText(host: unknown): string {
  return JSON.stringify(inOrder(host));
}

function inOrder(host: unknown): unknown {
  const given = typeof host === "string" ? (splitShorthand(host) ?? host) : host;
  if (typeof given !== "object" || given === null || Array.isArray(given)) return given;
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    entries
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]: [string, unknown]) => [key, key === "jump" ? inOrder(value) : value]),
  );
}

/** Where a host is, and how it is shown. */
interface Place {
  readonly address: string;
  readonly port?: number;
  readonly user?: string;
  readonly jump?: Place;
}

/**
 * What identifies a machine: address, port and jump hosts, in one comparable string. User, key and time limits do not
 * count. Names are compared as text, so an alias and its address are two machines.
 */
export function hostIdentity(host: Place): string {
  const name = canonicalAddress(host.address);
  const here = `${name.includes(":") ? `[${name}]` : name}:${host.port ?? DEFAULT_PORT}`;
  return host.jump === undefined ? here : `${here} via ${hostIdentity(host.jump)}`;
}

function canonicalAddress(text: string): string {
  const lower = text.toLowerCase();
  const [bare = lower, zone] = lower.split("%");
  if (!isIPv6(bare)) return lower.replace(/\.$/, "");
  const shortest = new URL(`http://[${bare}]/`).hostname.slice(1, -1);
  return zone === undefined ? shortest : `${shortest}%${zone}`;
}

/** A host for messages: `ops@node1.example:2222`, with the user and port that are given. */
export function hostLabel(host: Pick<Place, "address" | "port" | "user">): string {
  const login = host.user === undefined ? "" : `${host.user}@`;
  const where = host.address.includes(":") && host.port !== undefined ? `[${host.address}]` : host.address;
  return `${login}${where}${host.port === undefined ? "" : `:${host.port}`}`;
}

/** A host as a program gives it. */
export interface GivenHost {
  /** As {@link hostIdentity} has it. */
  readonly identity: string;
  readonly label: string;
  /** Whether a text that a person has written means this host. */
  isNamed(name: string): boolean;
}

/** Reads a host without checking it; undefined if it has no address. */
export function readGivenHost(host: unknown): GivenHost | undefined {
  const place = placeOf(host);
  if (!place) return undefined;
  const identity = hostIdentity(place);
  const label = hostLabel(place);
  const address = canonicalAddress(place.address);
  const isNamed = (name: string): boolean => {
    const meant = placeOf(name);
    return (
      name === label || canonicalAddress(name) === address || (!!meant && hostIdentity(meant) === identity)
    );
  };
  return { identity, label, isNamed };
}

function placeOf(host: unknown): Place | undefined {
  const parts: unknown = typeof host === "string" ? splitShorthand(host) : host;
  if (typeof parts !== "object" || parts === null || !("address" in parts)) return undefined;
  const { address, port, user, jump } = parts as Record<keyof Place, unknown>;
  if (typeof address !== "string") return undefined;
  const through = jump === undefined ? undefined : placeOf(jump);
  if (jump !== undefined && through === undefined) return undefined;
  return {
    address: /^\[.*\]$/.test(address) ? address.slice(1, -1) : address,
    ...(typeof port === "number" ? { port } : {}),
    ...(typeof user === "string" ? { user } : {}),
    ...(through ? { jump: through } : {}),
  };
}

/** Splits `user@host:port`. Undefined if it is ambiguous; the schema checks the parts. */
export function splitShorthand(text: string): { address: string; port?: number; user?: string } | undefined {
  // The last @ separates, as in ssh(1): login names of directory services may hold one.
  const at = text.lastIndexOf("@");
  const rest = text.slice(at + 1);
  const login = at < 0 ? {} : { user: text.slice(0, at) };
  const bracketed = /^\[([^\]]*)\](?::(\d{1,6}))?$/.exec(rest);
  if (bracketed) return { ...login, address: bracketed[1] ?? "", ...portOf(bracketed[2]) };
  if (isIPv6(rest.split("%")[0] ?? "")) return { ...login, address: rest };
  const plain = /^([^:[\]]+)(?::(\d{1,6}))?$/.exec(rest);
  return plain ? { ...login, address: plain[1] ?? "", ...portOf(plain[2]) } : undefined;
}

function portOf(digits: string | undefined): { port?: number } {
  return digits === undefined ? {} : { port: Number(digits) };
}
