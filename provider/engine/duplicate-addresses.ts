/** `duplicateAddressDetection`: the probes on the LAN before and after a change, and how their answers are judged. */
import { withoutPrefix } from "../model/addresses";
import type { Duplicate } from "../host/address-probe";
import type { ManagedHost } from "../host/managed-host";
import { type CommonInputs, linkId } from "../kinds/kind";
import { findLink } from "../model/host";

/** A resource whose addresses are probed on its LAN. */
export interface ProbeContext {
  /** `MacvlanInterface "web"` */
  readonly resource: string;
  readonly managedHost: ManagedHost;
  readonly known: CommonInputs;
  /** The link whose LAN it is. */
  readonly lan: string;
  /**
   * Whether a MAC address belongs to one of this stack's links that have been checked so far: an address that moves
   * between them is no duplicate. A link that is to be deleted does not count, because it must be gone first.
   */
  readonly isOwnMac: (macAddress: string) => boolean;
  /** Resolves when all of the program's resources that do not depend on others have been checked, or after a while. */
  readonly othersAreChecked: () => Promise<void>;
}

/** Finds other machines on the LAN that have one of the IPv4 addresses that the link does not have yet. */
export async function duplicatesBefore(
  probe: ProbeContext,
  tell: (text: string) => void,
): Promise<Duplicate[]> {
  const { known, lan, isOwnMac, othersAreChecked, managedHost, resource } = probe;
  const { state } = await managedHost.observe();
  const has = findLink(state, linkId(known))?.addresses.map(({ cidr }) => withoutPrefix(cidr)) ?? [];
  const fresh = (known.addresses ?? [])
    .map(withoutPrefix)
    .filter((a) => !a.includes(":") && !has.includes(a));
  if (fresh.length === 0) return [];
  const cannot = (why: string): Duplicate[] => {
    tell(
      `${resource} on ${managedHost.label}: ${fresh.join(", ")} cannot be checked for duplicates on the LAN: ${why}.`,
    );
    return [];
  };
  if (findLink(state, { name: lan, netns: "" })?.up !== true) return cannot(`${lan} is not up`);
  const answers = await managedHost.probe(lan, fresh);
  if (!answers)
    return cannot("the host has no arping from iputils or busybox (Debian package iputils-arping)");
  const failed = answers.find(({ mac, printed }) => mac === "" && printed !== undefined);
  if (failed) return cannot(`arping printed ${JSON.stringify(failed.printed)}`);
  const foreign = (): Duplicate[] => answers.filter(({ mac }) => mac !== "" && !isOwnMac(mac));
  // the resource that gives the address up may come after the one that gets it
  if (foreign().length > 0) await othersAreChecked();
  return foreign();
}

/** Returns the link's addresses that IPv6's own detection found in use. */
export async function duplicatesAfter({ known, managedHost }: ProbeContext): Promise<Duplicate[]> {
  const six = (known.addresses ?? []).map(withoutPrefix).filter((a) => a.includes(":"));
  if (six.length === 0 || !known.up) return [];
  return (await managedHost.dad(linkId(known))).filter(({ address }) => six.includes(address));
}

/** Describes duplicates. */
export function describeDuplicates(
  { resource, managedHost, lan }: ProbeContext,
  found: readonly Duplicate[],
): string {
  const list = found.map(({ address, mac }) => (mac === "" ? address : `${address} (${mac})`)).join(", ");
  return `${resource} on ${managedHost.label}: another machine on the LAN of ${lan} already has ${list}`;
}
