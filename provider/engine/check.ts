/**
 * `check`: validate → observe → plan → report. Inputs are made canonical and compared with the host and with the run's
 * other resources, and drift is shown. Each part returns a value; the effects of the last one happen in `applyEffects`.
 */
import type { dynamic } from "@pulumi/pulumi";
import { describeDifferences } from "../host/errors";
import type { ManagedHost } from "../host/managed-host";
import type { AnyKind } from "../kinds";
import { visibleInputs } from "../kinds/check-inputs";
import { type CommonInputs, type Json, type PlanContext, linkId, resourceName } from "../kinds/kind";
import { openClaims } from "../kinds/lan/claims";
import { displacedLines, givingWay } from "../kinds/displaced";
import { type Claim, type Warning, conflictsOf, tooManyMacs } from "../kinds/lan/conflicts";
import { carrierDifferences } from "../kinds/lan/carrier";
import { oneEachConflicts } from "../kinds/lan/one-each";
import { parentUseConflicts } from "../kinds/lan/parent-use";
import { warningsOf } from "../kinds/lan/warnings";
import { opaqueRouteLines, unreadableLines } from "../kinds/unreadable";
import type { Difference } from "../model/difference";
import { type Issue, MacvlanError, codedError, issue } from "../model/error";
import { describeDifference } from "../model/secret-parts";
import { type HostState, type LinkId, type Route, findLink, nameAndPlace, sameLink } from "../model/host";
import { type Observation, UNFINISHED_CHANGE } from "../model/observation";
import { isUnknown } from "../model/unknown";
import type { DesiredPlan } from "../plan/plan";
import { type HostAddress, hostIdentity } from "../ssh/address";
import { anyMakingOf, isTakenOver } from "./apply";
import { asFailures } from "./border";
import { carrierWarnings } from "./carrier";
import { type CheckedLink, checkProblems, prefetchPrograms, previewChecks } from "./checks";
import type { ProviderContext } from "./context";
import { differenceOf } from "./diff";
import { whyHarmful } from "./harm";
import { digest, sameHost } from "./inputs";
import { clean } from "./outputs";
import { describeDisruptiveStep, driftOf, knownInputs, planContextOf, problemsOf } from "./planning";
import { goneWith, parentNameOf, withoutLinks } from "./replaced";
import {
  type CheckedResource,
  type Member,
  type ResourceType,
  claimPath,
  matchMembers,
  placeOf,
} from "./resource-type";
import type { RunLinks } from "./run-links";
import {
  type InputSecrets,
  hostOf,
  secretsOf,
  withNamingIssues,
  withholdSecrets,
  withoutSecretPaths,
} from "./secrets";
import {
  type DesiredMember,
  type Judge,
  type Removal,
  type Transaction,
  type TransactionPart,
  issuesOf,
  planTransaction,
} from "./transaction";

export async function check(
  context: ProviderContext,
  type: ResourceType,
  olds: Json,
  news: Json,
): Promise<dynamic.CheckResult> {
  const secrets = secretsOf(news);
  const { redactor } = context;
  context.links.markChecking(resourceName(type.type, String(news["__resource"])));
  redactor.register(secrets.values);
  for (const known of [olds, news]) context.stack.note(known);
  const valid = validate(type, olds, news, context.links, secrets);
  const isOne = type.members(valid.inputs).some(({ path }) => path === "");
  withholdSecrets(redactor, type, [olds, valid.inputs], isOne ? [...secrets.properties] : []);
  const request = declare(context, valid);
  const { host } = request;
  if (host) context.rollout.noteTurn(host, news);
  const redact = (text: string): string => redactor.redact(text, hostOf(request.inputs));
  prefetchPrograms(
    context,
    request.targets.map(({ known }) => known),
  );
  const seen = host && (await observe(context.fleet.managedHost(host)));
  const proof = seen && !(seen instanceof MacvlanError) && (await examine(context, request, seen));
  // no await from here on: of two resources that conflict, the second must see the claims of the first
  const planned: Report =
    host === undefined || seen === undefined
      ? { failures: request.issues }
      : seen instanceof MacvlanError
        ? reportUnseen(context, request, seen)
        : reportPlan(context, plan(context, request, host, seen), seen);
  const report = proof ? withChecks(planned, proof) : planned;
  const failures = withoutSecretPaths(report.failures ?? [], secrets);
  const drift = Object.entries(report.drift ?? {}).map(([property, text]) => [property, redact(text)]);
  const notices = report.notices?.map((notice) =>
    typeof notice === "string" ? redact(notice) : { ...notice, text: redact(notice.text) },
  );
  const inputs =
    drift.length === 0 ? request.inputs : { ...request.inputs, drift: Object.fromEntries(drift) as Json };
  applyEffects(
    context,
    type,
    request,
    inputs,
    { ...report, ...(notices ? { notices } : {}) },
    seen instanceof MacvlanError ? undefined : seen?.state,
  );
  if (failures.length === 0) return { inputs: clean(inputs) };
  return {
    inputs: clean(inputs),
    failures: asFailures(failures, redact),
  };
}

