/**
 * The client's side of commit-confirm: a change that could cut its own connection is confirmed over a new one, or not
 * at all. See `watchdog.ts` for the host's side.
 */
import { type CheckOutcome, blocks } from "../model/checks";
import { reasonOf } from "../model/error";
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { describeStep } from "../iproute2/commands";
import type { Observation } from "../model/observation";
import { type PlannedStep, hasSecret } from "../model/steps";
import type { DisruptiveStep } from "../plan/management-path";
import { newMarker, sections } from "../shell/quote";
import { DEFAULT_COMMAND_TIMEOUT, DEFAULT_CONFIRM_TIMEOUT } from "../ssh/address";
import { type Connection, ConnectionLost, type RunOptions, SshError } from "../ssh/connection";
import { type Applied, applyScript, parseApplied } from "./change-script";
import { type ScriptChecks, holdsSecret, parseOutcomes, secondsOf } from "./checks";
import { parseObservation } from "./observe";
import { type Confirmation, confirmScript, rejectScript } from "./watchdog";

/** A change that was not confirmed. */
export interface Unconfirmed {
  readonly outcome: "unconfirmed";
  /** The command that could cut the connection, and the link of the management path that it changes. */
  readonly command: string;
  readonly link: string;
  /** Seconds that the host waited. */
  readonly confirmTimeout: number;
  /** Why the last attempt to open a new connection failed; undefined if the host answered too late. */
  readonly reason: string | undefined;
  /** The host after it rolled the change back; undefined if it has not answered since. */
  readonly after: Observation | undefined;
}

/** Milliseconds without an answer of the script, after which a new connection checks the change. */
const PATIENCE_MS = 5000;
const RETRY_MS = 1000;
/** Seconds for the script that checks whether the change is complete: it only reads, or renames a file. */
const ASK_SECONDS = 10;

/** A change that waits to be confirmed. */
export interface ProvenChange {
  readonly steps: readonly PlannedStep[];
  /** For the trace. */
  readonly description: string;
  /** The observation that the steps were planned from. */
  readonly now: Observation;
  /** Those that the host itself runs. */
  readonly checks: ScriptChecks;
  /** Those that other hosts run, once the change is complete. Absent if there are none. */
  readonly elsewhere?: Elsewhere;
  /** What the complete and checked change waits for. Absent if it is for nothing. */
  readonly hold?: Hold;
}

/** Holds a complete change unconfirmed until other hosts have been changed as well. */
export interface Hold {
  /** The most seconds that it takes. */
  readonly seconds: number;
  /** @returns why the change is to be rolled back; undefined if it stays */
  readonly run: (after: Observation) => Promise<string | undefined>;
}

/** A change that worked, and was rolled back because of other hosts. */
export interface Withdrawn {
  readonly outcome: "withdrawn";
  readonly why: string;
  readonly after: Observation;
}

/** A change that could cut its own connection. */
export interface WatchedChange extends ProvenChange {
  readonly disruptive: DisruptiveStep;
}

/** The checks of a change that other hosts run. */
export interface Elsewhere {
  /** The most seconds that they take. */
  readonly seconds: number;
  readonly run: (after: Observation) => Promise<readonly CheckOutcome[]>;
}

/** The outcome of a watched change, and the connection that works now. */
export interface WatchedOutcome {
  readonly applied: Applied | Unconfirmed | Withdrawn;
  readonly connection: Connection;
}

/**
 * Applies a change under the host's watchdog and confirms it over a connection that was opened after its last step.
 *
 * @throws SshError if the script was never started or did not end in time
 */
