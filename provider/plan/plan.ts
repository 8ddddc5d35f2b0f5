/**
 * The planner: from the observed and the desired state to the ordered steps between them, each with its undo. Pure: no
 * I/O, no clock.
 */
import type { Difference } from "../model/difference";
import { type HostState, type Desired, withStatedLinkLocal } from "../model/host";
import { MacvlanError } from "../model/error";
import { describeDifference } from "../model/secret-parts";
import type { PlannedStep, Step } from "../model/steps";
import { differences } from "./differences";
import { simulate } from "./kernel/simulate";
import { type KernelTraits, transition, walkTo } from "./transition";
import { withUndo } from "./undo";

export interface Plan {
  readonly differences: readonly Difference[];
  /** Empty if and only if nothing differs. */
  readonly steps: readonly PlannedStep[];
  /** The hosts before and after it, so that the steps need not be simulated once more. */
  readonly way?: { readonly from: HostState; readonly to: HostState };
}

/** A plan with the desired states that it leads to: of one link, or of several in one transaction, in their order. */
export interface DesiredPlan extends Plan {
  readonly desired: readonly Desired[];
}

/** Several plans as one, each made for the host as those before it leave it: one script, one undo. */
export function inOneTransaction(
  plans: readonly DesiredPlan[],
  way: NonNullable<DesiredPlan["way"]>,
): DesiredPlan {
  return {
    way,
    differences: plans.flatMap((p) => p.differences),
    steps: plans.flatMap((p) => p.steps),
    desired: plans.flatMap((p) => p.desired),
  };
}

/**
 * The changes that take a host from `state` to `desired`.
 *
 * @throws MacvlanError `no-plan` if something differs that no known step changes. Otherwise each update would report
 * success, and each preview the same difference
 */
export function plan(observed: HostState, desired: Desired, kernel: KernelTraits): Plan {
  const state = withStatedLinkLocal(observed, desired);
  const { steps: planned, state: to } = walkTo(state, desired, kernel);
  const steps = desired.force === true ? planned.map(forced) : planned;
  const differing = differences(state, desired);
  if (differing.length > 0 && steps.length === 0) throw noPlan(differing);
  return {
    differences: differing,
    steps: withUndo(state, steps, kernel, desired.secret),
    ...(state === observed && steps.length > 0 ? { way: { from: observed, to } } : {}),
  };
}

function forced(step: Step): Step {
  return step.do === "deleteLink" ? { ...step, force: true } : step;
}

function noPlan(differing: readonly Difference[]): MacvlanError {
  const all = differing.map((d) => `${d.property}: ${describeDifference(d)}`).join("; ");
  return new MacvlanError(
    "no-plan",
    `${all}, but no command is known that changes this. Change it on the host, and please report it: this is a bug in ` +
      "pulumi-macvlan",
    { remaining: differing },
  );
}

/**
 * The steps of a boot from `afterBoot`, where the link does not exist yet. Unlike a plan, they set all desired values,
 * even those that a new link has anyway, so that they also repair an existing link. The link's record is written right
 * after it is made.
 */
export function bootSteps(booted: HostState, desired: Desired, kernel: KernelTraits): Step[] {
  const steps = transition(booted, desired, kernel, true);
  const record = steps.filter((s) => s.do === "record");
  const others = steps.filter((s) => s.do !== "record");
  const making = others.findIndex((s) => s.do === "addLink") + 1;
  return making === 0
    ? [...others, ...record]
    : [...others.slice(0, making), ...record, ...others.slice(making)];
}

/** The host after the plan. */
export function outcome(state: HostState, planned: Plan): HostState {
  if (planned.way?.from === state) return planned.way.to;
  return planned.steps.reduce((s, { step }) => simulate(s, step), state);
}
