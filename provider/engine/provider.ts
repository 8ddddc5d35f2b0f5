/**
 * What the engine calls. The state of every stack names this module (`require("pulumi-macvlan/provider")`), now and
 * for ever: its path and the export `providers` never change.
 *
 * All five operations are thin uses of one plan: `check` shows what differs on the host, `diff` says so, `create`,
 * `update` and `delete` carry the plan out, and `read` tells what is there.
 */
import type { dynamic } from "@pulumi/pulumi";
import { DEFAULT_CONFIRM_TIMEOUT, type HostAddress } from "../host/address";
import { describeStep } from "../host/apply";
import { describeDifferences } from "../host/errors";
import type { Observation } from "../host/observation";
import type { WantedPlan } from "../host/change";
import type { Session } from "../host/session";
import { type AnyKind, KINDS } from "../kinds";
import { linkId, unwanted } from "../kinds/common";
import type { CommonInputs, Issue, Json, View } from "../kinds/kind";
import { cuttingStep } from "../plan/lifeline";
import { type LinkId, type Wanted, findLink, recordOf } from "../plan/model";
import type { Difference } from "../plan/differences";
import { plan } from "../plan/plan";
import { isPersisted, wantedWithBoot, withoutBoot } from "./boot";
import { checkInputs, digest, sameHost, visibleInputs } from "./inputs";
import { kernelTraits } from "./kernel";
import { leaseBook } from "./lease-book";
import { configureRun, currentRun } from "./run";
import { isUnknown } from "./unknown";

/** One provider a kind, by the name of its resource class, and the networks' memory. */
export const providers: Readonly<Record<string, dynamic.ResourceProvider>> = {
  ...Object.fromEntries(Object.entries(KINDS).map(([name, kind]) => [name, providerFor(kind)])),
  LeaseBook: leaseBook,
};

function providerFor(kind: AnyKind): dynamic.ResourceProvider {
  return {
    // without an await in it: the SDK calls the other methods before an asynchronous configure has ended
    configure: ({ config }) => {
      configureRun((key) => config.get(key));
      return Promise.resolve();
    },
    check: async (olds: Json, news: Json) => check(kind, olds, news),
    diff: (_id: string, olds: Json, news: Json) => Promise.resolve(diff(kind, olds, news)),
    create: async (inputs: Json) => create(kind, inputs),
    read: async (id: string, props?: Json) => read(kind, id, props ?? {}),
    update: async (_id: string, olds: Json, news: Json) => ({
      outs: await bringAbout(kind, news, olds),
    }),
    delete: async (_id: string, props: Json) => remove(kind, props),
  };
}

async function check(kind: AnyKind, olds: Json, news: Json): Promise<dynamic.CheckResult> {
  const before = Object.keys(olds).length === 0 ? undefined : olds;
  const { inputs, issues, unknown } = checkInputs(kind, news, before);
  if (issues.length > 0) return failed(inputs, issues);
  if (kind.identifying.some((property) => unknown.includes(property))) return { inputs: clean(inputs) };
  const known = knownInputs(inputs, unknown);
  const run = currentRun();
  const twin = run.declare(known, identityOf(inputs));
  if (twin !== undefined) {
    return failed(inputs, [
      {
        property: "name",
        reason: `the resource "${twin}" of this stack has the same link of the same host already`,
      },
    ]);
  }
  const session = run.fleet.session(known.host);
  const now = await look(session);
  const stays = before !== undefined && sameHost(before["host"], known.host);
  if (typeof now === "string") {
    if (news["__preview"] === true && !continuesOnError()) {
      return failed(inputs, [{ property: "host", reason: now }]);
    }
    console.error(now);
    return { inputs: clean({ ...inputs, ...(stays ? { drift: { host: "found none that answers" } } : {}) }) };
  }
  const view = viewOf(inputs, known, now, stays ? before : undefined);
  // what a change that was cut off has left half-way is taken back before anything else is planned
  const problems = now.interrupted ? [] : kind.problems(known, view);
  if (problems.length > 0) {
    return failed(
      inputs,
      problems.map((p) => ({ ...p, reason: `${p.reason} [${session.label}]` })),
    );
  }
  const next = planFor(kind, known, view);
  if (!now.interrupted) warnOfCut(session.label, known, now, next);
  const drift = !stays ? [] : now.interrupted ? [CUT_OFF] : driftOf(kind, before, known, view, next);
  if (drift.length === 0) return { inputs: clean(inputs) };
  // a line for those who read no property: the engine shows it as a diagnostic of the stack
  console.error(`drift on ${session.label}: ${known.name}: ${describeDifferences(drift)}`);
  const shown = Object.fromEntries(drift.map((d) => [d.property, `found ${d.found}, wanted ${d.wanted}`]));
  return { inputs: clean({ ...inputs, drift: shown }) };
}

