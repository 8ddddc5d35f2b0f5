/** A place in the queue of those who wait, with the limit that they wait for. */
interface Waiting {
  readonly limit: number;
  readonly go: () => void;
}

let taken = 0;
const queue: Waiting[] = [];

/**
 * Waits for one of `limit` slots for a handshake. They are counted over all hosts of this process: each handshake
 * costs the CPU of both sides, and a jump host that gets all of them at once drops some (MaxStartups).
 *
 * @returns gives the slot back; to be called exactly once
 */
export async function takeSlot(limit: number): Promise<() => void> {
  if (taken < limit) taken++;
  else await new Promise<void>((go) => queue.push({ limit, go }));
  return () => {
    taken--;
    const next = queue[0];
    if (next === undefined || taken >= next.limit) return;
    queue.shift();
    taken++;
    next.go();
  };
}
