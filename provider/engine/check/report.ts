/** What a check has to say: failures, drift, notices, and what other resources have to know. Changes nothing in the run. */
import { describeDifferences } from "../../host/errors";
import type { AnyKind } from "../../kinds";
import { type CommonInputs, type Json, type PlanContext, linkId } from "../../kinds/kind";
import { displacedLines, givingWay } from "../../kinds/displaced";
import type { Claim, Warning } from "../../kinds/lan/conflicts";
import { carrierDifferences } from "../../kinds/lan/carrier";
import type { Difference } from "../../model/difference";
import { type Issue, MacvlanError, issue } from "../../model/error";
import { describeDifference } from "../../model/secret-parts";
import { type LinkId, findLink, nameAndPlace, sameLink } from "../../model/host";
import { type Observation, UNFINISHED_CHANGE } from "../../model/observation";
import type { DesiredPlan } from "../../plan/plan";
import type { HostAddress } from "../../ssh/address";
import type { ProviderContext } from "../context";
import { whyHarmful } from "../harm";
import { describeDisruptiveStep, driftOf } from "../planning";
import { goneWith, parentNameOf } from "../replaced";
import type { RunLinks } from "../run-links";
import { fixedChanges } from "../resource-type";
import { type Removal, type Transaction, type TransactionPart, issuesOf } from "../transaction";
import type { Request } from "./request";
import type { Planned, Judged } from "./plan";

/** The result of a check. */
export interface Report {
  readonly failures?: readonly Issue[];
  /** `found X, wanted Y` by property. */
  readonly drift?: Readonly<Record<string, string>>;
  /** Lines for the CLI, in order. */
  readonly notices?: readonly (string | Warning)[];
  readonly claims?: readonly Claim[];
  /** Links that are deleted and made again in this run, so that children of other resources go with them. */
  readonly replaced?: readonly LinkId[];
  /** Whether the host differs; undefined if it was not read. */
  readonly differs?: boolean;
}

/**
 * A failed check ends the whole run, also for other hosts. So in an update, an unreachable host fails at its own create
 * or update, from which `--continue-on-error` continues. A preview does the same if the variable of that flag is set.
 */
export function reportUnseen(
  { continuesOnError }: ProviderContext,
  { isPreview, targets }: Request,
  why: MacvlanError,
): Report {
  const isOver = why.code === "interrupted";
  if (isOver || (isPreview && !continuesOnError)) return { failures: [issue(why.code, "host", why.text)] };
  return {
    notices: [why.message],
    ...(targets.some(({ previous }) => previous) ? { drift: { host: "found none that answers" } } : {}),
  };
}

/** What a plan means for the user and for the run's other resources. Changes nothing in the run. */
export function reportPlan(
  context: ProviderContext,
  { host, hostLabel, now, transaction, judged }: Planned,
  seen: Observation,
): Report {
  const { links } = context;
  const { parts, removals, plan: whole } = transaction;
  const problems = [...issuesOf(parts), ...harmIssues(transaction, hostLabel)];
  const claims = [...judged.values()].map(({ claim }) => claim);
  const warnings = [...judged.values()].flatMap((one) => one.warnings);
  if (problems.length > 0) return { claims, notices: warnings, failures: problems };
  const said = parts.map((part): PartReport => {
    if (!part.plan) return { notices: [] };
    const previous = judged.get(part.member)?.previous;
    return reportPart(links, { previous, hostLabel, seen }, part, part.plan);
  });
  const disruptive = now.unfinished ? [] : disruptiveLines(host, now, hostLabel, transaction);
  const gone = removals.filter(({ plan: { steps } }) => steps.length > 0);
  // the same place is for a link of another kind
  const isFollowed = ({ known }: Removal): boolean =>
    parts.some((part) => sameLink(linkId(part.known), linkId(known)));
  return {
    claims,
    notices: [
      ...warnings,
      ...disruptive,
      ...gone.map((one) => {
        const place = `${placeOf(one.known)} on ${hostLabel}`;
        return isFollowed(one)
          ? `${place} is replaced, because it is to be of another kind.`
          : `${place} is removed, because it is not in links any more.`;
      }),
      ...displacementLines(parts, hostLabel),
      ...selectionLines(context, parts, hostLabel),
      ...harmLines(transaction, hostLabel),
      ...said.flatMap(({ notices }) => notices),
    ],
    replaced: [
      ...gone.filter(isFollowed).map(({ known }) => linkId(known)),
      ...said.flatMap(({ replaced }) => replaced ?? []),
    ],
    drift: Object.assign({}, ...said.map(({ drift = {} }) => drift)) as Record<string, string>,
    differs: whole.steps.length > 0,
  };
}

/** The report of one link. */
interface PartReport {
  readonly notices: readonly string[];
  readonly drift?: Readonly<Record<string, string>>;
  /** The link, if it is deleted and made again. */
  readonly replaced?: readonly LinkId[];
}

