/**
 * A host for the length of a run: one connection, one reading shared by all who ask, and one change at a time. What
 * a change leaves is the next reading, so that nobody plans from a stale one.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Plan } from "../plan/plan";
import { type Difference, differences } from "../plan/differences";
import { cuttingStep } from "../plan/lifeline";
import { type HostState, type Wanted, type WantedLink, asWanted, findLink } from "../plan/model";
import type { PlannedStep } from "../plan/steps";
import { DEFAULT_COMMAND_TIMEOUT, type HostAddress, hostLabel } from "./address";
import {
  type Applied,
  applyScript,
  describeSteps,
  observeScript,
  parseApplied,
  takeBackScript,
} from "./apply";
import { type Unconfirmed, applyWatched } from "./commit-confirm";
import { type Connection, openConnection } from "./connection";
import {
  changeFailed,
  changeIgnored,
  changeLocked,
  changeUnconfirmed,
  changeUnknown,
  unreadable,
} from "./errors";
import type { Observation } from "./observation";
import { parseObservation } from "./observe";
import type { Settings } from "./settings";
import { newMarker } from "./shell";
import { ConnectionLost } from "./ssh-error";

/** A plan along with what it is to bring about. */
export interface WantedPlan extends Plan {
  readonly wanted: Wanted;
}

export interface Session {
  /** For messages: `ops@node1.example`. */
  readonly label: string;
  /** The host as it is; those who ask at the same time, or while nothing has changed, share one answer. */
  look(): Promise<Observation>;
  /**
   * Plans from the host as it is and carries the plan out, one change of a host at a time. Nothing is run where
   * nothing differs.
   *
   * @param resource for messages: `MacvlanInterface "web"`
   * @returns the host afterwards, read by the very script that changed it
   * @throws Error that names resource, host, command, output, and what became of the host
   */
  change(resource: string, makePlan: (now: Observation) => WantedPlan): Promise<Observation>;
  close(): Promise<void>;
}

/** All hosts of this process. */
export interface Fleet {
  session(host: HostAddress): Session;
  /** Begins to look at hosts that will be asked for soon. Failures are told to those who then ask. */
  lookAhead(hosts: readonly HostAddress[]): void;
  close(): Promise<void>;
}

/** Milliseconds for which a host that could not be read is not tried again: its other resources fail at once. */
const FAILURE_MS = 30_000;

/** Milliseconds, about, before something is done again on a new connection. */
const LOST_PAUSES = [200, 1000];

/** How often a change may find that an earlier one had been cut off, and start over. */
const ATTEMPTS = 3;

export function openFleet(settings: () => Settings): Fleet {
  const hosts = new Map<string, HostMemory>();
  const queues = new Map<string, Promise<unknown>>();

  /** One change at a time for a machine, by whatever address it is known. */
  function inTurn<T>(machine: string, work: () => Promise<T>): Promise<T> {
    const turn = (queues.get(machine) ?? Promise.resolve()).then(work, work);
    queues.set(machine, turn);
    return turn;
  }

  /** Everyone who knows the same machine knows what it is now. */
  function remember(now: Observation): void {
    for (const memory of hosts.values()) {
      if (memory.machine === now.facts.machine) memory.reading = Promise.resolve(now);
    }
  }

  function session(host: HostAddress): Session {
    const key = JSON.stringify(host);
    const memory = hosts.get(key) ?? { host, machine: "" };
    hosts.set(key, memory);
    return {
      label: hostLabel(host),
      look: () => look(memory, settings),
      async change(resource, makePlan) {
        const { machine } = (await look(memory, settings)).facts;
        return inTurn(machine, () => changeHost(memory, settings, resource, makePlan, remember));
      },
      close: () => closeConnection(memory),
    };
  }

  return {
    session,
    lookAhead(list) {
      for (const host of list)
        session(host)
          .look()
          .catch(() => undefined);
    },
    async close() {
      await Promise.all([...hosts.values()].map(closeConnection));
    },
  };
}

/** What is known of a host as it is addressed. */
interface HostMemory {
  readonly host: HostAddress;
  connection?: Promise<Connection> | undefined;
  reading?: Promise<Observation> | undefined;
  /** Boot and network namespace, which tell a machine that is known by several addresses. */
  machine: string;
}

async function connect(memory: HostMemory, settings: () => Settings): Promise<Connection> {
  const open = await memory.connection?.catch(() => undefined);
  if (open && !open.closed) return open;
  memory.connection = openConnection(memory.host, settings());
  return memory.connection;
}

async function closeConnection(memory: HostMemory): Promise<void> {
  const open = await memory.connection?.catch(() => undefined);
  await open?.close();
}

function look(memory: HostMemory, settings: () => Settings): Promise<Observation> {
  if (memory.reading) return memory.reading;
  const reading = read(memory, settings);
  memory.reading = reading;
  reading.catch(() => {
    const forget = (): void => {
      if (memory.reading === reading) memory.reading = undefined;
    };
    setTimeout(forget, FAILURE_MS).unref();
  });
  return reading;
}

