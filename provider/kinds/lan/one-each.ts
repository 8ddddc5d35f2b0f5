/**
 * Conflicts between resources of a run over what exists only once: a link's master, a passthru parent, a route. Pure.
 */
import { type Issue, issue } from "../../model/error";
import { sameRouteKey } from "../../plan/kernel/routes";
import type { Claim } from "./conflicts";

/** Conflicts of a claim with others on its host, in whichever order they were checked. */
export function oneEachConflicts(claim: Claim, others: readonly Claim[]): Issue[] {
  return others
    .filter((o) => o.resource !== claim.resource && o.host === claim.host)
    .flatMap((other) => [
      ...sharedPorts(claim, other),
      ...addressesOfPorts(claim, other),
      ...parentsAmongPorts(claim, other),
      ...passthruConflicts(claim, other),
      ...sharedRoutes(claim, other),
    ]);
}

/** Whether a claim is on nothing that exists only once, so that it cannot conflict with another such claim here. */
export function hasNothingOnce({ ports, parentUse, routes = [] }: Claim): boolean {
  return ports === undefined && parentUse?.isPassthru !== true && routes.length === 0;
}

function sharedPorts({ ports = [] }: Claim, other: Claim): Issue[] {
  return ports
    .filter(({ name }) => other.ports?.some((p) => p.name === name) === true)
    .map(({ name, property }) =>
      issue(
        "program-conflict",
        property,
        `${name} is also a port of ${other.resource} of this stack, but a link has only one master; remove it from one of them`,
      ),
    );
}

/** An address on a port stops answering, because the frames go to its master; one that takes it over would move it each time. */
function addressesOfPorts(claim: Claim, other: Claim): Issue[] {
  const issues = (claim.ports ?? [])
    .filter(({ name }) => hasAddresses(other) && other.netns === "" && other.name === name)
    .map(({ name, property }) =>
      issue(
        "program-conflict",
        property,
        `${name} has addresses of its own, by ${other.resource} of this stack, which would stop answering as a port; give ` +
          `them to ${claim.name} instead`,
      ),
    );
  const isPort = claim.netns === "" && other.ports?.some(({ name }) => name === claim.name) === true;
  return isPort && hasAddresses(claim)
    ? [
        ...issues,
        issue(
          "program-conflict",
          "addresses",
          `would stop answering, as ${claim.name} is a port of ${other.resource} of this stack; give them to ${other.name} instead`,
        ),
      ]
    : issues;
}

function hasAddresses({ addresses }: Claim): boolean {
  return addresses.length > 0;
}

/**
 * Frames of a port go to its master, so the kernel refuses macvlans and ipvlans there. A VLAN goes down with a bond's
 * port.
 */
function parentsAmongPorts(claim: Claim, other: Claim): Issue[] {
  const issues = (claim.ports ?? [])
    .filter(({ name }) => name === parentOf(other, claim))
    .map(({ name, property }) =>
      issue(
        "program-conflict",
        property,
        `${name} is the parent of ${other.resource} of this stack; make ${claim.name} its parent instead`,
      ),
    );
  const parent = parentOf(claim, other);
  const isPort = parent !== undefined && other.ports?.some(({ name }) => name === parent) === true;
  return isPort
    ? [
        ...issues,
        issue(
          "program-conflict",
          "parent",
          `${parent} is a port of ${other.resource} of this stack; make ${other.name} the parent instead`,
        ),
      ]
    : issues;
}

/** The parent of a claim, if it cannot be a port of that master. VLANs on a bridge's port only cause a warning. */
function parentOf(claim: Claim, master: Claim): string | undefined {
  if (claim.parentUse) return claim.lan;
  return master.kind === "bond" ? claim.exclusiveUse?.of : undefined;
}

function passthruConflicts(claim: Claim, other: Claim): Issue[] {
  if (!claim.parentUse || !other.parentUse || claim.lan !== other.lan) return [];
  if (claim.parentUse.isPassthru === true) {
    return [
      issue(
        "program-conflict",
        "mode",
        `mode passthru needs ${claim.lan} for itself, but ${other.resource} of this stack uses it too`,
      ),
    ];
  }
  return other.parentUse.isPassthru === true
    ? [
        issue(
          "program-conflict",
          "parent",
          `${claim.lan} is used by ${other.resource} of this stack in mode passthru, which excludes all other children`,
        ),
      ]
    : [];
}

function sharedRoutes({ routes = [], netns }: Claim, other: Claim): Issue[] {
  if (netns !== other.netns) return [];
  return routes.flatMap((route, i) =>
    other.routes?.some((r) => sameRouteKey(r, route)) === true
      ? [
          issue(
            "program-conflict",
            `routes[${i}]`,
            `${route.to} is also a route of ${other.resource} of this stack, but the kernel has only one route per destination ` +
              "and metric; give one of them another metric, or remove it",
          ),
        ]
      : [],
  );
}
