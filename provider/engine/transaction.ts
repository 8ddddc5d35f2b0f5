/**
 * What a resource asks of its host, as one plan: its links in the order in which they depend on each other, each planned
 * on the host as the plans before it leave it. A resource of one link is a transaction of one. Pure.
 */
import type { AnyKind } from "../kinds";
import { withKernelNames } from "../kinds/altnames";
import { type CommonInputs, type PlanContext, linkId } from "../kinds/kind";
import type { Issue } from "../model/error";
import { linkKey } from "../model/host";
import type { Observation } from "../model/observation";
import { type DesiredPlan, inOneTransaction, outcome } from "../plan/plan";
import { describeHarm } from "./harm";
import { planOrIssues, problemsOf } from "./planning";

/** A link that is to be there. */
export interface DesiredMember {
  /** What stands before its properties in messages: `links.web.`. */
  readonly path: string;
  readonly kind: AnyKind;
  readonly known: CommonInputs;
  /**
   * The host as it sees it.
   *
   * @param isPlanned whether a link of the host's own namespace is one of this transaction, and in `now` already
   */
  readonly contextOn: (now: Observation, isPlanned: (name: string) => boolean) => PlanContext;
}

/** A link that the resource has no more. */
export interface LeavingMember {
  /** With `force`, if this run or the last one has set it. */
  readonly known: CommonInputs;
  /** @param keeps network namespaces that stay, even if no link is left in them */
  readonly planOn: (now: Observation, keeps: readonly string[]) => DesiredPlan;
}

/** What is to be done for one link. */
export interface TransactionPart {
  readonly member: DesiredMember;
  /** By the names that the kernel has for links. */
  readonly known: CommonInputs;
  /** With the host as the parts before it leave it. */
  readonly context: PlanContext;
  /** Its properties without the path. */
  readonly problems: readonly Issue[];
  /** Absent if there are problems. */
  readonly plan?: DesiredPlan;
  /** The links of others that are lost by it. */
  readonly harm?: string;
}

/** What is to be done for a link that leaves. */
export interface Removal {
  readonly known: CommonInputs;
  readonly plan: DesiredPlan;
  /** The links of others that are lost by it. */
  readonly harm?: string;
}

export interface Transaction {
  readonly removals: readonly Removal[];
  readonly parts: readonly TransactionPart[];
  /** All of it: what can be planned. */
  readonly plan: DesiredPlan;
}

/** What is in a link's way on its host, on its properties. */
export type Judge = (member: DesiredMember, known: CommonInputs, context: PlanContext) => readonly Issue[];

/**
 * Plans what leaves first, the last one made before the others, so that names, VLANs and parents are free; then what is
 * to be there. Of a link that cannot be planned the others are planned as if it were there.
 *
 * @param members in an order in which they can be made
 * @param leaving in the order in which they were made
 */
export function planTransaction(
  members: readonly DesiredMember[],
  leaving: readonly LeavingMember[],
  observation: Observation,
  judge: Judge = ({ kind }, known, context) => problemsOf(kind, known, context),
): Transaction {
  let now = observation;
  const take = (plan: DesiredPlan): { readonly plan: DesiredPlan; readonly harm?: string } => {
    const harm = describeHarm(plan, now);
    now = { ...now, state: outcome(now.state, plan) };
    return harm === undefined ? { plan } : { plan, harm };
  };
  const keeps = members.flatMap(({ known: { netns } }) => netns ?? []);
  const removals = leaving
    .toReversed()
    .map(({ known, planOn }): Removal => ({ known, ...take(planOn(now, keeps)) }));
  const planned = new Set<string>();
  /** The places of all parts that have a plan: each of the others asks for each link of the host. */
  const places = new Set<string>();
  const parts: TransactionPart[] = [];
  for (const member of members) {
    const isOwn = (name: string): boolean => name === member.known.name && member.known.netns === undefined;
    const context: PlanContext = {
      ...member.contextOn(now, (name) => planned.has(name) || isOwn(name)),
      isPlanned: (link) => places.has(linkKey(link)),
    };
    const known = withKernelNames(member.known, now.state);
    const problems = judge(member, known, context);
    const result = problems.length > 0 ? problems : planOrIssues(member.kind, known, context);
    const part = { member, known, context };
    if (!("steps" in result)) {
      parts.push({ ...part, problems: result });
      continue;
    }
    if (known.netns === undefined) planned.add(known.name);
    places.add(linkKey(linkId(known)));
    parts.push({ ...part, problems: [], ...take(result) });
  }
  const plans = [
    ...removals.map(({ plan }) => plan),
    ...parts.flatMap(({ member, plan }) => withPath(member, plan)),
  ];
  return { removals, parts, plan: inOneTransaction(plans, { from: observation.state, to: now.state }) };
}

function withPath({ path }: DesiredMember, plan: DesiredPlan | undefined): DesiredPlan[] {
  if (plan === undefined) return [];
  if (path === "") return [plan];
  return [{ ...plan, differences: plan.differences.map((d) => ({ ...d, property: path + d.property })) }];
}

/** Issues of a transaction's parts on the paths of the resource. */
export function issuesOf(parts: readonly TransactionPart[]): Issue[] {
  return parts.flatMap(({ member, problems }) =>
    problems.map((issue) => ({ ...issue, property: member.path + issue.property })),
  );
}
