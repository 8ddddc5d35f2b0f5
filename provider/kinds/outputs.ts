/** What links of every kind tell of themselves: outputs, and the given inputs as the host has them. Pure. */
import { type LinkState, findLink } from "../model/host";
import type { Observation } from "../model/observation";
import { type Binding, readBindings } from "./bindings";
import { type CommonInputs, type Json, linkId } from "./kind";

/** Outputs of every kind, as the host has them. */
export function commonOutputs(inputs: CommonInputs, observation: Observation): Json {
  const link = findLink(observation.state, linkId(inputs));
  if (!link) return {};
  return {
    name: link.name,
    ifIndex: link.ifIndex,
    macAddress: link.settings["link.address"] ?? "",
    mtu: Number(link.settings["link.mtu"]),
    operState: link.operState,
    up: link.up,
    addresses: addressesOf(link, inputs),
  };
}

/** The given inputs as the link has them: settings, common properties, and `more` of a kind's own; nothing where it is gone. */
export function readLinkInputs(
  inputs: CommonInputs,
  observation: Observation,
  bindings: readonly Binding[],
  more: (link: LinkState) => Json,
): Json {
  const link = findLink(observation.state, linkId(inputs));
  return link
    ? { ...readBindings(bindings, { ...inputs }, link), ...readCommonInputs(inputs, link), ...more(link) }
    : {};
}

/** The given ones of the common properties that are no settings, as the host has them. */
function readCommonInputs(inputs: CommonInputs, link: LinkState): Json {
  return {
    up: link.up,
    ...(inputs.addresses === undefined ? {} : { addresses: addressesOf(link, inputs) }),
  };
}

function addressesOf(link: LinkState, inputs: CommonInputs): string[] {
  return inGivenOrder(
    link.addresses.map((a) => a.cidr),
    inputs.addresses ?? [],
  );
}

/** Sets are shown in the order in which they were given, so that an order alone is never a change. */
export function inGivenOrder(found: readonly string[], given: readonly string[]): string[] {
  return [...given.filter((g) => found.includes(g)), ...found.filter((f) => !given.includes(f))];
}
