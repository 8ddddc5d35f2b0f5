/** What a link can have once, claimed by two resources of one run: a master, a parent without ports, a route. Pure. */
import { sameRouteKey } from "../../plan/kernel/routes";
import type { Issue } from "../kind";
import type { Claim } from "./conflicts";

/** Conflicts of a claim with others of its host, whichever of them was checked first. */
export function oneEachConflicts(claim: Claim, others: readonly Claim[]): Issue[] {
  return others
    .filter((o) => o.resource !== claim.resource && o.host === claim.host)
    .flatMap((other) => [
      ...sharedPorts(claim, other),
      ...parentsAmongPorts(claim, other),
      ...passthruConflicts(claim, other),
      ...sharedRoutes(claim, other),
    ]);
}

function sharedPorts({ ports = [] }: Claim, other: Claim): Issue[] {
  return ports
    .filter(({ name }) => other.ports?.some((p) => p.name === name) === true)
    .map(({ name, property }) => ({
      property,
      reason: `${name} is a port of ${other.resource} of this stack, too, and a link has one master; take it out of one of them`,
    }));
}

/** Frames of a port go to its master: the kernel lets no macvlan or ipvlan have them. A VLAN goes down with a bond's port. */
function parentsAmongPorts(claim: Claim, other: Claim): Issue[] {
  const issues = (claim.ports ?? [])
    .filter(({ name }) => name === parentOf(other, claim))
    .map(({ name, property }) => ({
      property,
      reason: `${name} is the parent of ${other.resource} of this stack; make ${claim.name} its parent instead`,
    }));
  const parent = parentOf(claim, other);
  const isPort = parent !== undefined && other.ports?.some(({ name }) => name === parent) === true;
  return isPort
    ? [
        ...issues,
        {
          property: "parent",
          reason: `${parent} is a port of ${other.resource} of this stack; make ${other.name} the parent instead`,
        },
      ]
    : issues;
}

/** What a claim sits on, as far as that can be no port of a master; VLANs of a bridge's port are a warning of theirs. */
function parentOf(claim: Claim, master: Claim): string | undefined {
  if (claim.parentUse) return claim.lan;
  return master.kind === "bond" ? claim.exclusiveUse?.of : undefined;
}

function passthruConflicts(claim: Claim, other: Claim): Issue[] {
  if (!claim.parentUse || !other.parentUse || claim.lan !== other.lan) return [];
  if (claim.parentUse.isPassthru === true) {
    return [
      {
        property: "mode",
        reason: `passthru takes ${claim.lan} for itself, and ${other.resource} of this stack is to be on it, too`,
      },
    ];
  }
  return other.parentUse.isPassthru === true
    ? [
        {
          property: "parent",
          reason: `${claim.lan} is to have the passthru child of ${other.resource} of this stack, which excludes all others`,
        },
      ]
    : [];
}

function sharedRoutes({ routes = [], netns }: Claim, other: Claim): Issue[] {
  if (netns !== other.netns) return [];
  return routes.flatMap((route, i) =>
    other.routes?.some((r) => sameRouteKey(r, route)) === true
      ? [
          {
            property: `routes[${i}]`,
            reason:
              `${route.to} is a route of ${other.resource} of this stack, too, and the kernel has one for each destination ` +
              "and metric; give one of them another metric, or leave it out",
          },
        ]
      : [],
  );
}
