/** Outputs and observed inputs that links of every kind have. Pure. */
import { isLinkLocal } from "../model/addresses";
import type { LinkState } from "../model/host";
import type { LinkOutputs } from "./args";
import type { CommonInputs } from "./link";

/** The observed outputs of every kind; the host, the label and the checks are inputs. */
export function commonOutputs(
  link: LinkState,
  inputs: CommonInputs,
): Omit<LinkOutputs, "host" | "label" | "checks"> {
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

/** The link's addresses, in the order in which they were given. */
export function addressesOf(link: LinkState, inputs: Partial<CommonInputs>): string[] {
  const given = inputs.addresses ?? [];
  const others = (link.otherAddresses ?? []).map((a) => a.cidr);
  const stated = others.filter((cidr) => isLinkLocal(cidr) && given.includes(cidr));
  return inGivenOrder([...new Set([...link.addresses.map((a) => a.cidr), ...stated])], given);
}

/** Returns a set in the order in which it was given, so that the order alone is never a change. */
export function inGivenOrder(found: readonly string[], given: readonly string[]): string[] {
  return [...given.filter((g) => found.includes(g)), ...found.filter((f) => !given.includes(f))];
}
