import { createHash } from "node:crypto";
import type { z } from "zod";
import type { AnyKind } from ".";
import { didYouMean } from "../model/nearest";
import { forLog } from "../model/outside-text";
import { pathOf } from "../model/property-path";
import { isUnknown, UNKNOWN } from "../model/unknown";
import { hostIdentity } from "../ssh/address";
import { type Issue, issue } from "../model/error";
import type { CommonInputs, Json } from "./kind";
import { flatIssues, whyNotLinkName } from "./schemas";

/** Inputs after `check`. */
export interface Checked {
  /** Canonical values, or the engine's unknown for values that are not known yet. */
  readonly inputs: Json;
  readonly issues: readonly Issue[];
  /** Properties whose values are not known yet. */
  readonly unknown: readonly string[];
}

/** Checks and completes a resource's inputs. `before` are its inputs of the last run, if any. */
export function checkInputs(kind: AnyKind, given: Json, before: Json | undefined): Checked {
  const visible = Object.entries(given).filter(
    ([key, v]) => !isHidden(key) && key !== "drift" && v != null && !isGivenBack(key, v, before),
  );
  const unknown = visible.filter(([, value]) => isUnknown(value)).map(([key]) => key);
  const issues: Issue[] = [];
  const inputs: Record<string, unknown> = {};
  for (const [key, value] of visible) {
    const schema = Object.hasOwn(kind.schema, key) ? kind.schema[key] : undefined;
    if (!schema) issues.push(unknownProperty(kind, key));
    else if (unknown.includes(key)) inputs[key] = value;
    else {
      const parsed = schema.safeParse(value);
      if (parsed.success) inputs[key] = parsed.data;
      else issues.push(...schemaIssues(parsed.error, key));
    }
  }
  // of an adopted link, only what the program states is changed
  const defaults = inputs["adopt"] === true ? (before ?? {}) : kind.defaults;
  for (const key of Object.keys(kind.defaults)) {
    if (inputs[key] === undefined && defaults[key] !== undefined && !issues.some((i) => i.property === key))
      inputs[key] = defaults[key];
  }
  issues.push(...nameFromResource(inputs, given, issues));
  for (const key of kind.required) {
    if (given[key] == null) issues.push(issue("invalid-input", key, "is required"));
  }
  if (issues.length === 0) {
    const known = Object.fromEntries(Object.entries(inputs).filter(([key]) => !unknown.includes(key)));
    issues.push(...kind.rules(known));
  }
  const hidden = Object.fromEntries(
    HIDDEN.map((key) => [key, given[key]] as const)
      .concat(STICKY.map((key) => [key, before?.[key] ?? given[key]]))
      .concat([[SECRET_NAMES, secretNamesText(given["__secrets"])]])
      .filter(([, value]) => value !== undefined),
  );
  const complete = issues.length === 0 ? derive(kind, inputs, unknown, hidden, before) : inputs;
  // they quote what was given, and the engine prints them as they are
  const shown = issues.map(({ code, property, reason }) => ({
    code,
    property: forLog(property),
    reason: forLog(reason),
  }));
  return { inputs: { ...complete, ...hidden }, issues: shown, unknown };
}

/**
 * Whether a value is one that the check of the last run added, which is derived again. If `ignoreChanges` names all of a
 * link (`*`, or `links.web` of HostLinks), the engine gives the checked inputs of the last run in place of the program's.
 */
function isGivenBack(key: string, value: unknown, before: Json | undefined): boolean {
  return ["label", ...derivedNames(before)].includes(key) && value === before?.[key];
}

function derivedNames(inputs: Json | undefined): readonly string[] {
  return (inputs?.["__derived"] as readonly string[] | undefined) ?? [];
}

/** The issues of a schema with a value: that of the property, if one is named. */
export function schemaIssues(error: z.ZodError, ...property: readonly string[]): Issue[] {
  return flatIssues(error).map(({ path, message }) =>
    issue("invalid-input", pathOf([...property, ...path]), message),
  );
}

/** Inputs that have passed the check, for the kind. @throws if they are not those of a link */
export function asInputs(inputs: Json): CommonInputs {
  if (isOfLink(inputs)) return inputs;
  throw new TypeError("inputs without a host and a name");
}

