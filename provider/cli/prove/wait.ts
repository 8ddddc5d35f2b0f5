/** Waits for a host that reboots. */
import type { Clock } from "../../host/clock";
import type { Observation } from "../../model/observation";
import type { Seen } from "../look";
import { bootIdOf } from "./judge";

/** Milliseconds between two tries: the first pause, which doubles, and the longest. */
const PAUSE = 1000;
const LONGEST_PAUSE = 5000;

/** A host that has booted. */
export interface Booted {
  readonly observation: Observation;
  /** From the beginning of the wait. */
  readonly seconds: number;
}

/**
 * Reads a host until it answers with another boot ID.
 *
 * @param limit seconds
 * @throws Error if it does not, with its last answer
 */
export async function awaitBoot(
  look: () => Promise<Seen>,
  { label, bootId, limit }: { readonly label: string; readonly bootId: string; readonly limit: number },
  clock: Clock,
): Promise<Booted> {
  const begun = clock.now();
  for (let pause = PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    const seen = await look();
    const seconds = (clock.now() - begun) / 1000;
    if (!("error" in seen) && bootIdOf(seen.observation) !== bootId)
      return { observation: seen.observation, seconds };
    if (seconds >= limit) {
      throw new Error(
        "error" in seen
          ? `${label} was asked to reboot, and has not answered within ${limit} s. The last attempt: ${seen.error}`
          : `${label} was asked to reboot, and after ${limit} s still answers with the boot ID ${bootId}. See what holds its ` +
              "shutdown up (a container has the boot ID of its host, and cannot be proved in this way)",
      );
    }
    await clock.sleep(Math.min(pause, limit * 1000 - (clock.now() - begun)));
  }
}

/**
 * Reads a host that has booted until all is well, or the time is up: what is made at boot may come later than sshd.
 *
 * @param limit seconds
 * @returns the last reading
 */
export async function awaitLinks(
  look: () => Promise<Seen>,
  { booted, limit }: { readonly booted: Observation; readonly limit: number },
  isWell: (observation: Observation) => boolean,
  clock: Clock,
): Promise<Observation> {
  const end = clock.now() + limit * 1000;
  let last = booted;
  while (!isWell(last) && clock.now() < end) {
    await clock.sleep(Math.min(PAUSE, Math.max(0, end - clock.now())));
    const seen = await look();
    if (!("error" in seen)) last = seen.observation;
  }
  return last;
}
