import { remedyFor } from "../iproute2/advice";
import type { Difference } from "../model/difference";
import { MacvlanError, reasonOf } from "../model/error";
import { printable } from "../model/outside-text";
import type { CommandResult } from "../ssh/connection";
import type { Applied } from "./change-script";
import type { Unconfirmed } from "./commit-confirm";

/** A step failed. `left` is what the undo has not brought back. */
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
      ...(left.length > 0 ? ['The next "pulumi up" tries that again before anything else.'] : []),
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

/** All steps went through, and reading back shows that the host did not take them. */
export function changeIgnored(
  resource: string,
  host: string,
  missing: readonly Difference[],
  left: readonly Difference[],
): MacvlanError {
  return new MacvlanError(
    "change-ignored",
    `${resource} on ${host}: all commands succeeded, and yet ${describeDifferences(missing)}. The kernel ignores the ` +
      `change, or another program on the host (NetworkManager, systemd-networkd, …) takes it back. ${undone(left, "")}`,
    { host, resource, remaining: left },
  );
}

/** A change that could cut its own connection did. `left` is undefined where the host has not been seen since. */
export function changeUnconfirmed(
  resource: string,
  host: string,
  { link, command, confirmTimeout, reason }: Unconfirmed,
  left: readonly Difference[] | undefined,
): MacvlanError {
  const why = reason === undefined ? "the host did not answer in time" : oneLine(reason);
  const end =
    left === undefined
      ? `The host takes the change back by itself, but has not been reached since: look at ${link} on its console.`
      : `The host took the change back by itself. ${undone(left, "")} Reach the host by a link that this change does ` +
        `not touch, or, where a new connection only takes longer than that, raise confirmTimeout of the host.`;
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
    `${resource} on ${host}: another change of this host was under way all the time${holder}. Nothing was touched; ` +
      "run it again when the other one has ended.",
    { host, resource, output: printed },
  );
}

/** Each time that the change was planned, the host was another one when it was to begin. */
export function changeStale(resource: string, host: string): MacvlanError {
  return new MacvlanError(
    "host-changing",
    `${resource} on ${host}: another program keeps changing the links that this change is about, so that each plan was ` +
      "out of date before it began. Nothing was touched; see what it is (ip monitor link), and run it again.",
    { host, resource },
  );
}

/** What an earlier change has left was tried to undo before this one, and that failed again: it is not tried a third time. */
export function undoFailed(resource: string, host: string, printed: string): string {
  return (
    `${resource} on ${host}: what an earlier change has left was tried to undo once more, and that printed: ` +
    `${oneLine(printed)}. It is not tried again: look at the links that it names, unless there was nothing of them to undo.`
  );
}

/** The connection ended while the script ran: the host finishes or undoes it by itself. */
export function changeUnknown(resource: string, host: string, why: string): MacvlanError {
  return new MacvlanError(
    "change-unknown",
    `${resource} on ${host}: ${oneLine(why)}. The host completes or undoes the change by itself; run "pulumi up" ` +
      "again, which looks at the host and goes on from what is there.",
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

/** `mtu is 1400 and not 1500; addresses is none and not 192.0.2.1/24` */
export function describeDifferences(list: readonly Difference[]): string {
  return list
    .map((d) =>
      d.property === "name" && d.found === "none"
        ? "the link is not there"
        : `${d.property} is ${d.found} and not ${d.wanted}`,
    )
    .join("; ");
}

function undone(left: readonly Difference[], undoPrinted: string): string {
  if (left.length === 0) return "Everything was undone: the host is as it was.";
  const printed = undoPrinted === "" ? "" : ` The undo printed: ${oneLine(undoPrinted)}.`;
  return `Not all of it could be undone: ${describeDifferences(left)}.${printed}`;
}

/** What a host printed is quoted up to so many characters: its beginning and its end. */
const LONGEST_QUOTE = 2000;

function oneLine(text: string): string {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const shown = printable(lines.join(" / "), LONGEST_QUOTE);
  return shown.endsWith(".") ? shown.slice(0, -1) : shown;
}
