/**
 * A host during a run: one connection, one shared observation, and one change at a time. The state after a change is
 * the next observation, so that no plan is made from a stale one.
 */
import type { CheckOutcome, CheckPrograms, HostCheck } from "../model/checks";
import type { CarrierHistory } from "../kinds/lan/carrier";
import type { LinkId } from "../model/host";
import type { Observation } from "../model/observation";
import { newMarker } from "../shell/quote";
import { DEFAULT_COMMAND_TIMEOUT, type HostAddress, hostLabel, hostReach, hostRoute } from "../ssh/address";
import { hostText } from "../ssh/host-text";
import type { Connection, RunOptions, SshClient } from "../ssh/connection";
import { type Duplicate, dadScript, parseDad, parseProbe, probeScript } from "./address-probe";
import { type Change, type HostAccess, again, changeTogether } from "./apply-changes";
import { openBatcher } from "./batch";
import { carrierScript, parseCarrier } from "./carrier";
import { checksScript, holdsSecret, parseOutcomes, parsePrograms, programsScript, secondsOf } from "./checks";
import { type Clock, systemClock } from "./clock";
import type { Hold } from "./commit-confirm";
import { changeInterrupted, changeUnknown, readingInterrupted, unreadable } from "./errors";
import { observeScript, parseObservation } from "./observe";

export interface ManagedHost {
  /** For messages: `ops@node1.example`. */
  readonly label: string;
  /** Reads the host. Simultaneous calls, and calls while nothing has changed, share one observation. */
  observe(): Promise<Observation>;
  /**
   * Plans from the current state of the host and applies the plan. A host gets one change at a time; simultaneous
   * changes are batched. Nothing is run if nothing differs.
   *
   * @param resource for messages: `MacvlanInterface "web"`
   * @param proof what has to be true for the change to stay; it is also looked at if nothing differs
   * @returns the host afterwards, as read by the script that changed it
   * @throws Error that names resource, host, command, output, and what became of the host
   */
  change(resource: string, makePlan: Change["makePlan"], proof?: Change["proof"]): Promise<Observation>;
  /** The programs that the host has for checks. */
  programs(): Promise<CheckPrograms>;
  /** What the kernel remembers of the carrier of a link of the host's own namespace. */
  carrier(link: string): Promise<CarrierHistory>;
  /** Runs checks, all at once, and changes nothing. */
  runChecks(checks: readonly HostCheck[]): Promise<readonly CheckOutcome[]>;
  /** Announces a change of the resource, so that other changes of the host wait for it. */
  announce(resource: string): void;
  /** Starts the shell for a change that is certain to follow, while the engine is still busy. */
  prestart(): void;
  /** Withdraws an announced change. */
  withdraw(resource: string): void;
  /** Probes IPv4 addresses on the LAN of a link; undefined if the host has no program for it. */
  probe(link: string, addresses: readonly string[]): Promise<Duplicate[] | undefined>;
  /** Addresses of a link that IPv6's duplicate detection found in use. Waits until it has ended, or the run is interrupted. */
  dad(link: LinkId): Promise<Duplicate[]>;
  close(): Promise<void>;
}

/** All hosts of this process. */
export interface Fleet {
  managedHost(host: HostAddress): ManagedHost;
  /** Begins to read hosts that will be needed soon. A failure is reported by the next `observe()`. */
  prefetch(hosts: readonly HostAddress[]): void;
  /** Has a host read again when it is needed next. */
  forget(host: HostAddress): void;
  /**
   * Ends all waiting for hosts: readings fail, and so do changes that have not begun. A change that has begun has a moment
   * to end. After that the host completes or undoes it by itself.
   */
  interrupt(): void;
  close(): Promise<void>;
}

/** Milliseconds before a host that could not be read is tried again. Meanwhile its other resources fail at once. */
const FAILURE_MS = 30_000;

/** Milliseconds that a change in progress has to end if the run is interrupted: most take less. */
const GRACE_MS = 600;

/** Seconds that reading a host may take, with all repetitions, unless its `commandTimeout` is set. */
const READING_SECONDS = 20;

/**
 * @param warn prints a warning at the CLI
 * @param onChange is called before commands that change a host are sent to it
 * @param holdOf what a complete change of a host has to wait for
 */
