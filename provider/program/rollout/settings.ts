/** The setting `macvlan:rollout`. Pure, and without a schema library, as programs load it. */
import { MacvlanError } from "../../model/error";

/** The size of a wave: so many hosts, or a part of the program's hosts. */
export type BatchSize = { readonly hosts: number } | { readonly percent: number };

/** `undo`: the hosts of the failed wave are rolled back as well. */
export type OnFailure = "stop" | "undo";

/** In which waves the hosts of a run are changed. */
export interface RolloutSettings {
  /** The first wave: the first so many hosts that have to be changed, or these hosts. */
  readonly canary: number | readonly string[];
  /** The waves after it; the last size is that of all further waves. None: all other hosts are one wave. */
  readonly batches: readonly BatchSize[];
  /** Seconds between a wave and the changes of the next. */
  readonly pause: number;
  /** What a failure does, beside ending the rollout. */
  readonly onFailure: OnFailure;
}

/** The key of the stack's configuration. */
export const ROLLOUT_KEY = "macvlan:rollout";

const MAX_PAUSE = 86_400;
const KEYS = ["canary", "batch", "pause", "onFailure"];

/**
 * @param text the value of the setting: JSON, which is also what the CLI makes of a YAML map
 * @returns undefined if it is not set
 * @throws MacvlanError that names the part that cannot be used
 */
export function parseRollout(text: string | undefined): RolloutSettings | undefined {
  if (text === undefined || text.trim() === "") return undefined;
  const given = parseObject(text);
  const unknown = Object.keys(given).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) refuse(unknown, `is not known; the rollout has ${KEYS.join(", ")}`);
  const { canary, batch, pause, onFailure } = given;
  return {
    canary: canary === undefined ? 0 : canaryOf(canary),
    batches: batch === undefined ? [] : Array.isArray(batch) ? batch.map(batchOf) : [batchOf(batch)],
    pause: pause === undefined ? 0 : pauseOf(pause),
    onFailure: onFailure === undefined ? "stop" : onFailureOf(onFailure),
  };
}

function parseObject(text: string): Record<string, unknown> {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    // not JSON: the same message as for JSON that is no object
  }
  if (typeof given === "object" && given !== null && !Array.isArray(given))
    return given as Record<string, unknown>;
  throw invalid(`${ROLLOUT_KEY} must be a map, such as { canary: 1, batch: "25%" }`);
}

function canaryOf(value: unknown): number | readonly string[] {
  const count = wholeNumber(value);
  if (count !== undefined) return count;
  const names: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (names.length > 0 && names.every((name) => typeof name === "string" && name.trim() !== ""))
    return names.map((name) => String(name).trim());
  return refuse("canary", "must be a number of hosts, a host, or a list of hosts");
}

function batchOf(value: unknown): BatchSize {
  const hosts = wholeNumber(value);
  if (hosts !== undefined && hosts > 0) return { hosts };
  const percent = typeof value === "string" ? wholeNumber(/^(\d+)\s*%$/.exec(value.trim())?.[1]) : undefined;
  if (percent !== undefined && percent >= 1 && percent <= 100) return { percent };
  return refuse("batch", 'must be a number of hosts, a part of them such as "25%", or a list of both');
}

function pauseOf(value: unknown): number {
  const seconds = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof seconds === "number" && seconds >= 0 && seconds <= MAX_PAUSE) return seconds;
  return refuse("pause", `must be a number of seconds from 0 to ${MAX_PAUSE}`);
}

function onFailureOf(value: unknown): OnFailure {
  return value === "stop" || value === "undo" ? value : refuse("onFailure", 'must be "stop" or "undo"');
}

/** A whole number, also as text: `pulumi config set --path` may write it as such. */
function wholeNumber(value: unknown): number | undefined {
  const number = typeof value === "string" && /^\d{1,6}$/.test(value.trim()) ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

function refuse(part: string, reason: string): never {
  throw invalid(`${ROLLOUT_KEY}: ${part} ${reason}`);
}

function invalid(text: string): MacvlanError {
  return new MacvlanError("invalid-setting", text);
}
