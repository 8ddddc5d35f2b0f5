/**
 * What has to be still so on a host when the steps of a plan begin: the reading that they were planned from may be of any
 * age. The script of the change sees to it under the lock, and ends before it touches anything if the host has changed. Pure.
 */
import { type HostState, type LinkId, type LinkState, findLink, recordOf, sameLink } from "../model/host";
import { type OwnerMark, markOf } from "../model/owner";
import type { PlannedStep, Step } from "../model/steps";

export type Precondition =
  /**
   * The very link. The kernel gives no index twice while a namespace lives, so that an index also stands for the kind and
   * for what no link can change.
   */
  | {
      readonly still: "link";
      readonly link: LinkId;
      readonly ifIndex: number;
      /** Index of the parent, for a link of the host's own namespace that has one there. */
      readonly parentIndex?: number;
      /** Whose it is, for a link that is changed; `none`: nobody's mark. Absent for links that are only used. */
      readonly mark?: OwnerMark | "none";
    }
  /** No link of the name. */
  | { readonly still: "absent"; readonly link: LinkId }
  /** The namespace that a stack made, with no links in it but these. */
  | {
      readonly still: "netns";
      readonly name: string;
      readonly mark: OwnerMark;
      readonly links: readonly string[];
    };

/** What the steps rely on, each once, in their order. */
export function preconditions(steps: readonly PlannedStep[], state: HostState): Precondition[] {
  const list: Precondition[] = [];
  /** Places that an earlier step has changed: what is there then is its own doing. */
  const changed: LinkId[] = [];
  const isKnown = (id: LinkId): boolean => changed.some((c) => sameLink(c, id));

  const keep = (id: LinkId, isChanged: boolean): void => {
    const link = findLink(state, id);
    if (!link || isKnown(id)) return;
    const at = list.findIndex((p) => p.still === "link" && sameLink(p.link, id));
    const before = list[at];
    if (before === undefined) list.push(linkAsIs(state, link, isChanged));
    else if (isChanged && !("mark" in before)) list[at] = linkAsIs(state, link, true);
  };
  const takePlace = (id: LinkId): void => {
    if (!isKnown(id) && !findLink(state, id)) list.push({ still: "absent", link: id });
    changed.push(id);
  };

  for (const { step } of steps) {
    for (const id of linksUsed(step)) keep(id, false);
    if ("link" in step && step.do !== "addLink") keep(step.link, true);
    switch (step.do) {
      case "addLink":
        takePlace(idOf(step.link));
        break;
      case "renameLink":
        changed.push(step.link);
        takePlace({ netns: step.link.netns, name: step.name });
        break;
      case "moveLink":
        changed.push(step.link);
        takePlace({ netns: step.netns, name: step.link.name });
        break;
      case "deleteLink":
        changed.push(step.link);
        break;
      case "deleteNetns": {
        const mark = state.netns.find((n) => n.name === step.name)?.mark;
        const links = state.links.filter((l) => l.netns === step.name).map((l) => l.name);
        if (mark) list.push({ still: "netns", name: step.name, mark: markOf(mark), links });
        break;
      }
      default:
        break;
    }
  }
  return list;
}

/** Links of the host's own namespace that a step names beside the one that it changes. */
function linksUsed(step: Step): LinkId[] {
  const names =
    step.do === "addLink"
      ? [step.parent]
      : step.do === "set" && step.key === "link.master"
        ? [step.value]
        : [];
  return names.filter((name) => name !== "").map((name) => ({ name, netns: "" }));
}

function linkAsIs(state: HostState, link: LinkState, isChanged: boolean): Precondition {
  const parent = link.netns === "" ? findLink(state, { name: link.parent, netns: "" }) : undefined;
  const record = recordOf(state, link);
  return {
    still: "link",
    link: idOf(link),
    ifIndex: link.ifIndex,
    ...(parent === undefined ? {} : { parentIndex: parent.ifIndex }),
    ...(isChanged ? { mark: record ? markOf(record) : "none" } : {}),
  };
}

function idOf({ name, netns }: LinkId): LinkId {
  return { name, netns };
}
