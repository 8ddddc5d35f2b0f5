/**
 * `check`: validate → observe → plan → report. Inputs are made canonical and compared with the host and with the run's
 * other resources, and drift is shown. Each part returns a value; the effects of the last one happen in `applyEffects`.
 */
import type { dynamic } from "@pulumi/pulumi";
import { describeDifferences } from "../host/errors";
import type { ManagedHost } from "../host/managed-host";
import type { AnyKind } from "../kinds";
import { withKernelNames } from "../kinds/altnames";
import { type Checked, checkInputs } from "../kinds/check-inputs";
import { type CommonInputs, type Json, type PlanContext, linkId, resourceName } from "../kinds/kind";
import { type Claim, type Warning, conflictsOf, tooManyMacs } from "../kinds/lan/conflicts";
import { oneEachConflicts } from "../kinds/lan/one-each";
import { parentUseConflicts } from "../kinds/lan/parent-use";
import { warningsOf } from "../kinds/lan/warnings";
import { opaqueRouteLines, unreadableLines } from "../kinds/unreadable";
import type { Difference } from "../model/difference";
import { type Issue, MacvlanError, codedError, issue } from "../model/error";
import { describeDifference } from "../model/secret-parts";
import { type HostState, type LinkId, type Route, findLink } from "../model/host";
import { type Observation, UNFINISHED_CHANGE } from "../model/observation";
import type { DesiredPlan } from "../plan/plan";
import { hostIdentity } from "../ssh/address";
import { asFailures } from "./border";
import { checkProblems, previewChecks } from "./checks";
import type { ProviderContext } from "./context";
import { differenceOf } from "./diff";
import { describeHarm, whyHarmful } from "./harm";
import { digest, sameHost } from "./inputs";
import { clean } from "./outputs";
import {
  describeDisruptiveStep,
  driftOf,
  knownInputs,
  planContextOf,
  planOrIssues,
  problemsOf,
} from "./planning";
import { goneWith, parentNameOf, withoutLinks } from "./replaced";
import type { RunLinks } from "./run-links";
import {
  type InputSecrets,
  hostOf,
  secretsOf,
  withNamingIssues,
  withholdSecrets,
  withoutSecretPaths,
} from "./secrets";

export async function check(
  context: ProviderContext,
  kind: AnyKind,
  olds: Json,
  news: Json,
): Promise<dynamic.CheckResult> {
  const secrets = secretsOf(news);
  const { redactor } = context;
  redactor.register(secrets.values);
  for (const known of [olds, news]) context.stack.note(known);
  const valid = validate(kind, olds, news, context.links, secrets);
  for (const known of [olds, valid.inputs]) withholdSecrets(redactor, known, [...secrets.properties]);
  const request = declare(context, valid);
  const { target } = request;
  if (target) context.rollout.noteTurn(target.known.host, news);
  const redact = (text: string): string => redactor.redact(text, hostOf(request.inputs));
  const seen = target && (await observe(context.fleet.managedHost(target.known.host)));
  const proof =
    target && seen && !(seen instanceof MacvlanError) && (await examineChecks(context, request, seen));
  // no await from here on: of two resources that conflict, the second must see the claims of the first
  const planned: Report =
    target === undefined || seen === undefined
      ? { failures: request.issues }
      : seen instanceof MacvlanError
        ? reportUnseen(context, request, target, seen)
        : reportPlan(context, kind, plan(context, kind, request, target, seen));
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
    kind,
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
  readonly target: Target | undefined;
}

/** The desired link. */
interface Target {
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
  readonly claim?: Claim;
  /** The link, if the kernel deletes it with its parent, which this run replaces. */
  readonly goes?: LinkId | undefined;
  /** Whether the host differs; undefined if it was not read. */
  readonly differs?: boolean;
}

/** Checks and completes the inputs. Reads the run and changes nothing. */
function validate(kind: AnyKind, olds: Json, news: Json, links: RunLinks, secrets: InputSecrets): Request {
  const previous = Object.keys(olds).length === 0 ? {} : { previous: olds };
  const { inputs, issues: own, unknown } = checkAgain(kind, news, previous.previous, links);
  const issues = withNamingIssues(own, secrets);
  const request: Request = {
    resource: resourceName(kind.type, String(news["__resource"])),
    isPreview: news["__preview"] === true,
    inputs,
    issues,
    ...previous,
    target: undefined,
  };
  if (issues.length > 0 || kind.identifying.some((property) => unknown.includes(property))) return request;
  const known = knownInputs(inputs, unknown);
  const stays = previous.previous !== undefined && sameHost(previous.previous["host"], known.host);
  return { ...request, target: { known, unknown, ...(stays ? previous : {}) } };
}

