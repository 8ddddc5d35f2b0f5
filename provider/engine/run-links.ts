import { type Clock, systemClock } from "../host/clock";
import type { CommonInputs, Json } from "../kinds/kind";
import type { MacvlanError } from "../model/error";
import type { LinkId } from "../model/host";
import { type HostAddress, hostIdentity } from "../ssh/address";

/** What a run's resources are about to do to links, so that each can rely on the others. */
export interface RunLinks {
  /**
   * Notes the link of a resource.
   *
   * @param resource `MacvlanInterface "web"`
   * @param unknown the properties that are not known yet
   * @returns another resource that has the same link
   */
  declare(inputs: CommonInputs, resource: string, unknown: readonly string[]): string | undefined;
  isDeclared(host: HostAddress, link: LinkId): boolean;
  /** Whether a resource of the program has the link, be it checked already or not. */
  isAnnounced(host: HostAddress, link: LinkId): boolean;
  /** Notes the inputs by which the last run left a link: the engine checks a replacement a second time, without them. */
  notePrevious(host: HostAddress, link: LinkId, inputs: Json): void;
  /** The inputs by which the last run left the link; undefined if none were noted. */
  previousOf(host: HostAddress, link: LinkId): Json | undefined;
  /** The MTU that a resource gives a link; undefined if none does. */
  declaredMtu(host: HostAddress, link: LinkId): number | "unknown" | undefined;
  /** Notes that a link is replaced in this run. Its children are deleted with it and have to be created again. */
  markReplaced(host: HostAddress, link: LinkId): void;
  isReplaced(host: HostAddress, link: LinkId): boolean;
  /** Notes that the program forces the change of a link, also if links of others go with it. */
  markForced(host: HostAddress, link: LinkId): void;
  isForced(host: HostAddress, link: LinkId): boolean;
  /** The replaced links of a host. */
  replacedOn(host: HostAddress): readonly LinkId[];
  /** Notes that a resource cannot be replaced, as the host of the new one cannot be read. */
  holdBack(resource: string, why: MacvlanError): void;
  heldBack(resource: string): MacvlanError | undefined;
  /** Notes that the check of a resource has begun. */
  markChecking(resource: string): void;
  /** Notes that a resource has been checked. */
  markChecked(resource: string): void;
  /** Resolves when all announced resources have been checked, or the run is interrupted, at the latest after two seconds. */
  othersAreChecked(): Promise<void>;
  /**
   * Whether the program has announced a resource of that name, and the engine has not asked for it: it comes later, in
   * whichever order, or `--target` leaves it out.
   */
  isUnchecked(name: string): boolean;
  /** Those of the announced resources of these names that the engine has not asked for, once it asks for no more. */
  leftOut(names: readonly string[]): Promise<readonly string[]>;
  /** Ends the waiting for resources: the engine sends none of them any more. */
  interrupt(): void;
}

/** Milliseconds to wait for announced resources, and for the next check. */
const PATIENCE_MS = 2000;

/**
 * @param announced the resources that the program has announced
 * @param places the links that it has announced
 */
export function openRunLinks(
  announced: Iterable<string>,
  clock: Clock = systemClock,
  places: Iterable<{ readonly host: HostAddress; readonly link: LinkId }> = [],
): RunLinks {
  const awaited = new Set(announced);
  const checking = new Set<string>();
  /** Names of resources, of whichever type: a record on a host has no more. */
  const checkedNames = new Set<string>();
  let lastActivity = clock.now();
  let hasCheckedAnnounced = false;
  /** No change begins any more, whatever the waiting would find. */
  let isInterrupted = false;
  const isUnchecked = (name: string): boolean =>
    !checkedNames.has(name) && [...awaited].some((resource) => nameOf(resource) === name);
  const declared = new Map<string, { resource: string; mtu: number | "unknown" | undefined }>();
  const previous = new Map<string, Json>();
  const forced = new Set<string>();
  const replaced = new Map<string, { readonly host: string; readonly link: LinkId }>();
  const held = new Map<string, MacvlanError>();
  const keyOf = (host: HostAddress, link: LinkId): string =>
    JSON.stringify([hostIdentity(host), link.netns, link.name]);
  const announcedPlaces = new Set([...places].map(({ host, link }) => keyOf(host, link)));
  return {
    declare(inputs, resource, unknown) {
      const key = keyOf(inputs.host, { name: inputs.name, netns: inputs.netns ?? "" });
      const other = declared.get(key)?.resource;
      if (other !== undefined && other !== resource) return other;
      declared.set(key, { resource, mtu: unknown.includes("mtu") ? "unknown" : inputs.mtu });
      return undefined;
    },
    isDeclared: (host, link) => declared.has(keyOf(host, link)),
    isAnnounced: (host, link) => declared.has(keyOf(host, link)) || announcedPlaces.has(keyOf(host, link)),
    notePrevious: (host, link, inputs) => previous.set(keyOf(host, link), inputs),
    previousOf: (host, link) => previous.get(keyOf(host, link)),
    declaredMtu: (host, link) => declared.get(keyOf(host, link))?.mtu,
    markReplaced: (host, link) => replaced.set(keyOf(host, link), { host: hostIdentity(host), link }),
    markForced: (host, link) => forced.add(keyOf(host, link)),
    isForced: (host, link) => forced.has(keyOf(host, link)),
    isReplaced: (host, link) => replaced.has(keyOf(host, link)),
    replacedOn: (host) =>
      [...replaced.values()].filter((r) => r.host === hostIdentity(host)).map(({ link }) => link),
    holdBack: (resource, why) => held.set(resource, why),
    heldBack: (resource) => held.get(resource),
    markChecking(resource) {
      checking.add(resource);
      checkedNames.add(nameOf(resource));
    },
    markChecked(resource) {
      checking.delete(resource);
      hasCheckedAnnounced ||= awaited.has(resource);
      awaited.delete(resource);
      lastActivity = clock.now();
    },
    isUnchecked,
    async leftOut(names) {
      const unchecked = (): string[] => names.filter(isUnchecked);
      // a provider of its own has a process of its own, in which no other resources are checked
      if (!hasCheckedAnnounced) return [];
      const mayCome = (): boolean => checking.size > 0 || clock.now() < lastActivity + PATIENCE_MS;
      while (unchecked().length > 0 && mayCome() && !isInterrupted) await clock.sleep(20);
      return unchecked();
    },
    async othersAreChecked() {
      const end = clock.now() + PATIENCE_MS;
      while (awaited.size > 0 && clock.now() < end && !isInterrupted) await clock.sleep(20);
    },
    interrupt() {
      isInterrupted = true;
    },
  };
}

/** `web` of `MacvlanInterface "web"` */
function nameOf(resource: string): string {
  return resource.slice(resource.indexOf('"') + 1, -1);
}
