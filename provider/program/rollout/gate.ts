/**
 * Holds the resources of hosts back until their wave, in the program's process. If the provider held them, they would
 * occupy the engine, which works on a limited number of resources at a time, and those of earlier waves could not come.
 * Here they wait like resources whose inputs are not known yet, so that the engine asks in the order of the waves
 * whatever the order of the program.
 */
import * as pulumi from "@pulumi/pulumi";
import { type GivenHost, readGivenHost } from "../../ssh/host-text";
import { isPlain } from "../plain";
import { type HostResult, type Schedule, type Stop, openSchedule } from "./schedule";
import type { RolloutSettings } from "./settings";

/** What the provider receives with a resource, as the hidden input `__turn`: when it may change its host, or why not. */
export type Turn =
  | { readonly notBefore: number; readonly wave: number }
  | { readonly refused: string; readonly code: "rollout-stopped" | "rollout-blocked" };

/** The place of a resource in a rollout. */
export interface Ticket {
  /** Resolves when the resource may go to the engine. */
  readonly turn: Promise<Turn | undefined>;
  /** The resource has been made: its host's turn ends when it has been through the engine. */
  follow(resource: pulumi.Resource): void;
}

export interface RolloutGate {
  /**
   * @param host as given
   * @param needs resources that are created before
   */
  enter(host: unknown, needs: ReadonlySet<pulumi.Resource>): Ticket;
  /** The hosts of resources that went before, or of those within them, by their identities. */
  hostsOf(resources: ReadonlySet<pulumi.Resource>): string[];
}

/** What a gate needs of its surroundings. */
export interface GateOptions {
  readonly settings: RolloutSettings;
  /** In a preview no resource waits. */
  readonly isPreview: boolean;
  /** Whether the engine has ended the run, after a failure: nothing can be registered any more. */
  readonly isOver: () => boolean;
  /** What has become of a host, by its identity. */
  readonly resultOf: (host: string) => HostResult;
  /** Milliseconds since 1970, which another process understands. */
  readonly now?: () => number;
}

/**
 * Seconds without news after which a rollout has come to a standstill. Most programs end before, as nothing is left to
 * do in their process. A process that runs programs of the Automation API lives on.
 */
const STANDSTILL_SECONDS = { noneInProgress: 30, inProgress: 600 };

interface Place {
  readonly host: GivenHost;
  readonly open: Set<object>;
  readonly gates: ((turn: Turn) => void)[];
  turn: Turn | undefined;
}

