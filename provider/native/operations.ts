/**
 * What the engine calls for resources of the native provider, on plain values. It is done by the providers of the
 * dynamic resources: here, what a program's classes add to their inputs (the owner, the resource's name, which
 * properties are secret) comes from the URN, the messages, and the provider's configuration.
 */
import type { dynamic } from "@pulumi/pulumi";
import { asThrown } from "../engine/border";
import type { ProviderContext } from "../engine/context";
import { isInitFailed, openProviders } from "../engine/provider";
import { hostLinks } from "../engine/host-links";
import { clean } from "../engine/outputs";
import { knownInputs } from "../engine/planning";
import { ofOneLink } from "../engine/resource-type";
import { hostOf } from "../engine/secrets";
import { describeDifferences } from "../host/errors";
import { type AnyKind, KINDS } from "../kinds";
import { checkInputs, isOfLink } from "../kinds/check-inputs";
import { type Json, linkId, resourceName } from "../kinds/kind";
import type { Difference } from "../model/difference";
import { MacvlanError } from "../model/error";
import { recordOf } from "../model/host";
import { parsePath, pathOf } from "../model/property-path";
import { isUnknown, UNKNOWN } from "../model/unknown";
import { providerCode } from "../program/provider-code";
import { type HostAddress, hostSchema } from "../ssh/address";
import { type PropertyChange, detailedDiff } from "./detailed-diff";
import { importHost, importLink } from "./import";
import { secretPathsOf } from "./properties";
import { parseUrn } from "./urn";

/** The result of `check`. */
interface Checked {
  readonly inputs: Json;
  readonly failures: readonly dynamic.CheckFailure[];
}

/** The result of `diff`. */
export interface NativeDiff {
  readonly changes: boolean;
  readonly replaces: readonly string[];
  readonly properties: ReadonlyMap<string, PropertyChange>;
}

/** A resource with its inputs and outputs. */
export interface Reading {
  readonly id: string;
  readonly inputs: Json;
  readonly state: Json;
}

/** The host of a resource cannot be read. The engine keeps what the state has, and goes on with other resources. */
export class Unreadable extends Error {}

/** What the engine calls. `secrets` are names of properties. */
export interface NativeOperations {
  check(urn: string, olds: Json, news: Json, secrets: readonly string[]): Promise<Checked>;
  /** @param before the inputs of the last run. @param ignored paths, as in `ignoreChanges` */
  diff(
    urn: string,
    id: string,
    before: Json,
    state: Json,
    after: Json,
    ignored: readonly string[],
  ): Promise<NativeDiff>;
  create(
    urn: string,
    inputs: Json,
    isPreview: boolean,
  ): Promise<{
    readonly id: string;
    readonly state: Json;
    /** Why it is not known whether the resource was created. */
    readonly failure?: string;
  }>;
  update(
    urn: string,
    id: string,
    state: Json,
    inputs: Json,
    ignored: readonly string[],
    isPreview: boolean,
  ): Promise<Json>;
  /**
   * Reads a resource, or imports it if the state has nothing of it. The result is undefined if it does not exist.
   *
   * @throws Unreadable
   */
  read(urn: string, id: string, before: Json, state: Json): Promise<Reading | undefined>;
  remove(urn: string, id: string, state: Json): Promise<void>;
}

/** What the operations share with the process. */
export interface OperationsOptions {
  readonly context: ProviderContext;
  /** The stack's identity, from the provider's configuration. */
  readonly identity: string | undefined;
  /** Names of the outputs of a resource class, for previews. */
  readonly outputsOf: (type: string) => readonly string[];
  /** Notes a host of the stack, for the next phase. */
  readonly noteHost?: (host: HostAddress) => void;
}

