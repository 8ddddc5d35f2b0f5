/**
 * One change of a host as one script. It runs under a lock, saves its undo before anything is touched, runs the undo if
 * a step fails, and ends by printing the host's new state, so that no second read is needed.
 *
 * The undo is a file under /run until the change is complete. If the script is killed at any point, its watchdog rolls
 * the change back. If the watchdog is killed as well, the next change finds the file and does so first. The lock is the
 * kernel's (flock), or a link that names its holder, so that it never outlives the process that took it.
 */
import type { CheckOutcome } from "../model/checks";
import { type Command, commandsOf, describeCommand, shellWords, shownCommandsOf } from "../iproute2/commands";
import type { HostFacts, Observation, PortTool } from "../model/observation";
import type { OwnerMark } from "../model/owner";
import { openRedactor } from "../model/redact";
import type { PlannedStep, Step } from "../model/steps";
import { type Precondition, preconditions } from "../plan/preconditions";
import { RUN_DIRECTORY, shellScript, shellText } from "../shell/library";
import { commandLine, quote, sections } from "../shell/quote";
import { type ScriptChecks, outcomesIn, parseOutcomes, provingOf, secondsOf } from "./checks";
import { TruncatedOutput, observeFunction, parseObservation } from "./observe";
import type { Watch } from "./watchdog";

/** The outcome of a change. */
export type Applied =
  | { readonly outcome: "done"; readonly after: Observation; readonly checks?: readonly CheckOutcome[] }
  /** All steps went through, and the host takes them back unless they are confirmed. */
  | { readonly outcome: "pending"; readonly after: Observation; readonly checks?: readonly CheckOutcome[] }
  /** All steps went through, a check did not pass, and everything was rolled back. */
  | {
      readonly outcome: "disproved";
      readonly checks: readonly CheckOutcome[];
      /** What the undo printed if a part of it failed; otherwise empty. */
      readonly undoPrinted: string;
      readonly after: Observation;
    }
  /** A step failed and everything before it was rolled back. */
  | {
      readonly outcome: "failed";
      readonly command: string;
      readonly code: number;
      readonly printed: string;
      /** What the undo printed if a part of it failed; otherwise empty. */
      readonly undoPrinted: string;
      readonly after: Observation;
    }
  /** An earlier change had been interrupted: it was rolled back, and nothing else was done yet. */
  | {
      readonly outcome: "recovered";
      /** What an undo printed that failed again; empty if it had never been run before. */
      readonly undoPrinted: string;
      readonly after: Observation;
    }
  /** The host is no longer the observation that the steps were planned from: nothing was done. */
  | { readonly outcome: "stale"; readonly after: Observation }
  /** Another change held the lock all the time. */
  | { readonly outcome: "locked"; readonly printed: string };

/** The parts of an observation that a script compares with the host. */
export type PlannedFrom = Pick<Observation, "state" | "boots"> & {
  readonly facts: Pick<HostFacts, "machine">;
};

/** Commands that run as one: a single command, or consecutive `ip` commands as one `ip -batch`. */
interface Group {
  readonly commands: readonly Shown[];
  readonly undo: readonly Shown[];
}

/** A command with what people may see of it. */
interface Shown {
  readonly command: Command;
  readonly shown: Command;
}

/**
 * The script that makes a change. `marker` must be unguessable, so that names of links cannot forge sections.
 *
 * @param now the observation that the steps were planned from
 * @param checks what has to be true for the change to stay
 */
