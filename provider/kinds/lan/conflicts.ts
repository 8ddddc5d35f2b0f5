/** Conflicts that can be seen before they bite: addresses given twice, and more MAC addresses than a port takes. Pure. */
import { isLinkLocal, withoutPrefix } from "../../model/addresses";
import { type HostState, type LinkId, type Route, findLink, portKindOf } from "../../model/host";
import type { DuplicateDetection, Issue, ParentUse, ExclusiveUse } from "../kind";

/** Something worth saying, once a run: `about` tells it from others. */
export interface Warning {
  readonly about: string;
  readonly text: string;
}

/** What a resource claims of the network that it is on. */
export interface Claim extends LinkId {
  /** `MacvlanInterface "web"` */
  readonly resource: string;
  /** Identity of the host, and its label for messages. */
  readonly host: string;
  readonly hostLabel: string;
  /** The link whose LAN it is on: a macvlan's lowest parent, a bridge itself. */
  readonly lan: string;
  /** The MAC address that it is to have, as far as that is known. */
  readonly macAddress?: string;
  /** Addresses in CIDR form, in the order of the property. */
  readonly addresses: readonly string[];
  readonly routes?: readonly Route[];
  readonly detection?: DuplicateDetection;
  /** How many MAC addresses its LAN's link may carry. */
  readonly maxMacs?: number;
  readonly exclusiveUse?: ExclusiveUse;
  /** Links that it is to be the master of, each with its property. */
  readonly ports?: readonly { readonly name: string; readonly property: string }[];
  /** iproute2's word for it; to its ports it is that: a bridge, a bond. */
  readonly kind?: string;
  /** What it needs its LAN's link to be. */
  readonly parentUse?: ParentUse;
}

/** Conflicts of a claim, in two degrees. */
export interface Conflicts {
  readonly issues: readonly Issue[];
  readonly warnings: readonly Warning[];
}

/**
 * What a claim has in common with others of the same run. On one LAN of one host that is a collision for sure. On two
 * hosts it is one where they share a LAN, which nobody can see from here: a warning, and an issue where the program
 * asks for that. What the program is to have counts, not what hosts have now, so that an address may move from one
 * resource to another in one update.
 */
export function conflictsOf(claim: Claim, others: readonly Claim[]): Conflicts {
  const issues: Issue[] = [];
  const warnings: Warning[] = [];
  for (const other of others) {
    if (other.resource === claim.resource) continue;
    issues.push(...takenTwice(claim, other));
    for (const { property, what } of inCommon(claim, other)) {
      const isSameLan = other.host === claim.host && other.lan === claim.lan;
      // the same one on many links, such as fe80::1, is usual, and no collision as long as they are on several LANs
      if (!isSameLan && isLinkLocal(what)) continue;
      const where = isSameLan ? `on the same LAN (${claim.lan})` : `on ${other.hostLabel} (${other.lan})`;
      const reason = `${what} is that of ${other.resource} of this stack, too, ${where}`;
      if (property !== "macAddress" && [claim.detection, other.detection].includes("off")) continue;
      if (isSameLan || [claim.detection, other.detection].includes("error")) {
        const way =
          property === "macAddress" ? "" : '; or set duplicateAddressDetection: "off" where that is meant';
        issues.push({ property, reason: `${reason}; give one of them another${way}` });
      } else if (claim.detection !== "off") {
        const text =
          `${claim.resource} on ${claim.hostLabel}: ${reason}. If the two share a LAN, give one of them another; ` +
          'if not, duplicateAddressDetection: "off" says so.';
        warnings.push({ about: `duplicate ${what}`, text });
      }
    }
  }
  return { issues, warnings };
}

function takenTwice({ host, exclusiveUse }: Claim, other: Claim): Issue[] {
  const isSame =
    exclusiveUse !== undefined &&
    other.host === host &&
    other.exclusiveUse?.of === exclusiveUse.of &&
    other.exclusiveUse.what === exclusiveUse.what;
  return isSame
    ? [
        {
          property: exclusiveUse.property,
          reason: `${exclusiveUse.what} of ${exclusiveUse.of} is that of ${other.resource} of this stack, too, and the kernel has one for each`,
        },
      ]
    : [];
}