export function openGate({
  settings,
  isPreview,
  isOver,
  resultOf,
  now = Date.now,
}: GateOptions): RolloutGate {
  const schedule = openSchedule(settings);
  const places = new Map<string, Place>();
  const hostOf = new Map<pulumi.Resource, string>();
  const watch = openStandstillWatch(() => {
    schedule.stall();
    decide();
  });
  let isDue = false;

  /** Decides when the program has made what it makes at once, and what follows from the end of a resource. */
  function decideSoon(): void {
    if (isDue) return;
    isDue = true;
    setImmediate(() => {
      isDue = false;
      decide();
    });
  }

  function decide(): void {
    if (isOver()) return;
    for (const [identity, place] of places) {
      if (place.turn === undefined || "refused" in place.turn || place.open.size > 0) continue;
      place.turn = undefined;
      schedule.settle(identity, resultOf(identity), now());
    }
    const { released, refused } = schedule.decide();
    for (const { host, ...turn } of released) open(host, turn);
    for (const { host, stop } of refused) {
      const code = stop.why === "failed" ? "rollout-stopped" : "rollout-blocked";
      open(host, { refused: describeStop(stop), code });
    }
    watch.update(schedule, [...places.values()]);
  }

  function open(identity: string, turn: Turn): void {
    const place = places.get(identity);
    if (!place) return;
    place.turn = turn;
    for (const pass of place.gates.splice(0)) pass(turn);
  }

  function describeStop(stop: Stop): string {
    const label = (identity: string): string => places.get(identity)?.host.label ?? identity;
    if (stop.why === "failed") return `the rollout stopped at ${label(stop.host)}: ${stop.reason}`;
    if (stop.missing.length > 0) return `no host of this program is the canary ${stop.missing.join(", ")}`;
    return (
      `${stop.waiting.map(label).join(", ")} comes first in the rollout, and waits for something that comes only after ` +
      "other hosts"
    );
  }

  function hostsOf(resources: ReadonlySet<pulumi.Resource>): string[] {
    const isWithin = (resource: pulumi.Resource | undefined): boolean =>
      resource !== undefined && (resources.has(resource) || isWithin(parentOf(resource)));
    return [...hostOf].filter(([resource]) => isWithin(resource)).map(([, host]) => host);
  }

  function join(host: GivenHost, ticket: object, needs: ReadonlySet<pulumi.Resource>): Promise<Turn> {
    const place = places.get(host.identity) ?? { host, open: new Set(), gates: [], turn: undefined };
    places.set(host.identity, place);
    place.open.add(ticket);
    const { canary } = settings;
    schedule.announce(host.identity, {
      needs: needs.size === 0 ? [] : hostsOf(needs),
      canary: typeof canary === "number" ? undefined : canary.find((name) => host.isNamed(name)),
    });
    decideSoon();
    if (place.turn !== undefined) return Promise.resolve(place.turn);
    return new Promise((pass) => place.gates.push(pass));
  }

  return {
    hostsOf,
    enter(given, needs) {
      const ticket = {};
      const known = isPlain(given) ? readGivenHost(given) : undefined;
      if (isPreview) {
        const follow = (resource: pulumi.Resource): void => {
          if (known) hostOf.set(resource, known.identity);
        };
        return { turn: Promise.resolve(undefined), follow };
      }
      let identity = known?.identity;
      let hasLeft = false;
      const enter = (host: GivenHost | undefined): Promise<Turn | undefined> => {
        identity = host?.identity;
        // what is no host is refused by its check
        return host === undefined || hasLeft ? Promise.resolve(undefined) : join(host, ticket, needs);
      };
      const later = async (): Promise<Turn | undefined> =>
        enter(readGivenHost(await pulumi.runtime.serializeProperty("host", given, new Set())));
      return {
        turn: isPlain(given) ? enter(known) : later(),
        follow(resource) {
          if (identity !== undefined) hostOf.set(resource, identity);
          const leave = (): void => {
            hasLeft = true;
            const place = identity === undefined ? undefined : places.get(identity);
            if (place?.open.delete(ticket) === true) decideSoon();
          };
          pulumi.runtime.serializeProperty("urn", resource.urn, new Set()).then(leave, leave);
        },
      };
    },
  };
}

/** The component that a resource belongs to, which the SDK keeps in a property of its own. */
function parentOf(resource: pulumi.Resource): pulumi.Resource | undefined {
  const { __parentResource: parent } = resource as { readonly __parentResource?: pulumi.Resource };
  return parent;
}

/** Notices that nothing more will happen: the process has nothing left to do, or there have been no news for long. */
function openStandstillWatch(onStandstill: () => void): {
  update(schedule: Schedule, places: readonly Place[]): void;
} {
  let timer: NodeJS.Timeout | undefined;
  return {
    update(schedule, places) {
      clearTimeout(timer);
      process.off("beforeExit", onStandstill);
      if (schedule.waiting().length === 0) return;
      process.once("beforeExit", onStandstill);
      const turns = places.flatMap(({ turn }) => (turn && "wave" in turn ? [turn.notBefore] : []));
      const { noneInProgress, inProgress } = STANDSTILL_SECONDS;
      const seconds = turns.length === 0 ? noneInProgress : inProgress;
      const pause = Math.max(0, ...turns.map((moment) => moment - Date.now()));
      timer = setTimeout(onStandstill, pause + seconds * 1000).unref();
    },
  };
}

/** The resources that a resource waits for, as far as its arguments and options show it at once. */
export function visibleNeeds(args: object, opts: pulumi.CustomResourceOptions): Set<pulumi.Resource> {
  const found = new Set<pulumi.Resource>();
  collect(opts.dependsOn, found);
  if (pulumi.CustomResource.isInstance(opts.parent)) found.add(opts.parent);
  if (!isPlain(args)) collect(args, found);
  return found;
}

function collect(value: unknown, into: Set<pulumi.Resource>): void {
  if (typeof value !== "object" || value === null) return;
  if (pulumi.Resource.isInstance(value)) into.add(value);
  else if (pulumi.Output.isInstance(value)) {
    const { resources } = value as { readonly resources?: () => Iterable<pulumi.Resource> };
    for (const resource of resources?.() ?? []) into.add(resource);
  } else if (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype) {
    for (const part of Object.values(value) as unknown[]) collect(part, into);
  }
}