export function openFleet(
  client: SshClient,
  warn: (text: string) => void = () => undefined,
  clock: Clock = systemClock,
  onChange: (host: HostAddress) => void = () => undefined,
  holdOf: (host: HostAddress) => Hold | undefined = () => undefined,
): Fleet {
  const hosts = new Map<string, HostMemory>();
  const begun = new WeakSet<Change>();
  const batcher = openBatcher((key: string, changes: readonly Change[]) => {
    for (const change of isInterrupted ? [] : changes) begun.add(change);
    // each of them is planned from a reading, which fails if the run is interrupted
    return changeTogether(accessTo(memoryOf(key)), changes);
  }, clock);
  let isInterrupted = false;
  let interrupt: () => void = () => undefined;
  const interrupted = new Promise<"interrupted">((resolve) => {
    interrupt = () => {
      isInterrupted = true;
      resolve("interrupted");
    };
  });

  function memoryOf(key: string): HostMemory {
    const memory = hosts.get(key) ?? { host: JSON.parse(key) as HostAddress, machine: "" };
    hosts.set(key, memory);
    return memory;
  }

  /**
   * If the machine is also known by another address, it is read again there, because its management path may differ. What
   * a host says of its machine does no more than that: a clone says the same, and a host can lie.
   */
  function remember(memory: HostMemory, now: Observation | undefined): void {
    for (const other of twinsOf(memory)) other.reading = undefined;
    memory.reading = now && Promise.resolve(now);
  }

  function twinsOf(memory: HostMemory): HostMemory[] {
    if (memory.machine === "") return [];
    return [...hosts.values()].filter((other) => other !== memory && other.machine === memory.machine);
  }

  /** A change reads its host only before it begins, so that it can be interrupted there. */
  async function observeHost(memory: HostMemory): Promise<Observation> {
    const reading = observe(memory, client, () => {
      for (const twin of twinsOf(memory)) {
        if (hostReach(twin.host) === hostReach(memory.host)) continue;
        warn(
          `${hostRoute(memory.host)} says that it is the same machine as ${hostRoute(twin.host)}: one host with two ` +
            "addresses, or a clone. They are handled as two hosts.",
        );
      }
    });
    return unlessInterrupted(memory, reading);
  }

  /** Work that changes nothing. After an interruption also a reading that is there already fails, so that no change begins. */
  async function unlessInterrupted<T>({ host }: HostMemory, work: Promise<T>): Promise<T> {
    const first = await Promise.race([work.then((value) => ({ value })), interrupted]);
    if (first === "interrupted") throw readingInterrupted(hostLabel(host));
    return first.value;
  }

  /** A change that is made unless the run is interrupted before it begins, and waited for unless it is after that. */
  async function changeUnlessInterrupted({ host }: HostMemory, change: Change): Promise<Observation> {
    const first = await Promise.race([
      batcher.enqueue(hostReach(host), hostText(host), change),
      interrupted.then(() => (begun.has(change) ? clock.sleep(GRACE_MS) : undefined)),
    ]);
    if (first !== undefined) return first;
    throw begun.has(change)
      ? changeUnknown(change.resource, hostLabel(host), "the run was interrupted in the middle of the change")
      : changeInterrupted(change.resource, hostLabel(host));
  }

  function accessTo(memory: HostMemory): HostAccess {
    return {
      connect: () => connect(memory, client),
      openAnother: () => client.connect(memory.host),
      switchTo: (connection) => {
        memory.connection = Promise.resolve(connection);
      },
      observe: () => observeHost(memory),
      programs: () => programs(memory, client),
      runChecks: (checks) => runChecks(memory, client, checks),
      warn,
      beginChange(resource) {
        if (isInterrupted) throw changeInterrupted(resource, hostLabel(memory.host));
        onChange(memory.host);
      },
      hold: () => holdOf(memory.host),
      remember: (now) => remember(memory, now),
    };
  }

  function managedHost(host: HostAddress): ManagedHost {
    const key = hostText(host);
    const memory = memoryOf(key);
    batcher.touch();
    return {
      label: hostLabel(host),
      observe: () => observeHost(memory),
      programs: () => unlessInterrupted(memory, programs(memory, client)),
      async carrier(link) {
        const marker = newMarker();
        const asking = ask(memory, client, carrierScript(link, marker), `read the carrier of ${link}`);
        return parseCarrier(await unlessInterrupted(memory, asking), marker);
      },
      runChecks: (checks) => unlessInterrupted(memory, runChecks(memory, client, checks)),
      async change(resource, makePlan, proof) {
        const observing = observeHost(memory);
        prestart(memory, client);
        await observing.finally(() => batcher.withdraw(key, resource));
        return changeUnlessInterrupted(memory, { resource, makePlan, ...(proof ? { proof } : {}) });
      },
      announce: (resource) => batcher.announce(key, resource),
      prestart: () => prestart(memory, client),
      withdraw: (resource) => batcher.withdraw(key, resource),
      async probe(link, addresses) {
        const marker = newMarker();
        const script = probeScript(link, addresses, marker);
        const asking = ask(memory, client, script, `probe the LAN for ${addresses.join(", ")}`);
        return parseProbe(await unlessInterrupted(memory, asking), marker);
      },
      async dad(link) {
        const marker = newMarker();
        const script = dadScript(link, marker);
        const asking = ask(memory, client, script, "wait for IPv6's duplicate detection");
        // the change has been made: what is not waited for is found as drift by the next run
        const output = await Promise.race([asking, interrupted]);
        return output === "interrupted" ? [] : parseDad(output, marker);
      },
      close: () => closeConnection(memory),
    };
  }

  return {
    managedHost,
    prefetch(list) {
      for (const host of list)
        managedHost(host)
          .observe()
          .catch(() => undefined);
    },
    forget: (host) => remember(memoryOf(hostText(host)), undefined),
    interrupt: () => interrupt(),
    async close() {
      await Promise.all([...hosts.values()].map(closeConnection));
    },
  };
}

