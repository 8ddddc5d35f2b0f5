/** Properties that are settings of the link: conversion between the property and iproute2's word, both ways. Pure. */
import type { DesiredSetting, LinkState, SettingKey, Settings } from "../model/host";
import type { Json } from "../model/json";

/**
 * How values of a property are written for iproute2 and read back. Without a form they are strings and stay unchanged.
 */
export interface Form<T = unknown> {
  encode(value: T): string;
  decode(text: string): T;
  /** How many units of iproute2 are one unit of the property. */
  readonly scale?: number;
  /** The property's words for iproute2's values. */
  readonly words?: Readonly<Record<string, string>>;
  /** The property's word in the setting, if several switches share one setting. */
  readonly flag?: string;
}

/** A number as it is. */
export const number: Form<number> = { encode: String, decode: Number };

/** Seconds, which a bridge counts in hundredths (USER_HZ; ip-link(8), bridge). */
export const centiseconds: Form<number> = {
  scale: 100,
  encode: (seconds) => String(Math.round(seconds * 100)),
  decode: (text) => Number(text) / 100,
};

/** A switch, written with these two words. */
export function toggle(on: string, off: string): Form<boolean> {
  return {
    words: { [on]: "true", [off]: "false" },
    encode: (value) => (value ? on : off),
    decode: (text) => text === on,
  };
}

/** A switch that is on if its word is in the setting, beside the words of other switches. */
export function flagWord(flag: string): Form<boolean> {
  return {
    flag,
    words: { "": "false", [flag]: "true" },
    encode: (value) => (value ? flag : ""),
    decode: (text) => text.split(" ").includes(flag),
  };
}

/** A list of strings; `sorted` if iproute2 prints it in no particular order. */
export function list(separator: string, sorted = false): Form<readonly string[]> {
  return {
    encode: (values) => (sorted ? values.toSorted() : values).join(separator),
    decode: (text) => (text === "" ? [] : text.split(separator)),
  };
}

/** The part of a property's description that makes it a setting. */
export interface SettingProperty<T = unknown> {
  readonly schema: unknown;
  readonly setting?: SettingKey;
  readonly form?: Form<T>;
  /** The kernel default, as iproute2 prints it. */
  readonly kernelDefault?: string;
  /** A change replaces the link: any change, or one to or from these values. */
  readonly fixed?: true | readonly string[];
}

/** A setting and the properties that it stands for. */
export interface Binding {
  readonly key: SettingKey;
  readonly properties: readonly BoundProperty[];
  readonly fixed?: readonly string[];
  readonly scale?: number;
  readonly words?: Readonly<Record<string, string>>;
}

interface BoundProperty {
  readonly name: string;
  readonly form: Form;
}

const TEXT: Form = { encode: String, decode: (text) => text };

/** The settings of a table of properties, in its order. */
export function bindingsOf(properties: Readonly<Record<string, SettingProperty>>): Binding[] {
  const bindings = new Map<SettingKey, Binding>();
  for (const [name, { setting, form = TEXT, fixed }] of Object.entries(properties)) {
    if (setting === undefined) continue;
    const { scale, words } = form;
    const known = bindings.get(setting);
    bindings.set(setting, {
      key: setting,
      properties: [...(known?.properties ?? []), { name, form }],
      ...(scale === undefined ? {} : { scale }),
      ...(words === undefined ? {} : { words: { ...known?.words, ...words } }),
      ...(fixed === undefined ? {} : { fixed: fixed === true ? ["*"] : fixed }),
    });
  }
  return [...bindings.values()];
}

/** The desired settings of the given properties. `path` precedes each property in messages. */
export function settingsOf(bindings: readonly Binding[], inputs: Json, path = ""): DesiredSetting[] {
  return bindings.flatMap(({ key, properties, scale, words, fixed }) => {
    const given = properties.filter(({ name }) => inputs[name] !== undefined);
    const [first] = given;
    if (!first) return [];
    const parts = given.map(({ name, form }) => form.encode(inputs[name]));
    return {
      key,
      value: first.form.flag === undefined ? (parts[0] ?? "") : parts.filter(Boolean).join(" "),
      property: path + first.name,
      ...(words === undefined ? {} : { words }),
      ...(scale === undefined ? {} : { scale }),
      ...(fixed === undefined ? {} : { fixed }),
    };
  });
}

/** All properties that can be read from a link's settings. */
export function readBindings(bindings: readonly Binding[], settings: Settings): Json {
  return Object.fromEntries(
    bindings.flatMap(({ key, properties }) => {
      const value = settings[key];
      return value === undefined ? [] : properties.map(({ name, form }) => [name, form.decode(value)]);
    }),
  );
}

/**
 * The observed values of the given properties. A setting that the host does not show counts as iproute2's empty word.
 */
export function readGiven<I extends Json>(
  bindings: readonly Binding[],
  inputs: I,
  { settings }: LinkState,
): Partial<I> {
  const told = bindings.flatMap(({ key, properties }) =>
    properties.map(({ name, form }) => [name, form.decode(settings[key] ?? "")] as const),
  );
  return Object.fromEntries(told.filter(([name]) => inputs[name] !== undefined)) as Partial<I>;
}
