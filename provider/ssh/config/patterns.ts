/** One position of a pattern: a run of characters, or a test of exactly one. */
type Part = "run" | ((char: string) => boolean);

/**
 * OpenSSH's patterns (ssh_config(5), PATTERNS): `*` matches any characters, `?` exactly one, and if a negated pattern
 * matches, the whole list does not.
 */
export function matchesPatterns(patterns: readonly string[], text: string): boolean {
  let matched = false;
  for (const pattern of patterns) {
    if (pattern.startsWith("!")) {
      if (matchesPattern(pattern.slice(1), text)) return false;
    } else if (matchesPattern(pattern, text)) {
      matched = true;
    }
  }
  return matched;
}

/** Whether a pattern without negation matches the whole text. */
export function matchesPattern(pattern: string, text: string): boolean {
  // most are names of hosts, of which a fleet has many
  if (!/[*?]/.test(pattern)) return pattern === text;
  return matchesParts(
    Array.from(pattern, (char) => (char === "*" ? "run" : char === "?" ? () => true : (c) => c === char)),
    Array.from(text),
  );
}

/** Whether the pattern has a wildcard of glob(3). */
export function hasGlob(pattern: string): boolean {
  return /[*?[]/.test(pattern);
}

/** Whether one name matches a pattern of glob(3): `*`, `?`, `[a-z]`, `[!a]`, `[[:digit:]]` and `\` before any of them. */
export function matchesGlob(pattern: string, name: string): boolean {
  const parts: Part[] = [];
  const chars = Array.from(pattern);
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? "";
    if (char === "*") parts.push("run");
    else if (char === "?") parts.push(() => true);
    else if (char === "[") {
      const set = bracket(chars, at);
      parts.push(set?.test ?? ((c) => c === "["));
      at = set?.end ?? at;
    } else {
      const literal = char === "\\" ? (chars[++at] ?? char) : char;
      parts.push((c) => c === literal);
    }
  }
  return matchesParts(parts, Array.from(name));
}

const CLASSES: ReadonlyMap<string, RegExp> = new Map([
  ["alnum", /^[\p{L}\p{N}]$/u],
  ["alpha", /^\p{L}$/u],
  ["blank", /^[ \t]$/],
  ["digit", /^[0-9]$/],
  ["lower", /^\p{Ll}$/u],
  ["punct", /^[!-/:-@[-`{-~]$/],
  ["space", /^\s$/],
  ["upper", /^\p{Lu}$/u],
  ["xdigit", /^[0-9A-Fa-f]$/],
]);

/** The set that begins at a bracket, and its end; undefined if it is not closed and so is a literal bracket. */
function bracket(
  chars: readonly string[],
  start: number,
): { readonly test: (char: string) => boolean; readonly end: number } | undefined {
  let at = start + 1;
  const negated = chars[at] === "!" || chars[at] === "^";
  if (negated) at++;
  const tests: ((char: string) => boolean)[] = [];
  for (const first = at; at < chars.length; at++) {
    let char = chars[at] ?? "";
    if (char === "]" && at > first) {
      return { test: (c) => tests.some((test) => test(c)) !== negated, end: at };
    }
    if (char === "[" && chars[at + 1] === ":") {
      const end = chars.indexOf(":", at + 2);
      const named = end < 0 ? undefined : CLASSES.get(chars.slice(at + 2, end).join(""));
      if (named !== undefined && chars[end + 1] === "]") {
        tests.push((c) => named.test(c));
        at = end + 1;
        continue;
      }
    }
    if (char === "\\" && at + 1 < chars.length) char = chars[++at] ?? "";
    const last = chars[at + 2];
    if (chars[at + 1] === "-" && last !== undefined && last !== "]") {
      const from = char;
      tests.push((c) => c >= from && c <= last);
      at += 2;
    } else {
      const literal = char;
      tests.push((c) => c === literal);
    }
  }
  return undefined;
}

/** Backtracks only to the last run, so no pattern is slow. */
function matchesParts(parts: readonly Part[], chars: readonly string[]): boolean {
  let p = 0;
  let t = 0;
  let run = -1;
  let resume = 0;
  while (t < chars.length) {
    const part = parts[p];
    if (part === "run") {
      run = p++;
      resume = t;
    } else if (part?.(chars[t] ?? "") === true) {
      p++;
      t++;
    } else if (run >= 0) {
      p = run + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (parts[p] === "run") p++;
  return p === parts.length;
}