export async function applyWatched(
  connection: Connection,
  openAnother: () => Promise<Connection>,
  change: WatchedChange,
): Promise<WatchedOutcome> {
  const { disruptive, now, checks, elsewhere, hold } = change;
  const { portTool } = now.facts;
  const { token, script, parse, options, confirmTimeout, seconds } = waitingScript(connection, change);
  let answer: Applied | undefined;
  const printed = (): readonly CheckOutcome[] =>
    (answer && "checks" in answer ? answer.checks : undefined) ?? [];
  let failure: Error | undefined;
  const answered = connection
    .run(script, options)
    .then(({ stdout }) => {
      answer = parse(stdout);
    })
    .catch((error: unknown) => {
      failure = error instanceof Error ? error : new Error(String(error));
    });
  let waits = false;
  let hasBegun = false;
  let reason: string | undefined;
  const unconfirmed = (after: Observation | undefined): Unconfirmed => ({
    outcome: "unconfirmed",
    command: describeStep(disruptive.step, portTool),
    link: disruptive.link,
    confirmTimeout,
    reason,
    after,
  });
  /** The outcome from the script itself; undefined while it waits or if the connection is lost. */
  const final = (): Applied | undefined => {
    if (failure !== undefined && !mayBeDisrupted(failure)) throw failure;
    waits ||= answer?.outcome === "pending";
    return answer?.outcome === "pending" ? undefined : answer;
  };
  await Promise.race([answered, sleep(PATIENCE_MS)]);
  // by then the host has decided, and has had some time to become reachable again
  const until = performance.now() + seconds * 1000;
  const hasChecks = checks.checks.length > 0;
  let proof: readonly CheckOutcome[] | undefined;
  while (performance.now() < until) {
    const applied = final();
    if (applied) return { applied, connection };
    const another = await openAnother().catch((error: unknown) => {
      reason = reasonOf(error);
      return undefined;
    });
    // a change is confirmed when the other hosts have answered
    const mayDecide = waits && ((elsewhere === undefined && hold === undefined) || proof !== undefined);
    const told = another && (await ask(another, token, mayDecide, checks).catch(() => undefined));
    if (another && told?.confirmation === "pending" && waits && !mayDecide) {
      proof = (await elsewhere?.run(told.after)) ?? [];
      const why = proof.some(blocks) ? undefined : await hold?.run(told.after);
      if (!proof.some(blocks) && why === undefined) {
        await another.close();
        continue;
      }
      const { after } = await reject(another, token);
      void connection.close();
      if (why !== undefined) return { applied: { outcome: "withdrawn", why, after }, connection: another };
      const all = [...(told.checks ?? []), ...proof];
      return { applied: { outcome: "disproved", checks: all, undoPrinted: "", after }, connection: another };
    }
    if (another && told?.confirmation === "confirmed") {
      void connection.close();
      const all = [...(told.checks ?? printed()), ...(proof ?? [])];
      const outcome = all.length === 0 ? {} : { checks: all };
      return { applied: { outcome: "done", after: told.after, ...outcome }, connection: another };
    }
    if (another && told?.confirmation === "gone") {
      // undone by the watchdog, or by the script itself, whose output is then about to arrive
      await Promise.race([answered, sleep(RETRY_MS)]);
      void connection.close();
      const disproved =
        hasChecks && told.checks?.some(blocks) === true
          ? { outcome: "disproved" as const, checks: told.checks, undoPrinted: "", after: told.after }
          : undefined;
      return { applied: final() ?? disproved ?? unconfirmed(told.after), connection: another };
    }
    await another?.close();
    // a connection that was opened before the last step proves nothing: the next one confirms
    if (told?.confirmation === "pending") waits = true;
    else await sleep(RETRY_MS);
    hasBegun ||= told !== undefined;
  }
  if (failure instanceof SshError && !hasBegun) throw failure;
  return { applied: unconfirmed(undefined), connection };
}

/**
 * Applies a change that does not touch its own connection, and confirms it over the same one when other hosts have
 * answered or been changed. Without a confirmation the host rolls it back by itself.
 *
 * @throws SshError, ConnectionLost
 */
