/**
 * Canonical inputs, and the digest by which a later run recognises them. Pure.
 *
 * The resource classes add hidden properties (the engine hides names that begin with two underscores): `__owner` is
 * `project/stack`, `__resource` the resource's name, `__preview` tells `check` the phase, and `__secrets` the names of
 * secret properties (the last two are not saved in the state). `check` adds `__derived`, the inputs that were derived
 * and not given, and `__secretNames`, the names of `__secrets` as one text, if there are any. Outputs have `__managed`,
 * the properties that were given, and `__inputs`, the digest of the inputs that they belong to.
 */
import { createHash } from "node:crypto";
import { visibleInputs } from "../kinds/check-inputs";
import type { Json } from "../kinds/kind";
import { type HostAddress, hostIdentity } from "../ssh/address";

/** A short digest of canonical inputs, independent of the order of their keys. */
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
