import { readdirSync, readFileSync } from "node:fs";
import { hostname as localHostname, userInfo } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { type Line, sshConfig } from "../ssh2";
import { matchesPattern, matchesPatterns } from "./patterns";

/** Values by lower-case option name. One option has several where OpenSSH takes several. */
export type ClientOptions = ReadonlyMap<string, readonly string[]>;

/** A file of OpenSSH client configuration. */
export interface ConfigFile {
  readonly path: string;
  /** Folder that relative `Include` paths start from. */
  readonly includeFrom: string;
  /** Whether it is an error that the file is not there. */
  readonly required: boolean;
}

interface Query {
  readonly alias: string;
  readonly home: string;
  readonly options: Map<string, string[]>;
}

// readconf.h, READCONF_MAX_DEPTH.
const MAX_INCLUDE_DEPTH = 16;

/** By a file's text, as parsing is what takes time: it may be another one when the next host is asked for. */
const parsed = new Map<string, readonly Line[]>();

/**
 * The options that the files give for a host, as ssh_config(5) says: the first value of an option counts, identity
 * files add up, `ProxyJump` and `ProxyCommand` exclude each other, `Include` works inside of `Host` and `Match` too.
 * `Match exec`, `canonical`, `final` and other criteria that depend on the moment never match, and nothing is run.
 *
 * @throws Error that names the file which cannot be read or parsed
 */
export function clientOptions(
  files: readonly ConfigFile[],
  alias: string,
  user: string | undefined,
  home: string,
): ClientOptions {
  const query: Query = { alias, home, options: new Map(user === undefined ? [] : [["user", [user]]]) };
  for (const file of files) applyFile(file, query, true, 0);
  return query.options;
}

/**
 * The hosts that the files name: patterns of `Host` without a wildcard, in the order in which they come, those of
 * included files too.
 *
 * @throws Error that names the file which cannot be read or parsed
 */
export function namedHosts(files: readonly ConfigFile[], home: string): string[] {
  return [...new Set(files.flatMap((file) => namesIn(file, home, 0)))];
}

function namesIn(file: ConfigFile, home: string, depth: number): string[] {
  if (depth > MAX_INCLUDE_DEPTH) throw new Error(`${file.path}: Include is nested too deeply`);
  const visit = (lines: readonly Line[]): string[] =>
    lines.flatMap((line) => {
      if (!("param" in line)) return [];
      const option = line.param.toLowerCase();
      if (option === "include") {
        const paths = valuesOf(line).flatMap((value) => includedPaths(value, file, home));
        return paths.flatMap((path) => namesIn({ ...file, path, required: false }, home, depth + 1));
      }
      if (!("config" in line)) return [];
      const names = option === "host" ? valuesOf(line).filter((name) => !/[*?!]/.test(name)) : [];
      return [...names, ...visit(line.config)];
    });
  return visit(parseFile(file) ?? []);
}

type Directive = Extract<Line, { param: string }>;

function valuesOf({ value }: Directive): string[] {
  return Array.isArray(value) ? value.map(({ val }) => val) : [value];
}

function applyFile(file: ConfigFile, query: Query, active: boolean, depth: number): void {
  if (depth > MAX_INCLUDE_DEPTH) throw new Error(`${file.path}: Include is nested too deeply`);
  const lines = parseFile(file);
  if (lines !== undefined) applyLines(lines, file, query, active, depth);
}

function applyLines(
  lines: readonly Line[],
  file: ConfigFile,
  query: Query,
  active: boolean,
  depth: number,
): void {
  for (const line of lines) {
    if (!("param" in line)) continue;
    const option = line.param.toLowerCase();
    const values = valuesOf(line);
    if ("config" in line) {
      const matches = option === "host" ? matchesPatterns(values, query.alias) : matchCriteria(values, query);
      applyLines(line.config, file, query, active && matches, depth);
    } else if (option === "include") {
      // Also where the block does not match: ssh reads the files then too, and complains about a loop.
      for (const path of values.flatMap((value) => includedPaths(value, file, query.home))) {
        applyFile({ ...file, path, required: false }, query, active, depth + 1);
      }
    } else if (active) {
      applyOption(option, values, query.options);
    }
  }
}

