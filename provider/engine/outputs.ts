/** What the state keeps of a resource. Pure. */
import type { AnyKind } from "../kinds";
import { visibleInputs } from "../kinds/check-inputs";
import type { CommonInputs, Json } from "../kinds/kind";
import type { Observation } from "../model/observation";
import type { HostAddress } from "../ssh/address";
import { digest } from "./inputs";

/** The ID of a new resource: `node1/mac0`, or `node1/blue/mac0` in the network namespace blue. */
export function resourceId(inputs: Json): string {
  const { address } = inputs["host"] as HostAddress;
  return [address, inputs["netns"], inputs["name"]].filter(Boolean).join("/");
}

/** The inputs that the program gave, from the properties in the state. */
export function managedInputs(props: Json): Json {
  const managed = new Set(namesIn(props["__managed"]));
  return Object.fromEntries(
    Object.entries(props).filter(([key]) => managed.has(key) || key === "host" || key === "name"),
  );
}

/** Property names as the state keeps them: one string, or a list in states of the first versions. */
function namesIn(kept: unknown): string[] {
  if (Array.isArray(kept)) return kept.map(String);
  return typeof kept === "string" ? kept.split(",") : [];
}

/** Everything that the state keeps: the inputs, the observed values, and what later runs need. */
export function outputsOf(kind: AnyKind, inputs: Json, known: CommonInputs, now: Observation): Json {
  const visible = visibleInputs(inputs);
  return {
    ...visible,
    ...kind.outputs(known, now),
    ...hiddenOf(inputs),
    // one string: the engine writes the whole state after each step, and a list takes more space
    __managed: Object.keys(visible)
      .filter((key) => key !== "label")
      .join(","),
    __inputs: digest(inputs),
  };
}

export function hiddenOf(inputs: Json): Json {
  const kept = ["__owner", "__stack", "__resource", "__derived", "__making"].filter(
    (key) => inputs[key] !== undefined,
  );
  return Object.fromEntries(kept.map((key) => [key, inputs[key]]));
}

/** Plain JSON: a single undefined would fail the call after the host was changed. */
export function clean(value: Json): Record<string, unknown> {
  return JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
}
