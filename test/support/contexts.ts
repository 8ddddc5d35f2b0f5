import type { PlanContext } from "../../provider/kinds/kind";
import type { Observation } from "../../provider/model/observation";

/** A host as a new resource of the stack fleet/test sees it. */
export function contextOn(observation: Observation, more: Partial<PlanContext> = {}): PlanContext {
  return { owner: "fleet/test", resource: "it", observation, isExpected: () => false, ...more };
}
