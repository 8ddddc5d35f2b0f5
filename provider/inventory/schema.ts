/** An inventory as plain data: the form of its file, and of a stack's output. */
import { z } from "zod";
import { type HostAddress, hostSchema } from "../ssh/address";

/** Values for programs, by name. */
export type Vars = Readonly<Record<string, unknown>>;

/** A host of an inventory's data: how to reach it, if not by its name, and its own values. */
export interface HostData {
  readonly host: HostAddress;
  readonly vars: Vars;
}

/** A group of an inventory's data. */
export interface GroupData {
  /** Names of hosts, or patterns with `*` and `?`; a leading `!` excludes. */
  readonly hosts: readonly string[];
  /** Groups whose hosts belong to this group too. */
  readonly groups: readonly string[];
  readonly vars: Vars;
}

/** An inventory as plain data, with all of its hosts by name. */
export interface InventoryData {
  readonly vars: Vars;
  readonly hosts: Readonly<Record<string, HostData>>;
  readonly groups: Readonly<Record<string, GroupData>>;
}

/** The data as written, in the short forms that {@link InventoryData} expands. */
export interface InventoryFile extends InventoryData {
  /** Patterns for hosts of the OpenSSH client configuration. */
  readonly sshConfig: readonly string[];
}

function entries<T>(what: string, of: z.ZodType<T>): z.ZodType<Record<string, T>> {
  return z
    .record(z.string(), of, { error: `must be ${what} by name` })
    .nullish()
    .transform((given) => given ?? {});
}

/** An object whose fields are all optional. Messages complete a sentence that begins with the path. */
function section<S extends z.ZodRawShape>(shape: S) {
  const keys = Object.keys(shape).join(", ");
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? `is unknown here; the keys are ${keys}`
        : `must be empty, or have only the keys ${keys}`,
  });
}

const names = z
  .array(z.string({ error: "must be a name" }), { error: "must be a list of names" })
  .nullish()
  .transform((list) => list ?? []);
const vars = entries("values", z.unknown());
const group = z.preprocess((given) => given ?? {}, section({ hosts: names, groups: names, vars }));

/** `node1:` alone, a string, or `{ host, vars }`. */
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
          message: "would be the same for many hosts; leave it out",
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
      ctx.addIssue({ code: "custom", message: `occurs twice, once in a range`, path: [name] });
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
    return "contains no valid range, such as [01:20], of at most 1000 hosts";
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
