/**
 * A tolerant parser of iproute2's JSON, which is not always valid. Versions print types without a key, keys without a
 * value, next hops as bare text, the same key twice, and unknown escapes (test/fixtures/iproute2/corpus). Pure, and
 * linear in the length of the text.
 *
 * An element of a list that cannot be parsed is left out, and the others are read: foreign links and routes must not
 * prevent the management of ours.
 */

/** A parsed value. */
export type Value = null | boolean | number | string | readonly Value[] | Members;

/** An object: its members in order, as a key may occur twice, and a value may have no key (`""`). */
export class Members {
  constructor(readonly entries: readonly (readonly [key: string, value: Value])[]) {}

  /** The first value of a key: a second one belongs to a nested part that was printed without braces. */
  get(key: string): Value | undefined {
    for (const entry of this.entries) if (entry[0] === key) return entry[1];
    return undefined;
  }
}

/** An element of a list. */
export interface Element<T> {
  readonly value: T;
  /** The text that was printed. */
  readonly text: string;
}

/** A part of a list that is not an element, or cannot be parsed. */
export interface LeftOut {
  readonly text: string;
  readonly reason: string;
}

export interface ElementList<T> {
  readonly elements: readonly Element<T>[];
  readonly leftOut: readonly LeftOut[];
}

/**
 * The objects of a list `[{…},{…}]`, with all of their members.
 *
 * @param start matches the brace with which an element begins, and nothing inside of one: the parser resumes there
 * after an element that it could not parse. With the flag `g`.
 * @throws SyntaxError if the list has no end, because missing elements would look absent
 */
export function readElements(text: string, start: RegExp): ElementList<Members> {
  return readParts(text, start, (part, from) => {
    const reader = new Reader(part, from);
    const value = reader.members(0);
    return { value, end: reader.position };
  });
}

/** The same as plain objects, for lists without duplicate keys: valid JSON is parsed faster this way. */
export function readObjects(text: string, start: RegExp): ElementList<object> {
  return readParts(text, start, (part, from) => {
    const end = part.endsWith(",") ? part.length - 1 : part.length;
    const whole = parseObject(part.slice(from, end));
    if (whole !== undefined) return { value: whole, end };
    const reader = new Reader(part, from);
    const value = plain(reader.members(0)) as object;
    return { value, end: reader.position };
  });
}

type ReadPart<T> = (part: string, from: number) => { readonly value: T; readonly end: number };

function readParts<T extends object>(text: string, start: RegExp, read: ReadPart<T>): ElementList<T> {
  const list = text.trim();
  if (list === "" || list === "[") return { elements: [], leftOut: [] };
  if (!list.startsWith("[") || !list.endsWith("]")) throw cutShort(list);
  const elements: Element<T>[] = [];
  const leftOut: LeftOut[] = [];
  // if the beginning of elements is not recognised, the first part is the whole list
  let from = 1;
  for (const { index } of list.matchAll(start)) {
    readPart(list.slice(from, index));
    from = index;
  }
  readPart(list.slice(from, -1), true);
  return { elements, leftOut };

  /** Parses the text between two beginnings: usually one element and the comma after it. */
  function readPart(part: string, isLast = false): void {
    let position = afterSpace(part, 0);
    while (position < part.length) {
      const begin = position;
      try {
        if (part[begin] !== "{") throw new SyntaxError("text outside of an object");
        const { value, end } = read(part, begin);
        if (!isEmpty(value)) elements.push({ value, text: part.slice(begin, end) });
        position = afterSpace(part, end);
      } catch (error) {
        // the bracket at the end of the list was within this element
        if (isLast && error instanceof NoEnd) throw cutShort(list);
        if (!(error instanceof SyntaxError)) throw error;
        leftOut.push({ text: part.slice(begin), reason: error.message });
        return;
      }
    }
  }
}

class NoEnd extends SyntaxError {}

function cutShort(list: string): SyntaxError {
  return new SyntaxError(`incomplete, or not a list (${list.length} characters)`);
}

/** `{}` stands for what a filter left out. */
function isEmpty(value: object): boolean {
  return value instanceof Members ? value.entries.length === 0 : Object.keys(value).length === 0;
}

/** The object that is all of a text; undefined if it is anything else. */
function parseObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The first value of each key; values without a key are left out. */
function plain(value: Value): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!(value instanceof Members)) return value;
  const members = new Map<string, unknown>();
  for (const [key, member] of value.entries)
    if (key !== "" && !members.has(key)) members.set(key, plain(member));
  return Object.fromEntries(members);
}

