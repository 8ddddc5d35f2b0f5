/**
 * The links of a stack, from `pulumi preview --json` or `pulumi stack export`, by what is in it. Pure.
 *
 * Measured with engine 3.259: a preview's steps hold the canonical inputs, those that the provider adds (`__owner`,
 * `drift`) too; secrets are the text `[secret]`. Links without a change are left out unless `--show-sames` is given.
 * A replacement is one step. Of a resource whose check failed there is no step, only a diagnostic. An export holds
 * secrets encrypted, below a key of their own.
 */
import { z } from "zod";
import { pathOf } from "../model/property-path";
import { isUnknown } from "../model/unknown";
import { type HostAddress, hostSchema } from "../ssh/address";
import { type AnyKind, KINDS } from "../kinds";
import type { Json } from "../kinds/kind";

/** What happens to a resource. */
export type Action = "keep" | "create" | "update" | "replace" | "delete";

/** A resource of this package in a stack. */
export interface StackLink {
  readonly kind: AnyKind;
  /** The resource's name. */
  readonly resource: string;
  readonly action: Action;
  /** Undefined if the host is a secret or not known yet. */
  readonly host: HostAddress | undefined;
  /** Canonical inputs of the last run, with the hidden ones. */
  readonly before?: Json;
  /** The new inputs, with the differences that `check` found in `drift`. */
  readonly after?: Json;
  /** Properties that are secret and therefore in neither. */
  readonly secret: readonly string[];
  /** Properties whose values are not known yet. */
  readonly unknown: readonly string[];
}

export interface StackReading {
  /** `project/stack` */
  readonly name: string;
  readonly source: "preview" | "export";
  /** In the order in which the engine processes them. */
  readonly links: readonly StackLink[];
  /** Errors of the preview. */
  readonly errors: readonly string[];
  /** Numbers of other providers' resources by action, without unchanged ones. */
  readonly others: Readonly<Record<string, number>>;
}

const json = z.record(z.string(), z.unknown());

const state = z.object({ type: z.string().optional(), inputs: json.optional(), outputs: json.optional() });

/** What is read of `pulumi preview --json`. */
const previewSchema = z.object({
  steps: z
    .array(
      z.object({ op: z.string(), urn: z.string(), oldState: state.nullish(), newState: state.nullish() }),
    )
    .default([]),
  diagnostics: z
    .array(z.object({ message: z.string().optional(), severity: z.string().optional() }))
    .nullish(),
});

/** What is read of `pulumi stack export`. */
const exportSchema = z.object({
  deployment: z.object({ resources: z.array(state.extend({ urn: z.string() })).nullish() }),
});

type Preview = z.output<typeof previewSchema>;
type Export = z.output<typeof exportSchema>;

/** @throws Error if the text is not one of these */
export function readStack(text: string, source: string): StackReading {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const found = text.trim() === "" ? "is empty" : `is not JSON (${(error as Error).message})`;
    throw new Error(`${source} ${found}; give what "pulumi preview --json" or "pulumi stack export" prints`, {
      cause: error,
    });
  }
  const has = (key: string): boolean => typeof value === "object" && value !== null && key in value;
  // a preview that failed before its first step has diagnostics alone
  if (has("steps") || has("diagnostics")) return fromPreview(checked(previewSchema));
  if (has("deployment")) return fromExport(checked(exportSchema));
  throw new Error(
    `${source} is JSON of something else; give what "pulumi preview --json" or "pulumi stack export" prints`,
  );

  function checked<T>(schema: z.ZodType<T>): T {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw new Error(`${source} has something else at ${pathOf(issue?.path ?? [])}: ${issue?.message ?? ""}`);
  }
}

const ACTIONS: ReadonlyMap<string, Action> = new Map([
  ["same", "keep"],
  ["create", "create"],
  ["update", "update"],
  ["delete", "delete"],
  ["replace", "replace"],
  ["create-replacement", "replace"],
  ["delete-replaced", "replace"],
]);

