/** Reads many hosts at once, with the provider's own connections. A failure does not affect the others. */
import { type HostAddress, hostLabel, hostReach, hostRoute, hostSchema } from "../ssh/address";
import { reasonOf } from "../model/error";
import type { Observation } from "../model/observation";
import { openFleet } from "../host/managed-host";
import type { Settings } from "../ssh/settings";
import { clientOf } from "./ssh-client";
import type { StackReading } from "./stack";

/** The observation of a host, or why it cannot be read. */
export type Seen =
  | { readonly label: string; readonly observation: Observation }
  | { readonly label: string; readonly error: string };

/**
 * Reads all hosts, as many at once as the settings allow, and closes the connections. Results are in the given order.
 */
export async function lookAtHosts(hosts: readonly HostAddress[], settings: Settings): Promise<Seen[]> {
  const fleet = openFleet(clientOf(settings));
  try {
    return await Promise.all(
      hosts.map(async (host): Promise<Seen> => {
        const label = hostLabel(host);
        try {
          return { label, observation: await fleet.managedHost(host).observe() };
        } catch (error) {
          return { label, error: error instanceof Error ? error.message : String(error) };
        }
      }),
    );
  } finally {
    await fleet.close();
  }
}

/** What is said of a host that has answered, if something cannot be made of its answer. */
export function cannotUse(error: unknown): string {
  return `its answer cannot be used: ${reasonOf(error)}`;
}

/** Parses hosts of a command line: `ops@node1.example:22` or an alias. @throws Error that names an invalid one. */
export function parseHosts(texts: readonly string[]): HostAddress[] {
  return texts.map((text) => {
    const parsed = hostSchema.safeParse(text);
    if (parsed.success) return parsed.data;
    throw new Error(`${JSON.stringify(text)} ${parsed.error.issues[0]?.message ?? "is not a host"}`);
  });
}

/** The names of hosts by {@link seenKey}: with the way there, and the host's key, where the label alone names two. */
export function namesOf(hosts: readonly HostAddress[]): ReadonlyMap<string, string> {
  const byKey = new Map(hosts.map((host) => [seenKey(host), host]));
  const forms = [
    hostLabel,
    hostRoute,
    (host: HostAddress): string =>
      host.hostKey === undefined ? hostRoute(host) : `${hostRoute(host)} with the key ${host.hostKey}`,
  ];
  const isClear = (name: (host: HostAddress) => string, host: HostAddress): boolean =>
    [...byKey.values()].filter((other) => name(other) === name(host)).length === 1;
  return new Map(
    [...byKey].map(([key, host]) => [key, (forms.find((name) => isClear(name, host)) ?? hostRoute)(host)]),
  );
}

/** The key of a host that is read once: how it is reached, and the login. */
export function seenKey(host: HostAddress): string {
  return JSON.stringify([hostReach(host), host.user]);
}

/** Reads every host of a stack's links once. Results are by {@link seenKey}. */
export async function lookAtStack(
  { links }: StackReading,
  settings: Settings,
): Promise<ReadonlyMap<string, Seen>> {
  const hosts = new Map(links.flatMap(({ host }) => (host === undefined ? [] : [[seenKey(host), host]])));
  const names = namesOf([...hosts.values()]);
  const seen = await lookAtHosts([...hosts.values()], settings);
  return new Map(
    [...hosts.keys()].flatMap((key, at) => {
      const one = seen[at];
      return one === undefined ? [] : [[key, { ...one, label: names.get(key) ?? one.label }]];
    }),
  );
}
