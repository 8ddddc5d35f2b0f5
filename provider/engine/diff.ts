/** `diff`: what an update would do, from the canonical inputs of `check`. It changes nothing. */
import type { dynamic } from "@pulumi/pulumi";
import { secretNamesOf, visibleInputs } from "../kinds/check-inputs";
import type { Json } from "../kinds/kind";
import type { HostState } from "../model/host";
import type { Observation } from "../model/observation";
import { parsePath, valuesAt } from "../model/property-path";
import { isUnknown } from "../model/unknown";
import type { HostAddress } from "../ssh/address";
import { makingOf } from "./apply";
import type { ProviderContext } from "./context";
import { digest, sameHost } from "./inputs";
import { managedInputs } from "./outputs";
import { knownInputs } from "./planning";
import { type Member, type ResourceType, matchMembers } from "./resource-type";

/** Compares the state's outputs of a resource with its new inputs. */
export async function diff(
  context: ProviderContext,
  type: ResourceType,
  olds: Json,
  news: Json,
): Promise<dynamic.DiffResult> {
  const given = differenceOf(type, olds, olds["__inputs"], news);
  if (given.replaces.includes("host") || (given.changes && given.replaces.length === 0)) return given;
  if (isUnknown(news["host"])) return given;
  // `check` has reported that the host cannot be read; names are compared as given
  const now = await context.fleet
    .managedHost(news["host"] as HostAddress)
    .observe()
    .catch(() => undefined);
  if (!now) return given;
  const named = differenceOf(type, olds, olds["__inputs"], news, now.state);
  return { ...named, changes: named.changes || isOtherMaking(context, type, olds, news, now) };
}

/**
 * Whether one of the stack's links on the host is of another making than the one in the state: the run that made it was
 * killed before it could save the state. An update takes note of it, so that a deletion will not leave it behind.
 */
function isOtherMaking(
  context: ProviderContext,
  type: ResourceType,
  olds: Json,
  news: Json,
  now: Observation,
): boolean {
  const members = type.members(news);
  const { previousOf } = matchMembers(type.members(olds), members);
  return members.some((member) => {
    const making = makingOf(context, member.props, knownInputs(member.props, []), now, undefined);
    return making !== undefined && making !== previousOf(member)?.["__making"];
  });
}

/** The secret properties of all links. */
function secretPaths(type: ResourceType, props: Json): string[] {
  return type
    .members(props)
    .flatMap(({ path, props: own }) => secretNamesOf(own).map((name) => path + name))
    .toSorted();
}

/**
 * How new inputs differ from those of the last run. Pure.
 *
 * @param before the digest of the last run's inputs
 * @param state the host, to recognise a parent by each of its names
 */
export function differenceOf(
  type: ResourceType,
  olds: Json,
  before: unknown,
  news: Json,
  state?: HostState,
): { readonly changes: boolean; readonly replaces: string[]; readonly deleteBeforeReplace: true } {
  const moved = !isUnknown(news["host"]) && !sameHost(olds["host"], news["host"]);
  const fixed = type.replaces(olds, news, state);
  const replaces = moved ? ["host"] : [...new Set([...fixed, ...replacedOnChange(type, olds, news)])];
  const changes =
    replaces.length > 0 ||
    news["drift"] !== undefined ||
    // what the state has in plain text of a property that is secret by now has to be written again
    secretPaths(type, olds).join() !== secretPaths(type, news).join() ||
    isUnknown(visibleInputs(news)) ||
    before !== digest(news);
  // two links cannot have one name: the old one is deleted first
  return { changes, replaces, deleteBeforeReplace: true };
}

/**
 * Properties with a change at a path of `replaceOnChanges`. The engine goes by the properties that a provider says have
 * changed, which the provider of a dynamic resource cannot say. Drift is no change of the program.
 */
function replacedOnChange(type: ResourceType, olds: Json, news: Json): string[] {
  const paths = news["__replaceOnChanges"];
  if (!Array.isArray(paths)) return [];
  const before = givenOf(type, olds, managedInputs);
  const after = givenOf(type, news, visibleInputs);
  const isChanged = (path: readonly (string | number)[]): boolean =>
    digest({ values: valuesAt(before, path) }) !== digest({ values: valuesAt(after, path) });
  return paths.map(String).flatMap((text) => {
    const [first, ...rest] = parsePath(text) ?? [];
    if (first === undefined) return [];
    const properties = first === "*" ? Object.keys({ ...before, ...after }) : [String(first)];
    return properties.filter((property) => isChanged([property, ...rest]));
  });
}

/** What the program gave of a resource, without the labels, which follow from others. */
function givenOf(type: ResourceType, all: Json, ofLink: (props: Json) => Json): Json {
  const links = type.members(all).map((member): Member => {
    const { label: _, ...props } = ofLink(member.props);
    return { ...member, props };
  });
  return visibleInputs(type.join({ host: all["host"] }, links));
}
