/** Guests of a lab that is up: starting those that are not running, rebooting one, pulling its plug. */
import { rmSync } from "node:fs";
import { alivePid } from "../host";
import { unpackedPackages } from "../debian";
import { alone } from "../lock";
import { hostFolder } from "../names";
import { readState, type LabState } from "../state";
import { inParallel } from "../run";
import { guestDisk } from "./image";
import { guestEnd, killGuest, startGuest, wireGuest } from "./process";

/** How a guest is stopped before it boots again: by a shutdown, or by a power loss; `fresh`: its disk is lost, too. */
export type GuestStop = "orderly" | "power loss" | "fresh";

/** Starts the guests of a lab that are not running, with the disks they have. */
export async function startGuests(state: LabState, disk: string): Promise<void> {
  // Two at a time: their boots are all CPU.
  await inParallel(state.guests, 2, ({ index }) =>
    one(state.name, index, async () => {
      if (alivePid(state.name, `guest${index}`) === undefined) await start(state, index, disk);
    }),
  );
}

/**
 * Stops a guest and boots it again; resolves when it lets one in over SSH.
 * @param powerOff asks the guest to power off
 */
export async function rebootGuest(
  lab: string,
  index: number,
  stop: GuestStop,
  powerOff: () => Promise<void>,
): Promise<void> {
  const state = readState(lab);
  if (state === undefined) throw new Error(`lab ${lab} is not running`);
  const disk = await guestDisk();
  await one(lab, index, async () => {
    if (stop === "orderly" && alivePid(lab, `guest${index}`) !== undefined) {
      await powerOff();
      await guestEnd(lab, index);
    }
    await killGuest(lab, index);
    if (stop === "fresh") rmSync(`${hostFolder(lab, `guest${index}`)}/disk.cow`, { force: true });
    await start(state, index, disk);
  });
}

async function start(state: LabState, index: number, disk: string): Promise<void> {
  const release = state.guests.find((guest) => guest.index === index)?.kernel;
  const kernel = release === undefined ? "/" : await unpackedPackages(release, ["user-mode-linux"]);
  await wireGuest(state.name, state.slot, index);
  await startGuest(state.name, state.slot, index, { disk, kernel });
}

/** Not the labs' lock: a boot takes seconds, in which other labs may change. */
function one(lab: string, index: number, work: () => Promise<void>): Promise<void> {
  return alone(work, `pulumi-macvlan-lab-${lab}-guest${index}`);
}