/** Whether inputs have what identifies a link. Those in the file of a stack may have been changed by hand. */
export function isOfLink(inputs: Json): inputs is Json & CommonInputs {
  return typeof inputs["host"] === "object" && typeof inputs["name"] === "string";
}

/** Hidden inputs that the state keeps. */
const HIDDEN = ["__resource", "__ignored", "__replaceOnChanges"];

/** Hidden inputs that never change: a renamed stack is the same stack and keeps its links. */
const STICKY = ["__owner", "__stack"];

/** Where the state keeps which properties are secret: their names alone, as one text. */
const SECRET_NAMES = "__secretNames";

/** @param names as the resource class gives them */
function secretNamesText(names: unknown): string | undefined {
  return Array.isArray(names) && names.length > 0 ? names.map(String).toSorted().join(",") : undefined;
}

/** The secret properties of inputs or outputs that the state keeps. */
export function secretNamesOf({ [SECRET_NAMES]: names }: Json): string[] {
  return typeof names === "string" ? names.split(",") : [];
}

export function isHidden(key: string): boolean {
  return key.startsWith("__");
}

export function unknownProperty(kind: AnyKind, key: string): Issue {
  const known = Object.keys(kind.schema);
  const hint = didYouMean(key, known, `its properties are ${known.join(", ")}`);
  return issue("invalid-input", key, `is not a property of ${kind.type}; ${hint}`);
}

export function nameFromResource(
  inputs: Record<string, unknown>,
  given: Json,
  issues: readonly Issue[],
): Issue[] {
  if (inputs["name"] !== undefined || issues.some((i) => i.property === "name")) return [];
  const resource = String(given["__resource"]);
  const why = whyNotLinkName(resource);
  if (why === undefined) {
    inputs["name"] = resource;
    return [];
  }
  return [
    issue(
      "invalid-input",
      "name",
      `is not given, and the resource's own name "${resource}", which the link has by default, ${why}; give a name with the property name`,
    ),
  ];
}

/** MAC address and label, which are derived from the inputs alone, so that a preview shows them. */
export function derive(
  kind: AnyKind,
  inputs: Record<string, unknown>,
  unknown: readonly string[],
  hidden: Json,
  before: Json | undefined,
): Json {
  const derived: Record<string, unknown> = {};
  const known = (...keys: string[]): boolean => keys.every((k) => !unknown.includes(k));
  const labelOf = (): string => (known("name", "parent") ? kind.label(inputs) : UNKNOWN);
  if (inputs["macAddress"] === undefined && kind.derivesMac(inputs)) {
    const kept = derivedNames(before).includes("macAddress");
    // once derived it stays, even if the stack or the link is renamed, because the LAN has learnt it
    if (kept && !isUnknown(before?.["macAddress"])) derived["macAddress"] = before?.["macAddress"];
    // what is taken over keeps its address
    else if (inputs["adopt"] === true) return { ...inputs, label: labelOf() };
    else if (known("host", "name", "netns")) {
      derived["macAddress"] = deriveMac(String(hidden["__owner"]), placeOf(inputs));
    } else derived["macAddress"] = UNKNOWN;
  }
  const names = Object.keys(derived);
  return { ...inputs, ...derived, label: labelOf(), ...(names.length === 0 ? {} : { __derived: names }) };
}

/** The link's place, from canonical inputs. */
function placeOf({ host, name, netns }: Json): Pick<CommonInputs, "host" | "name" | "netns"> {
  const place = { host: host as CommonInputs["host"], name: String(name) };
  return typeof netns === "string" ? { ...place, netns } : place;
}

/**
 * The derived MAC address: locally administered, unicast (IEEE 802, 8.2), and always the same for this link of this
 * stack on this host.
 */
export function deriveMac(owner: string, inputs: Pick<CommonInputs, "host" | "name" | "netns">): string {
  const identity = [owner, hostIdentity(inputs.host), inputs.netns ?? "", inputs.name].join("\n");
  const bytes = createHash("sha256").update(identity).digest().subarray(0, 6);
  bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 0x02;
  return [...bytes].map((b) => b.toString(16).padStart(2, "0")).join(":");
}

/** The given and derived inputs, without the hidden ones that the engine and we add. */
export function visibleInputs(inputs: Json): Json {
  return Object.fromEntries(Object.entries(inputs).filter(([key]) => !isHidden(key) && key !== "drift"));
}
