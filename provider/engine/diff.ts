/** `diff`: what an update would do, from the canonical inputs of `check`. It changes nothing. */
import type { dynamic } from "@pulumi/pulumi";
import type { AnyKind } from "../kinds";
import { withKernelNames } from "../kinds/altnames";
import { asInputs, secretNamesOf, visibleInputs } from "../kinds/check-inputs";
import type { Json } from "../kinds/kind";
import type { HostState } from "../model/host";
import type { Observation } from "../model/observation";
import { parsePath, valuesAt } from "../model/property-path";
import { isUnknown } from "../model/unknown";
import { makingOf } from "./apply";
import type { ProviderContext } from "./context";
import { digest, sameHost } from "./inputs";
import { managedInputs } from "./outputs";
import { knownInputs } from "./planning";

/** Compares the state's outputs of a resource with its new inputs. */
export async function diff(
  context: ProviderContext,
  kind: AnyKind,
  olds: Json,
  news: Json,
): Promise<dynamic.DiffResult> {
  const given = differenceOf(kind, olds, olds["__inputs"], news);
  if (given.replaces.includes("host") || (given.changes && given.replaces.length === 0)) return given;
  if (isUnknown(news["host"])) return given;
  // `check` has reported that the host cannot be read; names are compared as given
  const now = await context.fleet
    .managedHost(asInputs(news).host)
    .observe()
    .catch(() => undefined);
  if (!now) return given;
  const named = differenceOf(kind, olds, olds["__inputs"], news, now.state);
  return { ...named, changes: named.changes || isOtherMaking(context, olds, news, now) };
}

/**
 * Whether the making of the stack's link on the host differs from the one in the state: the run that made the link was
 * killed before it could save the state. An update saves it, so that a deletion does not leave the link behind.
 */
function isOtherMaking(context: ProviderContext, olds: Json, news: Json, now: Observation): boolean {
  const making = makingOf(context, news, knownInputs(news, []), now, undefined);
  return making !== undefined && making !== olds["__making"];
}

/**
 * How new inputs differ from those of the last run. Pure.
 *
 * @param before the digest of the last run's inputs
 * @param state the host, to recognise a parent by each of its names
 */
export function differenceOf(
  kind: AnyKind,
  olds: Json,
  before: unknown,
  news: Json,
  state?: HostState,
): { readonly changes: boolean; readonly replaces: string[]; readonly deleteBeforeReplace: true } {
  const named = (inputs: Json): Json => (state ? { ...withKernelNames(asInputs(inputs), state) } : inputs);
  const moved = !isUnknown(news["host"]) && !sameHost(olds["host"], news["host"]);
  const isVague = kind.identifying.some((property) => isUnknown(news[property]));
  const fixed = isVague ? [] : kind.replaces(named(olds), named(news));
  const replaces = moved ? ["host"] : [...new Set([...fixed, ...replacedOnChange(olds, news)])];
  const changes =
    replaces.length > 0 ||
    news["drift"] !== undefined ||
    // what the state has in plain text of a property that is secret by now has to be written anew
    secretNamesOf(olds).join() !== secretNamesOf(news).join() ||
    isUnknown(visibleInputs(news)) ||
    before !== digest(news);
  // two links cannot have one name: the old one is deleted first
  return { changes, replaces, deleteBeforeReplace: true };
}

/**
 * Properties with a change at a path of `replaceOnChanges`. The engine goes by the properties that a provider says have
 * changed, which the provider of a dynamic resource cannot say. Drift is no change of the program.
 */
function replacedOnChange(olds: Json, news: Json): string[] {
  const paths = news["__replaceOnChanges"];
  if (!Array.isArray(paths)) return [];
  const before = managedInputs(olds);
  const after = visibleInputs(news);
  const isChanged = (path: readonly (string | number)[]): boolean =>
    JSON.stringify(valuesAt(before, path)) !== JSON.stringify(valuesAt(after, path));
  return paths.map(String).flatMap((text) => {
    const [first, ...rest] = parsePath(text) ?? [];
    if (first === undefined) return [];
    const properties = first === "*" ? Object.keys({ ...before, ...after }) : [String(first)];
    return properties.filter((property) => property !== "label" && isChanged([property, ...rest]));
  });
}
