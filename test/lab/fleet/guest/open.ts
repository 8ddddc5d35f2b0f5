/** A guest of a running lab as tests use it. */
import { hostPid } from "../host";
import type { LabGuest } from "../lab";
import { guestAddressesOf, hostFolder, labFolder, reachable } from "../names";
import type { GuestState, LabState } from "../state";
import { openShell, type GuestShell } from "./reach";
import { rebootGuest, type GuestStop } from "./reboot";

/** A guest, the way into it, and its reboot, after which that way is a new one. */
export interface OpenGuest {
  readonly guest: LabGuest;
  readonly shell: GuestShell;
  reboot(stop: GuestStop): Promise<void>;
}

export function openGuest(state: LabState, { index, login, hostKey, network }: GuestState): OpenGuest {
  const name = `guest${index}`;
  const addresses = guestAddressesOf(state.slot, index);
  const privateKey = `${labFolder(state.name)}/id_ed25519`;
  const shell = openShell({ name, address: addresses.control, hostKey, privateKey });

  const powerOff = async (): Promise<void> => {
    // In the background: sshd ends this session early in the shutdown, and then the command has no status.
    await shell.exec(["sh", "-c", "systemctl --no-block --no-wall poweroff"]);
  };
  const reboot = async (stop: GuestStop): Promise<void> => {
    try {
      await rebootGuest(state.name, index, stop, powerOff);
    } finally {
      shell.hangUp();
    }
  };
  const guest: LabGuest = {
    name,
    index,
    login,
    hostKey,
    network,
    ...reachable(addresses),
    console: `${hostFolder(state.name, name)}/console.log`,
    get pid() {
      return hostPid(state.name, name);
    },
    reboot: () => reboot("orderly"),
    powerLoss: () => reboot("power loss"),
  };
  return { guest, shell, reboot };
}
