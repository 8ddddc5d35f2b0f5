import { type CheckOutcome, blocks } from "../model/checks";
import { remedyFor } from "../iproute2/advice";
import type { Difference } from "../model/difference";
import { MacvlanError, reasonOf } from "../model/error";
import { printable, quotedEnd } from "../model/outside-text";
import { describeDifference } from "../model/secret-parts";
import type { CommandResult } from "../ssh/connection";
import type { Applied } from "./change-script";
import type { Unconfirmed } from "./commit-confirm";

/** A step failed. `left` lists what the undo has not restored. */
export function changeFailed(
  resource: string,
  host: string,
  failed: Extract<Applied, { outcome: "failed" }>,
  left: readonly Difference[],
): MacvlanError {
  const printed = failed.printed === "" ? "printed nothing" : `printed: ${oneLine(failed.printed)}`;
  const remedy = remedyFor(failed.command, failed.printed);
  return new MacvlanError(
    "change-failed",
    [
      `${resource} on ${host}: "${failed.command}" failed (exit ${failed.code}) and ${printed}.`,
      ...(remedy === undefined ? [] : [remedy]),
      undone(left, failed.undoPrinted),
      ...(left.length > 0 ? ['The next "pulumi up" tries the undo again before anything else.'] : []),
    ].join(" "),
    {
      host,
      resource,
      command: failed.command,
      exitCode: failed.code,
      output: failed.printed,
      remaining: left,
    },
  );
}

/** A check did not pass. `left` lists what the undo has not restored; undefined if nothing was changed. */
export function checksFailed(
  resource: string,
  host: string,
  outcomes: readonly CheckOutcome[],
  left: readonly Difference[] | undefined,
  undoPrinted = "",
): MacvlanError {
  const failed = outcomes.filter(blocks);
  const [first] = failed;
  const advice = [...new Set(failed.flatMap(({ check }) => check.advice ?? []))];
  return new MacvlanError(
    "check-failed",
    [
      `${resource} on ${host}: ${failed.map(describeFailure).join("; ")}.`,
      ...advice.map((text) => `${text}.`),
      left === undefined ? "Nothing was changed." : undone(left, undoPrinted),
      ...(left && left.length > 0 ? ['The next "pulumi up" tries the undo again before anything else.'] : []),
    ].join(" "),
    {
      host,
      resource,
      ...(first === undefined || first.check.isSecret ? {} : { output: first.answer }),
      ...(left === undefined ? {} : { remaining: left }),
    },
  );
}

/** `the check "ping 192.0.2.1" (checks[0]) of web failed: tried 9 times in 10 s; the last answer: …` */
export function describeFailure({ check, tries, answer }: CheckOutcome): string {
  const { label, path, of, within, isSecret } = check;
  const tried = `tried ${tries === 1 ? "once" : `${tries} times`} in ${within} s`;
  const said = isSecret
    ? "its answer is not shown, because the check is a secret"
    : answer.trim() === ""
      ? "without an answer"
      : `the last answer: ${quotedEnd(answer)}`;
  return `the check "${label}" (${path}) of ${of} failed: ${tried}; ${said}`;
}

/** All steps succeeded, but reading back shows that the host has not changed accordingly. */
export function changeIgnored(
  resource: string,
  host: string,
  missing: readonly Difference[],
  left: readonly Difference[],
): MacvlanError {
  return new MacvlanError(
    "change-ignored",
    `${resource} on ${host}: all commands succeeded, but the host still differs: ${describeDifferences(missing)}. The kernel ignores the ` +
      `change, or another program on the host (NetworkManager, systemd-networkd, …) reverts it. ${undone(left, "")}`,
    { host, resource, remaining: left },
  );
}

/** A change worked, and was rolled back with the others of its wave. */
export function changeWithdrawn(
  resource: string,
  host: string,
  why: string,
  left: readonly Difference[],
): MacvlanError {
  const text = `${resource} on ${host}: the change worked and was rolled back, as ${why}. ${undone(left, "")}`;
  return new MacvlanError("rollout-undone", text, { host, resource, remaining: left });
}

