/** What resources of one run need of the parent that they share: it is one kind of port, and ipvlans have one mode. Pure. */
import type { Issue, ParentUse } from "../kind";
import { type Claim, addressesInCommon } from "./conflicts";

/**
 * What keeps a claim from being on one parent with others of the same run: macvlans and ipvlans, ipvlans of two modes,
 * and an address on two ipvlans, which the kernel has no exception for.
 */
export function parentUseConflicts(claim: Claim, others: readonly Claim[]): Issue[] {
  const { parentUse: port } = claim;
  if (!port) return [];
  return others
    .filter((o) => o.resource !== claim.resource && o.host === claim.host && o.lan === claim.lan)
    .flatMap((o) =>
      o.parentUse ? inTheWay({ ...claim, parentUse: port }, { ...o, parentUse: o.parentUse }) : [],
    );
}

type PortClaim = Claim & { readonly parentUse: ParentUse };

function inTheWay(claim: PortClaim, other: PortClaim): Issue[] {
  const [own, their] = [claim.parentUse, other.parentUse];
  if (own.kind !== their.kind) {
    return [
      {
        property: "parent",
        reason:
          `${other.resource} of this stack is to be of the kind ${their.kind} on ${claim.lan}, beside which no ${own.kind} can be: ` +
          "a parent has macvlans or ipvlans",
      },
    ];
  }
  if (own.kind === "macvlan") return thresholdConflicts(own, their, other);
  const words = (["mode", "flag"] as const).filter((word) => own[word] !== their[word]);
  return [
    ...words.map((word) => ({
      property: word,
      reason: `is "${own[word] ?? ""}", and that of ${other.resource} of this stack is "${their[word] ?? ""}"; ${ONE_FOR_ALL}`,
    })),
    // told by conflictsOf, unless the program says that it is meant
    ...([claim.detection, other.detection].includes("off")
      ? addressesInCommon(claim, other).map(({ property, what }) => ({
          property,
          reason:
            `${what} is that of ${other.resource} of this stack, too; the kernel gives no address to ` +
            "two ipvlans of one parent",
        }))
      : []),
  ];
}

/** macvlan_port of drivers/net/macvlan.c has it (bc_cutoff). A macvlan that does not state it takes what it gets. */
function thresholdConflicts(own: ParentUse, their: ParentUse, other: Claim): Issue[] {
  const [a, b] = [own.broadcastQueueThreshold, their.broadcastQueueThreshold];
  if (a === undefined || b === undefined || a === b) return [];
  return [
    {
      property: "broadcastQueueThreshold",
      reason: `is ${a}, and that of ${other.resource} of this stack is ${b}; the macvlans of one parent have one threshold`,
    },
  ];
}

/** ipvlan_port of drivers/net/ipvlan/ipvlan.h; a change of one link's is taken silently for all. */
export const ONE_FOR_ALL = "the ipvlans of one parent have one mode and one flag";
