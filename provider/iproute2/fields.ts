/** Typed access to parsed output: a field of the wrong type counts as missing, and is noted. Pure. */

/** An object as `JSON.parse` makes it; its keys are iproute2's own words, and never looked up by names from outside. */
export type Printed = Readonly<Record<string, unknown>>;

/** The fields of an object. */
export class Fields {
  /** @param faults receives fields of the wrong type: `mtu is text` */
  constructor(
    private readonly of: Printed,
    readonly faults: string[] = [],
  ) {}

  text(key: string): string | undefined {
    return this.as(key, isText);
  }

  integer(key: string): number | undefined {
    return this.as(key, isInteger);
  }

  /** Whether it was printed, with whatever value. */
  has(key: string): boolean {
    return Object.hasOwn(this.of, key);
  }

  flag(key: string): boolean {
    return this.as(key, isFlag) ?? false;
  }

  texts(key: string): readonly string[] {
    return this.as(key, isTexts) ?? [];
  }

  object(key: string): Printed | undefined {
    return this.as(key, isPrinted);
  }

  /** The fields of a nested object; its faults are noted with this one's. */
  fields(key: string): Fields | undefined {
    const inner = this.object(key);
    return inner && new Fields(inner, this.faults);
  }

  /** The fields of each object in a list. */
  list(key: string): readonly Fields[] {
    return (this.as(key, isObjects) ?? []).map((item) => new Fields(item, this.faults));
  }

  private as<T>(key: string, is: (value: unknown) => value is T): T | undefined {
    const value = Object.hasOwn(this.of, key) ? this.of[key] : undefined;
    // null means missing: the link below a tunnel
    if (value === undefined || value === null) return undefined;
    if (is(value)) return value;
    this.faults.push(`${key} is ${typeName(value)}`);
    return undefined;
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function isFlag(value: unknown): value is boolean {
  return typeof value === "boolean";
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText);
}

export function isPrinted(value: unknown): value is Printed {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isObjects(value: unknown): value is readonly Printed[] {
  return Array.isArray(value) && value.every(isPrinted);
}

function typeName(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  return isPrinted(value) ? "an object" : isText(value) ? "text" : plainText(value);
}

/** A string, number or boolean as text; empty for anything else, as converting an object may throw. */
export function plainText(value: unknown): string {
  return isText(value) || typeof value === "number" || isFlag(value) ? String(value) : "";
}
