/**
 * A Pulumi stack without the engine: the real provider, called as the engine calls it (check, diff, then create,
 * update, delete and create, or read), each operation in a run of its own with a connection of its own.
 */
import type { dynamic } from "@pulumi/pulumi";
import { type ProviderContext, openContext } from "../../provider/engine/context";
import type { Clock } from "../../provider/host/clock";
import { openProviders } from "../../provider/engine/provider";
import { MacvlanError } from "../../provider/model/error";
import type {
  BondArgs,
  BondOutputs,
  BridgeArgs,
  BridgeOutputs,
  HostArgs,
  IpvlanArgs,
  IpvlanOutputs,
  MacvlanArgs,
  MacvlanOutputs,
  MacvtapArgs,
  MacvtapOutputs,
  SharedLinkArgs,
  ShimArgs,
  ShimOutputs,
  VlanArgs,
  VlanOutputs,
} from "../../provider/kinds/args";
import { type GuestOptions, type Lab, labDown, labUp } from "./fleet";

/** Each kind's inputs and outputs. */
export interface Kinds {
  MacvlanInterface: { args: MacvlanArgs; outputs: MacvlanOutputs };
  Bond: { args: BondArgs; outputs: BondOutputs };
  HairpinBridge: { args: BridgeArgs; outputs: BridgeOutputs };
  HostShim: { args: ShimArgs; outputs: ShimOutputs };
  VlanInterface: { args: VlanArgs; outputs: VlanOutputs };
  IpvlanInterface: { args: IpvlanArgs; outputs: IpvlanOutputs };
  MacvtapInterface: { args: MacvtapArgs; outputs: MacvtapOutputs };
  HostLinks: {
    args: { host: string | HostArgs; links: Readonly<Record<string, object>> } & SharedLinkArgs;
    outputs: { links: Readonly<Record<string, Readonly<Record<string, unknown>>>> };
  };
}

/** What a preview shows of one resource. */
export interface Preview {
  /** `mtu`: `found 1400, wanted 1500`. */
  readonly drift: Readonly<Record<string, string>>;
  /** `parent: there is no link … [not-on-host]` */
  readonly failures: readonly string[];
  readonly changes: boolean;
  readonly replaces: readonly string[];
}

/** Properties of a resource, as the engine keeps them. */
type Json = Record<string, unknown>;

interface Resource {
  readonly kind: string;
  readonly id: string;
  readonly inputs: Json;
  readonly outputs: Json;
}

/** One phase of a run: what a process of the provider is for. */
export interface Run {
  readonly context: ProviderContext;
  /** What was said to the person at the CLI, a line each. */
  readonly said: readonly string[];
  /** What the engine calls for resources of a class. */
  operations(kind: string): Required<dynamic.ResourceProvider>;
  close(): Promise<void>;
}

/** A run that reaches the lab's hosts by their names. */
export function openRun(lab: Lab, clock?: Clock, variables: Readonly<Record<string, string>> = {}): Run {
  const said: string[] = [];
  const env = { ...process.env, MACVLAN_SSH_CONFIG_PATH: lab.sshConfig, ...variables };
  const context = openContext({ env, stderr: (text) => said.push(text.trimEnd()), ...(clock && { clock }) });
  const providers = openProviders(() => context);
  return {
    context,
    said,
    operations(kind) {
      const provider = providers[kind];
      if (!provider) throw new Error(`there is no resource class ${kind}`);
      return provider as Required<dynamic.ResourceProvider>;
    },
    close: () => context.close(),
  };
}

export interface Stack {
  /** Creates the resource, or brings it to these inputs. @throws with the check's failures, or as the provider does. */
  up<K extends keyof Kinds>(kind: K, name: string, args: Kinds[K]["args"]): Promise<Kinds[K]["outputs"]>;
  preview<K extends keyof Kinds>(kind: K, name: string, args: Kinds[K]["args"]): Promise<Preview>;
  /** Reads the resource: its inputs as they are found, or undefined if its link is gone. */
  refresh(name: string): Promise<Json | undefined>;
  /** Deletes the resource, or all of them, the last one first. */
  down(name?: string): Promise<void>;
  /** The state, as it would be written to a file. */
  state(): string;
  /** What the last operation said to the person at the CLI, a line each. */
  said(): readonly string[];
}

