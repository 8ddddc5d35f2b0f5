/** Plans of persistent resources, and the state of a host after them. */
import assert from "node:assert/strict";
import { desiredWithBoot } from "../../provider/engine/persist";
import { type AnyKind, KINDS, kernelOf } from "../../provider/kinds";
import type { CommonInputs, PlanContext } from "../../provider/kinds/kind";
import {
  type Desired,
  type HostState,
  type LinkId,
  type LinkState,
  findLink,
} from "../../provider/model/host";
import type { Init } from "../../provider/model/observation";
import type { Step } from "../../provider/model/steps";
import { simulate } from "../../provider/plan/kernel/simulate";
import { localSteps } from "../../provider/plan/local-steps";
import { type Plan, outcome, plan } from "../../provider/plan/plan";
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

/** What can be compared of a host: links that are re-created get other indexes. */
export function comparable(state: HostState): unknown {
  const link = ({ ifIndex: _i, operState: _o, details: _d, tentative: _t, ...l }: LinkState): unknown => ({
    ...l,
    addresses: l.addresses.map((a) => a.cidr).toSorted(),
    routes: l.routes.map((r) => JSON.stringify(r)).toSorted(),
    settings: Object.fromEntries(Object.entries(l.settings).toSorted(([a], [b]) => (a < b ? -1 : 1))),
  });
  const key = (l: LinkId): string => `${l.netns}:${l.name}`;
  return {
    links: state.links.toSorted((a, b) => (key(a) < key(b) ? -1 : 1)).map(link),
    netns: state.netns.map((n) => n.name).toSorted(),
    records: state.records.map(({ ifIndex: _, ...r }) => r).toSorted((a, b) => (key(a) < key(b) ? -1 : 1)),
  };
}

/**
 * Every state on the way back: after each undo the host is where it was before that step. What is local to a new link goes
 * with it: from the last such step on, all undos lead to where the host was before the first step.
 */
export function assertUndoes(from: HostState, { steps }: Plan): void {
  const local = localSteps(steps.map(({ step }) => step));
  const states = [from];
  for (const { step } of steps) states.push(simulate(states.at(-1) ?? from, step));
  const lastLocal = steps.findLastIndex(({ step }) => local.has(step));
  steps.forEach(({ step, undo }, i) => {
    const after = states[i + 1] ?? from;
    if (!local.has(step)) assertSame(undo.reduce(simulateOnParents, after), states[i] ?? from, step);
    if (i !== lastLocal) return;
    const back = steps.slice(0, i + 1).toReversed();
    assertSame(back.flatMap((one) => one.undo).reduce(simulateOnParents, after), from, step);
  });
}

/** The kernel makes no link whose parent is not there yet, which the model does not mind. */
function simulateOnParents(state: HostState, step: Step): HostState {
  if (step.do === "addLink" && step.parent !== "")
    assert.ok(findLink(state, { name: step.parent, netns: "" }), `${JSON.stringify(step)} has no parent`);
  return simulate(state, step);
}

function assertSame(back: HostState, before: HostState, step: Step): void {
  // an address that the model does not know may be any
  const links = back.links.map((link): LinkState => {
    const isUnknown = findLink(before, link)?.settings["link.address"] === "";
    return isUnknown ? { ...link, settings: { ...link.settings, "link.address": "" } } : link;
  });
  assert.deepEqual(comparable({ ...back, links }), comparable(before), `undo of ${JSON.stringify(step)}`);
}
