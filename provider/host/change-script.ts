/**
 * One change of a host as one script. It runs under a lock, saves its undo before anything is touched, runs the undo if
 * a step fails, and ends by printing the host's new state, so that no second read is needed.
 *
 * The undo is a file under /run until the change is complete. If the script is killed at any point, its watchdog rolls
 * the change back. If the watchdog is killed as well, the next change finds the file and does so first. The lock is the
 * kernel's (flock), or a link that names its holder, so that it never outlives the process that took it.
 */
import type { CheckOutcome } from "../model/checks";
import {
  type Command,
  commandsOf,
  describeCommand,
  forgetWords,
  recordPath,
  shellWords,
  shownCommandsOf,
} from "../iproute2/commands";
import type { LinkId } from "../model/host";
import { uniqueBy } from "../model/lists";
import type { HostFacts, Observation, PortTool } from "../model/observation";
import type { OwnerMark } from "../model/owner";
import { openRedactor } from "../model/redact";
import type { PlannedStep, Step } from "../model/steps";
import { type Precondition, preconditions } from "../plan/preconditions";
import { RUN_DIRECTORY, shellScript, shellText } from "../shell/library";
import { commandLine, quote, sections } from "../shell/quote";
import { type ScriptChecks, outcomesIn, parseOutcomes, provingOf, secondsOf } from "./checks";
import { TruncatedOutput, observeFunction, parseObservation } from "./observe";
import { sideBySide } from "./step-order";
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

/** A command of a change, and what undoes it. Both are told by the number of the command. */
interface Entry extends Shown {
  readonly undo: readonly Shown[];
}

/** Commands that run as one, such as consecutive `ip` commands as one `ip -batch`. */
interface Run {
  readonly how: string;
  /** The number of the first one. */
  readonly first: number;
  readonly entries: readonly Entry[];
}

/** A command with what people may see of it. */
interface Shown {
  readonly command: Command;
  readonly shown: Command;
  /** The link that it deletes, if that can be deleted together with others. */
  readonly deletes?: LinkId;
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
  const entries = entriesOf(steps, portTool, marker);
  const undos = undoRuns(entries);
  const proving = provingOf(checks);
  const variables = {
    ...{ M: marker, PM_KNOWN: "1" },
    PM_TOKEN: watch.confirm?.token ?? "",
    PM_COMMAND_SECONDS: String(Math.ceil(watch.commandTimeout) + secondsOf(checks.checks)),
    PM_CONFIRM_SECONDS: String(Math.ceil(watch.confirm?.timeout ?? 0)),
    PM_WATCHDOG: shellText("holder", "settle", "watchdog"),
    ...proving?.variables,
  };
  return shellScript(
    variables,
    functionsFor(entries),
    underLock(),
    shellText("settle", "recover", "verify", "watch", "transaction"),
    proving?.functions ?? "",
    verify(steps, now),
    verifyGroups(entries, undos, marker),
    proving?.before ?? "",
    `pm_begin ${quote(undoFile(entries, undos, marker))}\n`,
    ...runsOf(entries).map((run) => `${runText(run, marker)}\n`),
    proving?.prove ?? "",
    watch.confirm ? "pm_pend\n" : "pm_commit\n",
    proving?.tell ?? "",
  );
}

const NO_CHECKS: ScriptChecks = { checks: [], programs: [] };