/** An empty stack. It reaches the lab's hosts by their names. */
export function openStack(lab: Lab, owner = "lab/test"): Stack {
  const resources = new Map<string, Resource>();

  let said: readonly string[] = [];

  async function inRun<T>(work: (run: Run) => Promise<T>): Promise<T> {
    const run = openRun(lab);
    ({ said } = run);
    try {
      return await work(run);
    } catch (error) {
      // as people see it: to String() it is what the SDK prints beside the message
      if (error instanceof MacvlanError) throw Object.assign(new Error(error.message), { code: error.code });
      throw error;
    } finally {
      await run.close();
    }
  }

  async function look(
    run: Run,
    kind: string,
    name: string,
    args: object,
  ): Promise<Preview & { inputs: Json }> {
    const provider = run.operations(kind);
    const old = resources.get(name);
    const news = { ...args, __owner: owner, __resource: name };
    const checked = await provider.check(old?.inputs ?? {}, news);
    const inputs = checked.inputs as Json;
    const failures = (checked.failures ?? []).map((f) => `${f.property}: ${f.reason}`);
    const drift = (inputs["drift"] ?? {}) as Preview["drift"];
    if (!old || failures.length > 0) return { inputs, failures, drift, changes: !old, replaces: [] };
    const { changes = false, replaces = [] } = await provider.diff(old.id, old.outputs, inputs);
    if (replaces.length === 0) return { inputs, failures, drift, changes, replaces };
    // for a replacement the engine calls check again, without the old resource
    const again = (await provider.check({}, news)).inputs as Json;
    return { inputs: again, failures, drift, changes, replaces };
  }

  async function apply(run: Run, kind: string, name: string, args: object): Promise<Json> {
    const provider = run.operations(kind);
    const old = resources.get(name);
    const { inputs, failures, changes, replaces } = await look(run, kind, name, args);
    if (failures.length > 0) throw new Error(failures.join("; "));
    if (old && !changes) return old.outputs;
    if (old && replaces.length === 0) {
      const outputs = (await provider.update(old.id, old.outputs, inputs)).outs as Json;
      resources.set(name, { ...old, inputs, outputs });
      return outputs;
    }
    if (old) {
      await provider.delete(old.id, old.outputs);
      resources.delete(name);
    }
    const created = await provider.create(inputs);
    const outputs = created.outs as Json;
    resources.set(name, { kind, id: created.id, inputs, outputs });
    return outputs;
  }

  return {
    up: (kind, name, args) => inRun(async (run) => (await apply(run, kind, name, args)) as never),
    preview: (kind, name, args) =>
      inRun(async (run) => {
        const { inputs: _, ...preview } = await look(run, kind, name, args);
        return preview;
      }),
    refresh: (name) =>
      inRun(async (run) => {
        const resource = resources.get(name);
        if (!resource) throw new Error(`the stack has no resource ${name}`);
        const found = await run.operations(resource.kind).read(resource.id, resource.outputs);
        const [inputs, outputs] = [found.inputs, found.props] as (Json | undefined)[];
        if (!inputs || !outputs) resources.delete(name);
        else resources.set(name, { ...resource, inputs, outputs });
        return inputs;
      }),
    down: (only) =>
      inRun(async (run) => {
        const going = [...resources].filter(([name]) => only === undefined || name === only).toReversed();
        for (const [name, { kind, id, outputs }] of going) {
          await run.operations(kind).delete(id, outputs);
          resources.delete(name);
        }
      }),
    state: () => JSON.stringify([...resources]),
    said: () => said,
  };
}

/** A lab and a stack on it. */
export interface OnLab {
  readonly lab: Lab;
  readonly stack: Stack;
}

/** A name of this process's own: two clones may be tested on one machine at the same time. */
const LAB = `packets-${process.pid}`;

/**
 * A lab for the tests of a describe block, with an empty stack and fresh hosts for each of them. Guests are not fresh,
 * as booting takes seconds: a test that leaves something on one calls `lab.reset`.
 */
export function useLab(hosts = 3, guests: readonly GuestOptions[] = []): OnLab {
  const given: { lab?: Lab; stack?: Stack } = {};
  const ready = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error("the lab is up within tests only");
    return value;
  };
  before(async () => {
    given.lab = await labUp(hosts, { name: LAB, guests });
  });
  beforeEach(() => {
    given.stack = openStack(ready(given.lab));
  });
  afterEach(async () => {
    for (const { name } of given.lab?.hosts ?? []) await given.lab?.reset(name);
  });
  after(() => labDown(LAB));
  return {
    get lab() {
      return ready(given.lab);
    },
    get stack() {
      return ready(given.stack);
    },
  };
}