export function applyScript(
  steps: readonly PlannedStep[],
  portTool: PortTool,
  marker: string,
  watch: Watch,
  now: PlannedFrom,
  checks: ScriptChecks = NO_CHECKS,
): string {
  const groups = groupSteps(steps, portTool);
  const proving = provingOf(checks);
  const variables = {
    ...{ M: marker, PM_KNOWN: "1" },
    PM_TOKEN: watch.confirm?.token ?? "",
    PM_COMMAND_SECONDS: String(Math.ceil(watch.commandTimeout) + secondsOf(checks.checks)),
    PM_CONFIRM_SECONDS: String(Math.ceil(watch.confirm?.timeout ?? 0)),
    PM_WATCHDOG: shellText("holder", "watchdog"),
    ...proving?.variables,
  };
  return shellScript(
    variables,
    functionsFor(groups),
    underLock(),
    shellText("recover", "verify", "watch", "transaction"),
    proving?.functions ?? "",
    verify(steps, now),
    proving?.before ?? "",
    `pm_begin ${quote(undoFile(groups))}\n`,
    ...groups.map((group, i) => `pm_at ${i + 1}\n${runGroup(group, marker)}\n`),
    proving?.prove ?? "",
    watch.confirm ? "pm_pend\n" : "pm_commit\n",
    proving?.tell ?? "",
  );
}

const NO_CHECKS: ScriptChecks = { checks: [], programs: [] };

/** The script that rolls back a change that had succeeded, as if it had been interrupted at its very end. */
export function rollBackScript(steps: readonly PlannedStep[], portTool: PortTool, marker: string): string {
  const groups = groupSteps(steps, portTool);
  const undo = quote(undoFile(groups));
  return shellScript(
    { M: marker, PM_KNOWN: "1" },
    functionsFor(groups),
    underLock(),
    `[ -e "$D/undo" ] || { echo ${groups.length} > "$D/progress" && pm_keep undo ${undo}; }\n`,
    shellText("recover"),
  );
}

/** The script that forgets an undo that printed errors but left nothing to undo. */
export function forgetUndoScript(marker: string): string {
  return shellScript({ M: marker, PM_KNOWN: "1" }, underLock(), shellText("forget"));
}

/** Defines `pm_observe` and takes the lock. */
function underLock(): string {
  return observeFunction() + shellText("lock", "begin");
}

/** Ends the script if a precondition of the steps does not hold any more. */
function verify(steps: readonly PlannedStep[], { facts, state, boots }: PlannedFrom): string {
  const [bootId = ""] = facts.machine.split(" ");
  const lines = preconditions(steps, state).flatMap(verifyOne);
  return [["pm_still_booted", bootId, boots], ...lines].map((words) => `${commandLine(words)}\n`).join("");
}

function verifyOne(condition: Precondition): string[][] {
  if (condition.still === "netns") {
    const { name, mark, links } = condition;
    return [
      ["pm_still_netns", name, markText(mark)],
      ...(links === undefined ? [] : [["pm_still_alone", name, ...links]]),
    ];
  }
  if (condition.still === "unused") return [["pm_still_unused", condition.name, ...condition.links]];
  const { netns, name } = condition.link;
  if (condition.still === "absent") return [["pm_still_absent", netns, name]];
  const index = String(condition.ifIndex);
  const { mark, parentIndex = "" } = condition;
  return [
    ["pm_still_link", netns, name, index, String(parentIndex)],
    ...(mark === undefined
      ? []
      : mark === "none"
        ? [["pm_still_unmarked", netns, name, index]]
        : [["pm_still_marked", netns, name, index, markText(mark)]]),
  ];
}

/** A mark as it is written in a record, whose other keys may come from another version. */
function markText(mark: OwnerMark): string {
  return JSON.stringify(mark).slice(1, -1);
}

function groupSteps(steps: readonly PlannedStep[], portTool: PortTool): Group[] {
  const groups: { commands: Shown[]; undo: Shown[] }[] = [];
  for (const { step, undo } of steps) {
    // a step of several groups is undone with its first group: the others may never have begun
    let first: { undo: Shown[] } | undefined;
    for (const next of shownCommands(step, portTool)) {
      let group = groups.at(-1);
      if (group && canFollow(group.commands, next.command)) group.commands.push(next);
      else groups.push((group = { commands: [next], undo: [] }));
      first ??= group;
    }
    first?.undo.unshift(...undo.flatMap((s: Step) => shownCommands(s, portTool)));
  }
  return groups;
}

