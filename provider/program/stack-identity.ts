/**
 * The stack's identity, as a resource: only the state lasts from run to run, and a name does not tell a stack from
 * another one in another backend. Links get it as a plain value: a dependency on it would be written into each of them, and
 * an update of some targets would ask for it.
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
      // a replacement keeps the identity, of which only the deletion tells
      { deleteBeforeReplace: true },
    );
  }
}

/** By run, for all copies of this package that a program loads: a stack has one such resource. */
const SHARED: unique symbol = Symbol.for("pulumi-macvlan.stack-identities");
interface Shared {
  [SHARED]?: WeakMap<object, Promise<string | undefined>>;
}

/**
 * The identity of the stack whose program is running, made with the first resource that asks for it. The engine's unknown
 * value in the preview of the run that makes it; undefined if there is none: in a run that leaves the resource out
 * (`--target`), in a component of another language, and under mocks.
 *
 * @param run what the run has of its own
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
  // without a stack of its own a component would make one more each time that it is used
  if (pulumi.runtime.getStackResource() === undefined) return undefined;
  const { identity } = new StackIdentity();
  // the one way to a value without what it depends on; @pulumi/pulumi 3.100 wants a set to note that in
  const value: unknown = await pulumi.runtime.serializeProperty("identity", identity, new Set());
  if (value === UNKNOWN) return pulumi.runtime.isDryRun() ? UNKNOWN : undefined;
  return typeof value === "string" ? value : undefined;
}
