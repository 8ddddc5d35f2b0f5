import { readFileSync, readdirSync, statSync } from "node:fs";
import { hostname as localHostname, userInfo } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { isIP } from "node:net";
import { reasonOf } from "../../model/error";
import { matchCriteria } from "./criteria";
import { type ConfigLine, parseLines } from "./lines";
import { hasGlob, matchesGlob, matchesPatterns } from "./patterns";
import { OPTIONS, canonicalKeyword, supportOf } from "./supported";

/** Values by lower-case option name. An option has several if OpenSSH accepts several. */
export type ClientOptions = ReadonlyMap<string, readonly string[]>;

/** The client configuration of a host. */
export interface ClientConfiguration {
  readonly options: ClientOptions;
  /** `file:line` of the first value of each option. */
  readonly where: ReadonlyMap<string, string>;
  /** Lines that ssh would obey and that are ignored here, each with its file, number and the reason. */
  readonly passedOver: readonly string[];
}

/** A file of OpenSSH client configuration. */
export interface ConfigFile {
  readonly path: string;
  /** Folder that relative `Include` paths start from. */
  readonly includeFrom: string;
  /** Whether a missing file is an error. */
  readonly required: boolean;
  /** Whether it is an error if others may write to it, as in ssh. */
  readonly guarded: boolean;
}

/** Parsed lines by a file's text, because parsing takes the time, and the file may change before the next host. */
export type ParsedFiles = Map<string, readonly ConfigLine[]>;

/** The local user and environment. */
export interface Local {
  readonly home: string;
  /** A variable of the environment. */
  readonly env: (name: string) => string | undefined;
}

interface Query extends Local {
  /** The name as given. */
  readonly alias: string;
  /** The name that `Host` patterns are compared with. */
  readonly name: string;
  readonly parsed: ParsedFiles;
  readonly final: boolean;
  readonly options: Map<string, string[]>;
  readonly where: Map<string, string>;
  readonly passedOver: Set<string>;
  wantsFinal: boolean;
}

// readconf.h, READCONF_MAX_DEPTH.
const MAX_INCLUDE_DEPTH = 16;
/** Options whose lines add up. */
const ADDING: ReadonlySet<string> = new Set(["identityfile", "certificatefile"]);
/** The most characters of a line that a message quotes. */
const MAX_QUOTED = 120;

/**
 * The options that the files give for a host, as ssh_config(5) says: the first value of an option counts, identity
 * files add up, `ProxyJump` and `ProxyCommand` exclude each other, `Include` works inside `Host` and `Match` too, and
 * `Match final` causes a second pass. No program is run.
 *
 * @throws Error that names the file that cannot be read or parsed
 */
export function clientConfiguration(
  files: readonly ConfigFile[],
  alias: string,
  user: string | undefined,
  { home, env }: Local,
  parsed: ParsedFiles,
): ClientConfiguration {
  const query: Query = {
    alias,
    name: alias,
    home,
    env,
    parsed,
    final: false,
    options: new Map(user === undefined ? [] : [["user", [user]]]),
    where: new Map(),
    passedOver: new Set(),
    wantsFinal: false,
  };
  for (const file of files) applyFile(file, query, true, 0);
  const canonicalize = query.options.get("canonicalizehostname")?.[0]?.toLowerCase() ?? "no";
  if (query.wantsFinal || !["no", "false"].includes(canonicalize)) {
    // ssh.c, main(): in the second pass the name is the one to connect to, which no HostName changes any more
    const name = expandTokens(query.options.get("hostname")?.[0] ?? alias, { h: alias });
    const again = { ...query, name: isIP(name) === 0 ? name.toLowerCase() : name, final: true };
    again.options.set("hostname", [again.name.replaceAll("%", "%%")]);
    for (const file of files) applyFile(file, again, true, 0);
  }
  for (const { name, treatment, harmless = [], note } of OPTIONS) {
    const keyword = name.toLowerCase();
    const values = query.options.get(keyword);
    const where = query.where.get(keyword);
    if (treatment !== "named" || values === undefined || where === undefined) continue;
    if (!harmless.includes(values[0]?.toLowerCase() ?? ""))
      query.passedOver.add(`${where} (${name}: ${note})`);
  }
  return { options: query.options, where: query.where, passedOver: [...query.passedOver] };
}

/**
 * The hosts that the files name: patterns of `Host` without a wildcard, in the order in which they come, those of
 * included files too.
 *
 * @throws Error that names the file that cannot be read or parsed
 */
export function namedHosts(files: readonly ConfigFile[], home: string): string[] {
  return [...new Set(files.flatMap((file) => namesIn(file, home, 0)))];
}

function namesIn(file: ConfigFile, home: string, depth: number): string[] {
  if (depth > MAX_INCLUDE_DEPTH) throw new Error(`${file.path}: Include is nested too deeply`);
  return (readLines(file, new Map()) ?? []).flatMap(({ keyword, args }) => {
    if (keyword === "host") return args.filter((name) => !/[*?!]/.test(name));
    if (keyword !== "include") return [];
    return args
      .flatMap((value) => includedFiles(value, file, home))
      .flatMap((included) => namesIn(included, home, depth + 1));
  });
}

