/**
 * What must still hold on a host when the steps of a plan begin, as the observation that they were planned from may be
 * old. The script of the change checks it under the lock, and ends before it touches anything if the host has changed.
 * Pure.
 */
import { type HostState, type LinkId, type LinkState, findLink, linkKey, recordOf } from "../model/host";
import { type OwnerMark, markOf } from "../model/owner";
import type { PlannedStep, Step } from "../model/steps";
import { idOf } from "./transition";

export type Precondition =
  /**
   * The same link. The kernel uses no index twice while a namespace exists, so an index also stands for the kind and
   * for all that cannot change on a link.
   */
  | {
      readonly still: "link";
      readonly link: LinkId;
      readonly ifIndex: number;
      /** The parent's index, if link and parent are in the host's own namespace. */
      readonly parentIndex?: number;
      /** The owner, for a link that is changed; `none`: no record. Absent for links that are only used. */
      readonly mark?: OwnerMark | "none";
    }
  /** No link of the name. */
  | { readonly still: "absent"; readonly link: LinkId }
  /** No links of the host's own namespace are on the link or in it but these. */
  | { readonly still: "unused"; readonly name: string; readonly links: readonly string[] }
  /** The namespace that a stack made; with `links`, no links in it but these. */
  | {
      readonly still: "netns";
      readonly name: string;
      readonly mark: OwnerMark;
      readonly links?: readonly string[];
    };

/** The preconditions of the steps, each once, in order. */
export function preconditions(steps: readonly PlannedStep[], state: HostState): Precondition[] {
  const list: Precondition[] = [];
  /** Places that an earlier step has changed, and that need no check any more. */
  const changed = new Set<string>();
  /** Where in the list the precondition of a link is. */
  const kept = new Map<string, number>();

  const keep = (id: LinkId, isChanged: boolean): void => {
    const link = findLink(state, id);
    const key = linkKey(id);
    if (!link || changed.has(key)) return;
    const at = kept.get(key);
    const before = at === undefined ? undefined : list[at];
    if (at === undefined || before === undefined) {
      kept.set(key, list.length);
      list.push(linkAsIs(state, link, isChanged));
    } else if (isChanged && !("mark" in before)) list[at] = linkAsIs(state, link, true);
  };
  const keepUsers = (id: LinkId): void => {
    const link = findLink(state, id);
    if (link && id.netns === "" && !changed.has(linkKey(id)))
      list.push({ still: "unused", name: id.name, links: besides(state, link) });
  };
  const change = (id: LinkId): void => {
    changed.add(linkKey(id));
  };
  const takePlace = (id: LinkId): void => {
    if (!changed.has(linkKey(id)) && !findLink(state, id)) list.push({ still: "absent", link: id });
    change(id);
  };

  for (const { step } of steps) {
    for (const id of linksUsed(step)) keep(id, false);
    if ("link" in step && step.do !== "addLink") keep(step.link, true);
    if (step.do === "deleteLink" && step.force !== true) keepUsers(step.link);
    switch (step.do) {
      case "addLink":
        takePlace(idOf(step.link));
        break;
      case "renameLink":
        change(step.link);
        takePlace({ netns: step.link.netns, name: step.name });
        break;
      case "moveLink":
        change(step.link);
        takePlace({ netns: step.netns, name: step.link.name });
        break;
      case "deleteLink":
        change(step.link);
        break;
      case "recordNetns":
      case "deleteNetns": {
        const mark = state.netns.find((n) => n.name === step.name)?.mark;
        if (mark === undefined) break;
        const links = state.links.filter((l) => l.netns === step.name).map((l) => l.name);
        const goes = step.do === "deleteNetns" ? { links } : {};
        list.push({ still: "netns", name: step.name, mark: markOf(mark), ...goes });
        break;
      }
      default:
        break;
    }
  }
  return list;
}

/** The links above and below a link: on it and in it, its parent and its master. */
function besides(state: HostState, { name, parent, settings }: LinkState): string[] {
  const around = state.links.filter(
    (l) => l.netns === "" && (l.parent === name || l.settings["link.master"] === name),
  );
  return [parent, settings["link.master"] ?? "", ...around.map((l) => l.name)].filter((n) => n !== "");
}

/** Links of the host's own namespace that a step uses besides the one that it changes. */
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
