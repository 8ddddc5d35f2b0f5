/** Properties on their way between the engine's messages and plain JSON. Pure. */
import { asSecret } from "../engine/outputs";
import { secretNamesOf } from "../kinds/check-inputs";
import type { Json } from "../kinds/kind";
import { parsePath, pathOf } from "../model/property-path";
import { UNKNOWN, isUnknown } from "../model/unknown";
import { Struct } from "./sdk";

/** The key of a value that is special, and what is there of a secret and of an output (SDK, runtime/rpc: special…Sig). */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4";

/** The engine's words for an unknown value, one per type (sdk/go/common/resource/plugin/rpc.go). */
const UNKNOWNS: ReadonlySet<unknown> = new Set([
  UNKNOWN,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", // boolean
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421", // number
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2", // list
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff", // object
]);

/** Properties from the engine. */
export interface Received {
  /** Secrets are in plain text. */
  readonly values: Json;
  /** Properties that are, or contain, a secret: `alias`; of one of all links of a host `links.web.alias`. */
  readonly secrets: readonly string[];
}

export function received(struct: Struct | undefined): Received {
  const given = (struct?.toJavaScript() ?? {}) as Json;
  const entries = Object.entries(given);
  return {
    values: Object.fromEntries(entries.map(([key, value]) => [key, plain(value)])),
    secrets: entries.flatMap(([key, value]) => secretsIn([key], value)),
  };
}

/** The links of a host are apart from each other, down to their properties. */
const LINKS_DEPTH = 3;

function secretsIn(path: readonly string[], value: unknown): string[] {
  if (!holdsSecret(value)) return [];
  if (path[0] !== "links" || path.length === LINKS_DEPTH || isSecret(value) || !isObject(value))
    return [pathOf(path)];
  return Object.entries(value).flatMap(([key, inner]) => secretsIn([...path, key], inner));
}

/** The secrets among inputs that `check` has returned, as it notes them for a link, or for each link of a host. */
export function secretPathsOf(inputs: Json): string[] {
  const { __secretNames: names } = inputs;
  if (!isObject(names)) return secretNamesOf(inputs);
  return Object.entries(names).flatMap(([key, text]) =>
    secretNamesOf({ __secretNames: text }).map((name) => pathOf(["links", key, name])),
  );
}

/** Properties for the engine. Those at these paths are marked as secret, as far as they are not marked yet. */
export function sent(values: Json, secrets: readonly string[] = []): Struct {
  const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
  const marked = secrets.reduce<unknown>((result, path) => marking(result, parsePath(path) ?? []), given);
  return Struct.fromJavaScript(marked as Parameters<typeof Struct.fromJavaScript>[0]);
}

/** What of a component is its structure, which has to be plain: names, and what decides which links there are. */
const STRUCTURE: ReadonlySet<string> = new Set(["name", "linkName", "addressing", "mode", "vlanId"]);

/** Lists whose items may be names. */
const NAMED: ReadonlySet<string> = new Set(["hosts", "children"]);

/**
 * Inputs of a component. Of a property in which something is a secret or comes from another resource, the SDK would make
 * an output as a whole, unless the outputs are where these values stand. The engine does not say which of the values
 * depend on a resource: all do that are not part of the structure.
 *
 * @param dependenciesOf the resources, as URNs, that a property depends on
 */
export function componentInputs(
  struct: Struct | undefined,
  dependenciesOf: (property: string) => readonly string[],
): Struct {
  const given = Object.entries((struct?.toJavaScript() ?? {}) as Json);
  const inputs = given.map(([property, value]) => {
    const isWhole = typeof value !== "object" || hasOutput(value);
    return [property, outputsIn(value, property, isWhole ? [] : dependenciesOf(property))];
  });
  return Struct.fromJavaScript(Object.fromEntries(inputs) as Parameters<typeof Struct.fromJavaScript>[0]);
}

/** @param property the one that the value is, or is in the list of */
function outputsIn(value: unknown, property: string, dependencies: readonly string[]): unknown {
  if (value === null) return value;
  if (Array.isArray(value)) return value.map((item) => outputsIn(item, property, dependencies));
  if (isSecret(value)) return outputOf(value.value, { secret: true }, dependencies);
  if (isObject(value)) {
    if (value[SIGNATURE] !== undefined) return value;
    const entries = Object.entries(value).map(([key, inner]) => {
      // the link below a VLAN that is made decides on its name
      const isStructure = STRUCTURE.has(key) || (key === "parent" && "vlanId" in value);
      return [key, outputsIn(inner, key, isStructure ? [] : dependencies)];
    });
    return Object.fromEntries(entries) as unknown;
  }
  return dependencies.length === 0 || NAMED.has(property) ? value : outputOf(value, {}, dependencies);
}

function outputOf(value: unknown, marks: { readonly secret?: true }, dependencies: readonly string[]): Json {
  const inner = plain(value);
  return {
    [SIGNATURE]: OUTPUT,
    ...marks,
    ...(isUnknown(inner) ? {} : { value: inner }),
    ...(dependencies.length === 0 ? {} : { dependencies }),
  };
}

function hasOutput(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasOutput);
  return isObject(value) && (value[SIGNATURE] === OUTPUT || Object.values(value).some(hasOutput));
}

/** A value with the secret at a path marked, if there is one. */
function marking(value: unknown, [step, ...rest]: readonly (string | number)[]): unknown {
  if (step === undefined) return isSecret(value) ? value : asSecret(value);
  if (!isObject(value) || isSecret(value) || value[step] === undefined) return value;
  return { ...value, [step]: marking(value[step], rest) };
}

function isSecret(value: unknown): value is { readonly value: unknown } {
  return isObject(value) && value[SIGNATURE] === SECRET;
}

function holdsSecret(value: unknown): boolean {
  if (isSecret(value)) return true;
  if (Array.isArray(value)) return value.some(holdsSecret);
  return isObject(value) && Object.values(value).some(holdsSecret);
}

function plain(value: unknown): unknown {
  if (UNKNOWNS.has(value)) return UNKNOWN;
  if (Array.isArray(value)) return value.map(plain);
  if (isSecret(value)) return plain(value.value);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