function shownCommands(step: Step, portTool: PortTool): Shown[] {
  const shown = shownCommandsOf(step, portTool);
  return commandsOf(step, portTool).map((command, i) => ({ command, shown: shown[i] ?? command }));
}

/** `ip` commands of one namespace share one process, which also leaves the least time between commands. */
function canFollow(commands: readonly Shown[], next: Command): boolean {
  return isBatchable(next) && commands.every(({ command: c }) => isBatchable(c) && c.netns === next.netns);
}

function isBatchable(command: Command): command is Extract<Command, { run: "ip" }> {
  // a batch line has no escapes, and # begins a comment even inside quotes (lib/utils.c, makeargs)
  return (
    command.run === "ip" &&
    command.words[0] !== "netns" &&
    command.awaits === undefined &&
    command.words.every((word) => /^[A-Za-z0-9_./:@%+=,-]+$/.test(word))
  );
}

function runGroup(group: Group, marker: string): string {
  const commands = group.commands.map(({ command }) => command);
  const [first] = commands;
  if (commands.length > 1 && first && isBatchable(first)) {
    const end = `${marker}-end`;
    const lines = commands.flatMap((c) => (c.run === "ip" ? [c.words.join(" ")] : []));
    const ip = ["ip", ...(first.netns === "" ? [] : ["-n", first.netns]), "-batch", "-"];
    return `pm_try ${commandLine(ip)} <<'${end}'\n${lines.join("\n")}\n${end}`;
  }
  return commands.map((c) => `${runnerOf(c)} ${callOf(c)}`).join("\n");
}

/** A boot script tries again what fails, and has no need to wait. */
function callOf(command: Command): string {
  if (command.run !== "ip" || command.awaits === undefined) return shellWords(command);
  return `${commandLine(["pm_route", command.netns, command.awaits])} ${shellWords(command)}`;
}

function runnerOf(command: Command): string {
  if (command.run === "program") return "pm_strict";
  const isOwnWrite = (command.run === "write" || command.run === "sysctl") && command.netns === "";
  return isOwnWrite || command.run === "recordLink" ? "pm_quick" : "pm_try";
}

/** The shell functions that the commands use. */
function functionsFor(groups: readonly Group[]): string {
  const commands = groups.flatMap((g) => [...g.commands, ...g.undo].map(({ command }) => command));
  const writes = commands.some((c) => c.run === "bootFile");
  const waits = commands.some((c) => c.run === "ip" && c.awaits !== undefined);
  return shellText(
    "prelude",
    ...(writes ? (["boot-files"] as const) : []),
    ...(waits ? (["route"] as const) : []),
  );
}

/**
 * The undo as a script of its own. `sh undo N` undoes the first N groups, the last one first. An interrupted group is
 * undone as a whole, so single commands may have nothing to do. Their errors are printed, and the state that is printed
 * afterwards shows whether the host has been restored.
 */
function undoFile(groups: readonly Group[]): string {
  const functions = groups.map((group, i) => `u${i + 1}() {\n:\n${group.undo.map(undoLine).join("\n")}\n}`);
  const hides = groups.some((group) => group.undo.some(isHidden)) ? PM_BACK_AS : "";
  return `${shellText("environment")}${functionsFor(groups)}${hides}pm_back() { o=$("$@" 2>&1) || { printf '%s' "$*" | cut -c 1-200; printf '%s\\n' "$o"; }; }
${functions.join("\n")}
k=$1
while [ "$k" -gt 0 ]; do "u$k"; k=$((k - 1)); done`;
}

/** The same as `pm_back` for a command that is shown in other words than it is run: as its first argument. */
const PM_BACK_AS = `pm_back_as() { s=$1; shift; o=$("$@" 2>&1) || { printf '%s\\n' "$s"; printf '%s\\n' "$o"; }; }\n`;

