/** The changes of a resource, property by property, as the engine shows them: `~ mtu: 1400 => 1500`. Pure. */
import { visibleInputs } from "../kinds/check-inputs";
import type { Json } from "../kinds/kind";
import { pathOf } from "../model/property-path";
import { isUnknown } from "../model/unknown";
import { secretPathsOf } from "./properties";

export type ChangeKind = "add" | "delete" | "update";

/** The change at a path, such as `addresses[1]`. */
export interface PropertyChange {
  readonly kind: ChangeKind;
  /** Whether the previous value is that of the previous inputs. Otherwise it is that of the state's outputs. */
  readonly ofInputs: boolean;
}

/** What the engine knows of a resource when it asks for the changes. */
export interface Compared {
  /** The inputs of the last run, or what a refresh found. */
  readonly before: Json;
  /** The outputs in the state. */
  readonly state: Json;
  /** The new inputs, with what `check` has added. */
  readonly after: Json;
  /** Properties for which the resource is replaced. */
  readonly replaces: readonly string[];
}

/** All changes by path. */
export function detailedDiff({ before, state, after, replaces }: Compared): Map<string, PropertyChange> {
  const changes = new Map<string, PropertyChange>();
  const add = (path: string, kind: ChangeKind, ofInputs: boolean): void =>
    void changes.set(path, { kind, ofInputs });
  const [given, had] = [shown(after), shown(before)];
  for (const [key, value] of Object.entries(given)) {
    const ofInputs = state[key] === undefined;
    const old = state[key] ?? had[key];
    const found = compare([key], old, value);
    for (const [path, kind] of found) add(pathOf(path), kind, ofInputs);
    // the program states what the link has anyway
    if (found.length === 0 && had[key] === undefined && old !== undefined) add(key, "add", true);
  }
  for (const path of goneFrom([], had, given)) add(path, "delete", true);
  const isShown = (path: string): boolean =>
    [...changes.keys()].some((shown) => isWithin(shown, path) || isWithin(path, shown));
  const secrecy = differing(secretPathsOf(before), secretPathsOf(after));
  for (const path of [...replaces, ...secrecy]) {
    const key = rootOf(path);
    if (!isShown(path) && (given[key] ?? had[key]) !== undefined)
      add(path, "update", state[key] === undefined);
  }
  const drift = Object.keys(after["drift"] ?? {});
  if (drift.some((path) => !isShown(path))) add("drift", "add", true);
  return changes;
}

/** Paths of what the program no longer states. */
function goneFrom(path: Path, had: Json, given: Json): string[] {
  return Object.entries(had).flatMap(([key, value]) => {
    const now = given[key];
    if (now === undefined) return [pathOf([...path, key])];
    return isObject(value) && isObject(now) ? goneFrom([...path, key], value, now) : [];
  });
}

/** Whether `ports[0].name` is the same as, or within, `ports`. */
function isWithin(path: string, whole: string): boolean {
  return path.startsWith(whole) && ["", ".", "["].includes(path.charAt(whole.length));
}

/** `addresses` of `addresses[1]`. */
export function rootOf(path: string): string {
  return path.split(/[.[]/)[0] ?? "";
}

/** What users see of inputs. The label, also that of each link of a host, follows from name and parent. */
function shown(inputs: Json): Json {
  const { label: _, links, ...visible } = visibleInputs(inputs);
  if (!isObject(links)) return visible;
  const unlabelled = Object.entries(links).map(([key, link]) => [key, isObject(link) ? shown(link) : link]);
  return { ...visible, links: Object.fromEntries(unlabelled) as Json };
}

function differing(a: readonly string[], b: readonly string[]): string[] {
  return [...a.filter((name) => !b.includes(name)), ...b.filter((name) => !a.includes(name))];
}

type Path = readonly (string | number)[];

function compare(path: Path, old: unknown, now: unknown): [Path, ChangeKind][] {
  if (old === undefined) return [[path, "add"]];
  if (Array.isArray(old) && Array.isArray(now)) return compareLists(path, old, now);
  if (isObject(old) && isObject(now)) {
    // outputs have more than what was asked for, such as a port's state
    return Object.entries(now).flatMap(([key, value]) => compare([...path, key], old[key], value));
  }
  return old === now && !isUnknown(now) ? [] : [[path, "update"]];
}

/** Lists are sets whose order means nothing. An entry that goes and one that comes at the same index are an update. */
function compareLists(path: Path, old: readonly unknown[], now: readonly unknown[]): [Path, ChangeKind][] {
  const isSame = (a: unknown, b: unknown): boolean => compare([], a, b).length === 0;
  const gone = old.flatMap((value, i) => (now.some((other) => isSame(value, other)) ? [] : [i]));
  const come = now.flatMap((value, i) => (old.some((other) => isSame(other, value)) ? [] : [i]));
  return [
    ...gone.filter((i) => !come.includes(i)).map((i): [Path, ChangeKind] => [[...path, i], "delete"]),
    ...come.flatMap((i) =>
      gone.includes(i)
        ? compare([...path, i], old[i], now[i])
        : [[[...path, i], "add"] satisfies [Path, ChangeKind]],
    ),
  ];
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
