/** The engine's protocol for providers (pulumirpc.ResourceProvider): messages to plain values, and back. */
import type { ServerUnaryCall, UntypedServiceImplementation, sendUnaryData } from "@grpc/grpc-js";
import { reasonOf, withCode } from "../model/error";
import type { Json } from "../kinds/kind";
import { SETTINGS, changedSettings, checkConfiguration, identityOf } from "./configuration";
import type { ChangeKind } from "./detailed-diff";
import { rootOf } from "./detailed-diff";
import { type NativeDiff, type NativeOperations, Unreadable } from "./operations";
import { componentInputs, received, secretPathsOf, sent } from "./properties";
import {
  Any,
  Empty,
  type Messages,
  type Struct,
  grpc,
  messages,
  pluginMessages,
  statusMessages,
} from "./sdk";

/** What tells a provider from others. */
export interface ProviderNames {
  /** The stack's identity, in whose name the provider makes links. */
  readonly identity: string | undefined;
  /** The URN of the provider's resource, which older engines do not say. */
  readonly urn: string | undefined;
}

/** What the service is made of. */
export interface ServiceOptions {
  readonly version: string;
  /** Reads the schema when it is asked for. */
  readonly schema: () => string;
  /** Opens the operations with the checked configuration. Throws if it cannot be used. */
  readonly configure: (values: Json, provider: ProviderNames) => NativeOperations;
  /** Runs the work of a resource. What is said meanwhile has been shown beside the resource when this resolves. */
  readonly beside: <T>(urn: string, work: () => Promise<T>) => Promise<T>;
  /** Makes a component in a process of its own. */
  readonly construct: (request: Messages.ConstructRequest) => Promise<Messages.ConstructResponse>;
  /** Ends all waiting for hosts. Changes that have begun end as usual, so that the state knows of them. */
  readonly cancel: () => void;
}

type Handler<Q, A> = (call: ServerUnaryCall<Q, A>, callback: sendUnaryData<A>) => void;

