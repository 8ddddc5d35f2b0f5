/** Whether a value has no output, promise or resource in it, at any depth. */
export function isPlain(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return typeof value !== "function";
  if (Array.isArray(value)) return value.every(isPlain);
  return Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every(isPlain);
}

/** One line of JSON; undefined where the value is not given, or a part of it is an output that is not known yet. */
export function plainText(value: unknown): string | undefined {
  return value !== undefined && isPlain(value) ? JSON.stringify(value) : undefined;
}
