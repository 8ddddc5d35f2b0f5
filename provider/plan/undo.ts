/** The undo of each step of a plan: the commands that lead back from it. Pure. */
import {
  type HostState,
  type LinkId,
  type LinkState,
  type DesiredLink,
  type SecretParts,
  asDesired,
  differingLinks,
  findLink,
  recordOf,
  sameLink,
} from "../model/host";
import { markStep } from "../model/secret-parts";
import type { PlannedStep, Step } from "../model/steps";
import { simulate } from "./kernel/simulate";
import { localSteps } from "./local-steps";
import { type KernelTraits, deletion, idOf, transition } from "./transition";

/**
 * The undo of all steps is planned on first use, as most plans are never applied. So a plan keeps no state of the host
 * but the first one: that of a host with thousands of links is large, and so is the number of steps.
 */
export function withUndo(
  state: HostState,
  steps: readonly Step[],
  kernel: KernelTraits,
  secret: SecretParts | undefined,
): PlannedStep[] {
  const marked = (step: Step): Step => (secret ? markStep(step, secret) : step);
  let undos: readonly Step[][] | undefined;
  /**
   * A bond whose last port has left has an address at random, which the plan does not know. If the bond is made again, it
   * gets the one that it had at first: udev may give it another one before the port is back, and then it would keep that.
   */
  const withFirstAddress = (step: Step): Step => {
    if (step.do !== "addLink" || step.settings["link.address"] !== "") return step;
    const { "link.address": address = "" } = findLink(state, step.link)?.settings ?? {};
    return { ...step, settings: { ...step.settings, "link.address": address } };
  };
  const undoAll = (): readonly Step[][] => {
    let before = state;
    // undone with the link that they change, which the undo deletes
    const local = localSteps(steps);
    return steps.map((step) => {
      const after = simulate(before, step);
      const undo = local.has(step)
        ? []
        : undoOf(step, before, after, kernel).map(withFirstAddress).map(marked);
      before = after;
      return undo;
    });
  };
  return steps.map((step, i) => ({
    step: marked(step),
    get undo() {
      return (undos ??= undoAll())[i] ?? [];
    },
  }));
}

/** The commands from `after` back to `before`, planned like any other change, from the links that differ. */
function undoOf(step: Step, before: HostState, after: HostState, kernel: KernelTraits): Step[] {
  switch (step.do) {
    case "addNetns":
      return [{ do: "deleteNetns", name: step.name }];
    case "recordNetns":
      return before.netns
        .filter((n) => n.name === step.name)
        .map((n) => ({ do: "recordNetns", name: n.name, mark: n.mark ?? { owner: "" } }));
    case "deleteNetns":
      return before.netns
        .filter((n) => n.name === step.name)
        .map((n) => ({ do: "addNetns", name: n.name, mark: n.mark ?? { owner: "" } }));
    case "setBootFiles": {
      const paths = [...step.remove, ...step.write].map((f) => f.path);
      const files = before.bootFiles.filter((f) => paths.includes(f.path));
      return [{ do: "restoreBootFiles", paths, files }];
    }
    case "restoreBootFiles":
      return [];
    case "record":
    case "forget": {
      const id = step.do === "record" ? step.record : step.link;
      const previous = before.records.find((r) => sameLink(r, id));
      return [previous ? { do: "record", record: previous } : { do: "forget", link: idOf(id) }];
    }
    case "addLink": {
      // nothing else has changed, as usual: a host may have thousands of links, and each of them may be new
      const { before: was, after: is } = differingLinks(before.links, after.links);
      if (was.length === 0 && is.length === 1) return [deletion(after, step.link, kernel)];
      return undoOfLinks(step, before, after, kernel);
    }
    default:
      return undoOfLinks(step, before, after, kernel);
  }
}

function undoOfLinks(step: Step, before: HostState, after: HostState, kernel: KernelTraits): Step[] {
  const back = transition(after, { links: formerLinks(step, before, after), netns: "", owner: "" }, kernel);
  // a link that is made again or moved back may have another index, which its record must contain
  const replaced = back.flatMap((s): LinkId[] =>
    s.do === "addLink" ? [s.link] : s.do === "moveLink" ? [{ ...s.link, netns: s.netns }] : [],
  );
  const records = replaced.flatMap((id) => recordOf(before, id) ?? []);
  return [...back, ...records.map((record): Step => ({ do: "record", record }))];
}

/** The links that a step changed, made or removed, as they were, each with its new place. */
function formerLinks(step: Step, before: HostState, after: HostState): DesiredLink[] {
  // a host may have thousands of links, and a plan of all of them has a step for each
  const differing = differingLinks(before.links, after.links);
  // a bond may change when a port leaves it again, although it did not change when the port joined
  const master = step.do === "set" && step.key === "link.master" ? step.value : "";
  // and a port that did not follow its bridge's default PVID may follow it on the way back
  const bridge = step.do === "set" && step.key === "type.vlan_default_pvid" ? step.link.name : undefined;
  const mayChange = (l: LinkState): boolean =>
    l.netns === "" && (l.name === master || (bridge !== undefined && l.settings["link.master"] === bridge));
  const isSelected = new Set(differing.before);
  const some =
    master === "" && bridge === undefined
      ? differing.before
      : before.links.filter((l) => isSelected.has(l) || mayChange(l));
  const changed = parentsFirst(some.filter((l) => l.isOutOfReach !== true)).map((link) => {
    const place = placeAfter(step, link);
    return { ...asDesired(link), ...(sameLink(place, link) ? {} : { previous: place }) };
  });
  const added = differing.after
    .filter((l) => !differing.before.some((was) => sameLink(placeAfter(step, was), l)))
    .map((l): DesiredLink => ({ ...idOf(l), exists: false, settings: [] }));
  return [...changed, ...added];
}

/** In an order in which they can be made again. An index does not tell: each namespace counts by itself. */
function parentsFirst(links: readonly LinkState[]): LinkState[] {
  // a parent is in the host's own namespace
  const byName = new Map(links.flatMap((link) => (link.netns === "" ? [[link.name, link] as const] : [])));
  const heights = new Map<LinkState, number>();
  const heightOf = (link: LinkState): number => {
    const known = heights.get(link);
    if (known !== undefined) return known;
    heights.set(link, 0);
    const parent = byName.get(link.parent);
    const height = parent === undefined ? 0 : heightOf(parent) + 1;
    heights.set(link, height);
    return height;
  };
  return links.toSorted((a, b) => heightOf(a) - heightOf(b) || a.ifIndex - b.ifIndex);
}

/** The place of a link after a step. Its index is not enough, as links of two namespaces may have the same. */
function placeAfter(step: Step, link: LinkId): LinkId {
  if (step.do === "renameLink" && sameLink(step.link, link)) return { ...idOf(link), name: step.name };
  if (step.do === "moveLink" && sameLink(step.link, link)) return { ...idOf(link), netns: step.netns };
  return idOf(link);
}
