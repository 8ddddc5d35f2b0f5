/**
 * The engine's protocol as the installed SDK has it: messages and services, and the libraries that they are made for.
 * These are dependencies of the SDK and not of this package, and a second copy of them would not do: a message of one
 * copy is no message of the other.
 */
import { createRequire } from "node:module";
import type * as Grpc from "@grpc/grpc-js";
import type * as EngineService from "@pulumi/pulumi/proto/engine_grpc_pb";
import type * as EngineMessages from "@pulumi/pulumi/proto/engine_pb";
import type * as PluginMessages from "@pulumi/pulumi/proto/plugin_pb";
import type * as ProviderService from "@pulumi/pulumi/proto/provider_grpc_pb";
import type * as ProviderMessages from "@pulumi/pulumi/proto/provider_pb";
import type * as StatusMessages from "@pulumi/pulumi/proto/status_pb";
import type * as AnyMessages from "google-protobuf/google/protobuf/any_pb";
import type * as EmptyMessages from "google-protobuf/google/protobuf/empty_pb";
import type * as StructMessages from "google-protobuf/google/protobuf/struct_pb";

const ofSdk = createRequire(require.resolve("@pulumi/pulumi/package.json"));

export const grpc = ofSdk("@grpc/grpc-js") as typeof Grpc;
export const engineService = ofSdk("./proto/engine_grpc_pb") as typeof EngineService;
export const engineMessages = ofSdk("./proto/engine_pb") as typeof EngineMessages;
export const pluginMessages = ofSdk("./proto/plugin_pb") as typeof PluginMessages;
export const providerService = ofSdk("./proto/provider_grpc_pb") as typeof ProviderService;
export const messages = ofSdk("./proto/provider_pb") as typeof ProviderMessages;
export const statusMessages = ofSdk("./proto/status_pb") as typeof StatusMessages;
export const { Any } = ofSdk("google-protobuf/google/protobuf/any_pb") as typeof AnyMessages;
export const { Empty } = ofSdk("google-protobuf/google/protobuf/empty_pb") as typeof EmptyMessages;
export const { Struct } = ofSdk("google-protobuf/google/protobuf/struct_pb") as typeof StructMessages;

export type Struct = StructMessages.Struct;
export type Empty = EmptyMessages.Empty;
export type { ProviderMessages as Messages };
