/** `check`: inputs are made canonical, looked at beside the host and the run's other resources, and drift is shown. */
import type { dynamic } from "@pulumi/pulumi";
import { describeDifferences } from "../host/errors";
import type { ManagedHost } from "../host/managed-host";
import type { AnyKind } from "../kinds";
import { withKernelNames } from "../kinds/altnames";
import { checkInputs } from "../kinds/check-inputs";
import { type CommonInputs, type Issue, type Json, type PlanContext, linkId } from "../kinds/kind";
import { type Claim, conflictsOf, tooManyMacs } from "../kinds/lan/conflicts";
import { parentUseConflicts } from "../kinds/lan/parent-use";
import { warningsOf } from "../kinds/lan/warnings";
import { opaqueRouteLines, unreadableLines } from "../kinds/unreadable";
import type { Difference } from "../model/difference";
import { type Desired, type Route, findLink } from "../model/host";
import { type Observation, UNFINISHED_CHANGE } from "../model/observation";
import { redact } from "../model/redact";
import { hostIdentity } from "../ssh/address";
import { currentRun, planContextOf } from "./context";
import { sameHost } from "./inputs";
import { clean } from "./outputs";
import { describeDisruptiveStep, driftOf, knownInputs, planOrIssues, problemsOf } from "./planning";
import { goneWith, parentNameOf, withoutLinks } from "./replaced";
import { resourceName } from "../kinds/kind";
import { say } from "./say";
import { secretProperties, withoutSecretPaths } from "./secrets";

/** Checks, and shows nothing of the secrets among the inputs. */
export async function check(kind: AnyKind, olds: Json, news: Json): Promise<dynamic.CheckResult> {
  const secret = secretProperties(news);
  const checked = await checkOnHost(kind, olds, news);
  const issues = withoutSecretPaths(checked.failures ?? [], secret);
  return issues.length === 0 ? checked : failed(checked.inputs as Json, issues);
}

async function checkOnHost(kind: AnyKind, olds: Json, news: Json): Promise<dynamic.CheckResult> {
  const before = Object.keys(olds).length === 0 ? undefined : olds;
  const { inputs, issues, unknown } = checkInputs(kind, news, before);
  if (issues.length > 0) return failed(inputs, issues);
  if (kind.identifying.some((property) => unknown.includes(property))) return { inputs: clean(inputs) };
  const given = knownInputs(inputs, unknown);
  const run = currentRun();
  const resource = resourceName(kind.type, String(inputs["__resource"]));
  const duplicate = run.declare(given, resource, unknown);
  if (duplicate !== undefined) {
    return failed(inputs, [
      {
        property: "name",
        reason: `${duplicate} of this stack has the same link of the same host already`,
      },
    ]);
  }
  const managedHost = run.fleet.managedHost(given.host);
  const seen = await observe(managedHost);
  const stays = before !== undefined && sameHost(before["host"], given.host);
  if (typeof seen === "string") {
    if (news["__preview"] === true && !continuesOnError()) {
      return failed(inputs, [{ property: "host", reason: seen }]);
    }
    say(seen);
    return { inputs: clean({ ...inputs, ...(stays ? { drift: { host: "found none that answers" } } : {}) }) };
  }
  const now = news["__preview"] === true ? withoutLinks(seen, run.replacedOn(given.host)) : seen;
  const known = withKernelNames(given, now.state);
  const context = planContextOf(inputs, known, now, stays ? before : undefined);
  // half-way through another change there is nothing to plan from: it ends, or is taken back, first
  const { unfinished } = now;
  const desired = kind.desired(known, context);
  const problems = unfinished ? [] : problemsOf(kind, known, context);
  const conflicts = conflictIssues(kind, known, resource, context, desired, managedHost.label);
  if (problems.length + conflicts.length > 0) {
    return failed(
      inputs,
      [...problems, ...conflicts].map((p) => ({ ...p, reason: `${p.reason} [${managedHost.label}]` })),
    );
  }
  const next = planOrIssues(kind, known, context);
  if (!("steps" in next)) return failed(inputs, next);
  if (news["__preview"] !== true && next.steps.length > 0) managedHost.prestart();
  const disruptive = unfinished ? undefined : describeDisruptiveStep(known, now, next);
  if (disruptive !== undefined) say(`${known.name} on ${managedHost.label}: ${disruptive}`);
  const parent = parentNameOf(known);
  if (stays && parent !== undefined && run.isReplaced(known.host, { name: parent, netns: "" })) {
    run.markReplaced(known.host, linkId(known));
    if (!findLink(now.state, linkId(known))) {
      const gone = goneWith(parent, kind.label(known));
      say(
        `${known.name} on ${managedHost.label} goes with ${parent}, which is made anew, and is made again.`,
      );
      return withDrift(inputs, [gone]);
    }
  }
  const drift = !stays
    ? []
    : unfinished
      ? [{ property: "host", wanted: "none", found: UNFINISHED_CHANGE[unfinished] }]
      : driftOf(kind, before, known, context, next);
  if (drift.length === 0) return { inputs: clean(inputs) };
  // a line for those who read no property
  say(`drift on ${managedHost.label}: ${known.name}: ${describeDifferences(drift)}`);
  return withDrift(inputs, drift);
}

