/** Conflicts that can be predicted: duplicate addresses, and more MAC addresses than a port allows. Pure. */
import { isLinkLocal, withoutPrefix } from "../../model/addresses";
import { type Issue, issue } from "../../model/error";
import {
  type HostState,
  type LinkId,
  type LinkState,
  type Route,
  findLink,
  linkKey,
  portKindOf,
} from "../../model/host";
import { keptPerPair } from "../../model/lists";
import type { DuplicateDetection, ParentUse, ExclusiveUse } from "../kind";

/** A warning that is shown once per run; `about` identifies it. */
export interface Warning {
  readonly about: string;
  readonly text: string;
}

/** What a resource claims on its network. */
export interface Claim extends LinkId {
  /** `MacvlanInterface "web"` */
  readonly resource: string;
  /** Identity of the host, and its label for messages. */
  readonly host: string;
  readonly hostLabel: string;
  /** The link that leads to its LAN: a macvlan's lowest parent, a bridge itself. */
  readonly lan: string;
  /** The desired MAC address, if known. */
  readonly macAddress?: string;
  /** Addresses in CIDR form, in the order of the property. */
  readonly addresses: readonly string[];
  readonly routes?: readonly Route[];
  readonly detection?: DuplicateDetection;
  /** How many MAC addresses the link to its LAN may carry. */
  readonly maxMacs?: number;
  readonly exclusiveUse?: ExclusiveUse;
  /** The links that become its ports, each with its property. */
  readonly ports?: readonly { readonly name: string; readonly property: string }[];
  /** iproute2's word for the link. */
  readonly kind?: string;
  /** How it uses the link to its LAN. */
  readonly parentUse?: ParentUse;
}

/** Conflicts of a claim: certain ones and possible ones. */
export interface Conflicts {
  readonly issues: readonly Issue[];
  readonly warnings: readonly Warning[];
}

/**
 * Addresses that a claim shares with others of the same run. On one LAN of one host this is a conflict. On two hosts it
 * is one only if they share a LAN, which is not known here: a warning, or an issue if the program says so. Desired
 * states are compared, not observed ones, so that an address may move between resources in one update.
 */
export function conflictsOf(claim: Claim, others: readonly Claim[]): Conflicts {
  const issues: Issue[] = [];
  const warnings: Warning[] = [];
  for (const other of others) {
    if (other.resource === claim.resource) continue;
    issues.push(...takenTwice(claim, other));
    for (const { property, what } of inCommon(claim, other)) {
      const isSameLan = other.host === claim.host && other.lan === claim.lan;
      // the same link-local address on many links, such as fe80::1, is usual, and no conflict if they are on different
      // LANs
      if (!isSameLan && isLinkLocal(what)) continue;
      const where = isSameLan ? `on the same LAN (${claim.lan})` : `on ${other.hostLabel} (${other.lan})`;
      const reason = `${what} is also used by ${other.resource} of this stack, ${where}`;
      if (property !== "macAddress" && [claim.detection, other.detection].includes("off")) continue;
      if (isSameLan || [claim.detection, other.detection].includes("error")) {
        const way =
          property === "macAddress" ? "" : ', or set duplicateAddressDetection: "off" if that is intended';
        issues.push(issue("program-conflict", property, `${reason}; give one of them another${way}`));
      } else if (claim.detection !== "off") {
        const text =
          `${claim.resource} on ${claim.hostLabel}: ${reason}. If both hosts share a LAN, give one of them another; ` +
          'if not, set duplicateAddressDetection: "off" to silence this warning.';
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
        issue(
          "program-conflict",
          exclusiveUse.property,
          `${exclusiveUse.what} of ${exclusiveUse.of} is also used by ${other.resource} of this stack, but the kernel allows only one link for it`,
        ),
      ]
    : [];
}

/** The addresses that both claims have, each with its property. */
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
 * The MAC addresses that a link presents to its switch: its own, and those of its VLANs and of the macvlans on it and
 * on these, in whatever namespace that can be seen. `claims` are the desired links.
 */
export function macsOn(
  { links }: HostState,
  parent: string,
  claims: readonly Claim[] = NO_CLAIMS,
): readonly string[] {
  return macsIn(links, claims)(parent);
}

/** Each of many links on a parent asks for its number. */
const macsIn = keptPerPair((links: readonly LinkState[], claims: readonly Claim[]) => {
  const kept = new Map<string, readonly string[]>();
  return (parent: string): readonly string[] => {
    const macs = kept.get(parent) ?? findMacs(links, parent, claims);
    kept.set(parent, macs);
    return macs;
  };
});

const NO_CLAIMS: readonly Claim[] = [];

function findMacs(links: readonly LinkState[], parent: string, claims: readonly Claim[]): readonly string[] {
  const lans = carriedBy(links, parent, claims);
  const claimed = claims.filter((c) => lans.has(c.lan) && c.name !== parent);
  const now = links.filter(
    (l) =>
      (l.netns === "" && l.name === parent) ||
      (lans.has(l.parent) && (l.kind === "vlan" || portKindOf(l.kind) === "macvlan")),
  );
  const places = new Set(claimed.map(linkKey));
  const stay = now.filter((l) => !places.has(linkKey(l)));
  const macs = [...stay.map((l) => l.settings["link.address"]), ...claimed.map((c) => c.macAddress)];
  return [...new Set(macs.filter((mac) => mac !== undefined && mac !== ""))] as string[];
}

/** A link, and the VLANs on it and on these. */
function carriedBy(links: readonly LinkState[], parent: string, claims: readonly Claim[]): Set<string> {
  const lans = new Set([parent]);
  const vlans = [
    ...links.filter((l) => l.kind === "vlan" && l.netns === "").map((l) => [l.name, l.parent] as const),
    ...claims.flatMap((c) => (c.exclusiveUse ? [[c.lan, c.exclusiveUse.of] as const] : [])),
  ];
  for (let before = 0; before < lans.size;) {
    before = lans.size;
    for (const [lan, below] of vlans) if (lans.has(below)) lans.add(lan);
  }
  return lans;
}

/**
 * The link itself and those below that carry all of its frames, such as a VLAN's parent. `claims` are the desired
 * links.
 */
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

/**
 * Whether a link would carry more MAC addresses than a resource on it allows. The resource that is checked last gets
 * the issue.
 */
export function tooManyMacs(state: HostState, claim: Claim, others: readonly Claim[]): Issue[] {
  if (claim.maxMacs === undefined && others.every((o) => o.maxMacs === undefined)) return [];
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
    issue(
      "too-many-macs",
      isOwn ? "maxMacs" : "parent",
      `${isOwn ? "is" : `has a limit, maxMacs of ${resource ?? ""}, which is`} ${maxMacs}, but ${carrier} would carry ${count} MAC addresses, its own and those of its macvlans; ` +
        "remove macvlans (in an earlier update, if this one removes some), or raise the limit",
    ),
  ];
}
