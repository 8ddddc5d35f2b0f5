/**
 * Conflicts of a run's resources over a shared parent: it has one kind of child, and its ipvlans share one mode. Pure.
 */
import { type Issue, issue } from "../../model/error";
import type { ParentUse } from "../kind";
import { type Claim, addressesInCommon } from "./conflicts";

/**
 * Why a claim cannot share its parent with others of the same run: macvlans beside ipvlans, ipvlans of two modes, or an
 * address on two ipvlans, which the kernel never allows.
 */
export function parentUseConflicts(claim: Claim, others: readonly Claim[]): Issue[] {
  const { parentUse: port } = claim;
  if (!port) return [];
  return others
    .filter((o) => o.parentUse !== undefined && !agree(port, o.parentUse) && o.lan === claim.lan)
    .filter((o) => o.resource !== claim.resource && o.host === claim.host)
    .flatMap((o) => (o.parentUse ? inTheWay(claim, port, o, o.parentUse) : []));
}

/** Whether a claim cannot conflict here with another such claim: it uses no parent, or is a macvlan without a threshold. */
export function sharesItsParent({ parentUse }: Claim): boolean {
  return (
    parentUse === undefined ||
    (parentUse.kind === "macvlan" && parentUse.broadcastQueueThreshold === undefined)
  );
}

/** Two macvlans conflict only over their threshold: most links of a host agree, and a host may have thousands. */
function agree(own: ParentUse, their: ParentUse): boolean {
  return own.kind === "macvlan" && their.kind === "macvlan" && thresholdsAgree(own, their);
}

function thresholdsAgree(own: ParentUse, their: ParentUse): boolean {
  const a = own.broadcastQueueThreshold;
  const b = their.broadcastQueueThreshold;
  return a === undefined || b === undefined || a === b;
}

function inTheWay(claim: Claim, own: ParentUse, other: Claim, their: ParentUse): Issue[] {
  if (own.kind !== their.kind) {
    return [
      issue(
        "program-conflict",
        "parent",
        `${other.resource} of this stack has the same parent ${claim.lan}, which has either ipvlans, or macvlans ` +
          "and macvtaps",
      ),
    ];
  }
  if (own.kind === "macvlan") return thresholdConflicts(own, their, other);
  const words = (["mode", "flag"] as const).filter((word) => own[word] !== their[word]);
  return [
    ...words.map((word) =>
      issue(
        "program-conflict",
        word,
        `is "${own[word] ?? ""}", but ${other.resource} of this stack has "${their[word] ?? ""}"; ${ONE_FOR_ALL}`,
      ),
    ),
    // reported by conflictsOf, unless the program allows duplicates
    ...([claim.detection, other.detection].includes("off")
      ? addressesInCommon(claim, other).map(({ property, what }) =>
          issue(
            "program-conflict",
            property,
            `${what} is also used by ${other.resource} of this stack; two ipvlans of one parent cannot have ` +
              "the same address",
          ),
        )
      : []),
  ];
}

/** macvlan_port of drivers/net/macvlan.c has it (bc_cutoff). A macvlan that does not state it accepts any value. */
function thresholdConflicts(own: ParentUse, their: ParentUse, other: Claim): Issue[] {
  if (thresholdsAgree(own, their)) return [];
  return [
    issue(
      "program-conflict",
      "broadcastQueueThreshold",
      `is ${own.broadcastQueueThreshold ?? ""}, but ${other.resource} of this stack has ${their.broadcastQueueThreshold ?? ""}; all macvlans of a parent share one threshold`,
    ),
  ];
}

/** ipvlan_port of drivers/net/ipvlan/ipvlan.h; a change of one link silently changes all. */
export const ONE_FOR_ALL = "all ipvlans of a parent share one mode and one flag";