export async function applyProven(
  connection: Connection,
  change: ProvenChange,
): Promise<Applied | Withdrawn> {
  const { checks, elsewhere, hold } = change;
  const { token, script, parse, options } = waitingScript(connection, change);
  const { stdout } = await connection.run(script, options);
  const applied = parse(stdout);
  if (applied.outcome !== "pending") return applied;
  const proof = (await elsewhere?.run(applied.after)) ?? [];
  const all = [...(applied.checks ?? []), ...proof];
  if (proof.some(blocks)) {
    const { after } = await reject(connection, token);
    return { outcome: "disproved", checks: all, undoPrinted: "", after };
  }
  const why = await hold?.run(applied.after);
  if (why !== undefined) return { outcome: "withdrawn", why, after: (await reject(connection, token)).after };
  const { confirmation, after } = await ask(connection, token, true, checks);
  if (confirmation === "confirmed") return { outcome: "done", after, checks: all };
  throw new ConnectionLost(
    connection.label,
    `${connection.label}: the change was rolled back before the other hosts were ready`,
    true,
  );
}

/** The script of a change that waits to be confirmed. */
function waitingScript(
  { host }: Connection,
  { steps, description, now, checks, elsewhere, hold }: ProvenChange,
): {
  readonly token: string;
  readonly script: string;
  readonly parse: (stdout: string) => Applied;
  readonly options: RunOptions;
  readonly confirmTimeout: number;
  /** The most that it may take, with its confirmation. */
  readonly seconds: number;
} {
  const { commandTimeout = DEFAULT_COMMAND_TIMEOUT, confirmTimeout = DEFAULT_CONFIRM_TIMEOUT } = host;
  const token = randomBytes(8).toString("hex");
  const marker = newMarker();
  const { portTool } = now.facts;
  const timeout = confirmTimeout + (elsewhere?.seconds ?? 0) + (hold?.seconds ?? 0);
  const watch = { commandTimeout, confirm: { token, timeout } };
  const most = commandTimeout + secondsOf(checks.checks);
  const isSecret = hasSecret(steps) || holdsSecret(checks.checks);
  return {
    token,
    script: applyScript(steps, portTool, marker, watch, now, checks),
    parse: (stdout) => parseApplied(stdout, marker, steps, now.facts, checks),
    options: { description, isSecret, ...(checks.checks.length === 0 ? {} : { timeout: most }) },
    confirmTimeout,
    seconds: most + timeout,
  };
}

/** Whether an error is typical of a connection that was cut: it is lost, or nothing arrives any more. */
function mayBeDisrupted(error: Error): boolean {
  const isSilent = error instanceof SshError && error.kind === "commandTimeout";
  return isSilent || (error instanceof ConnectionLost && error.started);
}

/** What a host says of a change that waits. */
interface Answer {
  readonly confirmation: Confirmation;
  readonly after: Observation;
  readonly checks?: readonly CheckOutcome[];
}

async function ask(
  connection: Connection,
  token: string,
  decide: boolean,
  { checks }: ScriptChecks,
): Promise<Answer> {
  const marker = newMarker();
  const description = decide ? "confirm the change" : "see whether the change is complete";
  const script = confirmScript(token, decide, marker, checks.length > 0);
  const { stdout } = await connection.run(script, { description, timeout: ASK_SECONDS });
  const outcomes = parseOutcomes(stdout, marker, checks);
  return { ...answerIn(stdout, marker), ...(outcomes ? { checks: outcomes } : {}) };
}

/** Has the host roll the change back now, and waits until it has. */
async function reject(connection: Connection, token: string): Promise<Answer> {
  const marker = newMarker();
  const description = "have the change rolled back";
  const { stdout } = await connection.run(rejectScript(token, marker), { description });
  return answerIn(stdout, marker);
}

function answerIn(stdout: string, marker: string): Answer {
  const said = sections(stdout, marker).find((s) => s.name.startsWith("confirmation "));
  return {
    confirmation: said?.name.slice("confirmation ".length) as Confirmation,
    after: parseObservation(stdout, marker),
  };
}
