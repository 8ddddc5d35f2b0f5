/**
 * The order in which the steps of a change are run. A plan has the steps of one link after those of another. What two
 * links have nothing to do with each other is put together here by the program that does it, so that a thousand links take
 * a handful of processes. Pure.
 */
import { type LinkId, linkKey } from "../model/host";
import type { PlannedStep, Step } from "../model/steps";
import { localSteps } from "../plan/local-steps";

/** What a step may be moved past. */
type Mobility =
  /** Makes a link, or is local to one: past those of other links. */
  | { readonly is: "local"; readonly links: readonly LinkId[] }
  /** Writes or removes the record of a link: past all steps that are not of this link. */
  | { readonly is: "note"; readonly link: LinkId; readonly needsLink: boolean }
  /** Writes boot files: past all that changes links. */
  | { readonly is: "files" }
  /** Changes a link that was there before: past notes only. */
  | { readonly is: "ordered"; readonly links: readonly LinkId[] }
  /** Past nothing. */
  | { readonly is: "fixed" };

/**
 * The same steps, those of one class together as far as nothing depends on their order.
 *
 * @param classOf which steps can share a process
 */
export function sideBySide(
  steps: readonly PlannedStep[],
  classOf: (step: Step) => string,
): readonly PlannedStep[] {
  const local = localSteps(steps.map(({ step }) => step));
  let waiting = steps.map((planned) => ({
    planned,
    class: classOf(planned.step),
    mobility: mobilityOf(planned.step, local),
  }));
  const ordered: PlannedStep[] = [];
  while (waiting.length > 0) {
    const [first] = waiting;
    const left = openPassed();
    const stay: typeof waiting = [];
    for (const [i, one] of waiting.entries()) {
      if (left.stopsAll()) {
        for (const other of waiting.slice(i)) stay.push(other);
        break;
      }
      if (one.class === first?.class && left.lets(one.mobility)) ordered.push(one.planned);
      else {
        stay.push(one);
        left.add(one.mobility);
      }
    }
    waiting = stay;
  }
  return ordered;
}

function mobilityOf(step: Step, local: ReadonlySet<Step>): Mobility {
  switch (step.do) {
    case "record":
      return { is: "note", link: step.record, needsLink: true };
    case "forget":
      return { is: "note", link: step.link, needsLink: false };
    case "setBootFiles":
      return { is: "files" };
    case "addLink":
      return { is: "local", links: [step.link, { name: step.parent, netns: "" }] };
    case "deleteLink":
      return { is: "ordered", links: [step.link] };
    default:
      return local.has(step) && "link" in step ? { is: "local", links: [step.link] } : { is: "fixed" };
  }
}

/** The steps that others would be moved past. */
interface Passed {
  add(mobility: Mobility): void;
  /** Whether a step may be moved past them. */
  lets(mobility: Mobility): boolean;
  /** Whether no step at all may. */
  stopsAll(): boolean;
}

function openPassed(): Passed {
  const links = new Set<string>();
  const kinds = new Set<Mobility["is"] | "needs link">();
  const has = (...ids: readonly LinkId[]): boolean => ids.some((id) => links.has(linkKey(id)));
  return {
    add(mobility) {
      kinds.add(mobility.is);
      if (mobility.is === "note") {
        links.add(linkKey(mobility.link));
        if (mobility.needsLink) kinds.add("needs link");
      } else if ("links" in mobility) for (const link of mobility.links) links.add(linkKey(link));
    },
    lets(mobility) {
      switch (mobility.is) {
        case "local":
          return !kinds.has("files") && !kinds.has("ordered") && !has(...mobility.links);
        case "note":
          // a link goes with the one that it is on
          return !kinds.has("files") && !has(mobility.link) && !(mobility.needsLink && kinds.has("ordered"));
        case "files":
          return !kinds.has("files");
        case "ordered":
          return (
            !(["files", "local", "ordered", "needs link"] as const).some((kind) => kinds.has(kind)) &&
            !has(...mobility.links)
          );
        case "fixed":
          return kinds.size === 0;
      }
    },
    stopsAll: () => kinds.has("fixed"),
  };
}
