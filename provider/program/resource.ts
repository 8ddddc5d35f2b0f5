/** The program's side: classes that contain only their types and the name of the module that does the work. */
import * as pulumi from "@pulumi/pulumi";
import { withCode } from "../model/error";
import type { LinkId } from "../model/host";
import { writePrefetchHint } from "./prefetch";
import { isPlain, plainHost } from "./plain";
import { providerCode } from "./provider-code";
import { type RolloutGate, openGate, visibleNeeds } from "./rollout/gate";
import { readRolloutNote, removeRolloutNotes } from "./rollout/notes";
import { parseRollout } from "./rollout/settings";
import { stackIdentity } from "./stack-identity";
import { resourceName } from "../kinds/kind";

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

/** The state of a program's run. */
export interface ProgramRun {
  /** The engine's address, which the provider's process gets too; undefined under mocks, and without a reader. */
  readonly engine: string | undefined;
  /** The resources by their links' host and name. */
  readonly links: Map<string, pulumi.Resource>;
  /** The hosts for which hints were written. */
  readonly hinted: Set<string>;
  /** The stack's identity, see {@link stackIdentity}; undefined under mocks. */
  readonly identity: () => Promise<string | undefined>;
  /** The stack's full name: `organization/project/stack`; undefined under mocks. */
  readonly fullName: () => string | undefined;
  /** Undefined if the run is no rollout, and under mocks. */
  readonly rollout: RolloutGate | undefined;
}

/**
 * Keyed by an object of the run, so that the state is freed with it. A process may run many programs, one after the
 * other or in parallel (the Automation API), and a later engine may get the address of an earlier one.
 */
const runs = new WeakMap<object, ProgramRun>();

/**
 * The SDK makes one client of the monitor per run, and mocks are one.
 *
 * @param reader false if nothing reads what the run writes for the provider: a component's process begins after it
 */
export function currentProgram(reader = true): ProgramRun {
  const monitor = pulumi.runtime.getMonitor() as object | undefined;
  const known = monitor && runs.get(monitor);
  if (known) return known;
  const client = !reader
    ? undefined
    : (pulumi.runtime.getEngine() as { getChannel(): { getTarget(): string } } | undefined);
  const engine = client?.getChannel().getTarget().replace(/^dns:/, "");
  const hasState = monitor !== undefined && engine !== undefined;
  const program: ProgramRun = {
    engine,
    links: new Map(),
    hinted: new Set(),
    identity: () => (hasState ? stackIdentity(monitor) : Promise.resolve(undefined)),
    fullName: () => (hasState ? fullStackName() : undefined),
    rollout: hasState ? openRollout(engine, monitor) : undefined,
  };
  // without one no resource can be made, and the SDK reports that
  if (monitor) runs.set(monitor, program);
  return program;
}

/** The state of a gRPC channel that was closed. */
const SHUTDOWN = 4;

/** @throws RunError if the setting cannot be used */
function openRollout(engine: string, monitor: object): RolloutGate | undefined {
  let settings;
  try {
    settings = parseRollout(new pulumi.Config("macvlan").get("rollout"));
  } catch (error) {
    throw new pulumi.RunError(error instanceof Error ? error.message : String(error));
  }
  if (!settings) return undefined;
  const isPreview = pulumi.runtime.isDryRun();
  // a killed run at this address may have left its notes
  if (!isPreview) removeRolloutNotes(engine);
  const client = monitor as { getChannel?(): { getConnectivityState(connect: boolean): number } };
  const isOver = (): boolean => client.getChannel?.().getConnectivityState(false) === SHUTDOWN;
  return openGate({ settings, isPreview, isOver, resultOf: (host) => readRolloutNote(engine, host) });
}

/** Arguments by path, so that one can be secret while the others are not. */
type ArgumentParts = (args: object) => readonly (readonly [path: string, value: unknown])[];

/** Paths of arguments that are or contain secrets: a provider gets them in plain text. */
export async function secretNames(args: object, partsOf: ArgumentParts = Object.entries): Promise<string[]> {
  const names = partsOf(args).map(async ([name, value]) =>
    !name.startsWith("__") && !isPlain(value) && (await pulumi.isSecret(pulumi.output(value))) ? [name] : [],
  );
  return (await Promise.all(names)).flat();
}