function fromPreview({ steps, diagnostics }: Preview): StackReading {
  const links = new Map<string, StackLink>();
  const others = new Map<string, number>();
  for (const { op, urn, oldState, newState } of steps) {
    const kind = kindOf(oldState?.type ?? newState?.type);
    const action = ACTIONS.get(op);
    if (!kind) {
      if (!["same", "read", "refresh"].includes(op) && !isStack(urn))
        others.set(op, (others.get(op) ?? 0) + 1);
    } else if (action !== undefined) {
      const gone = action === "delete" || action === "replace";
      // a deletion uses the state including outputs; everything else uses the inputs
      const before = gone ? { ...oldState?.inputs, ...oldState?.outputs } : oldState?.inputs;
      const link = stackLink(kind, urn, action, oldState ? before : undefined, newState?.inputs);
      const known = links.get(urn);
      // if a replacement has several steps, each has a part of it
      links.set(urn, known ? { ...link, ...definedOf(known), action } : link);
    }
  }
  const errors = (diagnostics ?? [])
    .filter((d) => d.severity === "error")
    .map((d) => withoutValue((d.message ?? "").trim().replace(/^error: /, "")))
    .filter((message) => message !== "");
  const urn = steps[0]?.urn ?? "";
  const name = stackName(urn);
  return { name, source: "preview", links: [...links.values()], errors, others: Object.fromEntries(others) };
}

/** The engine quotes the value of a property that failed its check, even a secret one. */
function withoutValue(message: string): string {
  const [from, to] = [message.indexOf(" value {"), message.lastIndexOf(END_OF_VALUE)];
  return from < 0 || to < from
    ? message
    : `${message.slice(0, from)}:${message.slice(to + END_OF_VALUE.length)}`;
}

const END_OF_VALUE = "} has a problem:";

function fromExport({ deployment }: Export): StackReading {
  const resources = deployment.resources ?? [];
  const links = resources.flatMap(({ urn, type, inputs }) => {
    const kind = kindOf(type);
    return kind ? [stackLink(kind, urn, "keep", inputs, inputs)] : [];
  });
  return { name: stackName(resources[0]?.urn ?? ""), source: "export", links, errors: [], others: {} };
}

function stackLink(
  kind: AnyKind,
  urn: string,
  action: Action,
  before: Json | undefined,
  after: Json | undefined,
): StackLink {
  const both = [before ?? {}, after ?? {}];
  const keys = (has: (value: unknown) => boolean): string[] => [
    ...new Set(
      both.flatMap((inputs) => Object.keys(inputs).filter((key) => !isHidden(key) && has(inputs[key]))),
    ),
  ];
  const secret = keys(isSecret);
  return {
    kind,
    resource: urn.split("::").at(-1) ?? "",
    action,
    host: secret.includes("host") ? undefined : hostSchema.safeParse((after ?? before)?.["host"]).data,
    ...(before === undefined ? {} : { before: withoutSecrets(before, secret) }),
    ...(after === undefined ? {} : { after: withoutSecrets(after, secret) }),
    secret,
    unknown: keys(isUnknown),
  };
}

/** The defined fields of an earlier step of the same resource. */
function definedOf(link: StackLink): Partial<StackLink> {
  const { before, after } = link;
  return { ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
}

function isHidden(key: string): boolean {
  return key.startsWith("__") || key === "drift";
}

/** `drift` contains desired values in plain text, including those of secret properties. */
function withoutSecrets(inputs: Json, secret: readonly string[]): Json {
  const kept = Object.entries(inputs).filter(([key]) => !secret.includes(key));
  const { drift, ...rest } = Object.fromEntries(kept);
  if (typeof drift !== "object" || drift === null) return rest;
  const shown = Object.entries(drift).filter(([path]) => !secret.includes(path.split(/[.[]/)[0] ?? ""));
  return { ...rest, drift: Object.fromEntries(shown) };
}

/** The key that marks a secret in the engine's state (sdk/go/common/resource/properties.go, SigKey). */
const SECRET_KEY = "4dabf18193072939515e22adb298388d";

function isSecret(value: unknown): boolean {
  if (value === "[secret]") return true;
  if (Array.isArray(value)) return value.some(isSecret);
  return (
    typeof value === "object" &&
    value !== null &&
    (SECRET_KEY in value || Object.values(value).some(isSecret))
  );
}

function kindOf(type: string | undefined): AnyKind | undefined {
  const match = /^pulumi-nodejs:dynamic\/macvlan:(\w+)$/.exec(type ?? "");
  const [, name = ""] = match ?? [];
  return Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
}

function isStack(urn: string): boolean {
  return (
    urn.split("::")[2] === "pulumi:pulumi:Stack" ||
    urn.split("::")[2]?.startsWith("pulumi:providers:") === true
  );
}

/** `urn:pulumi:dev::fleet::…` → `fleet/dev` */
function stackName(urn: string): string {
  const [stack, project] = urn.replace(/^urn:pulumi:/, "").split("::");
  return project === undefined ? "" : `${project}/${stack ?? ""}`;
}
