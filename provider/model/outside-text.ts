/**
 * Text from outside, especially from hosts, that is shown to users: it must be only data. There is one function per
 * destination; its result cannot move a cursor, be a command in a CI log, or be markup. Pure.
 */

/** One line of text that is safe anywhere except in markup. */
export type Printable = string & { readonly printable: unique symbol };

/** The most characters of outside text that a message quotes. */
const LONGEST = 400;

/**
 * Control characters, invisible ones, those that change the direction of text, and those that XML 1.0 does not allow.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\ufffe\uffff]/gu;

/** Commands of CI systems anywhere in a line: GitHub and Azure (`##[error]`, `##vso[…]`), TeamCity. */
const MARK = /##(?=\[|vso\[|teamcity\[)/gi;

/** Commands of GitHub at the beginning of a line, also after blanks. */
const COMMAND = /^[^\S\n]*::/;

/**
 * A text as one line: line breaks, escape sequences and invisible characters are written as `\n`, `\u001b`, `\u202e`. A
 * longer text is cut in the middle, because the end of a program's output is often the most useful part.
 */
export function printable(text: string, limit = LONGEST): Printable {
  const cut = text.length <= limit ? text : `${text.slice(0, limit / 2)}…${text.slice(-limit / 2)}`;
  return harmless(cut) as Printable;
}

/** The end of some output, as one line in quotes; `nothing` for an empty one. */
export function quotedEnd(text: string, limit = LONGEST): Printable {
  const end = text.trim().slice(-limit);
  return (end === "" ? "nothing" : `"${harmless(end).replaceAll('"', '\\"')}"`) as Printable;
}

/**
 * A whole message for a terminal or a CI log: line breaks stay, everything else is as in {@link printable}, and no line
 * is a command of a CI system.
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