/** The claim's addresses that the other one has as well, each with its property. */
export function addressesInCommon(claim: Claim, other: Claim): { property: string; what: string }[] {
  const theirs = new Set(other.addresses.map(withoutPrefix));
  return claim.addresses
    .map((cidr, i) => ({ property: `addresses[${i}]`, what: withoutPrefix(cidr) }))
    .filter(({ what }) => theirs.has(what));
}

function inCommon(claim: Claim, other: Claim): { property: string; what: string }[] {
  const addresses = addressesInCommon(claim, other);
  const isSameMac = claim.macAddress !== undefined && claim.macAddress === other.macAddress;
  return isSameMac ? [...addresses, { property: "macAddress", what: claim.macAddress }] : addresses;
}

/**
 * The MAC addresses that a link carries to its switch: its own, and those of its VLANs and of the macvlans on it and on
 * these, as far as the host's own and named namespaces show. `claims` are what links are to have.
 */
export function macsOn(state: HostState, parent: string, claims: readonly Claim[] = []): string[] {
  const lans = carriedBy(state, parent, claims);
  const claimed = claims.filter((c) => lans.has(c.lan) && c.name !== parent);
  const now = state.links.filter(
    (l) =>
      (l.netns === "" && l.name === parent) ||
      (lans.has(l.parent) && (l.kind === "vlan" || portKindOf(l.kind) === "macvlan")),
  );
  const keyOf = ({ netns, name }: LinkId): string => `${netns}/${name}`;
  const places = new Set(claimed.map(keyOf));
  const stay = now.filter((l) => !places.has(keyOf(l)));
  const macs = [...stay.map((l) => l.settings["link.address"]), ...claimed.map((c) => c.macAddress)];
  return [...new Set(macs.filter((mac) => mac !== undefined && mac !== ""))] as string[];
}

/** A link, and the VLANs on it and on these. */
function carriedBy(state: HostState, parent: string, claims: readonly Claim[]): Set<string> {
  const lans = new Set([parent]);
  const vlans = [
    ...state.links.filter((l) => l.kind === "vlan" && l.netns === "").map((l) => [l.name, l.parent] as const),
    ...claims.flatMap((c) => (c.exclusiveUse ? [[c.lan, c.exclusiveUse.of] as const] : [])),
  ];
  for (let before = 0; before < lans.size;) {
    before = lans.size;
    for (const [lan, below] of vlans) if (lans.has(below)) lans.add(lan);
  }
  return lans;
}

/** The link itself, and those below that have all of its frames: a VLAN's parent. `claims` tell of links to come. */
export function carriersOf(state: HostState, lan: string, claims: readonly Claim[] = []): string[] {
  const found = [lan];
  for (let name: string | undefined = lan; name !== undefined;) {
    const current: string = name;
    const link = findLink(state, { name: current, netns: "" });
    const claim = claims.find((c) => c.netns === "" && c.name === current);
    const below = claim?.exclusiveUse?.of ?? (link?.kind === "vlan" ? link.parent : "");
    name = below === "" || found.includes(below) ? undefined : below;
    if (name !== undefined) found.push(name);
  }
  return found;
}

/** Whether a link would carry more MAC addresses than any resource on it allows: the last one checked is too many. */
export function tooManyMacs(state: HostState, claim: Claim, others: readonly Claim[]): Issue[] {
  const onHost = [...others.filter((c) => c.host === claim.host && c.resource !== claim.resource), claim];
  return carriersOf(state, claim.lan, onHost)
    .flatMap((carrier) => tooManyOn(state, carrier, claim, onHost))
    .slice(0, 1);
}

function tooManyOn(state: HostState, carrier: string, claim: Claim, onHost: readonly Claim[]): Issue[] {
  const [strictest] = onHost
    .filter((c) => c.lan === carrier && c.maxMacs !== undefined)
    .toSorted((a, b) => (a.maxMacs ?? 0) - (b.maxMacs ?? 0));
  const { maxMacs, resource } = strictest ?? {};
  if (maxMacs === undefined) return [];
  const count = macsOn(state, carrier, onHost).length;
  if (count <= maxMacs) return [];
  const isOwn = resource === claim.resource;
  return [
    {
      property: isOwn ? "maxMacs" : "parent",
      reason:
        `${isOwn ? "is" : `has a limit, maxMacs of ${resource ?? ""}, which is`} ${maxMacs}, and ${carrier} would carry ${count} MAC addresses: its own and those of its macvlans, ` +
        "some of which may be on their way out: take those away in an update of their own, or raise it",
    },
  ];
}
