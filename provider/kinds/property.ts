/** One property of a kind, and the types of the inputs that follow from a table of them. */
import { z } from "zod";
import type { SettingProperty } from "./bindings";

/** What there is to know of one property. `T` is its canonical form. */
export interface Property<T = unknown> extends SettingProperty<T> {
  readonly schema: z.ZodType<T>;
  /** It has to be given. */
  readonly required?: true;
  /**
   * What is written into the inputs if it is not given. Never give one to a property that has been without: every
   * resource of every stack would then show a change after the upgrade. Let the absent property mean the default.
   */
  readonly default?: T;
  /** As long as it is not known, the host cannot be asked anything about the link. */
  readonly identifying?: true;
  /** The first versions that have it. */
  readonly since?: Since;
}

/** The first versions that have something. */
export interface Since {
  readonly iproute2: string;
  /** Of Linux, if older kernels ignore the setting without an error. */
  readonly kernel?: string;
  /** Only this word of the setting's value is new. */
  readonly word?: string;
}

export type Properties = Readonly<Record<string, Property>>;

/** A table of properties as it is. Each default and form is held against the schema beside it. */
export function properties<const P extends Properties>(
  table: P & { readonly [K in keyof P]: Property<Canonical<P[K]>> },
): P {
  return table;
}

/** The canonical form of what a program gives: as the schema puts it out, and never changed again. */
type Canonical<P extends Property> = Frozen<z.output<P["schema"]>>;

type Frozen<T> = T extends readonly (infer E)[]
  ? readonly Frozen<E>[]
  : T extends object
    ? { readonly [K in keyof T]: Frozen<T[K]> }
    : T;

type Filled<P extends Properties> = {
  readonly [K in keyof P]: P[K] extends { required: true } | { default: unknown } ? K : never;
}[keyof P];

/** Canonical inputs of a table: those that are required or have a default are always there. */
export type InputsOf<P extends Properties> = {
  readonly [K in Filled<P>]: Canonical<P[K]>;
} & { readonly [K in Exclude<keyof P, Filled<P>>]?: Canonical<P[K]> };

/** The schema of an object with these properties, its defaults filled in. */
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
