/** What the resources of a run claim, found by what two of them can collide in: a run may have thousands. */
import { withoutPrefix } from "../../model/addresses";
import type { Claim } from "./conflicts";

/** All claims of a run. */
export interface Claims {
  /** Notes what a resource claims, in the place of what it claimed before. */
  put(claim: Claim): void;
  /** What a resource claims; undefined before it was checked. */
  of(resource: string): Claim | undefined;
  /** What has an address, the MAC address or what else a claim takes, itself included. */
  withSame(claim: Claim): Claim[];
  /** What is on the host of a claim, itself included. */
  onHostOf(claim: Claim): Claim[];
  /** Whether a link of this namespace of a host is to have this address. */
  hasAddress(host: string, netns: string, ip: string): boolean;
  /** Whether a resource is to have this MAC address. */
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
    onHostOf: (claim) => found([hostKey(claim)]),
    hasAddress: (host, netns, ip) =>
      [...(index.get(addressKey(ip))?.values() ?? [])].some((c) => c.host === host && c.netns === netns),
    hasMac: (macAddress) => (index.get(macKey(macAddress))?.size ?? 0) > 0,
  };
}

function keysOf(claim: Claim): string[] {
  return [...addressKeys(claim), ...macKeys(claim), ...takenKeys(claim), hostKey(claim)];
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
