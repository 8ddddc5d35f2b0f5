/** A property of a kind, and the types of the inputs that follow from a table of properties. */
import { z } from "zod";
import type { SettingProperty } from "./bindings";

/** The description of a property. `T` is its canonical form. */
export interface Property<T = unknown> extends SettingProperty<T> {
  readonly schema: z.ZodType<T>;
  /** It must be given. */
  readonly required?: true;
  /**
   * The value that is written into the inputs if none is given. Never add a default to an existing property: every
   * resource of every stack would show a change after the upgrade. Let the absent property mean the default.
   */
  readonly default?: T;
  /** Until it is known, the link cannot be planned on its host. */
  readonly identifying?: true;
  /** The first versions that have it. */
  readonly since?: Since;
}

/** The first versions that have a property or a value. */
export interface Since {
  readonly iproute2: string;
  /** Of Linux, if older kernels silently ignore the setting. */
  readonly kernel?: string;
  /** If only this word of the setting's value is new. */
  readonly word?: string;
}

export type Properties = Readonly<Record<string, Property>>;

/** Returns a table of properties unchanged. The compiler checks each default and form against the schema beside it. */
export function properties<const P extends Properties>(
  table: P & { readonly [K in keyof P]: Property<Canonical<P[K]>> },
): P {
  return table;
}

/** The canonical form of a value: the output of its schema, frozen. */
type Canonical<P extends Property> = Frozen<z.output<P["schema"]>>;

type Frozen<T> = T extends readonly (infer E)[]
  ? readonly Frozen<E>[]
  : T extends object
    ? { readonly [K in keyof T]: Frozen<T[K]> }
    : T;

type Filled<P extends Properties> = {
  readonly [K in keyof P]: P[K] extends { required: true } | { default: unknown } ? K : never;
}[keyof P];

/** The canonical inputs of a table. Those that are required or have a default are always present. */
export type InputsOf<P extends Properties> = {
  readonly [K in Filled<P>]: Canonical<P[K]>;
} & { readonly [K in Exclude<keyof P, Filled<P>>]?: Canonical<P[K]> };

/** The schema of an object with these properties, with defaults filled in. */
export function objectOf<P extends Properties>(table: P, what: string): z.ZodType<InputsOf<P>> {
  const entries = Object.entries<Property>(table);
  const shape = entries.map(([name, { schema, required }]) => [name, required ? schema : schema.optional()]);
  const defaults = entries.flatMap(([name, property]) =>
    property.default === undefined ? [] : [[name, property.default]],
  );
  const object = z.strictObject(Object.fromEntries(shape) as Record<string, z.ZodType>, {
    error: (issue) => (issue.code === "invalid_type" ? `must be ${what}` : undefined),
  });
  return object.transform((given) => {
    const said = Object.entries(given).filter(([, value]) => value !== undefined);
    return Object.fromEntries([...defaults, ...said]) as InputsOf<P>;
  });
}