function reportPart(
  links: RunLinks,
  {
    previous,
    hostLabel,
    seen,
  }: Pick<Judged, "previous"> & Pick<Planned, "hostLabel"> & { readonly seen: Observation },
  { member: { path, kind }, known, context }: TransactionPart,
  next: DesiredPlan,
): PartReport {
  const { observation: now } = context;
  const id = linkId(known);
  const place = `${placeOf(known)} on ${hostLabel}`;
  const parent = previous && parentNameOf(known);
  const isThere = findLink(now.state, id) !== undefined;
  // by another resource of the run, or earlier in this very transaction
  const goes =
    parent !== undefined &&
    (links.isReplaced(known.host, { name: parent, netns: "" }) ||
      (!isThere && findLink(seen.state, id) !== undefined));
  if (goes && !isThere) {
    const line = `${place} is created again, because its parent ${parent} is replaced.`;
    return {
      notices: [line],
      drift: driftText([goneWith(parent, kind.label(known))], path),
      replaced: [id],
    };
  }
  const replaced = goes ? { replaced: [id] } : {};
  if (!previous && known.adopt === true && isThere) {
    const changes = next.differences.filter(({ property }) => property !== "owner");
    const what = changes.length === 0 ? "nothing changes" : describeDifferences(changes);
    return { ...replaced, notices: [`${place} is adopted: ${what}.`] };
  }
  const drift = previous ? driftSince(previous, kind, known, context, next) : [];
  // the CLI does not show properties without --diff
  const line = `drift on ${hostLabel}, ${placeOf(known)}: ${describeDifferences(drift)}`;
  // for a resource of one link the engine shows the replacement
  const fixed = path === "" || !previous ? [] : fixedChanges(kind, previous, known, seen.state);
  return {
    ...(fixed.length > 0 ? { replaced: [id] } : replaced),
    notices: [
      ...(drift.length === 0 ? [] : [line]),
      ...(fixed.length === 0
        ? []
        : [`${place} is replaced, because ${fixed.join(" and ")} cannot be changed in place.`]),
    ],
    drift: driftText(drift, path),
  };
}

/** A link as messages name it. Containers have links of the same name, each in its namespace. */
function placeOf(known: CommonInputs): string {
  return nameAndPlace(linkId(known));
}

/** That the change must be confirmed over a new connection, because of the first link that requires it. */
function disruptiveLines(
  host: HostAddress,
  now: Observation,
  hostLabel: string,
  { removals, parts }: Transaction,
): string[] {
  const all = [
    ...removals,
    ...parts.flatMap(({ known, plan: next }) => (next ? [{ known, plan: next }] : [])),
  ];
  for (const { known, plan: next } of all) {
    const text = describeDisruptiveStep({ host }, now, next);
    if (text !== undefined) return [`${placeOf(known)} on ${hostLabel}: ${text}`];
  }
  return [];
}

/** That links of others would go along without the program forcing that. */
function harmIssues({ removals, parts }: Transaction, hostLabel: string): Issue[] {
  const of = (property: string, { known, harm }: WithHarm, is: string): Issue[] =>
    harm === undefined || known.force === true
      ? []
      : [issue("harms-others", property, `${known.name} is ${is}, and ${whyHarmful(harm)} (${hostLabel})`)];
  return [
    ...removals.flatMap((one) => of("links", one, "removed")),
    ...parts.flatMap((one) => of(`${one.member.path}name`, one, "replaced")),
  ];
}

type WithHarm = Pick<TransactionPart, "known" | "harm">;

/** That links of others go along, because the program forces that. */
function harmLines({ removals, parts }: Transaction, hostLabel: string): string[] {
  const of = ({ known, harm }: WithHarm, is: string): string[] =>
    harm === undefined
      ? []
      : [
          `${placeOf(known)} on ${hostLabel} is ${is}, and links of others are lost, as force is set: ${harm}.`,
        ];
  return [...removals.flatMap((one) => of(one, "removed")), ...parts.flatMap((one) => of(one, "replaced"))];
}

/**
 * Which links have to give way though their resources may be left out, as the run leaves out the stack's identity, which
 * is checked before all links. The engine asks for one resource after the other: only the update knows.
 */
function selectionLines(
  { links, stack }: ProviderContext,
  parts: readonly TransactionPart[],
  hostLabel: string,
): string[] {
  if (!stack.isLeftOut()) return [];
  return parts.flatMap(({ known, plan, context }) =>
    (plan?.desired ?? [])
      .flatMap((desired) => givingWay(desired, context))
      .filter(({ resource }) => links.isUnchecked(resource))
      .map(
        ({ link, resource }) =>
          `${placeOf(known)} on ${hostLabel}: ${nameAndPlace(link)} has to give way. Its resource ${resource} has to be ` +
          "selected as well, or else the update is refused.",
      ),
  );
}

/** Which links of other resources are deleted to make room. */
function displacementLines(parts: readonly TransactionPart[], hostLabel: string): string[] {
  return parts.flatMap(({ known, plan, context }) =>
    (plan?.desired ?? [])
      .flatMap(({ displaced = [] }) => displacedLines(displaced, context))
      .map((line) => `${placeOf(known)} on ${hostLabel}: ${line}.`),
  );
}

/** What the last run left on the host and the host does not have any more. */
function driftSince(
  previous: Json,
  kind: AnyKind,
  known: CommonInputs,
  context: PlanContext,
  next: DesiredPlan,
): Difference[] {
  const { unfinished } = context.observation;
  if (unfinished) return [{ property: "host", wanted: "none", found: UNFINISHED_CHANGE[unfinished] }];
  const drift = [
    ...driftOf(kind, previous, known, context, next),
    ...carrierDifferences(known, context.observation.state),
  ];
  // an imported link has no record on its host until its first change
  return previous["__imported"] === true ? drift.filter(({ property }) => property !== "owner") : drift;
}

function driftText(drift: readonly Difference[], path: string): Record<string, string> {
  return Object.fromEntries(drift.map((d) => [path + d.property, describeDifference(d)]));
}
