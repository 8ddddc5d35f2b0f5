/** Properties that are settings of the link: both ways between the property and iproute2's word for it. Pure. */
import type { LinkState, SettingKey, DesiredSetting } from "../model/host";
import type { Json } from "./kind";

/** One setting and the properties that it stands for. */
export interface Binding {
  readonly key: SettingKey;
  /** The property, or the first of those that make up the setting together. */
  readonly property: string;
  /** The others of those. */
  readonly also?: readonly string[];
  readonly scale?: number;
  readonly words?: Readonly<Record<string, string>>;
  readonly fixed?: readonly string[];
  /** iproute2's value for the inputs; only asked where a property is given. */
  encode(inputs: Json): string;
  /** The properties' values for what iproute2 shows. */
  decode(value: string): Json;
}

/** A number as it is. */
export function number(key: SettingKey, property: string): Binding {
  return {
    key,
    property,
    encode: (inputs) => String(inputs[property]),
    decode: (value) => ({ [property]: Number(value) }),
  };
}

/** A text as it is. */
export function string(key: SettingKey, property: string, fixed?: readonly string[]): Binding {
  return {
    key,
    property,
    ...(fixed === undefined ? {} : { fixed }),
    encode: (inputs) => String(inputs[property]),
    decode: (value) => ({ [property]: value }),
  };
}

/** Seconds, which a bridge counts in hundredths (USER_HZ; ip-link(8), bridge). */
export function centiseconds(key: SettingKey, property: string): Binding {
  return {
    key,
    property,
    scale: 100,
    encode: (inputs) => String(Math.round(Number(inputs[property]) * 100)),
    decode: (value) => ({ [property]: Number(value) / 100 }),
  };
}

/** A switch, written with these two words. */
export function toggle(key: SettingKey, property: string, on: string, off: string): Binding {
  return {
    key,
    property,
    words: { [on]: "true", [off]: "false" },
    encode: (inputs) => (inputs[property] === true ? on : off),
    decode: (value) => ({ [property]: value === on }),
  };
}

/** Settings of links of every kind. */
export const LINK_BINDINGS: readonly Binding[] = [
  number("link.mtu", "mtu"),
  string("link.address", "macAddress"),
  string("link.alias", "alias"),
  number("link.txqueuelen", "txQueueLength"),
];

/** The settings that the given properties ask for. `path` stands before each property in messages. */
export function settingsOf(bindings: readonly Binding[], inputs: Json, path = ""): DesiredSetting[] {
  return bindings
    .filter((b) => [b.property, ...(b.also ?? [])].some((p) => inputs[p] !== undefined))
    .map((b) => ({
      key: b.key,
      value: b.encode(inputs),
      property: path + ([b.property, ...(b.also ?? [])].find((p) => inputs[p] !== undefined) ?? b.property),
      ...(b.words === undefined ? {} : { words: b.words }),
      ...(b.scale === undefined ? {} : { scale: b.scale }),
      ...(b.fixed === undefined ? {} : { fixed: b.fixed }),
    }));
}

/** The given properties as the link has them. */
export function readBindings(bindings: readonly Binding[], inputs: Json, link: LinkState): Json {
  const found = bindings.flatMap((b) => Object.entries(b.decode(link.settings[b.key] ?? "")));
  return Object.fromEntries(found.filter(([property]) => inputs[property] !== undefined));
}
