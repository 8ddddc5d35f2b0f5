import type { Difference } from "../model/difference";
import {
  type BootFile,
  type HostState,
  type LinkState,
  type Desired,
  type DesiredLink,
  findLink,
  sameLink,
} from "../model/host";
import { type Owner, isOwn } from "../model/owner";
import type { Step } from "../model/steps";
import { withoutPort } from "./kernel/simulate";

/**
 * A boot file of a link that this stack does not own: another stack's, or one without a mark. One mark among the files
 * of a link counts for all of them. Symbolic links have no mark, and are recognised by their names.
 */
export function foreignOwnerOf(state: HostState, bootName: string, owner: Owner): BootFile | undefined {
  const files = state.bootFiles.filter((f) => f.bootName === bootName);
  for (const file of files) if (file.mark) return isOwn(file.mark, owner) ? undefined : file;
  return files.find((f) => !f.is.startsWith("-> "));
}

/** The difference between the existing and the desired boot files, as one property. */
export function bootDifferences(state: HostState, desired: Desired): Difference[] {
  const files = desired.boot?.files ?? [];
  const { unexpected, missing, changed } = compareFiles(state, desired);
  if (unexpected.length + missing.length + changed.length === 0) return [];
  const persists = files.length > 0;
  if (!persists || missing.length === files.length) {
    return [{ property: "persist", wanted: String(persists), found: String(!persists) }];
  }
  const say = (what: string, list: readonly BootFile[]): string[] => list.map((f) => `${what} ${f.path}`);
  const found = [...say("missing", missing), ...say("changed", changed), ...say("unexpected", unexpected)];
  return [{ property: "persist", wanted: "true", found: found.join(", ") }];
}

/** The step that brings the boot files to the desired state; undefined if they are in it. */
export function bootStep(state: HostState, desired: Desired): Step | undefined {
  const { unexpected, missing, changed } = compareFiles(state, desired);
  const write = (desired.boot?.files ?? []).filter((f) => missing.includes(f) || changed.includes(f));
  return unexpected.length + write.length === 0
    ? undefined
    : { do: "setBootFiles", remove: unexpected.toReversed(), write };
}

function compareFiles(
  state: HostState,
  desired: Desired,
): Record<"unexpected" | "missing" | "changed", BootFile[]> {
  const { bootNames = [], files = [] } = desired.boot ?? {};
  const own = bootNames.filter((name) => foreignOwnerOf(state, name, desired) === undefined);
  const there = state.bootFiles.filter((f) => own.includes(f.bootName));
  const at = (path: string): BootFile | undefined => there.find((f) => f.path === path);
  return {
    unexpected: there.filter((f) => !files.some((w) => w.path === f.path)),
    missing: files.filter((f) => !at(f.path)),
    changed: files.filter((f) => (at(f.path)?.is ?? f.is) !== f.is),
  };
}

/**
 * The host after a boot, as far as one resource touches it: what the resource made is gone, and what it only changed is
 * as before. A link that it needs and that is missing now is assumed to exist then.
 */
export function afterBoot(state: HostState, desired: Desired): HostState {
  const made = desired.record?.made === true ? desired.links.filter((l) => l.kind !== undefined) : [];
  const gone = made.flatMap((l) => [l, ...(l.previous ? [l.previous] : [])]);
  const restore = desired.record?.restore ?? [];
  const stays = state.links.filter((l) => !gone.some((g) => sameLink(g, l)));
  const needed = desired.links.filter((l) => !made.includes(l) && l.exists && !findLink(state, l));
  const asBefore = (l: LinkState): LinkState => {
    const before = restore.find((r) => sameLink(r, l));
    return before ? putBack(l, before) : l;
  };
  return {
    ...state,
    links: [...stays.map(asBefore), ...needed.map(unseen)],
    netns: state.netns.filter((n) => n.name !== desired.netns),
    // records are under /run
    records: [],
  };
}

function putBack(link: LinkState, before: DesiredLink): LinkState {
  const settings = Object.fromEntries(before.settings.map((s) => [s.key, s.value]));
  const kept = settings["link.master"] === "" ? withoutPort(link.settings) : link.settings;
  return {
    ...link,
    settings: { ...kept, ...settings },
    up: before.up ?? link.up,
    addresses: before.addresses ?? link.addresses,
    routes: before.routes ?? link.routes,
  };
}

function unseen(link: DesiredLink): LinkState {
  return {
    name: link.name,
    netns: link.netns,
    kind: link.kind ?? "",
    ifIndex: 0,
    parent: link.parent ?? "",
    up: false,
    operState: "DOWN",
    promiscuity: 0,
    settings: { "link.master": "" },
    details: {},
    addresses: [],
    routes: [],
  };
}
