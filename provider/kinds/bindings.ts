/** Properties that are settings of the link: both ways between the property and iproute2's word for it. Pure. */
import type { DesiredSetting, LinkState, SettingKey, Settings } from "../model/host";
import type { Json } from "../model/json";

/** How values of a property are written for iproute2, and read back. Without one they are texts, and stay as they are. */
export interface Form<T = unknown> {
  encode(value: T): string;
  decode(text: string): T;
  /** How many of iproute2's units make one of the property's. */
  readonly scale?: number;
  /** What iproute2's values are in the property's own words. */
  readonly words?: Readonly<Record<string, string>>;
  /** The property is one of several switches that make up the setting together: its word in there. */
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

/** A switch that is the word itself, beside the words of others. */
export function flagWord(flag: string): Form<boolean> {
  return {
    flag,
    words: { "": "false", [flag]: "true" },
    encode: (value) => (value ? flag : ""),
    decode: (text) => text.split(" ").includes(flag),
  };
}

/** A list of texts; `sorted` if iproute2 prints it in no order. */
export function list(separator: string, sorted = false): Form<readonly string[]> {
  return {
    encode: (values) => (sorted ? values.toSorted() : values).join(separator),
    decode: (text) => (text === "" ? [] : text.split(separator)),
  };
}

/** What of a property's description says how it is a setting. */
export interface SettingProperty<T = unknown> {
  readonly schema: unknown;
  readonly setting?: SettingKey;
  readonly form?: Form<T>;
  /** What the kernel gives a new link, as iproute2 writes it. */
  readonly kernelDefault?: string;
  /** A change needs another link: any change, or one to or from these values. */
  readonly fixed?: true | readonly string[];
}

/** One setting and the properties that it stands for. */
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

/** The settings that the given properties ask for. `path` stands before each property in messages. */
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

/** All properties that a link's settings tell of. */
export function readBindings(bindings: readonly Binding[], settings: Settings): Json {
  return Object.fromEntries(
    bindings.flatMap(({ key, properties }) => {
      const value = settings[key];
      return value === undefined ? [] : properties.map(({ name, form }) => [name, form.decode(value)]);
    }),
  );
}

/** The given ones of these as the link has them. What the host does not tell reads as iproute2's empty word. */
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
