/** Hosts as text. A separate file, because programs load it without needing the schema of a host. */
import { isIPv6 } from "node:net";

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
