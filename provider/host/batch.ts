/**
 * Who changes a machine next: one change of it at a time, and what its resources ask for at the same time is one
 * change. The engine asks for one resource after the other within milliseconds, so that the first is held back for
 * those that the program has foretold.
 */
import { setTimeout as sleep } from "node:timers/promises";

/** Milliseconds for which a change always waits for others: the engine sends those of one host right after another. */
const GATHER_MS = 5;

/**
 * One that was foretold is waited for as long as so many other changes are under way: the end of any of them makes the
 * engine, which has only so many resources in hand at a time (`--parallel`), ask for the next. With fewer it is waited for
 * until nothing was asked of this process for some milliseconds, as those who wait may be all that the engine has in hand.
 */
const BUSY = 2;
const QUIET_MS = 40;

/** Milliseconds for which anyone is waited for. */
const LONGEST_MS = 2000;

/** The changes of one machine. `C` is a change, `R` what comes of it. */
export interface ChangeBatcher<C, R> {
  /**
   * Waits for its turn, and has the change made along with others of the same group.
   *
   * @param machine that only one change may touch at a time
   * @param group those that can be made together: they reach the machine by the same address
   */
  enqueue(machine: string, group: string, change: C): Promise<R>;
  /** Foretells that somebody will soon ask for a change. */
  announce(group: string, who: string): void;
  /** Takes note that he has come, or will not. */
  withdraw(group: string, who: string): void;
  /** Takes note that somebody asks for something: as long as the engine goes on asking, it may come to those foretold. */
  touch(): void;
}

interface Waiting<C, R> {
  readonly group: string;
  readonly change: C;
  readonly settle: (result: PromiseSettledResult<R>) => void;
}

/** @param make carries out changes of one group, and has a result for each of them */
export function openBatcher<C, R>(
  make: (group: string, changes: readonly C[]) => Promise<PromiseSettledResult<R>[]>,
): ChangeBatcher<C, R> {
  const queues = new Map<string, Waiting<C, R>[]>();
  const announced = new Map<string, Set<string>>();
  let touched = performance.now();
  let underWay = 0;

  async function gather(group: string): Promise<void> {
    await sleep(GATHER_MS);
    const end = performance.now() + LONGEST_MS;
    const missing = announced.get(group);
    while (missing !== undefined && missing.size > 0) {
      const now = performance.now();
      if (now >= end || (underWay < BUSY && now >= touched + QUIET_MS)) {
        missing.clear();
        return;
      }
      await sleep(GATHER_MS);
    }
  }

  async function work(machine: string, queue: Waiting<C, R>[]): Promise<void> {
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
    queues.delete(machine);
  }

  return {
    enqueue: (machine, group, change) =>
      new Promise((resolve, reject) => {
        const settle = (result: PromiseSettledResult<R>): void => {
          if (result.status === "fulfilled") resolve(result.value);
          else reject(result.reason as Error);
        };
        const queue = queues.get(machine);
        const waiting = { group, change, settle };
        if (queue) queue.push(waiting);
        else {
          const begun = [waiting];
          queues.set(machine, begun);
          void work(machine, begun);
        }
      }),
    announce(group, who) {
      announced.set(group, (announced.get(group) ?? new Set()).add(who));
    },
    withdraw(group, who) {
      announced.get(group)?.delete(who);
    },
    touch() {
      touched = performance.now();
    },
  };
}
