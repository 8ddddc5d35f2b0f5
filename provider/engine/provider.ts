/**
 * What the engine calls. The state of every stack names this module (`require("pulumi-macvlan/provider")`), now and
 * for ever: its path and the export `providers` never change.
 *
 * All five operations are thin uses of one plan: `check` shows what differs on the host, `diff` says so, `create`,
 * `update` and `delete` carry the plan out, and `read` tells what is there.
 */
import type { dynamic } from "@pulumi/pulumi";
import { type AnyKind, KINDS } from "../kinds";
import { withKernelNames } from "../kinds/altnames";
import { asInputs, visibleInputs } from "../kinds/check-inputs";
import { type CommonInputs, type Json, linkId } from "../kinds/kind";
import { findLink, recordOf } from "../model/host";
import type { Observation } from "../model/observation";
import { redact } from "../model/redact";
import { isUnknown } from "../model/unknown";
import type { HostAddress } from "../ssh/address";
import { apply } from "./apply";
import { check } from "./check";
import { configureRun, currentRun, planContextOf } from "./context";
import { digest, sameHost } from "./inputs";
import { leaseBook } from "./lease-book";
import { clean, hiddenOf, managedInputs, outputsOf, resourceId } from "./outputs";
import { isPersisted } from "./persist";
import { knownInputs, planNothing, planRemoval } from "./planning";
import { resourceName } from "../kinds/kind";

/** One provider a kind, by the name of its resource class, and the networks' memory. */
export const providers: Readonly<Record<string, dynamic.ResourceProvider>> = {
  ...Object.fromEntries(Object.entries(KINDS).map(([name, kind]) => [name, providerFor(kind)])),
  LeaseBook: leaseBook,
};

function providerFor(kind: AnyKind): dynamic.ResourceProvider {
  return {
    // without an await in it: the SDK calls the other methods before an asynchronous configure has ended
    configure: ({ config }) => {
      configureRun((key) => config.get(key));
      return Promise.resolve();
    },
    check: async (olds: Json, news: Json) => check(kind, olds, news),
    diff: async (_id: string, olds: Json, news: Json) => {
      const result = await diff(kind, olds, news);
      const old = asInputs(olds);
      if ((result.replaces?.length ?? 0) > 0) currentRun().markReplaced(old.host, linkId(old));
      if (result.changes !== true && !isUnknown(news["host"])) {
        const { fleet } = currentRun();
        fleet
          .managedHost(news["host"] as HostAddress)
          .withdraw(resourceName(kind.type, String(news["__resource"])));
      }
      return result;
    },
    create: async (inputs: Json) => withRedactedErrors(create(kind, inputs)),
    read: async (id: string, props?: Json) => withRedactedErrors(read(kind, id, props ?? {})),
    update: async (_id: string, olds: Json, news: Json) => ({
      outs: await withRedactedErrors(apply(kind, news, olds)),
    }),
    delete: async (_id: string, props: Json) => withRedactedErrors(remove(kind, props)),
  };
}

/** The work's end, with an error that shows nothing that is withheld. */
async function withRedactedErrors<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Error) error.message = redact(error.message);
    throw error;
  }
}

async function diff(kind: AnyKind, olds: Json, news: Json): Promise<dynamic.DiffResult> {
  const identity = kind.identifying.some((p) => isUnknown(news[p]));
  const moved = isUnknown(news["host"]) || sameHost(olds["host"], news["host"]) ? [] : ["host"];
  const replaces = identity || moved.length > 0 ? moved : await replacesOf(kind, olds, news);
  const changes =
    replaces.length > 0 ||
    news["drift"] !== undefined ||
    isUnknown(visibleInputs(news)) ||
    isChanged(olds, news);
  // two links cannot have one name: the old one has to go first
  return { changes, replaces, deleteBeforeReplace: true };
}

/** What no live link can change; a parent that is given by another of its names is the same. */
async function replacesOf(kind: AnyKind, before: Json, after: Json): Promise<string[]> {
  const replaces = kind.replaces(before, after);
  if (replaces.length === 0) return replaces;
  try {
    const { state } = await currentRun().fleet.managedHost(asInputs(after).host).observe();
    return kind.replaces(
      { ...withKernelNames(asInputs(before), state) },
      { ...withKernelNames(asInputs(after), state) },
    );
  } catch {
    // that the host cannot be read has been said by `check`; names are compared as they are
    return replaces;
  }
}

function isChanged(olds: Json, news: Json): boolean {
  return olds["__inputs"] !== digest(news) || olds["__owner"] !== news["__owner"];
}

async function create(kind: AnyKind, inputs: Json): Promise<dynamic.CreateResult> {
  const outs = await apply(kind, inputs, undefined);
  return { id: resourceId(inputs), outs };
}

async function read(kind: AnyKind, id: string, props: Json): Promise<dynamic.ReadResult> {
  const given = managedInputs(props);
  const known = asInputs(given);
  const now = await currentRun().fleet.managedHost(known.host).observe();
  const place = linkId(withKernelNames(known, now.state));
  const link = findLink(now.state, place);
  const record = recordOf(now.state, place);
  const isTaken = record !== undefined && record.owner !== props["__owner"];
  if (!link || isTaken || link.kind !== kindWord(kind, known, now, props)) return {};
  const context = planContextOf(props, known, now, undefined);
  const observed = {
    ...given,
    ...kind.readInputs(known, now),
    ...(known.persist === undefined ? {} : { persist: isPersisted(kind, known, context) }),
  };
  const label = kind.label(observed);
  const inputs = { ...observed, label, ...hiddenOf(props) };
  return {
    id,
    inputs: clean(inputs),
    props: clean(outputsOf(kind, inputs, asInputs(observed), now)),
  };
}

/** The link's kind in iproute2's word, as the resource wants it. */
function kindWord(kind: AnyKind, known: CommonInputs, now: Observation, props: Json): string {
  const desired = kind.desired(known, planContextOf(props, known, now, props));
  return desired.links.find((l) => l.kind !== undefined)?.kind ?? "";
}

async function remove(kind: AnyKind, props: Json): Promise<void> {
  const known = knownInputs(props, []);
  const managedHost = currentRun().fleet.managedHost(known.host);
  const name = resourceName(kind.type, String(props["__resource"]));
  const after = await managedHost.change(name, (now) => {
    const context = planContextOf(props, known, now, undefined);
    const record = recordOf(now.state, linkId(withKernelNames(known, now.state)));
    // renamed in the program, without an alias: another resource has made the link its own meanwhile
    const isTakenOver = record?.owner === context.owner && record.resource !== context.resource;
    return isTakenOver ? planNothing(context) : planRemoval(known, context);
  });
  // a stack that is destroyed foretells nothing: what it still has here is likely to be next
  if (after.state.records.some(({ owner }) => owner === props["__owner"])) managedHost.prestart();
}