function applyFile(file: ConfigFile, query: Query, active: boolean, depth: number): void {
  if (depth > MAX_INCLUDE_DEPTH) throw new Error(`${file.path}: Include is nested too deeply`);
  const lines = readLines(file, query.parsed);
  // The lines before the first Host or Match apply to all hosts.
  let applies = active;
  for (const line of lines ?? []) {
    try {
      if (line.keyword === "host") {
        applies = active && matchesPatterns(line.args, query.name);
      } else if (line.keyword === "match") {
        applies = active && appliesTo(line, file, query);
      } else if (line.keyword === "include") {
        // Even if the block does not match: ssh then reads the files too, and reports a loop.
        for (const included of line.args.flatMap((value) => includedFiles(value, file, query.home))) {
          applyFile(included, query, applies, depth + 1);
        }
      } else if (applies) {
        applyOption(line, file, query);
      }
    } catch (error) {
      if (error instanceof LineError) {
        throw new Error(
          `the OpenSSH client configuration ${file.path}, line ${line.number}: ${error.message}`,
          {
            cause: error,
          },
        );
      }
      throw error;
    }
  }
}

/** A problem with one line. */
class LineError extends Error {}

function applyOption(
  { keyword: given, args, number, text }: ConfigLine,
  file: ConfigFile,
  query: Query,
): void {
  const { options } = query;
  const keyword = canonicalKeyword(given);
  const support = supportOf(keyword);
  if (support === undefined) {
    if (!matchesPatterns((options.get("ignoreunknown")?.[0] ?? "").toLowerCase().split(","), given))
      query.passedOver.add(`${quote(file, number, text)} (unknown option)`);
    return;
  }
  if (args.length > 1 && support.treatment === "obeyed" && support.many !== true) {
    throw new LineError(`${support.name} takes one value`);
  }
  const previous = options.get(keyword);
  if (keyword === "proxyjump" && options.has("proxycommand")) return;
  if (keyword === "proxycommand" && options.has("proxyjump")) return;
  if (previous === undefined) {
    options.set(keyword, [...args]);
    query.where.set(keyword, quote(file, number, text));
  } else if (ADDING.has(keyword)) {
    options.set(keyword, [...new Set([...previous, ...args])]);
  }
}

function appliesTo({ args, number, text }: ConfigLine, file: ConfigFile, query: Query): boolean {
  const { alias, options, final, env } = query;
  const hostname = options.get("hostname")?.[0];
  const subject = {
    host: expandTokens(hostname ?? alias, { h: alias }),
    originalHost: alias,
    user: options.get("user")?.[0] ?? localUser(env),
    localUser: localUser(env),
    tag: options.get("tag")?.[0] ?? "",
    final,
  };
  try {
    const { matches, wantsFinal, undecided } = matchCriteria(args, subject);
    if (wantsFinal) query.wantsFinal = true;
    if (undecided !== undefined) query.passedOver.add(`${quote(file, number, text)} (${undecided})`);
    return matches;
  } catch (error) {
    throw new LineError(reasonOf(error), { cause: error });
  }
}

function quote({ path }: ConfigFile, number: number, text: string): string {
  const cut = text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
  return `${path}:${number} ${JSON.stringify(cut)}`;
}

function readLines(file: ConfigFile, parsed: ParsedFiles): readonly ConfigLine[] | undefined {
  let text: string;
  try {
    const stat = statSync(file.path);
    if (file.guarded && isWritableByOthers(stat)) {
      const remedy = `run chmod go-w ${file.path}, and make sure that it belongs to you or root`;
      throw new Error(`others can write to it: ${remedy}`);
    }
    text = readFileSync(file.path, "utf8");
  } catch (error) {
    if (!file.required && hasCode(error, "ENOENT", "ENOTDIR")) return undefined;
    throw new Error(`the OpenSSH client configuration ${file.path} cannot be read: ${reasonOf(error)}`, {
      cause: error,
    });
  }
  try {
    const lines = parsed.get(text) ?? parseLines(text);
    parsed.set(text, lines);
    return lines;
  } catch (error) {
    throw new Error(`the OpenSSH client configuration ${file.path} cannot be parsed: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

/**
 * readconf.c, read_config_file_depth(): the file must belong to root or to the user, and no other user may write to it.
 */
function isWritableByOthers({ uid, mode }: { uid: number; mode: number }): boolean {
  const own = process.getuid?.();
  return own !== undefined && ((uid !== 0 && uid !== own) || (mode & 0o022) !== 0);
}

function includedFiles(value: string, file: ConfigFile, home: string): ConfigFile[] {
  const path = value.replace(/^~(?=\/|$)/, home);
  return expandGlob(isAbsolute(path) ? path : join(file.includeFrom, path)).map((included) => ({
    ...file,
    path: included,
    required: false,
    guarded: true,
  }));
}

/** The existing files that a path with wildcards stands for, in the order of glob(3); dot files need a dot. */
function expandGlob(path: string): string[] {
  if (!hasGlob(path)) return [path];
  const parent = dirname(path);
  const name = path.slice(parent === "/" ? 1 : parent.length + 1);
  const folders = expandGlob(parent);
  if (!hasGlob(name)) return folders.map((folder) => join(folder, name));
  return folders.flatMap((folder) =>
    listFolder(folder)
      .filter((entry) => (name.startsWith(".") || !entry.startsWith(".")) && matchesGlob(name, entry))
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
export function localTokens({ home, env }: Local): Record<string, string> {
  const name = localHostname();
  return {
    d: home,
    u: localUser(env),
    i: String(process.getuid?.() ?? ""),
    l: name,
    L: name.split(".")[0] ?? name,
  };
}

/** Login name of this process's user. In a container the uid may have none; then the environment is used. */
export function localUser(env: Local["env"]): string {
  try {
    return userInfo().username;
  } catch {
    return env("LOGNAME") ?? env("USER") ?? "root";
  }
}

function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}
