/** Redaction of secrets that may be part of a message. */
import { broadcastOf, canonicalCidr, canonicalIp, canonicalMac, subnetOf, withoutPrefix } from "./addresses";

/** The replacement for a secret. */
export const SECRET = "[secret]";

/** Shorter texts are in everything by chance: they are withheld in what is said of their host, and nowhere else. */
const SHORTEST = 4;

/**
 * The net below the marks of `secret-parts.ts`: withholds the values of secret properties, and credentials, from free
 * text, such as what a host printed or what is said of another resource. It lives as long as the run, and writes nothing.
 */
export interface Redactor {
  /**
   * Withholds each text and number in a value, at any depth and in any notation, from now on.
   *
   * @param host of which short ones are withheld as well
   * @param names that people know anyway: to withhold them would tell that the secret is the same
   */
  readonly register: (value: unknown, host?: string, names?: readonly string[]) => void;
  /** Redacts a text. */
  readonly redact: (text: string, host?: string) => string;
}

export function openRedactor(): Redactor {
  const everywhere = openWords();
  const byHost = new Map<string, Words>();
  const redact = (text: string, host?: string): string => {
    const short = host === undefined ? undefined : byHost.get(host);
    const long = everywhere.redact(text);
    return short === undefined ? long : short.redact(long);
  };
  return {
    register(value, host, names = []) {
      for (const word of wordsIn(value)) {
        if (names.includes(word)) continue;
        if (word.length >= SHORTEST) everywhere.add(word);
        else if (host !== undefined) {
          const words = byHost.get(host) ?? openWords();
          byHost.set(host, words);
          words.add(word);
        }
      }
    },
    redact,
  };
}

/** Texts to withhold. */
interface Words {
  add(word: string): void;
  redact(text: string): string;
}

function openWords(): Words {
  const words = new Set<string>();
  let pattern: RegExp | undefined;
  return {
    add(word) {
      if (words.has(word)) return;
      words.add(word);
      pattern = undefined;
    },
    redact(text) {
      if (words.size === 0) return text;
      pattern ??= patternOf([...words]);
      return text.replace(pattern, SECRET);
    },
  };
}

/** What begins or ends with a letter or a digit is no part of a longer word, number or address, unless it is a long text. */
function patternOf(words: readonly string[]): RegExp {
  // the longest first, as one may be part of another
  const sources = words
    .flatMap((word) => [...new Set([word, JSON.stringify(word).slice(1, -1)])])
    .toSorted((a, b) => b.length - a.length)
    .map((word) =>
      isPart(word) ? escaped(word) : `(?<![\\w.]|[\\da-f:]:|\\w-)${escaped(word)}(?![\\w]|[.:-]\\w)`,
    );
  return new RegExp(sources.join("|"), "gi");
}

/** Whether a text is withheld inside others as well: what is neither short nor a number. */
function isPart(word: string): boolean {
  return word.length >= SHORTEST && !/^[0-9.]+$/.test(word);
}

function escaped(word: string): string {
  return word.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

/** The texts and numbers of a value, each in every notation in which it may be shown. */
function wordsIn(value: unknown): string[] {
  if (typeof value === "number") return [String(value)];
  if (typeof value === "string") return notationsOf(value.trim());
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(wordsIn) : [];
}

function notationsOf(text: string): string[] {
  if (text === "") return [];
  const mac = canonicalMac(text);
  // also as a bridge's or a bond's identifier has it
  if (mac !== undefined) return [text, mac, mac.replaceAll(":", "-"), mac.replaceAll(":", "")];
  const ip = canonicalIp(text);
  if (ip !== undefined) return [text, ip];
  const cidr = canonicalCidr(text);
  if (cidr === undefined) return [text];
  const broadcast = broadcastOf(cidr);
  return [
    ...[text, cidr, subnetOf(cidr), withoutPrefix(text), withoutPrefix(cidr)],
    ...(broadcast === undefined ? [] : [broadcast]),
  ];
}
