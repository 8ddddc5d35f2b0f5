/**
 * `ignoreChanges`: ignored properties are neither compared nor planned. For these the engine passes the inputs of the
 * last run instead of the program's, which would be drift as soon as the host differs. Here the observed values replace
 * them, so that nothing differs. Pure.
 */
import { parsePath } from "../model/property-path";
import type { CommonInputs, Json } from "./kind";

/** Properties that identify the link, and so cannot be read from it. */
const IDENTITY: readonly string[] = ["host", "name", "netns", "adopt", "persist"];

/**
 * The inputs with the observed value at each ignored path. A property that the link does not have is left out, so the
 * host stays as it is.
 *
 * @param observed the observed inputs; empty if the link does not exist, which is then made from the given inputs
 * @param ignored paths as `ignoreChanges` takes them: `addresses`, `ports[0].cost`, `routes[*].metric`, `*`
 * @example
 * ```ts
 * withIgnored(inputs, kind.readInputs(inputs, observation), ["addresses", "mtu"]);
 * ```
 */
export function withIgnored<I extends CommonInputs>(
  inputs: I,
  observed: Json,
  ignored: readonly string[],
): I {
  if (ignored.length === 0 || Object.keys(observed).length === 0) return inputs;
  return ignored.reduce<I>((result, path) => {
    const steps = parsePath(path);
    if (steps === undefined) return result;
    // a path has at least one step, so the result is an object of the same type
    return taken(result, observed, steps, true) as I;
  }, inputs);
}

/** A value with the observed part at the path. */
function taken(
  value: unknown,
  observed: unknown,
  [step, ...rest]: readonly (string | number)[],
  isTop = false,
): unknown {
  if (step === undefined) return observed;
  if (Array.isArray(value)) {
    return value.flatMap((entry: unknown, i) => {
      if (step !== "*" && step !== i) return [entry];
      const same = entryLike(entry, observed);
      return same === undefined ? [] : [taken(entry, same, rest)];
    });
  }
  if (typeof value !== "object" || value === null) return value;
  const seen: Json = typeof observed === "object" && observed !== null ? { ...observed } : {};
  const keys = step === "*" ? Object.keys(value) : [String(step)];
  const own = keys.filter((key) => !(isTop && IDENTITY.includes(key)));
  const others = Object.entries(value).filter(([key]) => !own.includes(key));
  const entries = own.flatMap((key): [string, unknown][] => {
    if (!Object.hasOwn(value, key)) return [];
    if (rest.length === 0 && !Object.hasOwn(seen, key)) return [];
    return [[key, taken((value as Json)[key], seen[key], rest)]];
  });
  return Object.fromEntries([...others, ...entries]);
}

/** The entry of an observed list that corresponds to one of the program's: by name, destination or number, or by value. */
function entryLike(entry: unknown, observed: unknown): unknown {
  if (!Array.isArray(observed)) return undefined;
  const key = keyOf(entry);
  return observed.find((other: unknown) => keyOf(other) === key);
}

function keyOf(entry: unknown): string {
  if (typeof entry !== "object" || entry === null) return String(entry);
  const { name, to, vid } = entry as Readonly<Record<"name" | "to" | "vid", unknown>>;
  return String(name ?? to ?? vid);
}
