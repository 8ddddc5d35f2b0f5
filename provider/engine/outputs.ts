/** What the state keeps of a resource. Pure. */
import type { AnyKind } from "../kinds";
import { isHidden, secretNamesOf, visibleInputs } from "../kinds/check-inputs";
import { withoutResults } from "../kinds/checks";
import type { CommonInputs, Json } from "../kinds/kind";
import type { Observation } from "../model/observation";
import type { HostAddress } from "../ssh/address";
import { digest } from "./inputs";
import type { Member, ResourceType } from "./resource-type";

/** The ID of a new resource: `node1/mac0`, `node1/blue/mac0` in the network namespace blue, `node1` for all of its links. */
export function resourceId(inputs: Json): string {
  const { address } = inputs["host"] as HostAddress;
  return [address, inputs["netns"], inputs["name"]].filter(Boolean).join("/");
}

/** The inputs that the program gave, from the properties in the state. */
export function managedInputs(props: Json): Json {
  const managed = new Set(namesIn(props["__managed"]));
  const entries = Object.entries(props).filter(
    ([key]) => managed.has(key) || key === "host" || key === "name",
  );
  return Object.fromEntries(
    entries.map(([key, value]) => [key, key === "checks" ? withoutResults(value) : value]),
  );
}

/** Property names as the state keeps them: one string, or a list in states of the first versions. */
function namesIn(kept: unknown): string[] {
  if (Array.isArray(kept)) return kept.map(String);
  return typeof kept === "string" ? kept.split(",") : [];
}

/** Everything that the state keeps of a resource. `links` are its members with their outputs. */
export function resourceOutputs(type: ResourceType, inputs: Json, links: readonly Member[]): Json {
  const isSecret = links.some(({ props }) => secretNamesOf(props).length > 0);
  const own = digest(inputs);
  return { ...type.join(inputs, links), __inputs: isSecret ? asSecret(own) : own };
}

/**
 * What the state keeps of a link: the inputs, the observed values, and what later runs need.
 *
 * @param results outputs that are not observed: what came of the checks
 */
export function outputsOf(
  kind: AnyKind,
  inputs: Json,
  known: CommonInputs,
  now: Observation,
  isSecretText: (text: string) => boolean = () => false,
  results: Json = {},
): Json {
  const visible = visibleInputs(inputs);
  return withSecrets(inputs, isSecretText, {
    ...visible,
    ...kind.outputs(known, now),
    ...results,
    ...hiddenOf(inputs),
    // one string: the engine writes the whole state after each step, and a list takes more space
    __managed: Object.keys(visible)
      .filter((key) => key !== "label")
      .join(","),
    __inputs: digest(inputs),
  });
}

/** Outputs that follow from inputs of another name. */
const FOLLOWS_FROM: Readonly<Record<string, readonly string[]>> = {
  bridgeId: ["macAddress", "priority"],
  parentMacAddress: ["macAddress"],
};

/**
 * The same outputs, those marked that are secret: what the inputs say is, what follows from such an input, and what has
 * another resource's secret in it, such as a parent's MAC address. The digest is one of them, as it would tell which of
 * a few values a short secret has: so the state has it encrypted.
 */
function withSecrets(inputs: Json, isSecretText: (text: string) => boolean, outputs: Json): Json {
  const names = secretNamesOf(inputs);
  const isSecret = (key: string, value: unknown): boolean =>
    names.includes(key) ||
    (names.length > 0 && key === "__inputs") ||
    FOLLOWS_FROM[key]?.some((name) => names.includes(name)) === true ||
    (!isHidden(key) && inputs[key] === undefined && textsIn(value).some(isSecretText));
  return Object.fromEntries(
    Object.entries(outputs).map(([key, value]) => [
      key,
      value !== undefined && isSecret(key, value) ? asSecret(value) : value,
    ]),
  );
}

function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

/** The engine's form of a secret (SDK, runtime/rpc: specialSigKey, specialSecretSig), which it keeps encrypted. */
export function asSecret(value: unknown): Json {
  return { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", value };
}

export function hiddenOf(inputs: Json): Json {
  const kept = ["__owner", "__stack", "__resource", "__derived", "__making", "__secretNames"].filter(
    (key) => inputs[key] !== undefined,
  );
  return Object.fromEntries(kept.map((key) => [key, inputs[key]]));
}

/** Plain JSON: a single undefined would fail the call after the host was changed. */
export function clean(value: Json): Record<string, unknown> {
  return JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
}
