/**
 * Batches changes: a host gets one change at a time, and what its resources need at the same time is one change. The
 * engine sends one resource after the other within milliseconds, so the first is held back for those that the program
 * has announced.
 */
import { type Clock, systemClock } from "./clock";

/** Milliseconds that a change always waits for others: the engine sends those of one host in quick succession. */
const GATHER_MS = 5;

/**
 * An announced change is waited for as long as this many other changes are in progress. When one of them ends, the
 * engine, which works on a limited number of resources at a time (`--parallel`), sends the next. With fewer in
 * progress, the wait ends when no call has come for some milliseconds, as those that wait may be all that the engine is
 * working on.
 */
const BUSY = 2;
const QUIET_MS = 40;

/** The longest wait in milliseconds. */
const LONGEST_MS = 2000;

/** The changes of all hosts. `C` is a change, `R` its result. */
export interface ChangeBatcher<C, R> {
  /**
   * Waits until the host is free, and makes the change together with others of the same group.
   *
   * @param host how it is reached; only one change at a time may touch it
   * @param group changes that can be made together: they log in alike
   */
  enqueue(host: string, group: string, change: C): Promise<R>;
  /** Announces a change that will be enqueued soon. */
  announce(group: string, who: string): void;
  /** Notes that an announced change has come, or will not. */
  withdraw(group: string, who: string): void;
  /** Notes a call of the engine: while calls keep coming, announced changes may follow. */
  touch(): void;
}

interface Waiting<C, R> {
  readonly group: string;
  readonly change: C;
  readonly settle: (result: PromiseSettledResult<R>) => void;
}

/** @param make makes the changes of one group and returns a result for each of them */
export function openBatcher<C, R>(
  make: (group: string, changes: readonly C[]) => Promise<PromiseSettledResult<R>[]>,
  clock: Clock = systemClock,
): ChangeBatcher<C, R> {
  const queues = new Map<string, Waiting<C, R>[]>();
  const announced = new Map<string, Set<string>>();
  let touched = clock.now();
  let underWay = 0;

  async function gather(group: string): Promise<void> {
    await clock.sleep(GATHER_MS);
    const end = clock.now() + LONGEST_MS;
    const missing = announced.get(group);
    while (missing !== undefined && missing.size > 0) {
      const now = clock.now();
      if (now >= end || (underWay < BUSY && now >= touched + QUIET_MS)) {
        missing.clear();
        return;
      }
      await clock.sleep(GATHER_MS);
    }
  }

  async function work(host: string, queue: Waiting<C, R>[]): Promise<void> {
    for (let first = queue[0]; first !== undefined; first = queue[0]) {
      const { group } = first;
      await gather(group);
      const together = queue.filter((waiting) => waiting.group === group);
      queue.splice(0, queue.length, ...queue.filter((waiting) => waiting.group !== group));
      underWay += 1;
      const [results] = await Promise.allSettled([
        make(
          group,
          together.map(({ change }) => change),
        ),
      ]);
      underWay -= 1;
      if (results.status === "rejected") for (const { settle } of together) settle(results);
      else for (const [position, result] of results.value.entries()) together[position]?.settle(result);
    }
    queues.delete(host);
  }

  return {
    enqueue: (host, group, change) =>
      new Promise((resolve, reject) => {
        const settle = (result: PromiseSettledResult<R>): void => {
          if (result.status === "fulfilled") resolve(result.value);
          else reject(result.reason as Error);
        };
        const queue = queues.get(host);
        const waiting = { group, change, settle };
        if (queue) queue.push(waiting);
        else {
          const begun = [waiting];
          queues.set(host, begun);
          void work(host, begun);
        }
      }),
    announce(group, who) {
      announced.set(group, (announced.get(group) ?? new Set()).add(who));
    },
    withdraw(group, who) {
      announced.get(group)?.delete(who);
    },
    touch() {
      touched = clock.now();
    },
  };
}
