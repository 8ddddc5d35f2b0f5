/**
 * The links of a stack, from `pulumi preview --json` or `pulumi stack export`, by what is in it. Pure.
 *
 * Measured with engine 3.259: a preview's steps hold the canonical inputs, those that the provider adds (`__owner`,
 * `drift`) too; secrets are the text `[secret]`. Links without a change are left out unless `--show-sames` is given.
 * If the engine reads resources first (`--refresh`, and always with the native provider), the step of that, `refresh`, has
 * the inputs of the last run, and the next step of the resource has what was read as its old inputs.
 * A replacement is one step. Of a resource whose check failed there is no step, only a diagnostic. An export holds
 * secrets encrypted, below a key of their own.
 */
import { z } from "zod";
import { PROBES } from "../model/checks";
import { pathOf } from "../model/property-path";
import { isUnknown } from "../model/unknown";
import { type HostAddress, hostSchema } from "../ssh/address";
import { hostLinks } from "../engine/host-links";
import { digest } from "../engine/inputs";
import { type Member, type ResourceType, claimPath, matchMembers, ofOneLink } from "../engine/resource-type";
import { type AnyKind, KINDS } from "../kinds";
import { visibleInputs } from "../kinds/check-inputs";
import type { Json } from "../kinds/kind";

/** What happens to a resource. */
export type Action = "keep" | "create" | "update" | "replace" | "delete";

/** A link of a resource of this package in a stack. */
export interface StackLink {
  readonly kind: AnyKind;
  /** The resource's name; with the path of the link if it is one of all links of a host: `node1 links.web`. */
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
  /** Paths of its checks if there is a secret among them: `checks[0].http`. */
  readonly secretChecks: readonly string[];
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
  const known = new Map<string, Found>();
  const others = new Map<string, number>();
  const lastInputs = new Map<string, Json>();
  for (const { op, urn, oldState, newState } of steps) {
    const type = typeOf(oldState?.type ?? newState?.type);
    const action = ACTIONS.get(op);
    if (op === "refresh" && oldState?.inputs) lastInputs.set(urn, oldState.inputs);
    if (!type) {
      if (!["same", "read", "refresh"].includes(op) && !isStack(urn))
        others.set(op, (others.get(op) ?? 0) + 1);
    } else if (action !== undefined) {
      const gone = action === "delete" || action === "replace";
      // a deletion uses the state including outputs; everything else uses the inputs
      const before = gone
        ? oldState
          ? { ...oldState.inputs, ...oldState.outputs }
          : undefined
        : (lastInputs.get(urn) ?? oldState?.inputs);
      const found = { type, urn, action, ...definedOf(before, newState?.inputs) };
      const other = known.get(urn);
      // if a replacement has several steps, each has a part of it
      known.set(urn, other ? { ...found, ...definedOf(other.before, other.after) } : found);
    }
  }
  const errors = (diagnostics ?? [])
    .filter((d) => d.severity === "error")
    .map((d) => withoutValue((d.message ?? "").trim().replace(/^error: /, "")))
    .filter((message) => message !== "");
  const urn = steps[0]?.urn ?? "";
  const name = stackName(urn);
  const links = [...known.values()].flatMap(linksOf);
  return { name, source: "preview", links, errors, others: Object.fromEntries(others) };
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
    const found = typeOf(type);
    return found ? linksOf({ type: found, urn, action: "keep", ...definedOf(inputs, inputs) }) : [];
  });
  return { name: stackName(resources[0]?.urn ?? ""), source: "export", links, errors: [], others: {} };
}

/** A resource of ours, as the engine tells of it. */
interface Found {
  readonly type: ResourceType;
  readonly urn: string;
  readonly action: Action;
  readonly before?: Json;
  readonly after?: Json;
}

/** What is known of both sides. */
function definedOf(before: Json | undefined, after: Json | undefined): Pick<Found, "before" | "after"> {
  return { ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
}

/** The links of a resource, in the order in which they are planned: those that go first, the last one made before the others. */
function linksOf({ type, urn, action, before, after }: Found): StackLink[] {
  const name = urn.split("::").at(-1) ?? "";
  const [old, now] = [
    before === undefined ? [] : membersOf(type, before),
    after === undefined ? [] : membersOf(type, after),
  ];
  if (action === "delete")
    return old
      .toReversed()
      .map((one) => stackLink(one.kind, resourceOf(name, one), "delete", one.props, undefined));
  // each link of a host is something of its own only if the resource is updated
  const isWhole = action !== "update" || type !== hostLinks;
  const { previousOf, leaving } = matchMembers(old, now);
  return [
    ...leaving
      .toReversed()
      .map((one) => stackLink(one.kind, resourceOf(name, one), "delete", one.props, undefined)),
    ...now.map((one) => {
      const previous = previousOf(one);
      return stackLink(
        one.kind,
        resourceOf(name, one),
        isWhole ? action : actionOf(previous, one.props),
        previous,
        one.props,
      );
    }),
  ];
}

function resourceOf(name: string, member: Member): string {
  return name + claimPath(member.path);
}

/** Members with what `check` has found different of each, in `drift`. */
function membersOf(type: ResourceType, inputs: Json): readonly Member[] {
  const { drift } = inputs;
  return type.members(inputs).map((member) => {
    if (member.path === "" || typeof drift !== "object" || drift === null) return member;
    const own = Object.entries(drift).flatMap(([path, text]: [string, unknown]) =>
      path.startsWith(member.path) ? [[path.slice(member.path.length), text] as const] : [],
    );
    return own.length === 0
      ? member
      : { ...member, props: { ...member.props, drift: Object.fromEntries(own) } };
  });
}

/** What becomes of one link of a resource that is updated. */
function actionOf(previous: Json | undefined, props: Json): Action {
  if (previous === undefined) return "create";
  const isSame =
    props["drift"] === undefined && digest(visibleInputs(previous)) === digest(visibleInputs(props));
  return isSame ? "keep" : "update";
}

function stackLink(
  kind: AnyKind,
  resource: string,
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
    resource,
    action,
    host: secret.includes("host") ? undefined : hostSchema.safeParse((after ?? before)?.["host"]).data,
    ...(before === undefined ? {} : { before: withoutSecrets(before, secret) }),
    ...(after === undefined ? {} : { after: withoutSecrets(after, secret) }),
    secret,
    secretChecks: secret.includes("checks") ? pathsOfChecks((after ?? before)?.["checks"]) : [],
    unknown: keys(isUnknown),
  };
}

/** Of each check what it does, and no value. */
function pathsOfChecks(checks: unknown): string[] {
  if (!Array.isArray(checks)) return ["checks"];
  return checks.map((one: unknown, i) => {
    const probe = PROBES.find((name) => typeof one === "object" && one !== null && name in one);
    return pathOf(["checks", i, ...(probe === undefined ? [] : [probe])]);
  });
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

function typeOf(type: string | undefined): ResourceType | undefined {
  // of a dynamic resource, or of one of the native provider
  const match = /^(?:pulumi-nodejs:dynamic\/macvlan|macvlan:index):(\w+)$/.exec(type ?? "");
  const [, name = ""] = match ?? [];
  if (name === hostLinks.type) return hostLinks;
  return Object.hasOwn(KINDS, name) && KINDS[name] ? ofOneLink(KINDS[name]) : undefined;
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
