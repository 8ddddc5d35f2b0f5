import type { Clock } from "../../provider/host/clock";

/**
 * A clock whose time moves on to the next moment that is waited for as soon as nothing else is left to do: what takes
 * seconds is over at once, and takes exactly as long on any machine.
 */
export function virtualClock(): Clock {
  let now = 0;
  let sleepers: { readonly at: number; readonly wake: () => void }[] = [];
  const moveOn = (): void => {
    now = Math.min(...sleepers.map(({ at }) => at));
    const due = sleepers.filter(({ at }) => at === now);
    sleepers = sleepers.filter(({ at }) => at > now);
    for (const { wake } of due) wake();
    // all that follows from it comes first
    if (sleepers.length > 0) setImmediate(moveOn);
  };
  return {
    now: () => now,
    sleep: (milliseconds) =>
      new Promise((wake) => {
        if (sleepers.length === 0) setImmediate(moveOn);
        sleepers.push({ at: now + milliseconds, wake });
      }),
  };
}
