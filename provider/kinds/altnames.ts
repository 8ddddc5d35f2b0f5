/**
 * Links that a program names by an altname, as `ip` allows. A kind gets only the kernel's name, and the state keeps the
 * name that was given. Pure.
 */
import { type HostState, hasAltNames, kernelName } from "../model/host";
import type { CommonInputs, Json, Kind } from "./kind";

/** Returns the kernel's name of a link in a namespace, given any of its names. */
type Rename = (name: string, netns: string) => string;

/** The inputs with the kernel's name of each link. */
export function withKernelNames<I extends CommonInputs>(inputs: I, state: HostState): I {
  if (!hasAltNames(state)) return inputs;
  return renamed(inputs, inputs.netns ?? "", (name, netns) => kernelName(state, { name, netns }));
}

/** A kind whose functions take inputs with altnames, and whose outputs have the names that were given. */
export function acceptAltNames(kind: Kind<CommonInputs>): Kind<CommonInputs> {
  return {
    ...kind,
    lan: (inputs, state) => kind.lan(withKernelNames(inputs, state), state),
    desired: (inputs, context) => kind.desired(withKernelNames(inputs, context.observation.state), context),
    problems: (inputs, context) => kind.problems(withKernelNames(inputs, context.observation.state), context),
    ...(kind.warnings && {
      warnings: (inputs, context) =>
        kind.warnings?.(withKernelNames(inputs, context.observation.state), context) ?? [],
    }),
    outputs: (inputs, observation) =>
      withGivenNames(
        kind.outputs(withKernelNames(inputs, observation.state), observation),
        inputs,
        observation.state,
      ),
    readInputs: (inputs, observation) =>
      withGivenNames(
        kind.readInputs(withKernelNames(inputs, observation.state), observation),
        inputs,
        observation.state,
      ),
  };
}

/** Observed values with the link names that the inputs use. */
function withGivenNames(read: Json, inputs: CommonInputs, state: HostState): Json {
  if (!hasAltNames(state)) return read;
  const given = new Map<string, string>();
  const own = inputs.netns ?? "";
  const key = (netns: string, name: string): string => JSON.stringify([netns, name]);
  renamed(inputs, own, (name, netns) => {
    const kernel = kernelName(state, { name, netns });
    given.set(key(netns, kernel), name);
    return kernel;
  });
  return renamed(read, own, (name, netns) => given.get(key(netns, name)) ?? name);
}

/**
 * Renames links in all properties that name links, for any kind; the same values if no name changes. `own` is the namespace
 * of the link itself.
 */
function renamed<T extends object>(values: T, own: string, rename: Rename): T {
  const { name, parent, primary, ports } = values as Json;
  const other = (value: unknown): unknown => (typeof value === "string" ? rename(value, "") : value);
  const port = (value: unknown): unknown => {
    if (typeof value !== "object" || value === null || !("name" in value)) return value;
    const is = other(value.name);
    return is === value.name ? value : { ...value, name: is };
  };
  const portList = Array.isArray(ports) ? ports.map(port) : undefined;
  const next: Json = {
    ...(typeof name === "string" ? { name: rename(name, own) } : {}),
    ...(parent === undefined ? {} : { parent: other(parent) }),
    ...(primary === undefined ? {} : { primary: other(primary) }),
    ...(portList?.some((p, i) => p !== (ports as unknown[])[i]) === true ? { ports: portList } : {}),
  };
  const isSame = Object.entries(next).every(([key, value]) => (values as Json)[key] === value);
  return isSame ? values : { ...values, ...next };
}
