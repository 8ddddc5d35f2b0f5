/**
 * Links that a program names by an altname, as `ip` takes them: a kind sees the kernel's own name only, and the state
 * keeps the name that was given. Pure.
 */
import { type HostState, kernelName } from "../model/host";
import type { CommonInputs, Json, Kind } from "./kind";

/** The kernel's name of a link of a namespace that is given by any of its names. */
type Rename = (name: string, netns: string) => string;

/** Inputs in which each link has the kernel's own name. */
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

/** What was read of a link, with the names by which the inputs call the links in it. */
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

/** With other names in the properties that name links, of whatever kind. `own` is the namespace of the link itself. */
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
