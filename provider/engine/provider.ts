/**
 * What the engine calls. The state of every stack names this module (`require("pulumi-macvlan/provider")`), so its path
 * and the export `providers` never change.
 *
 * All operations use one plan: `check` computes and shows the differences on the host, `diff` reports them to the
 * engine, `create`, `update` and `delete` apply the plan, and `read` returns the observed state.
 */
import type { dynamic } from "@pulumi/pulumi";
import { KINDS } from "../kinds";
import { type Json, resourceName } from "../kinds/kind";
import { CreatedMaybe, apply, remove } from "./apply";
import { asThrown } from "./border";
import { check } from "./check/check";
import type { ProviderContext, StackConfig } from "./context";
import { diff } from "./diff";
import { withWayOut } from "./gone";
import { hostLinks } from "./host-links";
import { openLeaseBooks } from "./lease-book";
import type { MacvlanError } from "../model/error";
import { resourceId } from "./outputs";
import { openProcessContext } from "./process";
import { read } from "./read";
import { type ResourceType, ofOneLink } from "./resource-type";
import { hostOf, withholdSecrets } from "./secrets";
import type { HostAddress } from "../ssh/address";
import { stackIdentityProvider } from "./stack-identity";

/**
 * One provider per kind and one for all links of a host, by the name of the resource class, and those of the lease book
 * and the stack's identity.
 */
export const providers = openProviders(openProcessContext);

/** @param open makes the context that they share, when the first of them is configured or called */
export function openProviders(
  open: (config: StackConfig) => ProviderContext,
): Readonly<Record<string, dynamic.ResourceProvider>> {
  let context: ProviderContext | undefined;
  const contextFor = (config: StackConfig): ProviderContext => (context ??= open(config));
  return {
    ...Object.fromEntries(
      [...Object.values(KINDS).map(ofOneLink), hostLinks].map((type) => [
        type.type,
        providerFor(type, contextFor),
      ]),
    ),
    // the context also removes what the program has written for it, even if a book fails before any link is checked
    LeaseBook: { configure: configureWith(contextFor), ...openLeaseBooks() },
    StackIdentity: {
      configure: configureWith(contextFor),
      ...stackIdentityProvider(() => contextFor(() => undefined).stack),
    },
  };
}

/** Contains no await: the SDK calls the other methods before an asynchronous configure has ended. */
function configureWith(
  contextFor: (config: StackConfig) => ProviderContext,
): Required<dynamic.ResourceProvider>["configure"] {
  return ({ config }) => {
    contextFor((key) => config.get(key));
    return Promise.resolve();
  };
}

function providerFor(
  type: ResourceType,
  contextFor: (config: StackConfig) => ProviderContext,
): dynamic.ResourceProvider {
  /**
   * Runs the work of an operation, and throws its error as the engine is to show it.
   *
   * @param props the inputs or outputs of the resource, those of the last run first
   * @param now what has the resource's name
   */
  const withContext = async <T>(
    operation: string,
    props: readonly Json[],
    work: (context: ProviderContext) => Promise<T>,
    now: Json = props.at(-1) ?? {},
  ): Promise<T> => {
    const context = contextFor(() => undefined);
    const { redactor } = context;
    withholdSecrets(redactor, type, props);
    try {
      return await work(context);
    } catch (error) {
      const host = hostOf(props.at(-1) ?? {});
      const name = resourceName(type.type, String(now["__resource"]));
      throw asThrown(error, name, operation, (text) => redactor.redact(text, host));
    }
  };
  return {
    configure: configureWith(contextFor),
    check: (olds: Json, news: Json) =>
      withContext(
        "check",
        [olds],
        (context) => context.rollout.call(() => check(context, type, olds, news)),
        news,
      ),
    diff: (_id: string, olds: Json, news: Json) =>
      withContext("diff", [olds, news], (context) =>
        context.rollout.call(() => diff(context, type, olds, news)),
      ),
    create: (inputs: Json) =>
      withContext("create", [inputs], async (context) => ({
        id: resourceId(inputs),
        outs: await change(context, inputs, () => apply(context, type, inputs, undefined)),
      })).catch((error: unknown) => {
        throw error instanceof CreatedMaybe ? asInitFailed(error, inputs) : error;
      }),
    read: (id: string, props: Json = {}) =>
      withContext("read", [props], (context) => ofState(read(context, type, id, props))),
    update: (_id: string, olds: Json, news: Json) =>
      withContext("update", [olds, news], async (context) => ({
        outs: await ofState(change(context, news, () => apply(context, type, news, olds))),
      })),
    delete: (_id: string, props: Json) =>
      withContext("delete", [props], (context) =>
        ofState(change(context, props, () => remove(context, type, props))),
      ),
  };

  /** Work on a host that may change it. */
  function change<T>({ rollout }: ProviderContext, props: Json, work: () => Promise<T>): Promise<T> {
    const host = props["host"] as HostAddress;
    return rollout.change(host, resourceName(type.type, String(props["__resource"])), work);
  }
}

/** An error with which the engine keeps a new resource. The next update brings it to what the program says. */
interface InitFailed extends MacvlanError {
  readonly id: string;
  readonly properties: Json;
  readonly reasons: readonly string[];
}

export function isInitFailed(error: unknown): error is InitFailed {
  return error instanceof CreatedMaybe && "properties" in error;
}

function asInitFailed(error: CreatedMaybe, inputs: Json): InitFailed {
  const { __provider } = inputs;
  return Object.assign(error, {
    id: resourceId(inputs),
    properties: { ...error.outputs, ...(__provider === undefined ? {} : { __provider }) },
    reasons: [error.message],
  });
}

/** The work on a resource that the state has: if its host is gone, every run fails on it. */
async function ofState<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw withWayOut(error);
  }
}
