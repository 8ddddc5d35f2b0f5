/** The program's side: classes that hold nothing but their types, and the name of the module that does the work. */
import * as pulumi from "@pulumi/pulumi";
import { noteHost, plainHost } from "./look-ahead";

/** A value that may be an output of another resource, at any depth. */
export type DeepInput<T> = pulumi.Input<
  T extends readonly (infer E)[] ? DeepInput<E>[] : T extends object ? { [K in keyof T]: DeepInput<T[K]> } : T
>;

/** Arguments of a resource: each may be an output of another one. */
export type InputArgs<A> = {
  // undefined is the same as not given, also for programs compiled with exactOptionalPropertyTypes
  [K in keyof A]: DeepInput<A[K]> | (undefined extends A[K] ? undefined : never);
};

/** Outputs of a resource. */
export type Outputs<O> = { readonly [K in keyof O]: pulumi.Output<O[K]> };

/** A resource class for links of one kind. */
export type LinkResource<A, O> = new (
  name: string,
  args: InputArgs<A>,
  opts?: pulumi.CustomResourceOptions,
) => pulumi.CustomResource & Outputs<O>;

/**
 * The wire format of `pulumi.dynamic.Resource`, with a provider that is written down instead of serialised: one
 * `require`, equal for all resources of a kind, whatever the package's code, the compiler and Node's version are.
 */
export function providerCode(type: string): string {
  return `exports.handler = () => require("pulumi-macvlan/provider").providers[${JSON.stringify(type)}];`;
}

/** The address of the engine of this run, as the provider's process gets it; undefined under mocks. */
function engineAddress(): string | undefined {
  const client = pulumi.runtime.getEngine() as { getChannel(): { getTarget(): string } } | undefined;
  return client?.getChannel().getTarget().replace(/^dns:/, "");
}

/** Names of the arguments that are secret, or have a secret in them: a provider gets them in plain text. */
async function secretNames(args: object): Promise<string[]> {
  const names = Object.entries(args).map(async ([name, value]: [string, unknown]) =>
    plainHost(value) === undefined && (await pulumi.isSecret(pulumi.output(value))) ? [name] : [],
  );
  return (await Promise.all(names)).flat();
}

/** The links that resources of a program are to have, by engine, host and name. */
const links = new Map<string, pulumi.Resource>();

/** Undefined where name or host is an output, by which Pulumi knows the order itself. */
function keyOf(engine: string | undefined, host: unknown, name: unknown): string | undefined {
  const plain = plainHost(host);
  return typeof name === "string" && plain !== undefined ? JSON.stringify([engine, plain, name]) : undefined;
}

/** Resources whose links are named as parent or port: they are made before, and go after. */
function below(engine: string | undefined, args: LinkNames): pulumi.Resource[] {
  const ports = Array.isArray(args.ports) ? (args.ports as unknown[]) : [];
  const names = [
    args.parent,
    ...ports.map((port) => (typeof port === "object" ? (port as { name?: unknown } | null)?.name : port)),
  ];
  return names.flatMap((name) => {
    const key = keyOf(engine, args.host, name);
    return (key === undefined ? undefined : links.get(key)) ?? [];
  });
}

/** The arguments by which links refer to each other; each may be an output. */
interface LinkNames {
  readonly host?: unknown;
  readonly name?: unknown;
  readonly netns?: unknown;
  readonly parent?: unknown;
  readonly ports?: unknown;
}

/** Makes the resource class of a kind. `outputs` are the names of outputs that are no arguments. */
export function linkResource<A extends object, O>(
  type: string,
  outputs: readonly string[],
): LinkResource<A, O> {
  class Link extends pulumi.CustomResource {
    constructor(name: string, args: InputArgs<A>, opts: pulumi.CustomResourceOptions = {}) {
      const engine = engineAddress();
      const names: LinkNames = args;
      noteHost(engine, names.host);
      const computed = Object.fromEntries(outputs.map((key) => [key, undefined]));
      super(
        `pulumi-nodejs:dynamic/macvlan:${type}`,
        name,
        {
          ...computed,
          ...args,
          __provider: providerCode(type),
          __owner: `${pulumi.getProject()}/${pulumi.getStack()}`,
          __resource: name,
          __preview: pulumi.runtime.isDryRun(),
          __secrets: secretNames(args),
        },
        pulumi.mergeOptions(opts, { dependsOn: below(engine, names) }),
      );
      // parents and ports are links of the host's own namespace
      const isOfHost = names.netns === undefined || names.netns === "";
      const key = isOfHost ? keyOf(engine, names.host, names.name ?? name) : undefined;
      if (key !== undefined) links.set(key, this);
    }
  }
  // the outputs are set by the SDK from the properties above, which TypeScript cannot see
  return Link as unknown as LinkResource<A, O>;
}
