/**
 * Text from outside, from hosts above all, on its way to people: it is data there and nothing else. Each border has one
 * function; what has passed it cannot move a cursor, begin a line of a CI log, or be markup. Pure.
 */

/** Text of one line that can be shown anywhere but in markup. */
export type Printable = string & { readonly printable: unique symbol };

/** So much of an outside text is quoted in a message, in characters. */
const LONGEST = 400;

/** Control characters, those that change the direction of text or cannot be seen, and what XML 1.0 does not have. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\ufffe\uffff]/gu;

/** What CI systems obey anywhere in a line: GitHub and Azure (`##[error]`, `##vso[…]`), TeamCity. */
const MARK = /##(?=\[|vso\[|teamcity\[)/gi;

/** What GitHub obeys at the beginning of a line, also after blanks. */
const COMMAND = /^[^\S\n]*::/;

/**
 * A text as one line: line breaks, escape sequences and what cannot be seen are written as `\n`, `\u001b`, `\u202e`. What
 * is longer than the limit is cut in the middle, as the end of what a program prints often says most.
 */
export function printable(text: string, limit = LONGEST): Printable {
  const cut = text.length <= limit ? text : `${text.slice(0, limit / 2)}…${text.slice(-limit / 2)}`;
  return harmless(cut) as Printable;
}

/** The end of what was printed, as one line in quotes; `nothing` for no text. */
export function quotedEnd(text: string, limit = LONGEST): Printable {
  const end = text.trim().slice(-limit);
  return (end === "" ? "nothing" : `"${harmless(end).replaceAll('"', '\\"')}"`) as Printable;
}

/**
 * The border to a terminal or a CI log, for whole messages: line breaks stay, all else is as in {@link printable}, and
 * no line is a command of a CI system.
 */
export function forLog(message: string): string {
  return message
    .split("\n")
    .map((line) => {
      const plain = line.endsWith("\r") ? line.slice(0, -1) : line;
      const safe = harmless(plain.replaceAll("\t", "    "));
      return COMMAND.test(safe) ? `| ${safe}` : safe;
    })
    .join("\n");
}

function harmless(text: string): string {
  return text.replace(UNPRINTABLE, escaped).replace(MARK, "#\\u0023");
}

function escaped(char: string): string {
  switch (char) {
    case "\n":
      return "\\n";
    case "\r":
      return "\\r";
    case "\t":
      return "\\t";
    default: {
      const code = char.codePointAt(0) ?? 0;
      return `\\u${code <= 0xffff ? code.toString(16).padStart(4, "0") : `{${code.toString(16)}}`}`;
    }
  }
}
