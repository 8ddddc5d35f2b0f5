/** Programs that a host has in the place of the machine's own iproute2: other versions of it, and busybox's applet. */
import { basename, join } from "node:path";
import type { Lab } from "../lab/fleet";
import { unpackedPackages } from "../lab/fleet/debian";
import { USERLAND, installIproute2, programOf, replaceBoth } from "../lab/fleet/iproute2";

export interface Userland {
  /** Where it comes from. */
  readonly title: string;
  /** Gives the host its programs, until `lab.reset`. */
  install(lab: Lab, host: string): Promise<void>;
}

/** Releases of Debian with another iproute2 than the machine's: the oldest that its archive still has, and the newest. */
const RELEASES = ["bullseye", "trixie", "sid"];

/**
 * Folders, separated by colons, that each have `ip` and `bridge` of an own build: no archive of packages has versions
 * that are as old as some hosts are.
 */
const BUILDS = "MACVLAN_TEST_IPROUTE2";

/** Where the machine's own `ip` stays to be had on a host, for the test to look at its links. */
export const OWN_IP = "/run/own-ip";

/** All that can be had on this machine. */
export function userlands(): Userland[] {
  const builds = (process.env[BUILDS] ?? "").split(":").filter(Boolean);
  return [
    ...builds.map((folder) => ({
      title: `built from its source, ${basename(folder)}`,
      install: (lab: Lab, host: string) =>
        replaceBoth(lab, host, (program) => ({ file: join(folder, program) })),
    })),
    ...RELEASES.map((release) => ({
      title: `Debian ${release}`,
      install: (lab: Lab, host: string) => installIproute2(lab, host, release),
    })),
    { title: "this machine's", install: () => Promise.resolve() },
    ...[...RELEASES, ""].map((release) => ({
      title: release === "" ? "busybox, this machine's" : `busybox, Debian ${release}`,
      install: (lab: Lab, host: string) => installBusybox(lab, host, release),
    })),
    {
      title: "no ip, no bridge: brctl",
      install: (lab: Lab, host: string) => lab.hide(host, ["ip", "bridge"]),
    },
    {
      title: "no ip, no bridge, no brctl: /sys",
      install: (lab: Lab, host: string) => lab.hide(host, ["ip", "bridge", "brctl"]),
    },
  ];
}

async function installBusybox(lab: Lab, host: string, release: string): Promise<void> {
  await lab.hide(host, ["bridge", "brctl"]);
  if (release !== "") {
    const root = await unpackedPackages(release, USERLAND);
    await lab.replace(host, "busybox", { file: await programOf(root, "busybox") });
  }
  await lab.replace(host, "ip", { script: '#!/bin/sh\nexec busybox ip "$@"\n' });
}
