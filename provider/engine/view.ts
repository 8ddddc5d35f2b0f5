import type { Observation } from "../host/observation";
import type { CommonInputs, Json, View } from "../kinds/kind";
import { viewFrom } from "./planning";
import { currentRun } from "./run";

/** A host as the resource with these inputs sees it in this run. */
export function viewOf(inputs: Json, known: CommonInputs, now: Observation, before: Json | undefined): View {
  const run = currentRun();
  const { host } = known;
  return viewFrom(
    inputs,
    now,
    before,
    (name) => run.isDeclared(host, { name, netns: "" }),
    (name) => run.declaredMtu(host, { name, netns: "" }),
  );
}
