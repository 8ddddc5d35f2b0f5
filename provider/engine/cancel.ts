/**
 * The engine's `Cancel` call. When a run is interrupted (Ctrl-C), the engine waits for the calls that are in progress
 * and sends `Cancel` to the providers, so that they end them. The SDK's server of dynamic providers answers it and tells
 * nobody. So its handler is found in the gRPC server, and completed. If it is not there, as in another version of the
 * SDK, nothing is lost but time: the run ends when the host has answered or the reading's time is up.
 */
import { z } from "zod";

const CANCEL = "/pulumirpc.ResourceProvider/Cancel";

/** What is used of `@grpc/grpc-js`, which is the SDK's, not ours. Only objects with these parts are touched. */
const grpcSchema = z.object({ Server: z.custom<{ prototype: object }>(isFunction) });
const serverSchema = z.object({ handlers: z.instanceof(Map) });
const handlerSchema = z.object({ func: z.custom<(...call: unknown[]) => unknown>(isFunction) });

/** The method by which a gRPC server finds the handler of each call. */
const LOOK_UP = "_retrieveHandler";

/** Calls `cancel` at each `Cancel` call of the engine to this process. */
export function onCancel(cancel: () => void): void {
  for (const server of loadedServers()) completeHandlers(server.prototype, cancel);
}

/** The classes of gRPC servers in this process: usually one. */
function loadedServers(): { prototype: object }[] {
  return Object.entries(require.cache).flatMap(([file, loaded]) => {
    if (!/[\\/]@grpc[\\/]grpc-js[\\/]build[\\/]src[\\/]server\.js$/.test(file)) return [];
    const { data } = grpcSchema.safeParse(loaded?.exports);
    return data === undefined ? [] : [data.Server];
  });
}

/** The server is made before this module is loaded, so that its handlers are seen at its next call. */
function completeHandlers(prototype: object, cancel: () => void): void {
  const lookUp: unknown = Reflect.get(prototype, LOOK_UP);
  if (!isFunction(lookUp)) return;
  const completed = new WeakSet<object>();
  Reflect.set(prototype, LOOK_UP, function (this: unknown, ...call: unknown[]): unknown {
    const handlers = serverSchema.safeParse(this).data?.handlers;
    const handler: unknown = handlers?.get(CANCEL);
    const { data } = handlerSchema.safeParse(handler);
    if (data !== undefined && typeof handler === "object" && handler !== null && !completed.has(handler)) {
      completed.add(handler);
      const { func } = data;
      Reflect.set(handler, "func", (...request: unknown[]) => {
        cancel();
        return func(...request);
      });
    }
    return Reflect.apply(lookUp, this, call);
  });
}

function isFunction(value: unknown): value is (...call: unknown[]) => unknown {
  return typeof value === "function";
}
