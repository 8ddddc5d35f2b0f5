/** Properties on their way between the engine's messages and plain JSON. Pure. */
import { asSecret } from "../engine/outputs";
import type { Json } from "../kinds/kind";
import { UNKNOWN } from "../model/unknown";
import { Struct } from "./sdk";

/** The key of a value that is special, and that of a secret (SDK, runtime/rpc: specialSigKey, specialSecretSig). */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

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
  /** Names of the properties that are, or contain, a secret. */
  readonly secrets: readonly string[];
}

export function received(struct: Struct | undefined): Received {
  const given = (struct?.toJavaScript() ?? {}) as Json;
  const entries = Object.entries(given);
  return {
    values: Object.fromEntries(entries.map(([key, value]) => [key, plain(value)])),
    secrets: entries.filter(([, value]) => holdsSecret(value)).map(([key]) => key),
  };
}

/** Properties for the engine. Those with these names are marked as secret, as far as they are not marked yet. */
export function sent(values: Json, secrets: readonly string[] = []): Struct {
  const marked = Object.entries(values).flatMap(([key, value]): [string, unknown][] => {
    if (value === undefined) return [];
    return [[key, secrets.includes(key) && !isSecret(value) ? asSecret(value) : value]];
  });
  return Struct.fromJavaScript(Object.fromEntries(marked) as Parameters<typeof Struct.fromJavaScript>[0]);
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