export function openOperations({
  context,
  identity,
  outputsOf,
  noteHost = () => undefined,
}: OperationsOptions): NativeOperations {
  // in a preview the engine calls create and update as well: a host that cannot be read fails there, not all of the run
  const providers = openProviders(() => ({ ...context, continuesOnError: true }));
  context.stack.note({ identity });
  /** The engine does not tell `check` whether it is a preview. What it calls later does. */
  let phase: "preview" | "update" | undefined;
  /** Checks that the engine has not waited for, by URN. */
  const unfinished = new Map<string, Promise<Checked>>();

  function operationsOf(type: string): Required<dynamic.ResourceProvider> {
    const found = Object.hasOwn(providers, type) ? providers[type] : undefined;
    if (!found) throw new MacvlanError("invalid-input", `pulumi-macvlan has no resource ${type}`);
    return found as Required<dynamic.ResourceProvider>;
  }

  function noteHostOf({ host }: Json): void {
    const { data } = hostSchema.safeParse(host);
    if (data !== undefined) noteHost(data);
  }

  /** Fails in a preview if the host cannot be read, as an update would. */
  async function expectReadable(operation: string, type: string, inputs: Json): Promise<void> {
    const { data: host } = hostSchema.safeParse(inputs["host"]);
    if (host === undefined || context.continuesOnError) return;
    try {
      await context.fleet.managedHost(host).observe();
    } catch (error) {
      const name = resourceName(type, String(inputs["__resource"]));
      throw asThrown(error, name, operation, (text) => context.redactor.redact(text, hostOf(inputs)));
    }
  }

  /** The outputs after a change, as far as a preview knows them. */
  function foreseen(type: string, inputs: Json): Json {
    const unknown = outputsOf(type).filter((name) => inputs[name] === undefined);
    return { ...inputs, ...Object.fromEntries(unknown.map((name) => [name, UNKNOWN])) };
  }

  /** Whether an imported link still has no record of this stack on its host. The first change writes it. */
  async function isOnlyImported(inputs: Json): Promise<boolean> {
    if (inputs["__imported"] !== true) return false;
    const { data: host } = hostSchema.safeParse(inputs["host"]);
    if (host === undefined) return false;
    const now = await context.fleet
      .managedHost(host)
      .observe()
      .catch(() => undefined);
    const links = isOfLink(inputs) ? [inputs] : hostLinks.members(inputs).map(({ props }) => props);
    return now === undefined || links.every((own) => !recordOf(now.state, linkId(knownInputs(own, []))));
  }

  /** Inputs with what a program's class would add. */
  function completed(urn: string, given: Json, more: Json): Json {
    const { hidden } = resourceOf(urn);
    return withoutUndefined({ ...given, __stack: given["__stack"] ?? identity, ...hidden, ...more });
  }

  async function checkWith(urn: string, olds: Json, given: Json, more: Json): Promise<Checked> {
    const { type } = resourceOf(urn);
    const previous = canonical(KINDS[type], olds);
    const { __imported: _, ...others } = previous;
    const isImported = await isOnlyImported(previous);
    const before = isImported ? previous : others;
    const checked = await operationsOf(type).check(before, completed(urn, given, more));
    const { failures = [] } = checked;
    return { inputs: { ...(checked.inputs as Json), ...(isImported ? { __imported: true } : {}) }, failures };
  }

  /**
   * The engine checks one resource after the other, and would connect to the hosts of a new stack one after the other. So
   * the check of a new resource does not wait for a host that is still being read: its inputs do not depend on the host. What is
   * wrong with it there, its creation says, which previews have as well.
   */
  async function checkOrStart(urn: string, news: Json, checking: Promise<Checked>): Promise<Checked> {
    const { data: host } = hostSchema.safeParse(news["host"]);
    if (host === undefined) return checking;
    const reading = context.fleet.managedHost(host).observe();
    const isOver = Promise.race([reading, checking]).then(
      () => true,
      () => true,
    );
    const isLate = new Promise<boolean>((resolve) => setImmediate(resolve, false));
    if (await Promise.race([isOver, isLate])) return checking;
    checking.catch(() => undefined);
    unfinished.set(urn, checking);
    const kind = KINDS[parseUrn(urn).type];
    const { inputs } = (kind ? ofOneLink(kind) : hostLinks).check(news, undefined);
    return { inputs: clean(inputs), failures: [] };
  }

  /** @throws Error with the failures of a check that the engine has not waited for */
  async function expectChecked(urn: string, type: string, inputs: Json): Promise<void> {
    const checking = unfinished.get(urn);
    unfinished.delete(urn);
    const { failures = [] } = (await checking) ?? {};
    if (failures.length === 0) return;
    const lines = failures.map(({ property, reason }) =>
      property === "" ? reason : `${property} ${reason}`,
    );
    throw new Error(`${resourceName(type, String(inputs["__resource"]))}: ${lines.join("\n")}`);
  }

  return {
    async check(urn, olds, news, secrets) {
      const more = { __secrets: secrets, __preview: phase !== "update" };
      const checking = checkWith(urn, olds, news, more);
      const isNew = Object.keys(olds).length === 0;
      const checked = await (isNew ? checkOrStart(urn, completed(urn, news, more), checking) : checking);
      if (checked.failures.length === 0) noteHostOf(checked.inputs);
      return checked;
    },

    async diff(urn, id, before, state, after, ignored) {
      const { type } = resourceOf(urn);
      const [olds, checked] = [canonical(KINDS[type], before), canonical(KINDS[type], after)];
      const news = await withoutIgnoredDrift(checked);
      const { changes = false, replaces = [] } = await operationsOf(type).diff(id, state, news);
      const properties = changes
        ? detailedDiff({ before: olds, state, after: news, replaces })
        : new Map<string, PropertyChange>();
      return { changes, replaces, properties };

      /** `check` is not told which properties the program ignores. */
      async function withoutIgnoredDrift(inputs: Json): Promise<Json> {
        if (ignored.length === 0 || inputs["drift"] === undefined) return inputs;
        const { drift: _, ...given } = inputs;
        const again = await checkWith(urn, olds, given, {
          __ignored: ignored,
          __secrets: secretPathsOf(inputs),
        });
        const { drift } = again.inputs;
        return drift === undefined ? given : { ...given, drift };
      }
    },

    async create(urn, inputs, isPreview) {
      phase = isPreview ? "preview" : "update";
      const { type } = resourceOf(urn);
      await expectChecked(urn, type, inputs);
      if (isPreview) {
        await expectReadable("create", type, inputs);
        return { id: "", state: foreseen(type, inputs) };
      }
      try {
        const created = await operationsOf(type).create(inputs);
        return { id: created.id, state: forBothDoors(type, created.outs as Json) };
      } catch (error) {
        if (!isInitFailed(error)) throw error;
        const { id, properties, message } = error;
        return { id, state: forBothDoors(type, properties), failure: message };
      }
    },

    async update(urn, id, state, inputs, ignored, isPreview) {
      phase = isPreview ? "preview" : "update";
      const { type } = resourceOf(urn);
      if (isPreview) {
        await expectReadable("update", type, inputs);
        return foreseen(type, inputs);
      }
      const news = ignored.length === 0 ? inputs : { ...inputs, __ignored: ignored };
      const updated = await operationsOf(type).update(id, state, news);
      return forBothDoors(type, updated.outs as Json);
    },

    async read(urn, id, before, state) {
      const { type, hidden } = resourceOf(urn);
      const kind = KINDS[type];
      if (Object.keys(state).length === 0) {
        const named = withoutUndefined({ ...hidden, __stack: identity });
        const found = kind
          ? await importLink(context, kind, id, before, named)
          : await importHost(context, id, before, named);
        return found && { ...found, state: forBothDoors(type, found.state) };
      }
      noteHostOf(state);
      const imported = before["__imported"] === true ? { __imported: true } : {};
      const found = await operationsOf(type)
        .read(id, { ...state, ...imported })
        .catch((error: unknown) => {
          throw new Unreadable(error instanceof Error ? error.message : String(error), { cause: error });
        });
      if (found.id === undefined || found.id === "") return undefined;
      const inputs = { ...(found.inputs as Json), ...imported };
      sayDrift(type, before, inputs);
      return { id: found.id, inputs, state: forBothDoors(type, found.props as Json) };
    },

    async remove(urn, id, state) {
      phase = "update";
      await operationsOf(resourceOf(urn).type).delete(id, state);
    },
  };

  /** Says what others have changed: in the preview that follows, it looks like any other change. */
  function sayDrift(type: string, before: Json, found: Json): void {
    const { data: host } = hostSchema.safeParse(found["host"]);
    const olds = canonical(KINDS[type], before);
    if (host === undefined || Object.keys(olds).length === 0) return;
    const after = { ...found, __secretNames: olds["__secretNames"] };
    const changed = [...detailedDiff({ before: olds, state: {}, after, replaces: [] }).keys()];
    const properties = new Set(
      changed.map((path) => pathOf((parsePath(path) ?? []).slice(0, depthOf(path)))),
    );
    const secrets = secretPathsOf(olds);
    const drift = [...properties].map((property): Difference => ({
      property,
      wanted: textOf(valueAt(olds, property)),
      found: textOf(valueAt(found, property)),
      ...(secrets.includes(property) ? { isSecret: true } : {}),
    }));
    if (drift.length === 0) return;
    const link = typeof found["name"] === "string" ? found["name"] : String(found["__resource"]);
    const { label } = context.fleet.managedHost(host);
    const text = `drift on ${label}, ${link}: ${describeDifferences(drift)}`;
    context.diagnostics.say(context.redactor.redact(text, hostOf(found)));
  }
}

