/** One line of OpenSSH client configuration. */
export interface ConfigLine {
  /** In lower case. */
  readonly keyword: string;
  /** At least one. */
  readonly args: readonly [string, ...string[]];
  /** Counted from 1. */
  readonly number: number;
  /** The trimmed line, for messages. */
  readonly text: string;
}

/** Options whose value is the rest of the line, as a shell gets it (readconf.c). */
const COMMANDS: ReadonlySet<string> = new Set([
  "proxycommand",
  "localcommand",
  "remotecommand",
  "knownhostscommand",
]);

const BLANK = /^[ \t\r\n\f]$/;

/**
 * Reads the lines of a configuration as readconf.c does: a keyword, blanks with at most one `=` among them, and
 * arguments, which may be in single or double quotes. A `#` at the beginning of an argument starts a comment. Takes
 * linear time.
 *
 * @throws Error that names the line which cannot be read
 */
export function parseLines(text: string): ConfigLine[] {
  return text.split("\n").flatMap((line, index) => parseLine(line, index + 1) ?? []);
}

function parseLine(line: string, number: number): ConfigLine | undefined {
  const text = line.trim();
  if (text === "" || text.startsWith("#")) return undefined;
  const { keyword, rest } = splitKeyword(text);
  if (keyword === "") return undefined;
  if (rest === "") throw new Error(`line ${number}: no value after ${keyword}`);
  const [first, ...more] = COMMANDS.has(keyword) ? [rest] : splitArguments(rest, number);
  return first === undefined ? undefined : { keyword, args: [first, ...more], number, text };
}

function splitKeyword(text: string): { keyword: string; rest: string } {
  const quoted = text.startsWith('"');
  let at = quoted ? 1 : 0;
  while (at < text.length && !(quoted ? text[at] === '"' : /[\s="]/.test(text[at] ?? ""))) at++;
  const keyword = text.slice(quoted ? 1 : 0, at).toLowerCase();
  if (quoted) at++;
  while (BLANK.test(text[at] ?? "")) at++;
  if (text[at] === "=") at++;
  while (BLANK.test(text[at] ?? "")) at++;
  return { keyword, rest: text.slice(at) };
}

/** Splits arguments as misc.c, argv_split() does. */
function splitArguments(text: string, number: number): string[] {
  const args: string[] = [];
  let at = 0;
  for (;;) {
    while (text[at] === " " || text[at] === "\t") at++;
    if (at >= text.length || text[at] === "#") return args;
    let word = "";
    let quote = "";
    for (; at < text.length; at++) {
      const char = text[at] ?? "";
      const next = text[at + 1] ?? "";
      if (
        char === "\\" &&
        (next === "\\" || next === '"' || next === "'" || (quote === "" && next === " "))
      ) {
        word += next;
        at++;
      } else if (quote === "" && (char === " " || char === "\t")) {
        break;
      } else if (quote === "" && (char === '"' || char === "'")) {
        quote = char;
      } else if (quote !== "" && char === quote) {
        quote = "";
      } else {
        word += char;
      }
    }
    if (quote !== "") throw new Error(`line ${number}: a quote is not closed`);
    args.push(word);
  }
}
