/** What of a guest's links is to outlive a boot, and what waits for it to have done so. */
import assert from "node:assert/strict";
import { eventually } from "../support/eventually";
import { addressesOf, linkOf, routesOf, seenLink } from "../lab/seen";
import type { Kinds, OnLab } from "../lab/stack";

/** A resource of a stack: its kind, name and arguments. */
export type Made = { [K in keyof Kinds]: readonly [K, string, Kinds[K]["args"]] }[keyof Kinds];

/** Looks at a guest that boots. */
export interface Lasting {
  /** Waits for what comes by itself; links that systemd makes may come after sshd. */
  readonly comes: (name: string, netns?: string) => Promise<void>;
  /** Waits for the units of links: one is over when its link is complete. */
  readonly unitsAreOver: () => Promise<unknown>;
  /** What is to outlive a boot, of a link. */
  readonly lasting: (name: string, netns?: string) => Promise<unknown>;
  readonly failedUnits: () => Promise<string>;
  readonly up: (made: Made) => Promise<unknown>;
  /** @throws if a preview shows drift, or anything to do */
  readonly areAsWanted: (made: readonly Made[]) => Promise<void>;
}

export function lastingOn(on: OnLab, host: string): Lasting {
  const sh = (script: string): Promise<string> => on.lab.sh(host, script);
  return {
    comes: async (name, netns = "") => {
      const isThere = async (): Promise<boolean> =>
        (netns === "" || (await sh("ls /run/netns; true")).split("\n").includes(netns)) &&
        (await seenLink(on.lab, host, name, netns)) !== undefined;
      await eventually(`${name} has come`, isThere).catch(async (error: unknown) => {
        const units = await sh("systemctl status --no-pager 'pulumi-macvlan-*'; true");
        throw new Error(`${name} has not come: ${units}`, { cause: error });
      });
    },
    unitsAreOver: () =>
      sh("while systemctl list-jobs --no-legend 'pulumi-macvlan-*' | grep -q .; do sleep 0.2; done"),
    lasting: async (name, netns = "") => {
      const link = await linkOf(on.lab, host, name, netns);
      const isLasting = ([key]: [string, unknown]): boolean => !/timer|_id$|root_/.test(key);
      const where = netns === "" ? name : "lo";
      return {
        ...{ name, mac: link.address, mtu: link.mtu, alias: link.ifalias, queue: link.txqlen },
        ...{ parent: link.link, addresses: addressesOf(link), up: link.flags.includes("UP") },
        data: Object.fromEntries(Object.entries(link.linkinfo?.info_data ?? {}).filter(isLasting)),
        filter: (await sh(`cat /proc/sys/net/ipv4/conf/${where}/arp_filter`)).trim(),
        routes: await routesOf(on.lab, host, name, netns),
      };
    },
    failedUnits: () => sh("systemctl --failed --no-legend --plain"),
    // a union's members are called one by one
    up: ([kind, name, args]) => on.stack.up(kind as "Bond", name, args as never),
    areAsWanted: async (made) => {
      for (const [kind, name, args] of made) {
        const { drift, changes } = await on.stack.preview(kind as "Bond", name, args as never);
        assert.deepEqual([drift, changes], [{}, false], name);
      }
    },
  };
}