/** A property is at the top, or below the key of one of all links of a host. */
function depthOf(path: string): number {
  return path.startsWith("links") ? 3 : 1;
}

function valueAt(values: Json, path: string): unknown {
  return (parsePath(path) ?? []).reduce<unknown>(
    (value, step) => (typeof value === "object" && value !== null ? Reflect.get(value, step) : undefined),
    values,
  );
}

/** What a program's class would add to the inputs of a resource. */
function resourceOf(urn: string): { readonly type: string; readonly hidden: Json } {
  const { project, stack, type, name } = parseUrn(urn);
  const owner = `${project}/${stack}`;
  return { type, hidden: { __owner: owner, __stackName: owner, __resource: name } };
}

/** Inputs of the last run. Those of an import are as a program gives them. */
function canonical(kind: AnyKind | undefined, inputs: Json): Json {
  if (typeof inputs["host"] !== "string" || isUnknown(inputs["host"])) return inputs;
  const { inputs: checked } = kind
    ? checkInputs(kind, inputs, undefined)
    : hostLinks.check(inputs, undefined);
  return inputs["__imported"] === true ? { ...checked, __imported: true } : checked;
}

/** The dynamic door finds its provider in the state: so a stack can go back to it. */
function forBothDoors(type: string, state: Json): Json {
  return { ...state, __provider: providerCode(type) };
}

function withoutUndefined(values: Json): Json {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function textOf(value: unknown): string {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return "none";
  if (Array.isArray(value)) return value.map(textOf).join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}
