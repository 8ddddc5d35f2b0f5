import type { ParsedFiles } from "./config/options";
import type { KeyCache } from "./auth/private-key";
import type { KnownHostsCache } from "./host-keys/known-hosts";
import { type Semaphore, semaphore } from "./semaphore";
import type { Settings } from "./settings";
import type { Trace } from "./trace";

/** What all connections of a client share: its settings, and files that were read for the first of them. */
export interface ClientState {
  readonly settings: Settings;
  readonly trace: Trace;
  /** Prints a warning at the CLI, once. */
  readonly warn: (text: string, about?: string) => void;
  /**
   * Limits handshakes at the same time, over all hosts: each uses the CPU of both sides, and a jump host that gets all
   * of them at once drops some (MaxStartups).
   */
  readonly handshakes: Semaphore;
  readonly keys: KeyCache;
  readonly configs: ParsedFiles;
  readonly knownHosts: KnownHostsCache;
}

export function clientState(
  settings: Settings,
  { trace, warn }: Pick<ClientState, "trace" | "warn">,
): ClientState {
  const handshakes = semaphore(settings.maxConnections);
  const keys: KeyCache = { texts: new Map(), files: new Map() };
  return { settings, trace, warn, handshakes, keys, configs: new Map(), knownHosts: new Map() };
}
