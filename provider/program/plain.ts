import { hostText } from "../ssh/host-text";

/** Whether a value contains no output, promise or resource, at any depth. */
export function isPlain(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return typeof value !== "function";
  if (Array.isArray(value)) return value.every(isPlain);
  return Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every(isPlain);
}

/** The text of a host; undefined if it is not given, or a part of it is an output that is not known yet. */
export function plainHost(host: unknown): string | undefined {
  return host !== undefined && isPlain(host) ? hostText(host) : undefined;
}