function withDrift(inputs: Json, drift: readonly Difference[]): dynamic.CheckResult {
  const lines = drift.map((d) => [d.property, redact(`found ${d.found}, wanted ${d.wanted}`)]);
  return { inputs: clean({ ...inputs, drift: Object.fromEntries(lines) as Json }) };
}

/** What the resource cannot have beside the others of this run; what it may regret is said at once. */
function conflictIssues(
  kind: AnyKind,
  known: CommonInputs,
  resource: string,
  context: PlanContext,
  desired: Desired,
  hostLabel: string,
): Issue[] {
  const run = currentRun();
  const { observation } = context;
  const { macAddress, duplicateAddressDetection: detection, maxMacs } = known;
  const { routes } = known as { readonly routes?: readonly Route[] };
  const claim: Claim = {
    ...linkId(known),
    resource,
    host: hostIdentity(known.host),
    hostLabel,
    lan: kind.lan(known, observation.state),
    addresses: known.addresses ?? [],
    ...(routes === undefined ? {} : { routes }),
    ...(macAddress === undefined ? {} : { macAddress }),
    ...(detection === undefined ? {} : { detection }),
    ...(maxMacs === undefined ? {} : { maxMacs }),
    ...(kind.exclusiveUse === undefined ? {} : { exclusiveUse: kind.exclusiveUse(known) }),
    ...(kind.parentUse ? { parentUse: kind.parentUse(known) } : {}),
  };
  run.claims.put(claim);
  const { issues, warnings } = conflictsOf(claim, run.claims.withSame(claim));
  const ports = desired.links.filter((l) => l.exists && l.kind === undefined);
  const own = [...(kind.warnings?.(known, context) ?? []), ...opaqueRouteLines(desired, observation)];
  for (const { about, text } of [...warnings, ...warningsOf(claim, ports, observation, own)]) {
    if (run.isNew(about)) say(text);
  }
  for (const line of unreadableLines(observation)) {
    if (run.isNew(`${claim.host} ${line}`)) say(`${hostLabel}: ${line}.`);
  }
  const onHost = run.claims.onHostOf(claim);
  return [...issues, ...parentUseConflicts(claim, onHost), ...tooManyMacs(observation.state, claim, onHost)];
}

/**
 * A failed check ends the whole run, the other hosts' resources too. So in an update a host that cannot be seen fails
 * at its own create or update, which is what `--continue-on-error` continues from; and in a preview as well where the
 * CLI is told so by its variable, as a provider does not see its flags.
 */
function continuesOnError(): boolean {
  return /^(1|true)$/i.test(process.env["PULUMI_CONTINUE_ON_ERROR"] ?? "");
}

/** The host, or why it cannot be seen. */
async function observe(managedHost: ManagedHost): Promise<Observation | string> {
  try {
    return await managedHost.observe();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function failed(inputs: Json, issues: readonly Issue[]): dynamic.CheckResult {
  return {
    inputs: clean(inputs),
    failures: issues.map((i) => ({ property: i.property, reason: redact(i.reason) })),
  };
}
