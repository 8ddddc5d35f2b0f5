/** The plan of a check on the observed host, among the run's other resources. Changes nothing in the run. */
import type { AnyKind } from "../../kinds";
import { type CommonInputs, type Json, type PlanContext, linkId } from "../../kinds/kind";
import { openClaims } from "../../kinds/lan/claims";
import { type Claim, type Warning, conflictsOf, tooManyMacs } from "../../kinds/lan/conflicts";
import { oneEachConflicts } from "../../kinds/lan/one-each";
import { parentUseConflicts } from "../../kinds/lan/parent-use";
import { warningsOf } from "../../kinds/lan/warnings";
import { opaqueRouteLines, unreadableLines } from "../../kinds/unreadable";
import type { Route } from "../../model/host";
import type { Observation } from "../../model/observation";
import { type HostAddress, hostIdentity } from "../../ssh/address";
import { anyMakingOf, isTakenOver } from "../apply";
import type { ProviderContext } from "../context";
import { planContextOf, problemsOf } from "../planning";
import { withoutLinks } from "../replaced";
import { claimPath } from "../resource-type";
import { type DesiredMember, type Judge, type Transaction, planTransaction } from "../transaction";
import type { Request } from "./request";

/** The plan of the links, and the problems that prevent it. */
export interface Planned {
  readonly host: HostAddress;
  readonly hostLabel: string;
  /** The observation that the plan starts from. */
  readonly now: Observation;
  readonly transaction: Transaction;
  readonly judged: ReadonlyMap<DesiredMember, Judged>;
}

/** A link among the run's others. */
export interface Judged {
  /** The inputs of the last run. */
  readonly previous: Json | undefined;
  readonly claim: Claim;
  readonly warnings: readonly Warning[];
}

/** Plans the links on their host among the run's other resources. Changes nothing in the run. */
export function plan(run: ProviderContext, request: Request, host: HostAddress, seen: Observation): Planned {
  const { links, claims, fleet } = run;
  const { resource, isPreview, targets, leaving } = request;
  const hostLabel = fleet.managedHost(host).label;
  const now = isPreview ? withoutLinks(seen, links.replacedOn(host)) : seen;
  const ownClaims = openClaims();
  const judged = new Map<DesiredMember, Judged>();
  const previousOf = new Map<DesiredMember, Json | undefined>();
  const members = targets.map(({ member, known, previous }): DesiredMember => {
    const desired: DesiredMember = {
      ...{ path: member.path, kind: member.kind, known },
      contextOn: (at, isPlanned) =>
        planContextOf(run, member.props, known, at, previous, undefined, isPlanned),
    };
    previousOf.set(desired, previous);
    return desired;
  });
  const judge: Judge = (desired, known, context) => {
    const { kind, path } = desired;
    const at = context.observation;
    const claim = claimOf(kind, known, resource + claimPath(path), at, hostLabel);
    // of the resources before, and of the links before
    const before = [claims, ownClaims];
    const same = before.flatMap((all) => all.withSame(claim));
    const beside = before.flatMap((all) => all.besideOf(claim));
    const isLimited = claim.maxMacs !== undefined || before.some((all) => all.limitsMacs(claim));
    const limited = isLimited ? before.flatMap((all) => all.onHostOf(claim)) : [];
    const { issues, warnings } = conflictsOf(claim, same);
    ownClaims.put(claim);
    const said = [...warnings, ...hostWarnings(kind, known, context, claim)];
    judged.set(desired, { previous: previousOf.get(desired), claim, warnings: said });
    const found = [
      // an unfinished change leaves nothing to plan from: it is completed or rolled back first
      ...(at.unfinished ? [] : problemsOf(kind, known, context)),
      ...issues,
      ...parentUseConflicts(claim, beside),
      ...oneEachConflicts(claim, beside),
      ...tooManyMacs(at.state, claim, limited),
    ];
    return found.map((p) => ({ ...p, reason: `${p.reason} (${hostLabel})` }));
  };
  const own = targets.map(({ member }) => member);
  const gone = leaving.filter((one) => !isTakenOver(links, one, own));
  const transaction = planTransaction(
    members,
    gone.map((member) => anyMakingOf(run, member)),
    now,
    judge,
  );
  return { host, hostLabel, now, transaction, judged };
}

/** What the resource claims on its network. */
function claimOf(
  kind: AnyKind,
  known: CommonInputs,
  resource: string,
  { state }: Observation,
  hostLabel: string,
): Claim {
  const { macAddress, duplicateAddressDetection: detection, maxMacs } = known;
  const { routes, ports: masterOf } = known as {
    readonly routes?: readonly Route[];
    readonly ports?: readonly { readonly name: string }[];
  };
  return {
    ...linkId(known),
    resource,
    host: hostIdentity(known.host),
    hostLabel,
    kind: kind.link.word,
    lan: kind.lan(known, state),
    addresses: known.addresses ?? [],
    ...(routes === undefined ? {} : { routes }),
    ...(masterOf === undefined
      ? {}
      : {
          ports: masterOf.map(({ name }, i) => ({ name, property: `ports[${i}].name` })),
        }),
    ...(macAddress === undefined ? {} : { macAddress }),
    ...(detection === undefined ? {} : { detection }),
    ...(maxMacs === undefined ? {} : { maxMacs }),
    ...(kind.exclusiveUse === undefined ? {} : { exclusiveUse: kind.exclusiveUse(known) }),
    ...(kind.parentUse ? { parentUse: kind.parentUse(known) } : {}),
  };
}

/** What on the host may disturb the link, and what cannot be read there. */
function hostWarnings(kind: AnyKind, known: CommonInputs, context: PlanContext, claim: Claim): Warning[] {
  const { observation } = context;
  const desired = kind.desired(known, context);
  const ports = desired.links.filter((l) => l.exists && l.kind === undefined);
  const own = [...(kind.warnings?.(known, context) ?? []), ...opaqueRouteLines(desired, observation)];
  const unreadable = unreadableLines(observation).map((line) => ({
    about: `${claim.host} ${line}`,
    text: `${claim.hostLabel}: ${line}.`,
  }));
  return [...warningsOf(claim, ports, observation, own), ...unreadable];
}
