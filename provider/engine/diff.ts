/** `diff`: what an update would do, from the inputs that `check` has made canonical. It changes nothing. */
import type { dynamic } from "@pulumi/pulumi";
import type { AnyKind } from "../kinds";
import { withKernelNames } from "../kinds/altnames";
import { asInputs, visibleInputs } from "../kinds/check-inputs";
import type { Json } from "../kinds/kind";
import type { HostState } from "../model/host";
import { isUnknown } from "../model/unknown";
import type { ProviderContext } from "./context";
import { digest, sameHost } from "./inputs";

/** Compares the state's outputs of a resource with its new inputs. */
export async function diff(
  { fleet }: ProviderContext,
  kind: AnyKind,
  olds: Json,
  news: Json,
): Promise<dynamic.DiffResult> {
  const given = differenceOf(kind, olds, olds["__inputs"], news);
  if (given.replaces.length === 0 || given.replaces.includes("host")) return given;
  // that the host cannot be read has been said by `check`; names are compared as they are
  const now = await fleet
    .managedHost(asInputs(news).host)
    .observe()
    .catch(() => undefined);
  return now ? differenceOf(kind, olds, olds["__inputs"], news, now.state) : given;
}

/**
 * How new inputs differ from those of the last run. Pure.
 *
 * @param before the digest of the inputs that the last run was about
 * @param state the host, by which a parent that is given by another of its names is the same
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
  const replaces = moved ? ["host"] : isVague ? [] : kind.replaces(named(olds), named(news));
  const changes =
    replaces.length > 0 ||
    news["drift"] !== undefined ||
    isUnknown(visibleInputs(news)) ||
    before !== digest(news) ||
    olds["__owner"] !== news["__owner"];
  // two links cannot have one name: the old one has to go first
  return { changes, replaces, deleteBeforeReplace: true };
}