/** A change has cut its own connection. `left` is undefined if the host has not answered since. */
export function changeUnconfirmed(
  resource: string,
  host: string,
  { link, command, confirmTimeout, reason }: Unconfirmed,
  left: readonly Difference[] | undefined,
): MacvlanError {
  const why = reason === undefined ? "the host did not answer in time" : oneLine(reason);
  const end =
    left === undefined
      ? `The host rolls the change back by itself, but has not answered since. Check ${link} on the host's console.`
      : `The host rolled the change back. ${undone(left, "")} Connect to the host through a link that this change does ` +
        `not affect. If new connections to the host just take longer than that, raise its confirmTimeout.`;
  return new MacvlanError(
    "change-unconfirmed",
    `${resource} on ${host}: "${command}" changes ${link}, which carries the SSH connection, and afterwards no new ` +
      `connection confirmed the change within ${confirmTimeout} s: ${why}. ${end}`,
    { host, resource, command, ...(left === undefined ? {} : { remaining: left }) },
  );
}

export function changeLocked(resource: string, host: string, printed: string): MacvlanError {
  const holder = printed === "" ? "" : ` (${oneLine(printed)})`;
  return new MacvlanError(
    "host-locked",
    `${resource} on ${host}: another change of this host was in progress all the time${holder}. Nothing was touched. ` +
      'Run "pulumi up" again when the other change has ended.',
    { host, resource, output: printed },
  );
}

/** Each time the change was planned, the host changed before the change could begin. */
export function changeStale(resource: string, host: string): MacvlanError {
  return new MacvlanError(
    "host-changing",
    `${resource} on ${host}: another program keeps changing the links that this change needs, so that each plan was ` +
      'out of date before it began. Nothing was touched. Find that program ("ip monitor link" shows what changes), and run "pulumi up" again.',
    { host, resource },
  );
}

/**
 * The undo of an interrupted change was tried again before this change, and failed again. It is not tried a third time.
 */
export function undoFailed(resource: string, host: string, printed: string): string {
  return (
    `${resource} on ${host}: an earlier change could not be undone completely. The undo was tried once more, and printed: ` +
    `${oneLine(printed)}. It will not be tried again. Check the links in this output, and repair them if they are not as they should be.`
  );
}

/** The connection ended while the script ran. The host completes or undoes the change by itself. */
export function changeUnknown(resource: string, host: string, why: string): MacvlanError {
  return new MacvlanError(
    "change-unknown",
    `${resource} on ${host}: ${oneLine(why)}. The host completes or undoes the change by itself. Run "pulumi up" ` +
      "again: it reads the host and continues from there.",
    { host, resource },
  );
}

export function unreadable(host: string, result: CommandResult, cause: unknown): MacvlanError {
  const why = reasonOf(cause);
  const printed = oneLine(result.stderr || result.stdout).slice(0, 300);
  const code = result.code === null ? "was killed" : `exited with ${result.code}`;
  return new MacvlanError(
    "host-unreadable",
    `cannot read ${host}: ${why}. The script ${code}${printed === "" ? "" : ` and printed: ${printed}`}. ` +
      'Check that a plain "ssh HOST ip -j address" works.',
    { host, output: printed, ...(result.code === null ? {} : { exitCode: result.code }) },
    { cause },
  );
}

/** The run was interrupted, and the host had not answered yet. */
export function readingInterrupted(host: string): MacvlanError {
  return new MacvlanError(
    "interrupted",
    `the run was interrupted before ${host} had answered. Nothing was touched there`,
    { host },
  );
}

/** The run was interrupted, and the change had not begun. */
export function changeInterrupted(resource: string, host: string): MacvlanError {
  return new MacvlanError(
    "interrupted",
    `${resource} on ${host}: the run was interrupted before the change had begun. Nothing was touched`,
    { host, resource },
  );
}

/** `mtu: found 1400, wanted 1500; addresses: found none, wanted 192.0.2.1/24`; `alias: differs` for a secret */
export function describeDifferences(list: readonly Difference[]): string {
  return list
    .map((d) =>
      d.property === "name" && d.found === "none"
        ? "the link is missing"
        : `${d.property}: ${describeDifference(d)}`,
    )
    .join("; ");
}

function undone(left: readonly Difference[], undoPrinted: string): string {
  if (left.length === 0) return "Everything was undone: the host is as it was.";
  const printed = undoPrinted === "" ? "" : ` The undo printed: ${oneLine(undoPrinted)}.`;
  return `Some of it could not be undone: ${describeDifferences(left)}.${printed}`;
}

/** The most characters that are quoted of a host's output: its beginning and its end. */
const LONGEST_QUOTE = 2000;

function oneLine(text: string): string {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const shown = printable(lines.join(" / "), LONGEST_QUOTE);
  return shown.endsWith(".") ? shown.slice(0, -1) : shown;
}