/** The script that rolls back a change that had succeeded, as if it had been interrupted at its very end. */
export function rollBackScript(steps: readonly PlannedStep[], portTool: PortTool, marker: string): string {
  const entries = entriesOf(steps, portTool, marker);
  const undo = quote(undoFile(entries, undoRuns(entries), marker));
  return shellScript(
    { M: marker, PM_KNOWN: "1" },
    functionsFor(entries),
    underLock(),
    `[ -e "$D/undo" ] || { echo ${entries.length} > "$D/progress" && pm_keep undo ${undo}; }\n`,
    shellText("settle", "recover"),
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
  const all = [["pm_still_booted", bootId, boots], ...togetherAbsent(lines)];
  return all.map((words) => `${commandLine(words)}\n`).join("");
}

/** One call for names in a row that nothing must have. */
function togetherAbsent(lines: readonly string[][]): string[][] {
  return lines.reduce<string[][]>((all, [first = "", netns = "", ...names]) => {
    const last = all.at(-1);
    if (first === "pm_still_absent" && last?.[0] === first && last[1] === netns) last.push(...names);
    else all.push([first, netns, ...names]);
    return all;
  }, []);
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

/** The commands of the steps, in the order in which they are run. */
function entriesOf(steps: readonly PlannedStep[], portTool: PortTool, marker: string): Entry[] {
  const group = groupOf(marker);
  const classOf = (step: Step): string =>
    [...new Set(commandsOf(step, portTool).map((command) => howToRun(command) ?? step.do))].join();
  const entries: Entry[] = [];
  let together: Deletion[] = [];
  const end = (): void => {
    entries.push(...deletions(together, group));
    together = [];
  };
  for (const { step, undo } of sideBySide(steps, classOf)) {
    const shown = shownCommands(step, portTool);
    // a step of several commands is undone with its first one: the others may never have begun
    const own = shown.map((command, i): Entry => ({
      ...command,
      undo: i === 0 ? undo.flatMap((s: Step) => shownCommands(s, portTool)) : [],
    }));
    const isGrouped = step.do === "deleteLink" && step.group !== undefined;
    if (!isGrouped || together[0]?.link.netns !== step.link.netns) end();
    if (isGrouped) together.push({ link: step.link, was: step.group ?? "", entries: own });
    else entries.push(...own);
  }
  end();
  return entries;
}

/** A link that is deleted, and the group that it is in. */
interface Deletion {
  readonly link: LinkId;
  readonly was: string;
  readonly entries: readonly Entry[];
}

/**
 * Links of one namespace are deleted at once: for each deletion the kernel waits for what other processors still do with
 * the link, some 20 ms. Until the last command none of them is gone.
 */
function deletions(all: readonly Deletion[], group: string): readonly Entry[] {
  const [first] = all;
  if (first === undefined || all.length === 1) return first?.entries ?? [];
  const { netns } = first.link;
  const ip = (...words: string[]): Shown => {
    const command: Command = { run: "ip", netns, words: ["link", ...words] };
    return { command, shown: command };
  };
  const moves = all.map(({ link: { name }, was }): Entry => ({
    ...ip("set", "dev", name, "group", group),
    undo: [ip("set", "dev", name, "group", was)],
  }));
  const undo = all.toReversed().flatMap(({ entries }) => entries.flatMap((entry) => entry.undo));
  return [...moves, { ...ip("delete", "group", group), undo }];
}

/** A number that no link's group has by chance: a group is 32 bits wide, and 0 is that of all links. */
function groupOf(marker: string): string {
  return String(0x4000_0000 + ownNumber(marker));
}

/** The group in which the undo deletes links, which is not that of links that the change itself was to delete. */
function undoGroupOf(marker: string): string {
  return String(0x5000_0000 + ownNumber(marker));
}

/** 28 bits of the marker. */
function ownNumber(marker: string): number {
  return Number.parseInt(marker.replaceAll(/[^0-9a-f]/g, "").slice(0, 7), 16) || 0;
}

/** Ends the script if there are links in a group in which it, or its undo, deletes links. */
function verifyGroups(entries: readonly Entry[], undos: readonly UndoRun[], marker: string): string {
  const group = groupOf(marker);
  const own = entries
    .filter(({ command: c }) => c.run === "ip" && c.words.join(" ") === `link delete group ${group}`)
    .map(({ command }) => ["netns" in command ? command.netns : "", group] as const);
  const undone = undos.flatMap(({ netns }) =>
    netns === undefined ? [] : [[netns, undoGroupOf(marker)] as const],
  );
  const all = uniqueBy([...own, ...undone], (place) => place.join(" "));
  return all.map((place) => `${commandLine(["pm_still_ungrouped", ...place])}\n`).join("");
}

function shownCommands(step: Step, portTool: PortTool): Shown[] {
  const shown = shownCommandsOf(step, portTool);
  const deletes = step.do === "deleteLink" && step.group !== undefined ? { deletes: step.link } : {};
  return commandsOf(step, portTool).map((command, i) => ({
    command,
    shown: shown[i] ?? command,
    ...deletes,
  }));
}

function runsOf(entries: readonly Entry[]): Run[] {
  const runs: { how: string; first: number; entries: Entry[] }[] = [];
  for (const [i, entry] of entries.entries()) {
    const how = howToRun(entry.command);
    const last = runs.at(-1);
    if (how !== undefined && last?.how === how && last.entries.length < LONGEST_RUN) last.entries.push(entry);
    else runs.push({ how: how ?? "", first: i + 1, entries: [entry] });
  }
  return runs;
}

/** So many names of files are short enough for one command line. */
const LONGEST_RUN = 4000;

/** What runs a command together with others like it, which also leaves the least time between them; undefined: nothing. */
function howToRun(command: Command): string | undefined {
  if (isBatchable(command)) return `ip ${command.netns}`;
  if (command.run === "forget") return "rm";
  return runnerOf(command) === "pm_quick" ? "shell" : undefined;
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

/** Whether one process carries out all of the run. */
function isWhole({ how, entries }: Run): boolean {
  return entries.length > 1 && how !== "shell";
}

function runText({ first, entries }: Run, marker: string): string {
  const commands = entries.map(({ command }) => command);
  const at = `pm_at ${first} ${first + commands.length - 1}\n`;
  const [one] = commands;
  if (commands.length > 1 && one && isBatchable(one)) {
    const end = `${marker}-end`;
    const lines = commands.flatMap((c) => (c.run === "ip" ? [c.words.join(" ")] : []));
    const ip = ["ip", ...(one.netns === "" ? [] : ["-n", one.netns]), "-batch", "-"];
    return `${at}pm_batch ${commandLine(ip)} <<'${end}'\n${lines.join("\n")}\n${end}`;
  }
  if (commands.length > 1 && one?.run === "forget") {
    return `${at}pm_batch ${forgetWords(commands.flatMap((c) => (c.run === "forget" ? [c.file] : [])))}`;
  }
  return at + callsOf(commands).join("\n");
}

/** A call for each command, but for sysctls in a row that get the same value. */
function callsOf(commands: readonly Command[]): string[] {
  const same = (c: Command): string => (c.run === "sysctl" && c.netns === "" ? c.value : "");
  const groups: Command[][] = [];
  for (const command of commands) {
    const last = groups.at(-1);
    if (last?.[0] && same(command) !== "" && same(last[0]) === same(command)) last.push(command);
    else groups.push([command]);
  }
  return groups.flatMap((group) =>
    group.length === 1
      ? group.map((c) => `${runnerOf(c)} ${callOf(c)}`)
      : commandLine([
          ...["pm_sysctls", same(group[0] as Command)],
          ...group.flatMap((c) => (c.run === "sysctl" ? [c.path] : [])),
        ]),
  );
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
function functionsFor(entries: readonly Entry[]): string {
  const commands = entries.flatMap((entry) => [entry, ...entry.undo].map(({ command }) => command));
  const writes = commands.some((c) => c.run === "bootFile");
  const waits = commands.some((c) => c.run === "ip" && c.awaits !== undefined);
  return shellText(
    "prelude",
    ...(writes ? (["boot-files"] as const) : []),
    ...(waits ? (["route"] as const) : []),
  );
}

/**
 * The undo as a script of its own. `sh undo N` undoes the first N commands, the last one first. Of a run that was
 * interrupted all commands are undone, so single commands may have nothing to do. Their errors are printed, and the state
 * that is printed afterwards shows whether the host has been restored.
 */
function undoFile(entries: readonly Entry[], undos: readonly UndoRun[], marker: string): string {
  const hides = entries.some((entry) => entry.undo.some(isHidden)) ? PM_BACK_AS : "";
  const own = undos.some(({ undone }) => undone.length > 1) ? shellText("back") : "";
  const lines = undos.map((run) => `${undoText(run, undoGroupOf(marker))}\n`);
  return `${shellText("environment")}${functionsFor(entries)}${hides}pm_back() { o=$("$@" 2>&1) || { printf '%s' "$*" | cut -c 1-200; printf '%s\\n' "$o"; }; }
${own}k=$1
${lines.join("")}:`;
}

/** What undoes commands in a row, the last one first. */
interface UndoRun {
  /** The number of the command that is undone first; each of the others is that of the one before. */
  readonly number: number;
  readonly undone: readonly Shown[];
  /** Where links are deleted, if it is deletions that can be made at once. */
  readonly netns?: string;
}

function undoRuns(entries: readonly Entry[]): readonly UndoRun[] {
  const all = entries.map(({ undo }, i) => undo.map((one) => ({ one, number: i + 1 }))).reverse();
  const runs: { number: number; how: string; undone: Shown[]; netns?: string }[] = [];
  for (const { one, number } of all.flat()) {
    const { deletes, command } = one;
    const how = deletes && isBatchable(command) ? `delete ${deletes.netns}` : command.run;
    const last = runs.at(-1);
    const isNext = last?.how === how && number === last.number - last.undone.length;
    if (isNext && (how === "forget" || how.startsWith("delete "))) {
      last.undone.push(one);
      if (deletes) last.netns = deletes.netns;
    } else runs.push({ number, how, undone: [one] });
  }
  return runs;
}

function undoText({ number, undone, netns }: UndoRun, group: string): string {
  const [one] = undone;
  if (undone.length === 1 && one) return `[ "$k" -lt ${number} ] || ${undoLine(one)}`;
  if (netns === undefined) {
    const files = undone.flatMap(({ command: c }) => (c.run === "forget" ? [recordPath(c.file)] : []));
    return ["pm_back_forget", String(number), ...files].join(" ");
  }
  const names = undone.flatMap(({ deletes }) => deletes?.name ?? []);
  return commandLine(["pm_back_links", netns, group, String(number), ...names]);
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
  const entries = entriesOf(steps, known.portTool, marker);
  const undoPrinted = withoutSecrets(
    text("undone"),
    entries.flatMap((entry) => entry.undo),
  );
  const printed = text("printed");
  if (numbers[1] === "checks") {
    return { outcome: "disproved", checks: outcomesIn(printed, ofChange), undoPrinted, after };
  }
  const [code = 1, at = 0] = numbers.map(Number);
  return {
    outcome: "failed",
    command: failedCommand(entries, at, printed),
    code,
    printed: withoutSecrets(printed.replace(/\n?Command failed -:[0-9]+$/, ""), entries),
    undoPrinted,
    after,
  };
}

/** @param at the number of the command, or of the last one of its run */
function failedCommand(entries: readonly Entry[], at: number, printed: string): string {
  const entry = entries[at - 1];
  if (!entry) return `preparing the change in ${RUN_DIRECTORY}`;
  // ip -batch prints which of its lines failed, but not for an unknown word
  const run = runsOf(entries).find(({ first, entries: own }) => at < first + own.length);
  const isVague = run !== undefined && isWhole(run) && !/Command failed -:[0-9]/.test(printed);
  const shown = (isVague ? run.entries : [entry]).map((one) => describeCommand(one.shown));
  return [
    ...shown.slice(0, MOST_SHOWN),
    ...(shown.length > MOST_SHOWN ? [`${shown.length - MOST_SHOWN} more`] : []),
  ].join("; ");
}

/** So many commands are named if one of them has failed and it is not known which. */
const MOST_SHOWN = 3;