/** A service whose methods are those of the protocol that this provider has. The engine takes others as not implemented. */
export function serviceOf(options: ServiceOptions): UntypedServiceImplementation {
  let configured: NativeOperations | undefined;
  /** This provider, as the engine refers to it. */
  let reference: string | undefined;
  const operations = (): NativeOperations => {
    if (!configured) throw new Error("the engine has not configured the provider");
    return configured;
  };

  /** A call that is not about a resource. */
  function plainly<Q, A>(answer: (request: Q) => A): Handler<Q, A> {
    return ({ request }, callback) => {
      try {
        callback(null, answer(request));
      } catch (error) {
        callback(serviceError(error), null);
      }
    };
  }

  /** A call about a resource. */
  function about<Q extends { getUrn(): string }, A>(answer: (request: Q) => Promise<A>): Handler<Q, A> {
    return ({ request }, callback) => {
      options
        .beside(request.getUrn(), () => answer(request))
        .then(
          (response) => callback(null, response),
          (error: unknown) => callback(serviceError(error), null),
        );
    };
  }

  return {
    handshake: plainly(() => {
      const response = new messages.ProviderHandshakeResponse();
      response.setAcceptSecrets(true);
      return response;
    }),

    getPluginInfo: plainly(() => {
      const info = new pluginMessages.PluginInfo();
      info.setVersion(options.version);
      return info;
    }),

    getSchema: plainly(() => {
      const response = new messages.GetSchemaResponse();
      response.setSchema(options.schema());
      return response;
    }),

    checkConfig: plainly((request: Messages.CheckRequest) => {
      const news = received(request.getNews());
      const { inputs, failures } = checkConfiguration(received(request.getOlds()).values, news.values);
      const secrets = Object.keys(SETTINGS).filter((key) => SETTINGS[key]?.secret === true);
      const response = new messages.CheckResponse();
      response.setInputs(sent(inputs, [...secrets, ...news.secrets]));
      response.setFailuresList(
        failures.map(({ property, reason }) => failureMessage(property, withCode(reason, "invalid-setting"))),
      );
      return response;
    }),

    diffConfig: plainly((request: Messages.DiffRequest) => {
      const [olds, news] = [request.getOldInputs() ?? request.getOlds(), request.getNews()].map(
        (struct) => received(struct).values,
      ) as [Json, Json];
      const changed = changedSettings(olds, news);
      return diffMessage({
        changes: changed.length > 0,
        // other credentials lead to the same links
        replaces: [],
        properties: new Map(
          changed.map((key) => [
            key,
            {
              kind: olds[key] === undefined ? "add" : news[key] === undefined ? "delete" : "update",
              ofInputs: true,
            },
          ]),
        ),
      });
    }),

    configure: plainly((request: Messages.ConfigureRequest) => {
      const { values } = received(request.getArgs());
      configured = options.configure(values, { identity: identityOf(values), urn: request.getUrn() });
      const [urn, id] = [request.getUrn() ?? "", request.getId() ?? ""];
      if (urn !== "" && id !== "") reference = `${urn}::${id}`;
      const response = new messages.ConfigureResponse();
      response.setAcceptsecrets(true);
      response.setSupportspreview(true);
      return response;
    }),

    check: about(async (request: Messages.CheckRequest) => {
      const olds = received(request.getOlds()).values;
      const { values, secrets } = received(request.getNews());
      const { inputs, failures } = await operations().check(request.getUrn(), olds, values, secrets);
      const response = new messages.CheckResponse();
      response.setInputs(sent(inputs, [...secrets, ...secretPathsOf(inputs)]));
      response.setFailuresList(failures.map(({ property, reason }) => failureMessage(property, reason)));
      return response;
    }),

    diff: about(async (request: Messages.DiffRequest) => {
      const [before, state, after] = [request.getOldInputs(), request.getOlds(), request.getNews()].map(
        (struct) => received(struct).values,
      ) as [Json, Json, Json];
      const ignored = request.getIgnorechangesList();
      return diffMessage(
        await operations().diff(request.getUrn(), request.getId(), before, state, after, ignored),
      );
    }),

    create: about(async (request: Messages.CreateRequest) => {
      const { values, secrets } = received(request.getProperties());
      const { id, state, failure } = await operations().create(
        request.getUrn(),
        values,
        request.getPreview(),
      );
      if (failure !== undefined)
        throw initFailed({ id, inputs: request.getProperties(), state: sent(state, secrets) }, failure);
      const response = new messages.CreateResponse();
      response.setId(id);
      response.setProperties(sent(state, secrets));
      response.setRefreshBeforeUpdate(true);
      return response;
    }),

    update: about(async (request: Messages.UpdateRequest) => {
      const { values, secrets } = received(request.getNews());
      const state = await operations().update(
        request.getUrn(),
        request.getId(),
        received(request.getOlds()).values,
        values,
        request.getIgnorechangesList(),
        request.getPreview(),
      );
      const response = new messages.UpdateResponse();
      response.setProperties(sent(state, secrets));
      response.setRefreshBeforeUpdate(true);
      return response;
    }),

    read: about(async (request: Messages.ReadRequest) => {
      const inputs = received(request.getInputs());
      const state = received(request.getProperties());
      const response = new messages.ReadResponse();
      try {
        const found = await operations().read(request.getUrn(), request.getId(), inputs.values, state.values);
        if (!found) return response;
        response.setId(found.id);
        response.setInputs(sent(found.inputs, [...inputs.secrets, ...secretPathsOf(found.inputs)]));
        response.setProperties(sent(found.state, state.secrets));
        response.setRefreshBeforeUpdate(true);
        return response;
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error;
        const known = { id: request.getId(), inputs: request.getInputs(), state: request.getProperties() };
        throw initFailed(known, error.message);
      }
    }),

    delete: about(async (request: Messages.DeleteRequest) => {
      const { values } = received(request.getProperties());
      await operations().remove(request.getUrn(), request.getId(), values);
      return new Empty();
    }),

    construct: ((call, callback) => {
      const { request } = call;
      const providers = request.getProvidersMap();
      // what the component consists of is this provider's too: another one, also of another version, has an identity of
      // its own, and sees no conflicts with the resources of this one
      if (reference !== undefined && !providers.has("macvlan")) providers.set("macvlan", reference);
      const dependencies = request.getInputdependenciesMap();
      const dependenciesOf = (property: string) => dependencies.get(property)?.getUrnsList() ?? [];
      request.setInputs(componentInputs(request.getInputs(), dependenciesOf));
      options.construct(request).then(
        (response) => callback(null, response),
        (error: unknown) => callback(serviceError(error), null),
      );
    }) satisfies Handler<Messages.ConstructRequest, Messages.ConstructResponse>,

    cancel: plainly(() => {
      options.cancel();
      return new Empty();
    }),
  };
}

