/**
 * `check`: validate → observe → plan → report. Inputs are made canonical and compared with the host and with the run's
 * other resources, and drift is shown. Each part returns a value; the effects of the last one happen in `applyEffects`.
 */
import type { dynamic } from "@pulumi/pulumi";
import type { ManagedHost } from "../../host/managed-host";
import { type Json, linkId, resourceName } from "../../kinds/kind";
import type { Warning } from "../../kinds/lan/conflicts";
import { type Issue, MacvlanError, codedError, uniqueIssues } from "../../model/error";
import type { Observation } from "../../model/observation";
import type { HostAddress } from "../../ssh/address";
import { asFailures } from "../border";
import { carrierWarnings } from "../carrier";
import { type CheckedLink, checkProblems, prefetchPrograms, previewChecks } from "../checks";
import type { ProviderContext } from "../context";
import { differenceOf } from "../diff";
import { digest } from "../inputs";
import { clean } from "../outputs";
import { knownInputs } from "../planning";
import type { ResourceType } from "../resource-type";
import { hostOf, secretsOf, withholdSecrets, withoutSecretPaths } from "../secrets";
import { type Request, validate, declare } from "./request";
import { plan } from "./plan";
import { type Report, reportUnseen, reportPlan } from "./report";

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
  const stated = (report.failures ?? []).map((one) => ({
    ...one,
    property: type.statedAt(news, one.property),
  }));
  const failures = uniqueIssues(withoutSecretPaths(stated, secrets));
  const drift = Object.entries(report.drift ?? {}).map(([property, text]) => [property, redact(text)]);
  const notices = report.notices?.map((notice) =>
    typeof notice === "string" ? redact(notice) : { ...notice, text: redact(notice.text) },
  );
  const inputs =
    drift.length === 0 ? request.inputs : { ...request.inputs, drift: Object.fromEntries(drift) as Json };
  applyEffects(context, type, request, inputs, { ...report, ...(notices ? { notices } : {}) }, seen);
  if (failures.length === 0) return { inputs: clean(inputs) };
  return {
    inputs: clean(inputs),
    failures: asFailures(failures, redact),
  };
}

/** The observation, or why the host cannot be observed. */
async function observe(host: ManagedHost): Promise<Observation | MacvlanError> {
  try {
    return await host.observe();
  } catch (error) {
    return codedError(error);
  }
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
  const carriers = await carrierWarnings(
    context,
    targets.map(({ known }) => known),
    seen,
  );
  const links = targets.flatMap(({ member: { path, props }, known }): CheckedLink[] =>
    known.checks === undefined ? [] : [{ known, inputs: props, path }],
  );
  const issues = (await Promise.all(links.map((link) => checkProblems(context, link, seen)))).flat();
  if (!isPreview || issues.length > 0) return { issues, notices: carriers };
  const lines = await Promise.all(links.map((link) => previewChecks(context, resource, link, seen)));
  return { issues, notices: [...carriers, ...lines.flat()] };
}

function withChecks(report: Report, { issues, notices }: Examined): Report {
  const failures = [...(report.failures ?? []), ...issues];
  return {
    ...report,
    notices: [...(report.notices ?? []), ...notices],
    ...(failures.length > 0 ? { failures } : {}),
  };
}

/** All that a check changes in the run, except the declaration before its first await. */
function applyEffects(
  { links, claims, diagnostics, fleet, rollout }: ProviderContext,
  type: ResourceType,
  { resource, isPreview, previous, host }: Request,
  inputs: Json,
  { claims: own = [], notices = [], replaced = [], differs, failures = [] }: Report,
  seen: Observation | MacvlanError | undefined,
): void {
  const unseen = seen instanceof MacvlanError ? seen : undefined;
  const state = seen instanceof MacvlanError ? undefined : seen?.state;
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
    // what it has on its old host is not deleted for a new one that cannot be made
    if (unseen) links.holdBack(resource, unseen);
  }
  // the engine will not change this resource: the host's batch need not wait for it
  if (host && !changes) fleet.managedHost(host).withdraw(resource);
}
