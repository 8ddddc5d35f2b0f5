/**
 * What the engine calls. The state of every stack names this module (`require("pulumi-macvlan/provider")`), now and
 * for ever: its path and the export `providers` never change.
 *
 * All five operations are thin uses of one plan: `check` shows what differs on the host, `diff` says so, `create`,
 * `update` and `delete` carry the plan out, and `read` tells what is there.
 */
import type { dynamic } from "@pulumi/pulumi";
import { type AnyKind, KINDS } from "../kinds";
import type { Json } from "../kinds/kind";
import { apply, remove } from "./apply";
import { check } from "./check";
import type { ProviderContext, StackConfig } from "./context";
import { diff } from "./diff";
import { leaseBook } from "./lease-book";
import { resourceId } from "./outputs";
import { openProcessContext } from "./process";
import { read } from "./read";
import { stackIdentityProvider } from "./stack-identity";

/** One provider per kind, by the name of its resource class, and the networks' memory. */
export const providers = openProviders(openProcessContext);

/** @param open makes the context that all of them share, for the first that is configured or called */
export function openProviders(
  open: (config: StackConfig) => ProviderContext,
): Readonly<Record<string, dynamic.ResourceProvider>> {
  let context: ProviderContext | undefined;
  const contextFor = (config: StackConfig): ProviderContext => (context ??= open(config));
  return {
    ...Object.fromEntries(Object.entries(KINDS).map(([name, kind]) => [name, providerFor(kind, contextFor)])),
    LeaseBook: leaseBook,
    StackIdentity: {
      configure: configureWith(contextFor),
      ...stackIdentityProvider(() => contextFor(() => undefined).stack),
    },
  };
}

/** Without an await in it: the SDK calls the other methods before an asynchronous configure has ended. */
function configureWith(
  contextFor: (config: StackConfig) => ProviderContext,
): Required<dynamic.ResourceProvider>["configure"] {
  return ({ config }) => {
    contextFor((key) => config.get(key));
    return Promise.resolve();
  };
}

function providerFor(
  kind: AnyKind,
  contextFor: (config: StackConfig) => ProviderContext,
): dynamic.ResourceProvider {
  /** The work's end, with an error that shows nothing that is withheld. */
  const withContext = async <T>(work: (context: ProviderContext) => T | Promise<T>): Promise<T> => {
    const context = contextFor(() => undefined);
    try {
      return await work(context);
    } catch (error) {
      throw context.redactor.redactError(error);
    }
  };
  return {
    configure: configureWith(contextFor),
    check: (olds: Json, news: Json) => withContext((context) => check(context, kind, olds, news)),
    diff: (_id: string, olds: Json, news: Json) => withContext((context) => diff(context, kind, olds, news)),
    create: (inputs: Json) =>
      withContext(async (context) => ({
        id: resourceId(inputs),
        outs: await apply(context, kind, inputs, undefined),
      })),
    read: (id: string, props?: Json) => withContext((context) => read(context, kind, id, props ?? {})),
    update: (_id: string, olds: Json, news: Json) =>
      withContext(async (context) => ({ outs: await apply(context, kind, news, olds) })),
    delete: (_id: string, props: Json) => withContext((context) => remove(context, kind, props)),
  };
}