function applyOption(option: string, values: readonly string[], options: Map<string, string[]>): void {
  const before = options.get(option);
  if (option === "identityfile") options.set(option, [...(before ?? []), ...values]);
  else if (option === "proxyjump" && options.has("proxycommand")) return;
  else if (option === "proxycommand" && options.has("proxyjump")) return;
  else if (before === undefined) options.set(option, [...values]);
}

/** `Match` criteria: `all`, `host`, `originalhost`, `user` and `localuser`; lists are comma separated. */
function matchCriteria(words: readonly string[], { alias, options }: Query): boolean {
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    const negated = word.startsWith("!");
    const criterion = word.replace(/^!/, "").toLowerCase();
    if (criterion === "all") continue;
    const target =
      criterion === "host"
        ? expandTokens(options.get("hostname")?.[0] ?? alias, { h: alias })
        : criterion === "originalhost"
          ? alias
          : criterion === "user"
            ? (options.get("user")?.[0] ?? localUser())
            : criterion === "localuser"
              ? localUser()
              : undefined;
    if (target === undefined) return false;
    at++;
    if (matchesPatterns((words[at] ?? "").split(","), target) === negated) return false;
  }
  return true;
}

function parseFile(file: ConfigFile): readonly Line[] | undefined {
  let text: string;
  try {
    text = readFileSync(file.path, "utf8");
  } catch (error) {
    if (!file.required && hasCode(error, "ENOENT", "ENOTDIR")) return undefined;
    throw new Error(`the OpenSSH client configuration ${file.path} cannot be read: ${reasonOf(error)}`, {
      cause: error,
    });
  }
  try {
    const lines = parsed.get(text) ?? sshConfig.parse(text);
    parsed.set(text, lines);
    return lines;
  } catch (error) {
    throw new Error(`the OpenSSH client configuration ${file.path} cannot be parsed: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

function includedPaths(value: string, file: ConfigFile, home: string): string[] {
  const path = value.replace(/^~(?=\/|$)/, home);
  return expandGlob(isAbsolute(path) ? path : join(file.includeFrom, path));
}

/** The existing files that a path with `*` and `?` stands for, in the order of glob(3); dot files need a dot. */
function expandGlob(path: string): string[] {
  if (!/[*?]/.test(path)) return [path];
  const parent = dirname(path);
  const name = path.slice(parent === "/" ? 1 : parent.length + 1);
  const folders = expandGlob(parent);
  if (!/[*?]/.test(name)) return folders.map((folder) => join(folder, name));
  return folders.flatMap((folder) =>
    listFolder(folder)
      .filter((entry) => entry.startsWith(".") === name.startsWith(".") && matchesPattern(name, entry))
      .sort()
      .map((entry) => join(folder, entry)),
  );
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR", "EACCES")) return [];
    throw error;
  }
}

/** Replaces `%x` by the token's value and `%%` by a percent sign; unknown tokens stay as they are. */
export function expandTokens(text: string, tokens: Readonly<Record<string, string>>): string {
  return text.replace(/%(.)/g, (all, token: string) => (token === "%" ? "%" : (tokens[token] ?? all)));
}

/** The tokens that do not depend on the host (ssh_config(5), TOKENS). */
export function localTokens(home: string): Record<string, string> {
  const name = localHostname();
  return {
    d: home,
    u: localUser(),
    i: String(process.getuid?.() ?? ""),
    l: name,
    L: name.split(".")[0] ?? name,
  };
}

/** Login name of whoever runs this process. In a container its uid may have none; then the environment is asked. */
export function localUser(): string {
  try {
    return userInfo().username;
  } catch {
    return process.env["LOGNAME"] ?? process.env["USER"] ?? "root";
  }
}

function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