/**
 * What the host does not have as the last run left it, and is to have: what the program itself changes now is no
 * drift, nor what follows from that.
 */
function driftOf(
  kind: AnyKind,
  before: Json,
  known: CommonInputs,
  view: View,
  next: WantedPlan,
): Difference[] {
  const changed = (d: Difference): boolean => {
    const property = d.property.split(/[.[]/)[0] ?? "";
    const given = (known as unknown as Json)[property];
    return given !== undefined && digest({ given }) !== digest({ given: before[property] });
  };
  const left = planFor(kind, knownInputs(before, []), view).differences;
  return next.differences.filter((d) => left.some((l) => l.property === d.property) && !changed(d));
}

/** Says beforehand what is going to be confirmed over a new connection. */
function warnOfCut(host: string, known: CommonInputs, now: Observation, next: WantedPlan): void {
  const steps = next.steps.map(({ step }) => step);
  const cut = cuttingStep(now.state, now.lifeline, steps);
  if (!cut) return;
  const { confirmTimeout = DEFAULT_CONFIRM_TIMEOUT } = known.host;
  console.error(
    `${known.name} on ${host}: "${describeStep(cut.step, now.facts.portTool)}" changes ${cut.link}, which carries the ` +
      `SSH connection: the host takes the change back unless a new connection confirms it within ${confirmTimeout} s.`,
  );
}

/** Nobody's property, and yet the next run has to take it back. */
const CUT_OFF: Difference = { property: "host", wanted: "none", found: "a change that was cut off half-way" };

function diff(kind: AnyKind, olds: Json, news: Json): dynamic.DiffResult {
  const identity = ["host", "name", "parent", "mode"].some((p) => isUnknown(news[p]));
  const moved = isUnknown(news["host"]) || sameHost(olds["host"], news["host"]) ? [] : ["host"];
  const replaces = identity
    ? moved
    : [...moved, ...kind.replaces(olds as unknown as CommonInputs, news as unknown as CommonInputs)];
  const changes =
    replaces.length > 0 ||
    news["drift"] !== undefined ||
    isUnknown(visibleInputs(news)) ||
    isChanged(olds, news);
  // two links cannot have one name: the old one has to go first
  return { changes, replaces, deleteBeforeReplace: true };
}

function isChanged(olds: Json, news: Json): boolean {
  return olds["__inputs"] !== digest(news) || olds["__owner"] !== news["__owner"];
}

async function create(kind: AnyKind, inputs: Json): Promise<dynamic.CreateResult> {
  const { address } = inputs["host"] as HostAddress;
  const outs = await bringAbout(kind, inputs, undefined);
  return { id: [address, inputs["netns"], inputs["name"]].filter(Boolean).join("/"), outs };
}

/** Makes the host have what the inputs say, and tells what it then has. */
async function bringAbout(kind: AnyKind, inputs: Json, before: Json | undefined): Promise<Json> {
  const known = knownInputs(inputs, []);
  const session = currentRun().fleet.session(known.host);
  const name = `${kind.type} "${String(inputs["__resource"])}"`;
  const after = await session.change(name, (now) => {
    const view = viewOf(inputs, known, now, before);
    // after a change the link is there under its new name, and nothing is left of the former place
    const problems = kind.problems(known, view);
    if (problems.length > 0) {
      throw new Error(
        `${name} on ${session.label}: ${problems.map((p) => `${p.property}: ${p.reason}`).join("; ")}. Nothing was touched.`,
      );
    }
    return planFor(kind, known, view);
  });
  return clean(outputsOf(kind, inputs, known, after));
}

async function read(kind: AnyKind, id: string, props: Json): Promise<dynamic.ReadResult> {
  const managed = new Set((props["__managed"] as string[] | undefined) ?? []);
  const given = Object.fromEntries(
    Object.entries(props).filter(([key]) => managed.has(key) || key === "host" || key === "name"),
  );
  const known = given as unknown as CommonInputs;
  const now = await currentRun().fleet.session(known.host).look();
  const link = findLink(now.state, linkId(known));
  const record = recordOf(now.state, linkId(known));
  const isTaken = record !== undefined && record.owner !== props["__owner"];
  if (!link || isTaken || link.kind !== kindWord(kind, known, now, props)) return {};
  const persist = isPersisted(kind, known, viewOf(props, known, now, undefined));
  const found = {
    ...given,
    ...kind.found(known, now),
    ...(known.persist === undefined ? {} : { persist }),
  };
  const label = kind.label(found as unknown as CommonInputs);
  const inputs = { ...found, label, ...hiddenOf(props) };
  return {
    id,
    inputs: clean(inputs),
    props: clean(outputsOf(kind, inputs, found as unknown as CommonInputs, now)),
  };
}

/** The link's kind in iproute2's word, as the resource wants it. */
function kindWord(kind: AnyKind, known: CommonInputs, now: Observation, props: Json): string {
  const wanted = kind.wanted(known, viewOf(props, known, now, props));
  return wanted.links.find((l) => l.kind !== undefined)?.kind ?? "";
}

async function remove(kind: AnyKind, props: Json): Promise<void> {
  const known = knownInputs(props, []);
  const session = currentRun().fleet.session(known.host);
  const name = `${kind.type} "${String(props["__resource"])}"`;
  await session.change(name, (now) => {
    const view = viewOf(props, known, now, undefined);
    return planned({ ...unwanted(known, view), boot: withoutBoot(known, view) }, now);
  });
}

function planFor(kind: AnyKind, inputs: CommonInputs, view: View): WantedPlan {
  return planned(wantedWithBoot(kind, inputs, view), view.observation);
}

function planned(wanted: Wanted, now: Observation): WantedPlan {
  return { ...plan(now.state, wanted, kernelTraits(now.facts.kernel)), wanted };
}

function viewOf(inputs: Json, known: CommonInputs, now: Observation, before: Json | undefined): View {
  const run = currentRun();
  return {
    ...identityOf(inputs),
    observation: now,
    ...(before === undefined ? {} : { previous: placeOf(before), before }),
    expected: (name) => run.isDeclared(known.host, { name, netns: "" }),
  };
}

function identityOf(inputs: Json): { owner: string; resource: string } {
  return { owner: String(inputs["__owner"]), resource: String(inputs["__resource"]) };
}

function placeOf(inputs: Json): LinkId {
  return { name: String(inputs["name"]), netns: typeof inputs["netns"] === "string" ? inputs["netns"] : "" };
}

/** What is known of the inputs, for the kind's own eyes: checked, without what we and the engine add. */
function knownInputs(inputs: Json, unknown: readonly string[]): CommonInputs {
  const known = Object.entries(visibleInputs(inputs)).filter(
    ([key, value]) => !unknown.includes(key) && !isUnknown(value) && key !== "label",
  );
  return Object.fromEntries(known) as unknown as CommonInputs;
}

/** Everything that the state keeps: the inputs, what the host has, and what later runs need to know. */
function outputsOf(kind: AnyKind, inputs: Json, known: CommonInputs, now: Observation): Json {
  const visible = visibleInputs(inputs);
  return {
    ...visible,
    ...kind.outputs(known, now),
    ...hiddenOf(inputs),
    __managed: Object.keys(visible).filter((key) => key !== "label"),
    __inputs: digest(inputs),
  };
}

function hiddenOf(inputs: Json): Json {
  return Object.fromEntries(["__owner", "__resource", "__derived"].map((key) => [key, inputs[key]]));
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
async function look(session: Session): Promise<Observation | string> {
  try {
    return await session.look();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function failed(inputs: Json, issues: readonly Issue[]): dynamic.CheckResult {
  return { inputs: clean(inputs), failures: issues.map((i) => ({ property: i.property, reason: i.reason })) };
}

/** Plain JSON: a single undefined would fail the call after the host was changed. */
function clean(value: Json): Record<string, unknown> {
  return JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
}