/**
 * Of a link that is to be replaced the engine asks for a second check, as if it were new. Whose it is, and the MAC address
 * that was derived for it, stay as they are.
 */
function checkAgain(kind: AnyKind, news: Json, previous: Json | undefined, links: RunLinks): Checked {
  const checked = checkInputs(kind, news, previous);
  const { inputs, issues, unknown } = checked;
  if (previous || issues.length > 0 || ["host", "name", "netns"].some((p) => unknown.includes(p)))
    return checked;
  const known = knownInputs(inputs, unknown);
  const noted = links.previousOf(known.host, linkId(known));
  return noted ? checkInputs(kind, news, noted) : checked;
}

/**
 * Declares the link before the host is waited for. Of two resources with the same link the second then fails, and other
 * resources can rely on the first.
 */
function declare({ links }: ProviderContext, request: Request): Request {
  const { target, resource } = request;
  if (target?.previous) links.notePrevious(target.known.host, linkId(target.known), target.previous);
  const other = target && links.declare(target.known, resource, target.unknown);
  if (other === undefined) return request;
  const reason = `${other} of this stack already has this link on this host`;
  return { ...request, issues: [issue("program-conflict", "name", reason)], target: undefined };
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
  { isPreview }: Request,
  { previous }: Target,
  why: MacvlanError,
): Report {
  const isOver = why.code === "interrupted";
  if (isOver || (isPreview && !continuesOnError)) return { failures: [issue(why.code, "host", why.text)] };
  return { notices: [why.message], ...(previous ? { drift: { host: "found none that answers" } } : {}) };
}

/** What is known of a link's checks before a change. */
interface Examined {
  readonly issues: readonly Issue[];
  readonly lines: readonly string[];
}

async function examineChecks(
  context: ProviderContext,
  { inputs, resource, isPreview, target }: Request,
  seen: Observation,
): Promise<Examined | undefined> {
  if (target?.known.checks === undefined) return undefined;
  const link = { known: target.known, inputs, path: "" };
  const issues = await checkProblems(context, link, seen);
  const lines = isPreview && issues.length === 0 ? await previewChecks(context, resource, link, seen) : [];
  return { issues, lines };
}

function withChecks(report: Report, { issues, lines }: Examined): Report {
  const failures = [...(report.failures ?? []), ...issues];
  return {
    ...report,
    notices: [...(report.notices ?? []), ...lines],
    ...(failures.length > 0 ? { failures } : {}),
  };
}

/** The plan of a link, or the problems that prevent it. */
interface Planned {
  /** With the kernel's names of links. */
  readonly known: CommonInputs;
  readonly previous: Json | undefined;
  readonly hostLabel: string;
  readonly context: PlanContext;
  readonly claim: Claim;
  readonly warnings: readonly Warning[];
  readonly problems: readonly Issue[];
  /** Absent if there are problems. */
  readonly next?: DesiredPlan;
}

/** Plans the link on its host among the run's other resources. Changes nothing in the run. */
function plan(
  run: ProviderContext,
  kind: AnyKind,
  { inputs, resource, isPreview }: Request,
  target: Target,
  seen: Observation,
): Planned {
  const { links, claims, fleet } = run;
  const { previous } = target;
  const { host } = target.known;
  const hostLabel = fleet.managedHost(host).label;
  const now = isPreview ? withoutLinks(seen, links.replacedOn(host)) : seen;
  const known = withKernelNames(target.known, now.state);
  const context = planContextOf(run, inputs, known, now, previous);
  const claim = claimOf(kind, known, resource, now, hostLabel);
  const { issues, warnings } = conflictsOf(claim, claims.withSame(claim));
  const onHost = claims.onHostOf(claim);
  const problems = [
    // an unfinished change leaves nothing to plan from: it is completed or rolled back first
    ...(now.unfinished ? [] : problemsOf(kind, known, context)),
    ...issues,
    ...parentUseConflicts(claim, onHost),
    ...oneEachConflicts(claim, onHost),
    ...tooManyMacs(now.state, claim, onHost),
  ].map((p) => ({ ...p, reason: `${p.reason} (${hostLabel})` }));
  const planned = problems.length > 0 ? problems : harmlessOrIssues(kind, known, context, hostLabel);
  return {
    known,
    previous,
    hostLabel,
    context,
    claim,
    warnings: [...warnings, ...hostWarnings(kind, known, context, claim)],
    ...("steps" in planned ? { next: planned, problems: [] } : { problems: planned }),
  };
}