/** Deeper nesting than in any output of iproute2. */
const DEEPEST = 32;

/** A position in a text. */
class Reader {
  constructor(
    private readonly text: string,
    public position: number,
  ) {}

  /** Parses an object, from its brace on. */
  members(depth: number): Members {
    const entries: [string, Value][] = [];
    this.open(depth);
    for (;;) {
      const next = this.next();
      if (next === "}") break;
      // its end is missing: the end of the surrounding element ends it too
      if (next === "]") return new Members(entries);
      if (next !== '"') {
        entries.push(["", this.bare(depth)]);
        continue;
      }
      const word = this.string();
      if (!this.takes(":")) {
        entries.push(["", word]);
        continue;
      }
      const value = this.value(depth);
      // `"erspan_dir":"erspan_hwid":"0x7"`: the second is a key again
      if (typeof value === "string" && this.takes(":")) {
        entries.push([word, null], [value, this.value(depth)]);
      } else entries.push([word, value]);
    }
    this.position++;
    return new Members(entries);
  }

  private list(depth: number): Value[] {
    const items: Value[] = [];
    this.open(depth);
    for (;;) {
      const next = this.next();
      if (next === "]") break;
      if (next === "}") return items;
      if (!this.takes(":")) items.push(this.value(depth));
    }
    this.position++;
    return items;
  }

  private value(depth: number): Value {
    const next = this.text[this.position];
    if (next === '"') return this.string();
    if (next === "{") return this.members(depth + 1);
    if (next === "[") return this.list(depth + 1);
    if (next === undefined || next === "}" || next === "]" || next === ",") return null;
    LITERAL.lastIndex = this.position;
    const literal = LITERAL.exec(this.text)?.[0];
    if (literal === undefined) return this.bare(depth);
    this.position = LITERAL.lastIndex;
    return literal === "null" ? null : literal === "true" || (literal === "false" ? false : Number(literal));
  }

  /** Text without quotes: `dev eth1 weight 2 `. */
  private bare(depth: number): Value {
    const from = this.position;
    while (this.position < this.text.length && !'"{}[],'.includes(this.text.charAt(this.position)))
      this.position++;
    return this.position === from ? this.value(depth) : this.text.slice(from, this.position).trim();
  }

  private string(): string {
    const from = this.position + 1;
    let end = this.text.indexOf('"', from);
    while (end >= 0 && this.isEscaped(end, from)) end = this.text.indexOf('"', end + 1);
    if (end < 0) throw new SyntaxError("a text has no end");
    this.position = end + 1;
    return unescaped(this.text.slice(from, end));
  }

  /** Whether an odd number of backslashes stands before a position. */
  private isEscaped(position: number, from: number): boolean {
    let first = position;
    while (first > from && this.text[first - 1] === "\\") first--;
    return (position - first) % 2 === 1;
  }

  private open(depth: number): void {
    if (depth > DEEPEST) throw new SyntaxError("nested too deeply");
    this.position++;
  }

  /** The next character, after commas and white space. */
  private next(): string {
    this.position = afterSpace(this.text, this.position);
    const next = this.text[this.position];
    if (next === undefined) throw new NoEnd("an object has no end");
    return next;
  }

  private takes(character: string): boolean {
    if (this.text[this.position] !== character) return false;
    this.position++;
    return true;
  }
}

const LITERAL = /-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null/y;

const COMMA = 0x2c;

/** The first position that has neither a comma nor white space. */
function afterSpace(text: string, from: number): number {
  let position = from;
  for (; ; position++) {
    const code = text.charCodeAt(position);
    if (code !== COMMA && code !== 0x20 && !(code >= 0x09 && code <= 0x0d)) return position;
  }
}

const ESCAPES: ReadonlyMap<string, string> = new Map(
  Object.entries({ '"': '"', "\\": "\\", "/": "/", "'": "'", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" }),
);

/** `\'` is an apostrophe (before 6.1); a backslash before any other character that JSON does not escape is literal. */
function unescaped(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|([^]))/g, (escape: string, code?: string, letter?: string) =>
    code === undefined
      ? (ESCAPES.get(letter ?? "") ?? escape)
      : String.fromCharCode(Number.parseInt(code, 16)),
  );
}
