/** What an inventory is, as plain data: the form of its file, and of a stack's output. */
import { z } from "zod";
import { type HostAddress, hostSchema } from "../ssh/address";

/** Values for programs, by name. */
export type Vars = Readonly<Record<string, unknown>>;

/** A host of an inventory's data: how to reach it, where its name does not say that, and what is its own. */
export interface HostData {
  readonly host: HostAddress;
  readonly vars: Vars;
}

/** A group of an inventory's data. */
export interface GroupData {
  /** Names of hosts, or patterns with `*` and `?`; with `!` in front, what is left out. */
  readonly hosts: readonly string[];
  /** Groups whose hosts are its own as well. */
  readonly groups: readonly string[];
  readonly vars: Vars;
}

/** An inventory as plain data, with all of its hosts by name. */
export interface InventoryData {
  readonly vars: Vars;
  readonly hosts: Readonly<Record<string, HostData>>;
  readonly groups: Readonly<Record<string, GroupData>>;
}

/** The data as it is written, with what {@link InventoryData} has filled in left out. */
export interface InventoryFile extends InventoryData {
  /** Patterns: all hosts of the OpenSSH client configuration with such a name. */
  readonly sshConfig: readonly string[];
}

function entries<T>(what: string, of: z.ZodType<T>): z.ZodType<Record<string, T>> {
  return z
    .record(z.string(), of, { error: `must be ${what} by name` })
    .nullish()
    .transform((given) => given ?? {});
}

/** Fields of which all may be left out. Messages complete a sentence that begins with the path. */
function section<S extends z.ZodRawShape>(shape: S) {
  const keys = Object.keys(shape).join(", ");
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? `is not known here; there are ${keys}`
        : `must have ${keys}, or nothing`,
  });
}

const names = z
  .array(z.string({ error: "must be a name" }), { error: "must be a list of names" })
  .nullish()
  .transform((list) => list ?? []);
const vars = entries("values", z.unknown());
const group = z.preprocess((given) => given ?? {}, section({ hosts: names, groups: names, vars }));

/** `node1:` alone, a text, or `{ host, vars }`. */
const host = z.preprocess(
  (given) => (typeof given === "string" ? { host: given } : (given ?? {})),
  section({ host: z.unknown().optional(), vars }),
);

const hosts = entries("hosts", host).transform((given, ctx): Record<string, HostData> => {
  const named = Object.entries(given).flatMap(([pattern, entry]) => {
    const expanded = expandRange(pattern);
    if (typeof expanded === "string") {
      ctx.addIssue({ code: "custom", message: expanded, path: [pattern] });
      return [];
    }
    return expanded.flatMap((name): [string, HostData][] => {
      if (name !== pattern && entry.host !== undefined) {
        ctx.addIssue({
          code: "custom",
          message: "is one way for many hosts; leave it out",
          path: [pattern, "host"],
        });
        return [];
      }
      const parsed = hostSchema.safeParse(entry.host ?? name);
      if (parsed.success) return [[name, { host: parsed.data, vars: entry.vars }]];
      for (const { message, path } of parsed.error.issues) {
        const below = entry.host === undefined ? [] : ["host", ...path];
        ctx.addIssue({ code: "custom", message, path: [pattern, ...below] });
      }
      return [];
    });
  });
  const seen = new Set<string>();
  for (const [name] of named) {
    if (seen.has(name)) {
      ctx.addIssue({ code: "custom", message: `is there twice, once by a range`, path: [name] });
    }
    seen.add(name);
  }
  return Object.fromEntries(named);
});

/** `node[01:03].example` is node01.example to node03.example, with the first number's width. */
function expandRange(pattern: string): string[] | string {
  if (!/[[\]]/.test(pattern)) return [pattern];
  const [, before = "", from = "", to = "", after = ""] =
    /^([^[\]]*)\[(\d+):(\d+)\]([^[\]]*)$/.exec(pattern) ?? [];
  const count = Number(to) - Number(from) + 1;
  if (from === "" || count < 1 || count > 1000)
    return "has no range such as [01:20], of 1000 hosts at most, in it";
  return Array.from(
    { length: count },
    (_, i) => before + String(Number(from) + i).padStart(from.length, "0") + after,
  );
}

/** Schema of an inventory, in the file's short forms or as plain data. */
export const inventorySchema: z.ZodType<InventoryFile> = z.preprocess(
  (given) => given ?? {},
  section({
    vars,
    hosts,
    sshConfig: names,
    groups: entries("groups", group),
  }),
);