/** The names of a link's secret arguments. */
async function secretNamesInTurn(
  { engine, identity }: ProgramRun,
  args: object,
  partsOf: ArgumentParts,
): Promise<string[]> {
  await identity();
  const secret = await secretNames(args, partsOf);
  // by then all resources of the program wait only for this, and reach the engine in the order of their creation
  if (engine !== undefined) await new Promise((done) => setImmediate(done));
  return secret;
}

function stackName(): string {
  return `${pulumi.getProject()}/${pulumi.getStack()}`;
}

/** Backends without organizations use the name `organization`. */
function fullStackName(): string {
  const organization = pulumi.getOrganization();
  return organization === "organization" ? stackName() : `${organization}/${stackName()}`;
}

/** Undefined if name or host is an output, from which Pulumi knows the order itself. */
function keyOf(host: unknown, name: unknown): string | undefined {
  const plain = plainHost(host);
  return typeof name === "string" && plain !== undefined ? JSON.stringify([plain, name]) : undefined;
}

/** Where a link is, if its arguments say so in plain text. */
function plainPlace({ name, netns = "" }: LinkNames): LinkId[] {
  return typeof name === "string" && typeof netns === "string" ? [{ name, netns }] : [];
}

/** Resources whose links are named as parent or port: they are created before, and deleted after. */
function below({ links }: ProgramRun, args: LinkNames): pulumi.Resource[] {
  const ports = Array.isArray(args.ports) ? (args.ports as unknown[]) : [];
  const names = [
    args.parent,
    ...ports.map((port) => (typeof port === "object" ? (port as { name?: unknown } | null)?.name : port)),
  ];
  return names.flatMap((name) => {
    const key = keyOf(args.host, name);
    return (key === undefined ? undefined : links.get(key)) ?? [];
  });
}

/** The arguments by which links refer to each other; each may be an output. */
export interface LinkNames {
  readonly host?: unknown;
  readonly name?: unknown;
  readonly netns?: unknown;
  readonly parent?: unknown;
  readonly ports?: unknown;
}

/** Whether the engine can process the resource as soon as it is registered. */
function isFree(args: object, { dependsOn, parent, provider }: pulumi.CustomResourceOptions): boolean {
  const isLoose =
    dependsOn === undefined && provider === undefined && !pulumi.CustomResource.isInstance(parent);
  return isLoose && isPlain(args);
}

/**
 * Passes to the provider what the engine does not: `ignoreChanges`, `replaceOnChanges`, and which properties are secrets.
 * All may come from transformations of the resource's parents and of the stack, which run after the resource's own. This one appends
 * itself behind all of them, as the SDK iterates over the resource's own list. Transforms, which the engine runs, come
 * later and are not seen.
 */
function noteOptions(
  program: ProgramRun,
  args: Readonly<Record<string, unknown>>,
  partsOf: ArgumentParts,
): pulumi.ResourceTransformation {
  const addHidden: pulumi.ResourceTransformation = ({ props, opts }) => {
    const { ignoreChanges = [], replaceOnChanges = [] } = opts;
    const given = props as Readonly<Record<string, unknown>>;
    const isTransformed = Object.keys(given).some((key) => !key.startsWith("__") && given[key] !== args[key]);
    const hidden = {
      ...(ignoreChanges.length === 0 ? {} : { __ignored: ignoreChanges }),
      ...(replaceOnChanges.length === 0 ? {} : { __replaceOnChanges: replaceOnChanges }),
      ...(isTransformed ? { __secrets: secretNamesInTurn(program, given, partsOf) } : {}),
    };
    return Object.keys(hidden).length === 0 ? undefined : { props: { ...given, ...hidden }, opts };
  };
  return ({ resource }) => {
    const { __transformations: all } = resource as { readonly __transformations?: unknown };
    if (Array.isArray(all)) all.push(addHidden);
    return undefined;
  };
}

/**
 * The error for `import`. The engine reads an imported resource by its ID alone, but the provider of a dynamic resource
 * is one of its properties.
 */
function noImport(type: string, name: string, id: pulumi.Input<pulumi.ID>): string {
  const named = typeof id === "string" ? ` ${JSON.stringify(id)}` : "";
  return withCode(
    `${type} ${JSON.stringify(name)}: Pulumi cannot import${named} into a dynamic resource; leave out the options import ` +
      "and id, and set the property adopt: true instead",
    "no-import",
  );
}