function failureMessage(property: string, reason: string): Messages.CheckFailure {
  const failure = new messages.CheckFailure();
  failure.setProperty(property);
  failure.setReason(reason);
  return failure;
}

const KINDS: Readonly<
  Record<
    ChangeKind,
    readonly ["ADD" | "DELETE" | "UPDATE", "ADD_REPLACE" | "DELETE_REPLACE" | "UPDATE_REPLACE"]
  >
> = {
  add: ["ADD", "ADD_REPLACE"],
  delete: ["DELETE", "DELETE_REPLACE"],
  update: ["UPDATE", "UPDATE_REPLACE"],
};

function diffMessage({ changes, replaces, properties }: NativeDiff): Messages.DiffResponse {
  const { DIFF_NONE, DIFF_SOME } = messages.DiffResponse.DiffChanges;
  const response = new messages.DiffResponse();
  response.setChanges(changes ? DIFF_SOME : DIFF_NONE);
  response.setReplacesList([...replaces]);
  // two links cannot have one name: the old one is deleted first
  response.setDeletebeforereplace(true);
  response.setHasdetaileddiff(true);
  response.setDiffsList([...new Set([...properties.keys()].map(rootOf))]);
  for (const [path, { kind, ofInputs }] of properties) {
    const [inPlace, replacing] = KINDS[kind];
    const property = new messages.PropertyDiff();
    property.setKind(messages.PropertyDiff.Kind[replaces.includes(rootOf(path)) ? replacing : inPlace]);
    property.setInputdiff(ofInputs);
    response.getDetaileddiffMap().set(path, property);
  }
  return response;
}

/** A resource in the engine's messages. */
interface Known {
  readonly id: string;
  readonly inputs: Struct | undefined;
  readonly state: Struct | undefined;
}

/**
 * The answer for a resource that cannot be read, or of which it is not known whether it was created: the engine keeps the
 * state, and plans an update. Details travel as those of the SDK's own providers do (`grpc-status-details-bin`).
 */
function initFailed({ id, inputs, state }: Known, reason: string): ServiceError {
  const detail = new messages.ErrorResourceInitFailed();
  detail.setId(id);
  detail.setProperties(state);
  detail.setInputs(inputs);
  detail.setReasonsList([reason]);
  detail.setRefreshBeforeUpdate(true);
  const any = new Any();
  any.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const status = new statusMessages.Status();
  status.setCode(grpc.status.UNKNOWN);
  status.setMessage(reason);
  status.addDetails(any);
  const metadata = new grpc.Metadata();
  metadata.add("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
  return Object.assign(new Error(reason), { code: grpc.status.UNKNOWN, details: reason, metadata });
}

type ServiceError = Error & { readonly code: number; readonly details: string };

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && typeof error.code === "number" && "details" in error;
}

function serviceError(error: unknown): ServiceError {
  if (isServiceError(error)) return error;
  // asThrown has made it safe to show; its code is at the end of the message
  const text = error instanceof Error ? error.message : reasonOf(error);
  return Object.assign(new Error(text), { code: grpc.status.UNKNOWN, details: text });
}
