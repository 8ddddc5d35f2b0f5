/**
 * The client's side of commit-confirm: a change that could cut its own connection is confirmed over a new one, or not
 * at all. See `watchdog.ts` for the host's side.
 */
import { reasonOf } from "../model/error";
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { describeStep } from "../iproute2/commands";
import type { Observation } from "../model/observation";
import { type PlannedStep, hasSecret } from "../model/steps";
import type { DisruptiveStep } from "../plan/management-path";
import { newMarker, sections } from "../shell/quote";
import { DEFAULT_COMMAND_TIMEOUT, DEFAULT_CONFIRM_TIMEOUT } from "../ssh/address";
import { type Connection, ConnectionLost, SshError } from "../ssh/connection";
import { type Applied, applyScript, parseApplied } from "./change-script";
import { parseObservation } from "./observe";
import { type Confirmation, confirmScript } from "./watchdog";

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

/** A change that could cut its own connection. */
export interface WatchedChange {
  readonly steps: readonly PlannedStep[];
  /** For the trace. */
  readonly description: string;
  readonly disruptive: DisruptiveStep;
  /** The observation that the steps were planned from. */
  readonly now: Observation;
}

/** The outcome of a watched change, and the connection that works now. */
export interface WatchedOutcome {
  readonly applied: Applied | Unconfirmed;
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
  { steps, description, disruptive, now }: WatchedChange,
): Promise<WatchedOutcome> {
  const { portTool } = now.facts;
  const { commandTimeout = DEFAULT_COMMAND_TIMEOUT, confirmTimeout = DEFAULT_CONFIRM_TIMEOUT } =
    connection.host;
  const token = randomBytes(8).toString("hex");
  const marker = newMarker();
  const confirm = { token, timeout: confirmTimeout };
  const script = applyScript(steps, portTool, marker, { commandTimeout, confirm }, now);
  let answer: Applied | undefined;
  let failure: Error | undefined;
  const answered = connection
    .run(script, { description, isSecret: hasSecret(steps) })
    .then(({ stdout }) => {
      answer = parseApplied(stdout, marker, steps, now.facts);
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
  const until = performance.now() + (commandTimeout + confirmTimeout) * 1000;
  while (performance.now() < until) {
    const applied = final();
    if (applied) return { applied, connection };
    const another = await openAnother().catch((error: unknown) => {
      reason = reasonOf(error);
      return undefined;
    });
    const told = another && (await ask(another, token, waits).catch(() => undefined));
    if (another && told?.confirmation === "confirmed") {
      void connection.close();
      return { applied: { outcome: "done", after: told.after }, connection: another };
    }
    if (another && told?.confirmation === "gone") {
      // undone by the watchdog, or by the script itself, whose output is then about to arrive
      await Promise.race([answered, sleep(RETRY_MS)]);
      void connection.close();
      return { applied: final() ?? unconfirmed(told.after), connection: another };
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

/** Whether an error is typical of a connection that was cut: it is lost, or nothing arrives any more. */
function mayBeDisrupted(error: Error): boolean {
  const isSilent = error instanceof SshError && error.kind === "commandTimeout";
  return isSilent || (error instanceof ConnectionLost && error.started);
}

async function ask(
  connection: Connection,
  token: string,
  decide: boolean,
): Promise<{ confirmation: Confirmation; after: Observation }> {
  const marker = newMarker();
  const description = decide ? "confirm the change" : "see whether the change is complete";
  const { stdout } = await connection.run(confirmScript(token, decide, marker), {
    description,
    timeout: ASK_SECONDS,
  });
  const said = sections(stdout, marker).find((s) => s.name.startsWith("confirmation "));
  return {
    confirmation: said?.name.slice("confirmation ".length) as Confirmation,
    after: parseObservation(stdout, marker),
  };
}
