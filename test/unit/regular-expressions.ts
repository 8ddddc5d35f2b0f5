/** How the work of a regular expression grows with the length of a text that was made to be hard for it. */
import fc from "fast-check";

/** A text of which the matching takes more than linear time. */
export interface Slow {
  readonly prefix: string;
  /** What is repeated. */
  readonly pump: string;
  readonly suffix: string;
  /** By how much the work grew when the text became twice as long, twice; empty if it was too much to try. */
  readonly growth: readonly number[];
}

/** What classes of characters differ in. */
const ALPHABET = Array.from(" \t\naA0.,:;/\\\"'=-_+*%@#&<>()[]{}|!é\u202e");

/** Repeated so often at first: what is quadratic then takes a million steps, and what is linear some thousand. */
const LENGTH = 1200;

/** So often that only exponential work takes long. */
const SHORT = 22;

/** Milliseconds of CPU that no linear matching of the first text takes as a rule, and that none takes at all. */
const SUSPICIOUS_MS = 0.6;
const MUCH_MS = 25;

/** Linear work grows by 2, quadratic work by 4. */
const LINEAR_GROWTH = 2.9;

/**
 * Looks for a text for which a regular expression takes more than linear time. The texts are beginnings of what it matches,
 * or its own characters, then one thing many times, then what ends the match.
 */
export function slowText(regexp: RegExp): Slow | undefined {
  const plain = regexp.source.replace(/\\(.)/g, (_, c: string) => (/\w/.test(c) ? "" : c));
  const literals = [...new Set(plain.match(/[A-Za-z0-9 ":{}=]{2,}/g) ?? [])];
  const characters = [
    ...new Set([...ALPHABET, ...Array.from(regexp.source.replace(/[A-Za-z0-9]{2,}/g, ""))]),
  ];
  const prefixes = [...new Set(["", ...literals, ...beginnings(regexp)])];
  const pumps = [...characters, ...literals, ...literals.map((literal) => `${literal} `)];
  for (const prefix of prefixes) {
    for (const pump of pumps) {
      for (const suffix of ["\u0000", "\n"]) {
        const slow = judge(regexp, prefix, pump, suffix);
        if (slow !== undefined) return slow;
      }
    }
  }
  return undefined;
}

/** Some beginnings of texts that match. */
function beginnings(regexp: RegExp): string[] {
  let matching: fc.Arbitrary<string>;
  try {
    matching = fc.stringMatching(new RegExp(regexp.source, regexp.flags.replace(/[^su]/g, "")), {
      size: "xsmall",
    });
  } catch {
    return []; // fast-check knows no look-behind and no properties of Unicode
  }
  const texts = fc.sample(matching, { seed: 7, numRuns: 2 });
  return texts.flatMap((text) => {
    const step = Math.max(1, Math.ceil(text.length / 4));
    return Array.from({ length: Math.ceil(text.length / step) }, (_, i) => text.slice(0, (i + 1) * step));
  });
}

function judge(regexp: RegExp, prefix: string, pump: string, suffix: string): Slow | undefined {
  const work = (times: number, tries: number): number => {
    const text = prefix + pump.repeat(times) + suffix;
    return Math.min(...Array.from({ length: tries }, () => workOf(regexp, text)));
  };
  // exponential work would never end on a longer text
  if (work(SHORT, 1) > MUCH_MS && work(SHORT, 2) > MUCH_MS) return { prefix, pump, suffix, growth: [] };
  if (work(LENGTH, 1) < SUSPICIOUS_MS) return undefined;
  const once = work(LENGTH, 3);
  if (once < SUSPICIOUS_MS) return undefined;
  if (once > MUCH_MS) return { prefix, pump, suffix, growth: [] };
  const growth = [work(2 * LENGTH, 3) / once, work(4 * LENGTH, 3) / work(2 * LENGTH, 3)];
  return growth.every((by) => by > LINEAR_GROWTH) ? { prefix, pump, suffix, growth } : undefined;
}

/** Milliseconds of CPU in which all matches are found, as the callers do it who are given one text. */
function workOf(regexp: RegExp, text: string): number {
  regexp.lastIndex = 0;
  const began = process.cpuUsage();
  if (regexp.global) text.replace(regexp, "");
  else regexp.exec(text);
  return process.cpuUsage(began).user / 1000;
}
