/** That no packet can reach a link, because a link below it is down or has no carrier. */
import { withKernelNames } from "../kinds/altnames";
import type { CommonInputs } from "../kinds/kind";
import { carrierFaultOf, describeFault } from "../kinds/lan/carrier";
import type { Warning } from "../kinds/lan/conflicts";
import { groupBy } from "../model/lists";
import type { Observation } from "../model/observation";
import { hostIdentity } from "../ssh/address";
import type { ProviderContext } from "./context";

/**
 * The warnings about the lowest links at fault, one for each, whichever links are on it; none about one that another
 * resource of the run sets up.
 */
export async function carrierWarnings(
  { fleet, links }: Pick<ProviderContext, "fleet" | "links">,
  all: readonly CommonInputs[],
  { state }: Observation,
): Promise<Warning[]> {
  const faults = all.flatMap((known) => {
    const fault = carrierFaultOf(withKernelNames(known, state), state);
    if (!fault || (fault.is === "down" && links.isDeclared(known.host, { name: fault.link, netns: "" })))
      return [];
    return [{ known, fault }];
  });
  const first = [...groupBy(faults, ({ fault }) => fault.link).values()].flatMap(([one]) => one ?? []);
  return Promise.all(
    first.map(async ({ known, fault }) => {
      const managedHost = fleet.managedHost(known.host);
      // the host has just been read: what it cannot tell now is only a detail
      const history = fault.is === "down" ? {} : await managedHost.carrier(fault.link).catch(() => ({}));
      const remedy = fault.is === "down" ? "set it up" : "see its cable and its switch port";
      const text = `${managedHost.label}: ${describeFault(fault, history)}. No packet reaches the links on it, such as ${known.name}: ${remedy}.`;
      return { about: `${hostIdentity(known.host)} carrier ${fault.link}`, text };
    }),
  );
}
