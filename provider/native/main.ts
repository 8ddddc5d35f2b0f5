#!/usr/bin/env node
/** `pulumi-resource-macvlan ENGINE`: the native provider, as the engine starts it. It prints its port on stdout. */
import { AsyncLocalStorage } from "node:async_hooks";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { engineOfProcess, openProcessContext } from "../engine/process";
import type { ProviderContext } from "../engine/context";
import { openComponentProcess } from "./component-process";
import { settingReader } from "./configuration";
import { openOperations } from "./operations";
import { cacheFolder, openRememberedHosts } from "./remembered-hosts";
import { engineMessages, engineService, grpc, messages, providerService } from "./sdk";
import { type ServiceOptions, serviceOf } from "./service";

const PACKAGE = join(__dirname, "../..");

/** The engine's own limit. */
const MAX_MESSAGE_BYTES = 400 * 1024 * 1024;
const CHANNEL = {
  "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
  "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
};

function main(): void {
  if (!("setRefreshBeforeUpdate" in messages.CreateResponse.prototype))
    throw new Error("pulumi-resource-macvlan needs @pulumi/pulumi 3.172 or newer beside it");
  const { version } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8")) as { version: string };
  const server = new grpc.Server(CHANNEL);
  const schema = (): string => readFileSync(join(__dirname, "schema.json"), "utf8");
  server.addService(providerService.ResourceProviderService, serviceOf(processOptions(version, schema)));
  server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    process.stdout.write(`${port}\n`);
  });
}

function processOptions(version: string, schema: () => string): ServiceOptions {
  const engine = engineOfProcess();
  const log = openLog(engine);
  const components = openComponentProcess(engine ?? "", CHANNEL);
  let context: ProviderContext | undefined;
  return {
    version,
    schema,
    configure(values, { identity, urn }) {
      context = openProcessContext(settingReader(values), log.write);
      // the engine runs its plugins in the folder of the program
      const hosts = openRememberedHosts(cacheFolder(process.env), [process.cwd(), urn ?? identity ?? ""]);
      context.fleet.prefetch(hosts.last);
      process.once("exit", () => hosts.save());
      return openOperations({ context, identity, outputsOf: outputNames(schema), noteHost: hosts.note });
    },
    beside: log.beside,
    construct: (request) => components.construct(request),
    cancel: () => context?.interrupt(),
  };
}

/** The outputs of a resource class, from the schema, which is read at the first preview of a change. */
function outputNames(schema: () => string): (type: string) => readonly string[] {
  interface Read {
    readonly resources: Readonly<Record<string, { readonly properties?: object }>>;
  }
  let read: Read | undefined;
  return (type) => {
    read ??= JSON.parse(schema()) as Read;
    return Object.keys(read.resources[`macvlan:index:${type}`]?.properties ?? {});
  };
}

interface Log {
  /** Shows a text beside the resource whose work runs. */
  readonly write: (text: string) => void;
  readonly beside: ServiceOptions["beside"];
}

/** The engine's log. It does not show what plugins print. Without an engine it is stderr. */
function openLog(engine: string | undefined): Log {
  const urns = new AsyncLocalStorage<string>();
  const pending = new Set<Promise<void>>();
  const client =
    engine === undefined
      ? undefined
      : new engineService.EngineClient(engine, grpc.credentials.createInsecure());
  const write = (text: string): void => {
    if (!client) {
      process.stderr.write(text);
      return;
    }
    const request = new engineMessages.LogRequest();
    request.setSeverity(engineMessages.LogSeverity.INFO);
    request.setUrn(urns.getStore() ?? "");
    request.setMessage(text);
    const shown = new Promise<void>((resolve) => client.log(request, () => resolve()));
    pending.add(shown);
    void shown.then(() => pending.delete(shown));
  };
  return {
    write,
    beside: (urn, work) => urns.run(urn, () => work().finally(() => Promise.all(pending))),
  };
}

main();
