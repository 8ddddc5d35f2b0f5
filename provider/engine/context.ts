/** The provider's state during one phase of a run. It is made once and passed in: no module keeps state of its own. */
import { type Clock, systemClock } from "../host/clock";
import { type Fleet, openFleet } from "../host/managed-host";
import { type Claims, openClaims } from "../kinds/lan/claims";
import { type Diagnostics, openDiagnostics } from "../model/diagnostics";
import { type Redactor, openRedactor } from "../model/redact";
import type { PrefetchHint } from "../program/prefetch";
import type { RolloutNotes } from "../program/rollout/notes";
import { ROLLOUT_KEY, type RolloutSettings, parseRollout } from "../program/rollout/settings";
import { hostSchema } from "../ssh/address";
import { type SshClient, openSshClient } from "../ssh/connection";
import { type Settings, readSettings } from "../ssh/settings";
import { openTrace } from "../ssh/trace";
import { type RunRollout, openRunRollout } from "./rollout";
import { type RunLinks, openRunLinks } from "./run-links";
import { type StackMemory, openStackMemory } from "./stack-identity";

export interface ProviderContext {
  readonly fleet: Fleet;
  readonly links: RunLinks;
  /** In which waves hosts are changed. */
  readonly rollout: RunRollout;
  /** What the run has learnt about its stack. */
  readonly stack: StackMemory;
  /** What the run's resources claim on their networks. */
  readonly claims: Claims;
  readonly diagnostics: Diagnostics;
  readonly redactor: Redactor;
  /**
   * Whether the CLI continues after an error. Providers do not get the CLI's flags, but this one can also be set as an
   * environment variable.
   */
  readonly continuesOnError: boolean;
  /** Whether a preview runs the checks of links that are there. */
  readonly checksOnPreview: boolean;
  /** Ends all waiting, as the user has interrupted the run. Changes that have begun have a moment to end. */
  interrupt(): void;
  /** Closes all connections. */
  close(): Promise<void>;
}

/** Reads a key of the stack's configuration by its full name; secrets come in plain text. */
export type StackConfig = (key: string) => string | undefined;

/** The parts of a context. */
export interface ContextOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly config?: StackConfig;
  /** Receives diagnostics and the trace. */
  readonly stderr: (text: string) => void;
  /** The hints that the program's process has written. */
  readonly hints?: readonly PrefetchHint[];
  /** Tells the program's process what has become of hosts. */
  readonly rolloutNotes?: RolloutNotes;
  readonly clock?: Clock;
}

/**
 * Makes a context and begins to read the hosts of the hints. An unusable setting is reported as the error of each host.
 */
export function openContext({
  env,
  config = () => undefined,
  stderr,
  hints = [],
  rolloutNotes = { changed: () => undefined, failed: () => undefined },
  clock = systemClock,
}: ContextOptions): ProviderContext {
  const redactor = openRedactor();
  const diagnostics = openDiagnostics((line) => stderr(`${line}\n`), redactor);
  const settings = settingsOrError();
  const rollout = openRunRollout({
    settings: settings instanceof Error ? undefined : settings.rollout,
    hints,
    notes: rolloutNotes,
    say: diagnostics.say,
    redact: redactor.redact,
    forget: (host) => fleet.forget(host),
    clock,
  });
  const fleet: Fleet = openFleet(
    openClient(),
    diagnostics.say,
    clock,
    (host) => rollout.noteChanged(host),
    (host) => rollout.holdOf(host),
  );
  const known = hints.flatMap(({ host, free, links }) => {
    const { data } = hostSchema.safeParse(host);
    return data === undefined ? [] : [{ host: data, free, links }];
  });
  for (const { host, free } of known) {
    const managedHost = fleet.managedHost(host);
    for (const resource of free) managedHost.announce(resource);
    fleet.prefetch([host]);
  }
  const links = openRunLinks(
    known.flatMap(({ free }) => free),
    clock,
    known.flatMap(({ host, links: all }) => all.map((link) => ({ host, link }))),
  );
  return {
    fleet,
    links,
    rollout,
    stack: openStackMemory(settings instanceof Error ? undefined : settings.reclaim),
    claims: openClaims(),
    diagnostics,
    redactor,
    continuesOnError: /^(1|true)$/i.test(env["PULUMI_CONTINUE_ON_ERROR"] ?? ""),
    checksOnPreview: !(settings instanceof Error) && settings.checkOnPreview === true,
    interrupt() {
      rollout.interrupt();
      fleet.interrupt();
      links.interrupt();
    },
    close: () => fleet.close(),
  };

  function settingsOrError(): (Settings & { readonly rollout: RolloutSettings | undefined }) | Error {
    try {
      return { ...readSettings(env, config), rollout: parseRollout(config(ROLLOUT_KEY)) };
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  function openClient(): SshClient {
    if (settings instanceof Error) return { connect: () => Promise.reject(settings) };
    const trace = openTrace(settings.traceTo, { stderr, redact: redactor.redact });
    return openSshClient(settings, { trace, warn: diagnostics.sayOnce });
  }
}
