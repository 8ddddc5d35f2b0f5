/**
 * Links that a program names by an altname, as `ip` allows. A kind gets only the kernel's name, and the state keeps the
 * name that was given. Pure.
 */
import { type HostState, kernelName } from "../model/host";
import type { CommonInputs, Json, Kind } from "./kind";

/** Returns the kernel's name of a link in a namespace, given any of its names. */
type Rename = (name: string, netns: string) => string;

/** The inputs with the kernel's name of each link. */
export function withKernelNames<I extends CommonInputs>(inputs: I, state: HostState): I {
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

/** Renames links in all properties that name links, for any kind. `own` is the namespace of the link itself. */
function renamed<T extends object>(values: T, own: string, rename: Rename): T {
  const { name, parent, primary, ports } = values as Json;
  const other = (value: unknown): unknown => (typeof value === "string" ? rename(value, "") : value);
  const port = (value: unknown): unknown =>
    typeof value === "object" && value !== null && "name" in value
      ? { ...value, name: other(value.name) }
      : value;
  return {
    ...values,
    ...(typeof name === "string" ? { name: rename(name, own) } : {}),
    ...(parent === undefined ? {} : { parent: other(parent) }),
    ...(primary === undefined ? {} : { primary: other(primary) }),
    ...(Array.isArray(ports) ? { ports: ports.map(port) } : {}),
  };
}