/** The validated request, as far as it can be judged without the host. */
interface Request {
  /** `MacvlanInterface "web"` */
  readonly resource: string;
  readonly isPreview: boolean;
  /** Canonical. */
  readonly inputs: Json;
  readonly issues: readonly Issue[];
  /** The inputs of the last run. */
  readonly previous?: Json;
  /** Present if enough is valid and known to plan on the host. */
  readonly host?: HostAddress;
  /** The desired links, as far as enough of them is known. */
  readonly targets: readonly Target[];
  /** Links of the last run on this host that are not desired any more. */
  readonly leaving: readonly Member[];
}

/** A desired link. */
interface Target {
  readonly member: Member;
  readonly known: CommonInputs;
  /** Properties that are not known yet. */
  readonly unknown: readonly string[];
  /** The inputs of the last run, if the link was on the same host then. */
  readonly previous?: Json;
}

/** The result of a check. */
interface Report {
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

/** Checks and completes the inputs. Reads the run and changes nothing. */
function validate(
  type: ResourceType,
  olds: Json,
  news: Json,
  links: RunLinks,
  secrets: InputSecrets,
): Request {
  const previous = Object.keys(olds).length === 0 ? {} : { previous: olds };
  const { inputs, issues: own } = checkAgain(type, news, previous.previous, links);
  const issues = withNamingIssues(own, secrets);
  const request: Request = {
    resource: resourceName(type.type, String(news["__resource"])),
    isPreview: news["__preview"] === true,
    inputs,
    issues,
    ...previous,
    targets: [],
    leaving: [],
  };
  if (issues.length > 0) return request;
  const members = type.members(inputs);
  const host = inputs["host"];
  const stays =
    previous.previous !== undefined && !isUnknown(host) && sameHost(previous.previous["host"], host);
  const { previousOf, leaving } = matchMembers(stays ? type.members(previous.previous) : [], members);
  const targets = members.flatMap((member): Target[] => {
    const { kind, props } = member;
    const unknown = Object.keys(visibleInputs(props)).filter((key) => isUnknown(props[key]));
    if (kind.identifying.some((property) => unknown.includes(property))) return [];
    const before = previousOf(member);
    return [{ member, known: knownInputs(props, unknown), unknown, ...(before ? { previous: before } : {}) }];
  });
  const gone = leaving.filter(({ key }) => !type.isPending(inputs, key));
  if (targets.length + gone.length === 0) return request;
  return { ...request, host: host as HostAddress, targets, leaving: gone };
}

/**
 * Of a resource that is to be replaced the engine asks for a second check, as if it were new. Whose its links are, and the
 * MAC addresses that were derived for them, stay as they are.
 */
function checkAgain(
  type: ResourceType,
  news: Json,
  previous: Json | undefined,
  links: RunLinks,
): CheckedResource {
  const checked = type.check(news, previous);
  const { inputs, issues } = checked;
  if (previous || issues.length > 0 || isUnknown(inputs["host"])) return checked;
  const noted = type.members(inputs).flatMap((member): Member[] => {
    const place = placeOf(member.props);
    const props = place && links.previousOf(inputs["host"] as HostAddress, place);
    return props ? [{ ...member, props }] : [];
  });
  const [first] = noted;
  return first ? type.check(news, type.join(first.props, noted)) : checked;
}

/**
 * Declares the links before the host is waited for. Of two resources with the same link the second then fails, and other
 * resources can rely on the first.
 */
function declare({ links }: ProviderContext, request: Request): Request {
  const issues = request.targets.flatMap(({ member: { path }, known, unknown, previous }): Issue[] => {
    if (previous) links.notePrevious(known.host, linkId(known), previous);
    if (known.force === true) {
      // the deletion of a replaced link only knows the state
      for (const link of [known, ...(previous ? [knownInputs(previous, [])] : [])])
        links.markForced(link.host, linkId(link));
    }
    const other = links.declare(known, request.resource + claimPath(path), unknown);
    if (other === undefined) return [];
    const reason = `${other} of this stack already has this link on this host`;
    return [issue("program-conflict", `${path}name`, reason)];
  });
  if (issues.length === 0) return request;
  const { host: _, ...rest } = request;
  return { ...rest, issues, targets: [], leaving: [] };
}

/** The observation, or why the host cannot be observed. */
async function observe(host: ManagedHost): Promise<Observation | MacvlanError> {
  try {
    return await host.observe();
  } catch (error) {
    return codedError(error);
  }
}

/**
 * A failed check ends the whole run, also for other hosts. So in an update, an unreachable host fails at its own create
 * or update, from which `--continue-on-error` continues. A preview does the same if the variable of that flag is set.
 */
function reportUnseen(
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

/** What is known of whether the links will work, beside their plan. */
interface Examined {
  readonly issues: readonly Issue[];
  readonly notices: readonly (string | Warning)[];
}

async function examine(
  context: ProviderContext,
  { resource, isPreview, targets }: Request,
  seen: Observation,
): Promise<Examined> {
  const carriers = await Promise.all(targets.map(({ known }) => carrierWarnings(context, known, seen)));
  const links = targets.flatMap(({ member: { path, props }, known }): CheckedLink[] =>
    known.checks === undefined ? [] : [{ known, inputs: props, path }],
  );
  const issues = (await Promise.all(links.map((link) => checkProblems(context, link, seen)))).flat();
  if (!isPreview || issues.length > 0) return { issues, notices: carriers.flat() };
  const lines = await Promise.all(links.map((link) => previewChecks(context, resource, link, seen)));
  return { issues, notices: [...carriers.flat(), ...lines.flat()] };
}

function withChecks(report: Report, { issues, notices }: Examined): Report {
  const failures = [...(report.failures ?? []), ...issues];
  return {
    ...report,
    notices: [...(report.notices ?? []), ...notices],
    ...(failures.length > 0 ? { failures } : {}),
  };
}

/** The plan of the links, and the problems that prevent it. */
interface Planned {
  readonly host: HostAddress;
  readonly hostLabel: string;
  /** The observation that the plan starts from. */
  readonly now: Observation;
  readonly transaction: Transaction;
  readonly judged: ReadonlyMap<DesiredMember, Judged>;
}

/** A link among the run's others. */
interface Judged {
  /** The inputs of the last run. */
  readonly previous: Json | undefined;
  readonly claim: Claim;
  readonly warnings: readonly Warning[];
}

/** Plans the links on their host among the run's other resources. Changes nothing in the run. */
function plan(run: ProviderContext, request: Request, host: HostAddress, seen: Observation): Planned {
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
          `${known.name} on ${hostLabel}: ${nameAndPlace(link)} has to give way. Its resource ${resource} has to be ` +
          "selected as well, or else the update is refused.",
      ),
  );
}

