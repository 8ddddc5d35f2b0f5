/**
 * The stack's identity, as a resource: only the state persists between runs, and another backend may have a stack of
 * the same name. Links get it as a plain value: a dependency would be saved in each of them, and an update with
 * `--target` would need it.
 */
import * as pulumi from "@pulumi/pulumi";
import { UNKNOWN } from "../model/unknown";
import { providerCode } from "./provider-code";

class StackIdentity extends pulumi.CustomResource {
  declare readonly identity: pulumi.Output<string | undefined>;

  constructor() {
    super(
      "pulumi-nodejs:dynamic/macvlan:StackIdentity",
      "stack-identity",
      { identity: undefined, __provider: providerCode("StackIdentity") },
      // a replacement keeps the identity, which only `delete` receives
      { deleteBeforeReplace: true },
    );
  }
}

/** Per run, shared by all copies of this package that a program loads: a stack has one such resource. */
const SHARED: unique symbol = Symbol.for("pulumi-macvlan.stack-identities");
interface Shared {
  [SHARED]?: WeakMap<object, Promise<string | undefined>>;
}

/**
 * The identity of the running program's stack, registered at first use. The engine's unknown value in the preview of
 * the run that creates it; undefined if there is none: in a run that leaves the resource out (`--target`), in a
 * component of another language, and under mocks.
 *
 * @param run an object of the run
 */
export function stackIdentity(run: object): Promise<string | undefined> {
  const shared: Shared & typeof globalThis = globalThis;
  const known = shared[SHARED] ?? new WeakMap<object, Promise<string | undefined>>();
  shared[SHARED] = known;
  const identity = known.get(run) ?? readIdentity();
  known.set(run, identity);
  return identity;
}

async function readIdentity(): Promise<string | undefined> {
  // without a stack of its own, a component would register one more each time it is used
  if (pulumi.runtime.getStackResource() === undefined) return undefined;
  const { identity } = new StackIdentity();
  // the only way to get a value without its dependencies; @pulumi/pulumi 3.100 requires a set for them
  const value: unknown = await pulumi.runtime.serializeProperty("identity", identity, new Set());
  if (value === UNKNOWN) return pulumi.runtime.isDryRun() ? UNKNOWN : undefined;
  return typeof value === "string" ? value : undefined;
}
