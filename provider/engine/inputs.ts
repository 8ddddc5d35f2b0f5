/**
 * From what a program gives to canonical inputs, and the mark by which a later run knows them. Pure.
 *
 * The resource classes add properties that no person sees, as the engine hides names that begin with two underscores:
 * `__owner` is `project/stack`, `__resource` the resource's name, `__preview` tells `check` the phase, and `__secrets`
 * which properties are secret (both get into no state). `check` adds `__derived`, the inputs that were not given but
 * derived; outputs have `__managed`, the properties that were given, and `__inputs`, the digest of the inputs that
 * they answer to.
 */
import { createHash } from "node:crypto";
import { visibleInputs } from "../kinds/check-inputs";
import type { Json } from "../kinds/kind";
import { type HostAddress, hostIdentity } from "../ssh/address";

/** A short digest of canonical inputs, whatever the order of their keys. */
export function digest(inputs: Json): string {
  return createHash("sha256")
    .update(stable(visibleInputs(inputs)))
    .digest("hex")
    .slice(0, 16);
}

function stable(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(stable).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(([, v]) => v !== undefined);
    return `{${entries
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => `${JSON.stringify(k)}:${stable(v)}`)
      .join(",")}}`;
  }
  return JSON.stringify(value);
}

/** Whether two inputs name the same machine. */
export function sameHost(a: unknown, b: unknown): boolean {
  return hostIdentity(a as HostAddress) === hostIdentity(b as HostAddress);
}
