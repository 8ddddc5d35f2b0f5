/**
 * What a resource is to the engine's side: one link, or all links of a host. Both are lists of members, each with the
 * properties that a resource of one link has, so that nothing after `check` has two ways. Pure.
 */
import type { AnyKind } from "../kinds";
import { withKernelNames } from "../kinds/altnames";
import { asInputs, checkInputs } from "../kinds/check-inputs";
import type { Json } from "../kinds/kind";
import type { Issue } from "../model/error";
import { type HostState, type LinkId, linkKey, sameLink } from "../model/host";
import { groupBy } from "../model/lists";
import { isUnknown } from "../model/unknown";

/** A link of a resource. */
export interface Member {
  /** Its key among the resource's links; empty for a resource that is the link. */
  readonly key: string;
  /** What stands before its properties in messages: `links.web.`; empty for a resource that is the link. */
  readonly path: string;
  readonly kind: AnyKind;
  /** Inputs or outputs as a resource of this one link has them, with the hidden ones. */
  readonly props: Json;
}

/** Inputs after `check`. */
export interface CheckedResource {
  /** Canonical where known, the engine's unknown where not. */
  readonly inputs: Json;
  readonly issues: readonly Issue[];
}

/** A class of resources. */
export interface ResourceType {
  /** Name of the class. */
  readonly type: string;
  /** Checks and completes inputs. `before` are those of the last run, if any. */
  check(given: Json, before: Json | undefined): CheckedResource;
  /** Where a program that gave these inputs states what a property of a link has in the canonical ones. */
  statedAt(given: Json, property: string): string;
  /** The links of canonical inputs, or of outputs, in an order in which they can be made. */
  members(props: Json): readonly Member[];
  /** The opposite of {@link members}: what the state keeps, with what is no member's from `base`. */
  join(base: Json, members: readonly Member[]): Json;
  /** Whether it is not known yet what the link with that key is to be. */
  isPending(inputs: Json, key: string): boolean;
  /** Properties of which a change needs another resource, beside the host. `state`: what names of links stand for. */
  replaces(before: Json, after: Json, state: HostState | undefined): string[];
}

/** A resource that is one link. */
export function ofOneLink(kind: AnyKind): ResourceType {
  return {
    type: kind.type,
    check: (given, before) => checkInputs(kind, given, before),
    statedAt: (_, property) => property,
    members: (props) => [{ key: "", path: "", kind, props }],
    join: (base, [member]) => member?.props ?? base,
    isPending: () => false,
    replaces(before, after, state) {
      const isVague = kind.identifying.some((property) => isUnknown(after[property]));
      return isVague ? [] : fixedChanges(kind, before, after, state);
    },
  };
}

/** Properties of a link whose change needs another link. `state`: what names of links stand for, such as altnames. */
export function fixedChanges(
  kind: AnyKind,
  before: Json,
  after: Json,
  state: HostState | undefined,
): string[] {
  const named = (props: Json): Json => (state ? { ...withKernelNames(asInputs(props), state) } : props);
  return kind.replaces(named(before), named(after));
}

/** How one of a resource's links is named beside the resource in messages, and told from the others: ` links.web`. */
export function claimPath(path: string): string {
  return path === "" ? "" : ` ${path.replace(/\.$/, "")}`;
}

/** Which members of the last run are which of this one. */
export interface Matched {
  readonly previousOf: (member: Member) => Json | undefined;
  /** Those of the last run that are none of them, in the order in which they were made. */
  readonly leaving: readonly Member[];
}

/**
 * A link is the one of the last run that had its place, else the one that had its key: it may have got another key, or
 * another name. One that is to be of another kind is another link.
 */
export function matchMembers(before: readonly Member[], now: readonly Member[]): Matched {
  const previous = new Map<Member, Member>();
  const taken = new Set<Member>();
  const take = (
    keyOf: (member: Member) => string | undefined,
    may: (a: Member, b: Member) => boolean,
  ): void => {
    const withKey = groupBy(before, (b) => ofKind(b, keyOf(b)));
    for (const member of now) {
      const key = ofKind(member, keyOf(member));
      if (key === undefined || previous.has(member)) continue;
      const found = withKey.get(key)?.find((b) => !taken.has(b) && may(b, member));
      if (!found) continue;
      previous.set(member, found);
      taken.add(found);
    }
  };
  const atPlace = groupBy(now, placeKey);
  take(placeKey, () => true);
  // one whose place another link is to have has not been renamed
  const isKept = (a: Member, b: Member): boolean => {
    const place = placeKey(a);
    return place === undefined || atPlace.get(place)?.some((other) => other !== b) !== true;
  };
  take(({ key }) => key, isKept);
  const matched = new Set(previous.values());
  // of a link that is not known yet, it is not known either whether it is the one of the last run
  const pending = new Set(
    now.filter(({ props: { name, netns } }) => isUnknown(name) || isUnknown(netns)).map(({ key }) => key),
  );
  return {
    previousOf: (member) => previous.get(member)?.props,
    leaving: before.filter((b) => !matched.has(b) && !pending.has(b.key)),
  };
}

function ofKind({ kind }: Member, key: string | undefined): string | undefined {
  return key === undefined ? undefined : `${kind.link.word}\n${key}`;
}

/** Where a link is, as a text; undefined if that is not known. */
function placeKey({ props }: Member): string | undefined {
  const place = placeOf(props);
  return place && linkKey(place);
}

/** Whether two links are in one place, if that is known. */
export function samePlace(a: Member, b: Member): boolean {
  const [one, other] = [placeOf(a.props), placeOf(b.props)];
  return one !== undefined && other !== undefined && sameLink(one, other);
}

/** Where a link is, as far as that is known. */
export function placeOf({ name, netns = "" }: Json): LinkId | undefined {
  return typeof name !== "string" || typeof netns !== "string" || isUnknown([name, netns])
    ? undefined
    : { name, netns };
}
