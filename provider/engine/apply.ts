/** `create` and `update`: the host is made to have what the inputs say. */
import type { AnyKind } from "../kinds";
import { tooNewFor } from "../kinds/iproute2-support";
import type { CommonInputs, Json } from "../kinds/kind";
import type { Observation } from "../model/observation";
import type { DesiredPlan } from "../plan/plan";
import { currentRun, planContextOf } from "./context";
import {
  type ProbeContext,
  describeDuplicates,
  duplicatesAfter,
  duplicatesBefore,
} from "./duplicate-addresses";
import { clean, managedInputs, outputsOf } from "./outputs";
import { knownInputs, planLink, planRemoval } from "./planning";
import { resourceName } from "../kinds/kind";
import { say } from "./say";

/** Makes the host have what the inputs say, and tells what it then has. */
export async function apply(kind: AnyKind, inputs: Json, before: Json | undefined): Promise<Json> {
  const known = knownInputs(inputs, []);
  const managedHost = currentRun().fleet.managedHost(known.host);
  const name = resourceName(kind.type, String(inputs["__resource"]));
  const { duplicateAddressDetection: detection = "off" } = known;
  const probe: ProbeContext = {
    resource: name,
    managedHost,
    known,
    lan: kind.lan(known, (await managedHost.observe()).state),
    isOwnMac: (mac) => currentRun().claims.hasMac(mac),
    othersAreChecked: () => currentRun().othersAreChecked(),
  };
  if (detection !== "off") {
    const found = await duplicatesBefore(probe, say);
    const text = describeDuplicates(probe, found);
    if (found.length > 0 && detection === "error") throw new Error(`${text}. Nothing was touched.`);
    if (found.length > 0) say(`${text}.`);
  }
  const after = await managedHost.change(name, (now) => {
    const context = planContextOf(inputs, known, now, before);
    // after a change the link is there under its new name, and nothing is left of the former place
    const problems = [
      ...kind.problems(known, context),
      ...tooNewFor(now.facts, kind.desired(known, context)),
    ];
    if (problems.length > 0) {
      throw new Error(
        `${name} on ${managedHost.label}: ${problems.map((p) => `${p.property}: ${p.reason}`).join("; ")}. Nothing was touched.`,
      );
    }
    return planLink(kind, known, context);
  });
  const found = detection === "off" ? [] : await duplicatesAfter(probe);
  if (found.length === 0) return clean(outputsOf(kind, inputs, known, after));
  const text = describeDuplicates(probe, found);
  if (detection === "error") {
    await managedHost.change(name, (now) => formerPlan(kind, inputs, known, now, before));
    throw new Error(`${text}. The change was taken back.`);
  }
  say(`${text}.`);
  return clean(outputsOf(kind, inputs, known, after));
}

/** Back to what the last run wanted, or to nothing where there was none. */
function formerPlan(
  kind: AnyKind,
  inputs: Json,
  known: CommonInputs,
  now: Observation,
  before: Json | undefined,
): DesiredPlan {
  if (before !== undefined) {
    return planLink(kind, knownInputs(managedInputs(before), []), planContextOf(before, known, now, inputs));
  }
  return planRemoval(known, planContextOf(inputs, known, now, undefined));
}