function undoLine(undo: Shown): string {
  const words = callOf(undo.command);
  return isHidden(undo) ? `pm_back_as ${quote(describeCommand(undo.shown))} ${words}` : `pm_back ${words}`;
}

/** Whether a command has a secret in it. */
function isHidden({ command, shown }: Shown): boolean {
  return describeCommand(command) !== describeCommand(shown);
}

/** The secret values in a command. */
function secretWords({ command, shown }: Shown): string[] {
  const known = wordsOf(shown);
  return wordsOf(command).filter((word) => !known.includes(word));
}

function wordsOf(command: Command): readonly string[] {
  if ("words" in command) return command.words;
  return "value" in command ? [command.value] : [];
}

/** What commands printed, who may quote what they were given. */
function withoutSecrets(printed: string, commands: readonly Shown[]): string {
  const redactor = openRedactor();
  redactor.register(commands.flatMap(secretWords), "");
  return redactor.redact(printed, "");
}

/**
 * Parses the output of `applyScript`'s script, or of one that rolls a change back.
 *
 * @param known facts of the observation that the steps were planned from, which a change's script does not read again
 * @param ofChange the checks of the script
 * @throws TruncatedOutput
 */
export function parseApplied(
  output: string,
  marker: string,
  steps: readonly PlannedStep[],
  known: HostFacts,
  { checks: ofChange }: Pick<ScriptChecks, "checks"> = NO_CHECKS,
): Applied {
  const all = sections(output, marker);
  const outcome = all.find((s) => s.name.startsWith("outcome "));
  const [, word = "", ...numbers] = outcome?.name.split(" ") ?? [];
  const text = (name: string): string => (all.find((s) => s.name === name)?.text ?? "").trim();
  if (word === "locked") return { outcome: "locked", printed: outcome?.text.trim() ?? "" };
  const after = parseObservation(output, marker, known);
  if (word === "stale") return { outcome: word, after };
  if (word === "done" || word === "pending") {
    if (ofChange.length === 0) return { outcome: word, after };
    const checks = parseOutcomes(output, marker, ofChange);
    if (!checks) throw new TruncatedOutput("the output of the script does not contain the checks");
    return { outcome: word, after, checks };
  }
  // parts of an interrupted change were never made, so errors of their undo do not matter
  if (word === "recovered") {
    return { outcome: word, undoPrinted: numbers[0] === "again" ? text("undone") : "", after };
  }
  if (word !== "failed")
    throw new TruncatedOutput("the output of the script does not contain the outcome of the change");
  const groups = groupSteps(steps, known.portTool);
  const undoPrinted = withoutSecrets(
    text("undone"),
    groups.flatMap((g) => g.undo),
  );
  const printed = text("printed");
  if (numbers[1] === "checks") {
    return { outcome: "disproved", checks: outcomesIn(printed, ofChange), undoPrinted, after };
  }
  const [code = 1, at = 0, line = 0] = numbers.map(Number);
  const group = groups[at - 1];
  return {
    outcome: "failed",
    command: failedCommand(group, line, printed),
    code,
    printed: withoutSecrets(printed.replace(/\n?Command failed -:[0-9]+$/, ""), group?.commands ?? []),
    undoPrinted,
    after,
  };
}

function failedCommand(group: Group | undefined, line: number, printed: string): string {
  if (!group) return `preparing the change in ${RUN_DIRECTORY}`;
  // ip -batch prints which of its lines failed, but not for an unknown word
  const inBatch = Number(/Command failed -:([0-9]+)/.exec(printed)?.[1]);
  const shown = group.commands.map((c) => describeCommand(c.shown));
  const isBatch = group.commands.length > 1 && group.commands.every(({ command }) => isBatchable(command));
  const index = isBatch ? inBatch : line;
  if (isBatch && Number.isNaN(index)) return shown.join("; ");
  return shown[(Number.isNaN(index) ? 1 : index) - 1] ?? shown[0] ?? "";
}