/** Looking changes nothing, so that it can be done again. */
function read(memory: HostMemory, settings: () => Settings): Promise<Observation> {
  return again(
    () => readOnce(memory, settings),
    () => true,
  );
}

async function readOnce(memory: HostMemory, settings: () => Settings): Promise<Observation> {
  const connection = await connect(memory, settings);
  const marker = newMarker();
  const result = await connection.run(observeScript(marker), { description: "look at the host" });
  try {
    const now = parseObservation(result.stdout, marker);
    memory.machine = now.facts.machine;
    return now;
  } catch (error) {
    throw unreadable(connection.label, result, error);
  }
}

async function changeHost(
  memory: HostMemory,
  settings: () => Settings,
  resource: string,
  makePlan: (now: Observation) => WantedPlan,
  remember: (now: Observation) => void,
): Promise<Observation> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const before = await look(memory, settings);
    // half-way through another change there is nothing to plan from: it ends, or is taken back, first
    const plan = before.interrupted ? undefined : makePlan(before);
    if (plan?.steps.length === 0) return before;
    const steps = plan?.steps ?? [];
    const { label } = await connect(memory, settings);
    const applied = await apply(memory, settings, resource, steps, before);
    if (applied.outcome === "locked") throw changeLocked(resource, label, applied.printed);
    if (applied.after) remember(applied.after);
    else memory.reading = undefined;
    const left = (now: Observation): Difference[] =>
      plan ? leftBehind(before.state, now.state, plan.wanted) : [];
    if (applied.outcome === "unconfirmed") {
      throw changeUnconfirmed(resource, label, applied, applied.after && left(applied.after));
    }
    if (applied.outcome === "failed") throw changeFailed(resource, label, applied, left(applied.after));
    if (!plan || applied.outcome !== "done") continue;
    const missing = makePlan(applied.after);
    if (missing.steps.length === 0) return applied.after;
    const undone = await takeBack(memory, settings, resource, steps, applied.after);
    remember(undone);
    throw changeIgnored(resource, label, missing.differences, left(undone));
  }
  const { label } = await connect(memory, settings);
  throw changeUnknown(resource, label, "earlier changes kept being cut off half-way");
}

async function apply(
  memory: HostMemory,
  settings: () => Settings,
  resource: string,
  steps: readonly PlannedStep[],
  now: Observation,
): Promise<Applied | Unconfirmed> {
  const connection = await connect(memory, settings);
  const { portTool } = now.facts;
  const marker = newMarker();
  const description = `${resource}: ${describeSteps(steps, portTool).join("; ")}`;
  const cut = cuttingStep(
    now.state,
    now.lifeline,
    steps.map(({ step }) => step),
  );
  try {
    if (cut) {
      const another = (): Promise<Connection> => openConnection(memory.host, settings());
      const watched = await applyWatched(connection, another, { steps, portTool, description, cut });
      memory.connection = Promise.resolve(watched.connection);
      return watched.applied;
    }
    const { commandTimeout = DEFAULT_COMMAND_TIMEOUT } = memory.host;
    const script = applyScript(steps, portTool, marker, { commandTimeout });
    const result = await again(
      async () => (await connect(memory, settings)).run(script, { description }),
      (lost) => !lost.started,
    );
    return parseApplied(result.stdout, marker, steps, portTool);
  } catch (error) {
    // what the host has made of it has to be seen before anything else is planned
    memory.reading = undefined;
    if (error instanceof ConnectionLost && error.started) {
      throw changeUnknown(resource, connection.label, error.message);
    }
    throw error;
  }
}

/** Does some work once more, a little later, where its connection was lost and doing it again is safe. */
async function again<T>(work: () => Promise<T>, isSafe: (lost: ConnectionLost) => boolean): Promise<T> {
  for (const pause of LOST_PAUSES) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ConnectionLost) || !isSafe(error)) throw error;
      await sleep(pause * (0.5 + Math.random()));
    }
  }
  return work();
}

/** Undoes a change that went through and yet is not what was wanted. */
async function takeBack(
  memory: HostMemory,
  settings: () => Settings,
  resource: string,
  steps: readonly PlannedStep[],
  now: Observation,
): Promise<Observation> {
  const connection = await connect(memory, settings);
  const { portTool } = now.facts;
  const marker = newMarker();
  const description = `${resource}: take the change back`;
  const result = await connection.run(takeBackScript(steps, portTool, marker), { description });
  const applied = parseApplied(result.stdout, marker, steps, portTool);
  return applied.outcome === "locked" ? now : applied.after;
}

/** What an undo has not brought back of the links that the plan is about. */
function leftBehind(before: HostState, after: HostState, wanted: Wanted): Difference[] {
  const ids = wanted.links.flatMap((l) => [l, ...(l.formerly ? [l.formerly] : [])]);
  const links = ids.map((id): WantedLink => {
    const was = findLink(before, id);
    return was ? asWanted(was) : { name: id.name, netns: id.netns, exists: false, settings: [] };
  });
  const { boot, owner } = wanted;
  const files = before.bootFiles.filter((f) => boot?.bootNames.includes(f.bootName));
  return differences(after, { links, netns: "", owner, ...(boot ? { boot: { ...boot, files } } : {}) });
}
