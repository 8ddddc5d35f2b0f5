/** What the state keeps of a resource. Pure. */
import type { Observation } from "../host/observation";
import type { AnyKind } from "../kinds";
import type { CommonInputs, Json } from "../kinds/kind";
import { digest, visibleInputs } from "./inputs";

/** What the program had given, of what the state keeps. */
export function managedInputs(props: Json): Json {
  const managed = new Set((props["__managed"] as string[] | undefined) ?? []);
  return Object.fromEntries(
    Object.entries(props).filter(([key]) => managed.has(key) || key === "host" || key === "name"),
  );
}

/** Everything that the state keeps: the inputs, what the host has, and what later runs need to know. */
export function outputsOf(kind: AnyKind, inputs: Json, known: CommonInputs, now: Observation): Json {
  const visible = visibleInputs(inputs);
  return {
    ...visible,
    ...kind.outputs(known, now),
    ...hiddenOf(inputs),
    __managed: Object.keys(visible).filter((key) => key !== "label"),
    __inputs: digest(inputs),
  };
}

export function hiddenOf(inputs: Json): Json {
  return Object.fromEntries(["__owner", "__resource", "__derived"].map((key) => [key, inputs[key]]));
}

/** Plain JSON: a single undefined would fail the call after the host was changed. */
export function clean(value: Json): Record<string, unknown> {
  return JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
}