/** Which links of other resources are deleted to make room. */
function displacementLines(parts: readonly TransactionPart[], hostLabel: string): string[] {
  return parts.flatMap(({ known, plan, context }) =>
    (plan?.desired ?? [])
      .flatMap(({ displaced = [] }) => displacedLines(displaced, context))
      .map((line) => `${known.name} on ${hostLabel}: ${line}.`),
  );
}

type WithHarm = Pick<TransactionPart, "known" | "harm">;

/** That links of others go along, because the program forces that. */
function harmLines({ removals, parts }: Transaction, hostLabel: string): string[] {
  const of = ({ known, harm }: WithHarm, is: string): string[] =>
    harm === undefined
      ? []
      : [`${known.name} on ${hostLabel} is ${is}, and links of others are lost, as force is set: ${harm}.`];
  return [...removals.flatMap((one) => of(one, "removed")), ...parts.flatMap((one) => of(one, "replaced"))];
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

/** What a plan means for the user and for the run's other resources. Changes nothing in the run. */
function reportPlan(
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
        const place = `${one.known.name} on ${hostLabel}`;
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
  const place = `${known.name} on ${hostLabel}`;
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
  const line = `drift on ${hostLabel}, ${known.name}: ${describeDifferences(drift)}`;
  // for a resource of one link the engine shows the replacement
  const fixed = path === "" || !previous ? [] : kind.replaces(previous, known);
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
    if (text !== undefined) return [`${known.name} on ${hostLabel}: ${text}`];
  }
  return [];
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

/** All that a check changes in the run, except the declaration before its first await. */
function applyEffects(
  { links, claims, diagnostics, fleet, rollout }: ProviderContext,
  type: ResourceType,
  { resource, isPreview, previous, host }: Request,
  inputs: Json,
  { claims: own = [], notices = [], replaced = [], differs, failures = [] }: Report,
  state: HostState | undefined,
): void {
  links.markChecked(resource);
  for (const notice of notices) {
    if (typeof notice === "string") diagnostics.say(notice);
    else diagnostics.sayOnce(notice.text, notice.about);
  }
  for (const claim of own) claims.put(claim);
  // a host that cannot be read may well differ
  if (isPreview) rollout.notePreviewed(host, resource, differs ?? true);
  if (failures.length > 0) return;
  if (host) for (const link of replaced) links.markReplaced(host, link);
  // a change of the host is certain to follow
  if (host && differs === true && !isPreview) fleet.managedHost(host).prestart();
  if (!previous) return;
  const { changes, replaces } = differenceOf(type, previous, digest(previous), inputs, state);
  if (replaces.length > 0) {
    const old = previous["host"] as HostAddress;
    for (const { props } of type.members(previous)) links.markReplaced(old, linkId(knownInputs(props, [])));
  }
  // the engine will not change this resource: the host's batch need not wait for it
  if (host && !changes) fleet.managedHost(host).withdraw(resource);
}