/** What is known of a host under one address. */
interface HostMemory {
  readonly host: HostAddress;
  connection?: Promise<Connection> | undefined;
  reading?: Promise<Observation> | undefined;
  /** What it has for checks: read once, and only if there are any. */
  programs?: Promise<CheckPrograms> | undefined;
  /** Boot ID and network namespace, which identify a machine that has several addresses. */
  machine: string;
}

async function connect(memory: HostMemory, client: SshClient): Promise<Connection> {
  const known = memory.connection;
  const open = await known?.catch(() => undefined);
  if (open && !open.closed) return open;
  // another caller has opened one meanwhile
  if (memory.connection !== known) return connect(memory, client);
  memory.connection = client.connect(memory.host);
  return memory.connection;
}

/** A missing connection is reported by the change that needs it. */
function prestart(memory: HostMemory, client: SshClient): void {
  connect(memory, client)
    .then((connection) => connection.prestart())
    .catch(() => undefined);
}

async function closeConnection(memory: HostMemory): Promise<void> {
  const open = await memory.connection?.catch(() => undefined);
  await open?.close();
}

function observe(memory: HostMemory, client: SshClient, onRead: () => void): Promise<Observation> {
  if (memory.reading) return memory.reading;
  const reading = read(memory, client);
  memory.reading = reading;
  const forgetLater = (): void => {
    const forget = (): void => {
      if (memory.reading === reading) memory.reading = undefined;
    };
    setTimeout(forget, FAILURE_MS).unref();
  };
  reading.then(onRead, forgetLater);
  return reading;
}

/** Reading changes nothing, so it can be repeated, until its time is up: a host may cut each connection off. */
function read(memory: HostMemory, client: SshClient): Promise<Observation> {
  const { commandTimeout = READING_SECONDS } = memory.host;
  const end = performance.now() + commandTimeout * 1000;
  const left = (): number => Math.ceil((end - performance.now()) / 1000);
  return again(
    () => readOnce(memory, client, Math.max(1, left())),
    () => left() > 0,
  );
}

async function readOnce(memory: HostMemory, client: SshClient, timeout: number): Promise<Observation> {
  const connection = await connect(memory, client);
  const marker = newMarker();
  const result = await connection.run(observeScript(marker), { description: "read the host", timeout });
  try {
    const now = parseObservation(result.stdout, marker);
    memory.machine = now.facts.machine;
    return now;
  } catch (error) {
    throw unreadable(connection.label, result, error);
  }
}

function programs(memory: HostMemory, client: SshClient): Promise<CheckPrograms> {
  if (memory.programs) return memory.programs;
  const marker = newMarker();
  const reading = ask(memory, client, programsScript(marker), "find the programs for checks").then((output) =>
    parsePrograms(output, marker),
  );
  memory.programs = reading;
  reading.catch(() => {
    memory.programs = undefined;
  });
  return reading;
}

async function runChecks(
  memory: HostMemory,
  client: SshClient,
  checks: readonly HostCheck[],
): Promise<readonly CheckOutcome[]> {
  const marker = newMarker();
  const script = checksScript({ checks, programs: await programs(memory, client) }, marker);
  const { commandTimeout = DEFAULT_COMMAND_TIMEOUT } = memory.host;
  const options = { isSecret: holdsSecret(checks), timeout: commandTimeout + secondsOf(checks) };
  const output = await ask(memory, client, script, "run the checks", options);
  const outcomes = parseOutcomes(output, marker, checks);
  if (!outcomes) throw new Error(`${hostLabel(memory.host)}: the output of the checks is incomplete`);
  return outcomes;
}

/** The output of a script that changes nothing and can therefore be run again. */
async function ask(
  memory: HostMemory,
  client: SshClient,
  script: string,
  description: string,
  options: Pick<RunOptions, "isSecret" | "timeout"> = {},
): Promise<string> {
  const { stdout } = await again(
    async () => (await connect(memory, client)).run(script, { description, ...options }),
    () => true,
  );
  return stdout;
}