/** The plan, unless links of others go along and the program does not force that. */
function harmlessOrIssues(
  kind: AnyKind,
  known: CommonInputs,
  context: PlanContext,
  hostLabel: string,
): DesiredPlan | readonly Issue[] {
  const planned = planOrIssues(kind, known, context);
  if (!("steps" in planned) || known.force === true) return planned;
  const harm = describeHarm(planned, context.observation);
  return harm === undefined
    ? planned
    : [issue("harms-others", "name", `${known.name} is replaced, and ${whyHarmful(harm)} (${hostLabel})`)];
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
  { links }: ProviderContext,
  kind: AnyKind,
  { known, previous, hostLabel, context, claim, warnings, problems, next }: Planned,
): Report {
  if (!next) return { claim, notices: warnings, failures: problems };
  const { observation: now } = context;
  const place = `${known.name} on ${hostLabel}`;
  const disruptive = now.unfinished ? undefined : describeDisruptiveStep(known, now, next);
  const harm = describeHarm(next, now);
  const notices = [
    ...warnings,
    ...(disruptive === undefined ? [] : [`${place}: ${disruptive}`]),
    ...(harm === undefined
      ? []
      : [`${place} is replaced, and links of others are lost, as force is set: ${harm}.`]),
  ];
  const parent = previous && parentNameOf(known);
  const goes = parent !== undefined && links.isReplaced(known.host, { name: parent, netns: "" });
  const common = {
    claim,
    goes: goes ? linkId(known) : undefined,
    differs: next.steps.length > 0,
  };
  if (goes && !findLink(now.state, linkId(known))) {
    const line = `${place} is created again, because its parent ${parent} is replaced.`;
    return {
      ...common,
      notices: [...notices, line],
      drift: driftText([goneWith(parent, kind.label(known))]),
    };
  }
  if (!previous && known.adopt === true && findLink(now.state, linkId(known))) {
    const changes = next.differences.filter(({ property }) => property !== "owner");
    const what = changes.length === 0 ? "nothing changes" : describeDifferences(changes);
    return { ...common, notices: [...notices, `${place} is adopted: ${what}.`] };
  }
  const drift = previous ? driftSince(previous, kind, known, context, next) : [];
  // the CLI does not show properties without --diff
  const line = `drift on ${hostLabel}, ${known.name}: ${describeDifferences(drift)}`;
  return { ...common, notices: drift.length === 0 ? notices : [...notices, line], drift: driftText(drift) };
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
  const drift = driftOf(kind, previous, known, context, next);
  // an imported link has no record on its host until its first change
  return previous["__imported"] === true ? drift.filter(({ property }) => property !== "owner") : drift;
}

function driftText(drift: readonly Difference[]): Record<string, string> {
  return Object.fromEntries(drift.map((d) => [d.property, describeDifference(d)]));
}

/** All that a check changes in the run, except the declaration before its first await. */
function applyEffects(
  { links, claims, diagnostics, fleet, rollout }: ProviderContext,
  kind: AnyKind,
  { resource, isPreview, previous, target }: Request,
  inputs: Json,
  { claim, notices = [], goes, differs, failures = [] }: Report,
  state: HostState | undefined,
): void {
  links.markChecked(resource);
  for (const notice of notices) {
    if (typeof notice === "string") diagnostics.say(notice);
    else diagnostics.sayOnce(notice.text, notice.about);
  }
  if (claim) claims.put(claim);
  // a host that cannot be read may well differ
  if (isPreview) rollout.notePreviewed(target?.known.host, resource, differs ?? true);
  if (failures.length > 0) return;
  if (target?.known.force === true) {
    // the deletion of a replaced link only knows the state
    for (const link of [target.known, ...(previous ? [knownInputs(previous, [])] : [])])
      links.markForced(link.host, linkId(link));
  }
  if (target && goes) links.markReplaced(target.known.host, goes);
  // a change of the host is certain to follow
  if (target && differs === true && !isPreview) fleet.managedHost(target.known.host).prestart();
  if (!previous) return;
  const { changes, replaces } = differenceOf(kind, previous, digest(previous), inputs, state);
  if (replaces.length > 0) {
    const old = knownInputs(previous, []);
    links.markReplaced(old.host, linkId(old));
  }
  // the engine will not change this resource: the host's batch need not wait for it
  if (target && !changes) fleet.managedHost(target.known.host).withdraw(resource);
}