/** What a resource's arguments say of it among the program's others. */
interface Dependencies {
  /** Resources whose links are named as parent or port. */
  readonly needs: pulumi.Resource[];
  /** The resource's name, if it depends on no other one. */
  readonly free: string | undefined;
  readonly places: LinkId[];
}

/** @param links the links of the resource */
export function dependenciesOf(
  program: ProgramRun,
  resource: string,
  args: object,
  opts: pulumi.CustomResourceOptions,
  links: readonly LinkNames[],
): Dependencies {
  const needs = [...new Set(links.flatMap((link) => below(program, link)))];
  const free = needs.length === 0 && isFree(args, opts) ? resource : undefined;
  return { needs, free, places: links.flatMap(plainPlace) };
}

/** Notes the links of a resource, so that later ones can name them. */
export function noteLinks(program: ProgramRun, links: readonly LinkNames[], resource: pulumi.Resource): void {
  // only links of the host's own namespace can be parents or ports
  for (const { host, name, netns = "" } of links) {
    const key = netns === "" ? keyOf(host, name) : undefined;
    if (key !== undefined) program.links.set(key, resource);
  }
}

export function ofOneLink(name: string, args: LinkNames): readonly LinkNames[] {
  return [{ ...args, name: args.name ?? name }];
}

/**
 * Captures no stack traces until the function that it returns is called, which gives an error the one of that moment. The SDK
 * captures one for each property's promise, which takes half of a program's time and is never shown. It still finds the
 * resource's place in the program.
 */
export function pauseStackTraces(): (error?: unknown) => void {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  return (error) => {
    Error.stackTraceLimit = stackTraceLimit;
    if (error instanceof Error) Error.captureStackTrace(error);
  };
}

/** Required arguments. Those that are also outputs get their value from the arguments. */
export type RequiredOf<A> = { [K in keyof A]-?: undefined extends A[K] ? never : K }[keyof A];

/**
 * Makes the resource class of a kind.
 *
 * @param outputs lists the outputs that are not required arguments
 * @param linksOf the links of a resource of that name, from its arguments
 * @param partsOf what of the arguments can be secret by itself
 */
export function linkResource<A extends object, O>(
  type: string,
  outputs: Readonly<Record<Exclude<keyof O, RequiredOf<A>>, undefined>>,
  linksOf: (name: string, args: InputArgs<A>) => readonly LinkNames[] = ofOneLink,
  partsOf: ArgumentParts = Object.entries,
): LinkResource<A, O> {
  class Link extends pulumi.CustomResource {
    constructor(name: string, args: InputArgs<A>, opts: pulumi.CustomResourceOptions = {}) {
      const foreignId = opts.import ?? opts.id;
      if (foreignId !== undefined) throw new pulumi.RunError(noImport(type, name, foreignId));
      const program = currentProgram();
      const links = linksOf(name, args);
      const { needs, free, places } = dependenciesOf(program, resourceName(type, name), args, opts, links);
      const { host }: LinkNames = args;
      const { rollout } = program;
      const visible = rollout && new Set([...needs, ...visibleNeeds(args, opts)]);
      const ticket = visible && rollout.enter(host, visible);
      const hint = visible && { resources: [resourceName(type, name)], needs: rollout.hostsOf(visible) };
      writePrefetchHint(program.engine, host, program.hinted, { free, links: places, rollout: hint });
      const resume = pauseStackTraces();
      try {
        super(
          `pulumi-nodejs:dynamic/macvlan:${type}`,
          name,
          {
            ...outputs,
            ...args,
            __provider: providerCode(type),
            __owner: stackName(),
            __stack: program.identity(),
            __stackName: program.fullName(),
            __resource: name,
            __preview: pulumi.runtime.isDryRun(),
            __secrets: secretNamesInTurn(program, args, partsOf),
            __turn: ticket?.turn,
          },
          pulumi.mergeOptions(opts, {
            dependsOn: needs,
            transformations: [noteOptions(program, { ...outputs, ...args }, partsOf)],
          }),
        );
      } catch (error) {
        resume(error);
        throw error;
      }
      resume();
      ticket?.follow(this);
      noteLinks(program, links, this);
    }
  }
  // the outputs are set by the SDK from the properties above, which TypeScript cannot see
  return Link as unknown as LinkResource<A, O>;
}
