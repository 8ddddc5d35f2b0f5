/** The claims of a run's resources, indexed by what can conflict, as a run may have thousands of them. */
import { withoutPrefix } from "../../model/addresses";
import type { Issue } from "../../model/error";
import { type Claim, conflictsOf } from "./conflicts";
import { hasNothingOnce, oneEachConflicts } from "./one-each";
import { parentUseConflicts, sharesItsParent } from "./parent-use";

/** All claims of a run. */
export interface Claims {
  /** Stores the claim of a resource, and replaces its previous one. */
  put(claim: Claim): void;
  /** The claim of a resource; undefined before it was checked. */
  of(resource: string): Claim | undefined;
  /** Claims that share an address, the MAC address or an exclusive use with this one, including itself. */
  withSame(claim: Claim): Claim[];
  /** The claims on its host that may conflict with a claim over what exists only once, possibly including itself. */
  besideOf(claim: Claim): Claim[];
  /** All claims on the host of a claim, including itself. */
  onHostOf(claim: Claim): Claim[];
  /** Whether one of them limits how many MAC addresses a link may carry. */
  limitsMacs(claim: Claim): boolean;
  /** Whether a resource claims this address in this namespace of a host. */
  hasAddress(host: string, netns: string, ip: string): boolean;
  /** Whether a resource claims this MAC address. */
  hasMac(macAddress: string): boolean;
}

export function openClaims(): Claims {
  const byResource = new Map<string, Claim>();
  /** By key, then by resource. */
  const index = new Map<string, Map<string, Claim>>();
  const found = (keys: readonly string[]): Claim[] => [
    ...new Set(keys.flatMap((key) => [...(index.get(key)?.values() ?? [])])),
  ];
  return {
    put(claim) {
      const { resource } = claim;
      const before = byResource.get(resource);
      for (const key of before ? keysOf(before) : []) index.get(key)?.delete(resource);
      byResource.set(resource, claim);
      for (const key of keysOf(claim))
        index.set(key, (index.get(key) ?? new Map<string, Claim>()).set(resource, claim));
    },
    of: (resource) => byResource.get(resource),
    withSame: (claim) => found([...addressKeys(claim), ...macKeys(claim), ...takenKeys(claim)]),
    besideOf: (claim) => found([isUsual(claim) ? unusualKey(claim) : hostKey(claim)]),
    onHostOf: (claim) => found([hostKey(claim)]),
    limitsMacs: (claim) => (index.get(limitKey(claim))?.size ?? 0) > 0,
    hasAddress: (host, netns, ip) =>
      [...(index.get(addressKey(ip))?.values() ?? [])].some((c) => c.host === host && c.netns === netns),
    hasMac: (macAddress) => (index.get(macKey(macAddress))?.size ?? 0) > 0,
  };
}

/** What a claim and the others of the run cannot both have. */
export function conflictsInRun(claim: Claim, claims: Claims): Issue[] {
  const beside = claims.besideOf(claim);
  return [
    ...conflictsOf(claim, claims.withSame(claim)).issues,
    ...parentUseConflicts(claim, beside),
    ...oneEachConflicts(claim, beside),
  ];
}

function keysOf(claim: Claim): string[] {
  return [
    ...addressKeys(claim),
    ...macKeys(claim),
    ...takenKeys(claim),
    hostKey(claim),
    ...(isUsual(claim) ? [] : [unusualKey(claim)]),
    ...(claim.maxMacs === undefined ? [] : [limitKey(claim)]),
  ];
}

/** Two usual links do not conflict over a master, a parent or a route: most links of a host are, and it may have thousands. */
function isUsual(claim: Claim): boolean {
  return hasNothingOnce(claim) && sharesItsParent(claim);
}

function unusualKey({ host }: Claim): string {
  return `unusual ${host}`;
}

function limitKey({ host }: Claim): string {
  return `limit ${host}`;
}

function addressKeys({ addresses }: Claim): string[] {
  return addresses.map((cidr) => addressKey(withoutPrefix(cidr)));
}

function addressKey(ip: string): string {
  return `address ${ip}`;
}

function macKeys({ macAddress }: Claim): string[] {
  return macAddress === undefined ? [] : [macKey(macAddress)];
}

function macKey(macAddress: string): string {
  return `MAC ${macAddress}`;
}

function takenKeys({ host, exclusiveUse }: Claim): string[] {
  return exclusiveUse === undefined
    ? []
    : [`taken ${JSON.stringify([host, exclusiveUse.of, exclusiveUse.what])}`];
}

function hostKey({ host }: Claim): string {
  return `host ${host}`;
}
