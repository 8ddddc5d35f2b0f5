/** Plans of persistent resources, and what becomes of a host by them. */
import { desiredWithBoot } from "../../provider/engine/persist";
import { type AnyKind, KINDS, kernelOf } from "../../provider/kinds";
import type { CommonInputs, PlanContext } from "../../provider/kinds/kind";
import type { HostState, Desired } from "../../provider/model/host";
import type { Init } from "../../provider/model/observation";
import { outcome, plan } from "../../provider/plan/plan";
import { contextOn } from "./contexts";
import { HOST, observationOf } from "./hosts";

export const OWNER = "fleet/test";
export const KERNEL = kernelOf("6.2.0");

/** What can make links again on a host. */
export interface Booting {
  readonly init: Init;
  readonly udev: boolean;
}

const SYSTEMD: Booting = { init: "systemd", udev: true };

export function kindOf(type: string): AnyKind {
  const kind = KINDS[type];
  if (!kind) throw new Error(`there is no kind ${type}`);
  return kind;
}

/** A host as a resource sees it, with what can make its links at boot. */
export function viewOn(state: HostState, booting: Booting = SYSTEMD): PlanContext {
  return contextOn(observationOf(state, booting), { owner: OWNER });
}

/** The desired state of a persistent resource. */
export function desiredOn(
  kind: AnyKind,
  inputs: CommonInputs,
  state: HostState,
  booting: Booting = SYSTEMD,
): Desired {
  return desiredWithBoot(kind, { ...inputs, persist: true }, viewOn(state, booting));
}

/** The host after an up. */
export function upOn(kind: AnyKind, inputs: CommonInputs, state: HostState): HostState {
  return outcome(state, plan(state, desiredOn(kind, inputs, state), KERNEL));
}

/** The host after a reboot, before anything of ours has run: what is in files is there, and what the NICs are given. */
export function reboot(state: HostState, fresh: HostState = HOST): HostState {
  return { ...fresh, bootFiles: state.bootFiles };
}
