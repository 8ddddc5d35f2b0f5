/**
 * What the provider knows for as long as its process lives: one phase of a run. Nothing is made when the module is
 * loaded: the program's process may load it as well.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Fleet, openFleet } from "../host/managed-host";
import type { CommonInputs, Json, PlanContext } from "../kinds/kind";
import { type Claims, openClaims } from "../kinds/lan/claims";
import type { LinkId } from "../model/host";
import type { Observation } from "../model/observation";
import { removePrefetchHints, readPrefetchHints } from "../program/prefetch";
import { type HostAddress, hostIdentity, hostSchema } from "../ssh/address";
import { type Settings, readSettings } from "../ssh/settings";
import { planContextFrom } from "./planning";
import { say } from "./say";

export interface Run {
  readonly fleet: Fleet;
  /**
   * Notes that a resource is to have a link, so that others may count on it.
   *
   * @param resource `MacvlanInterface "web"`
   * @param unknown its properties that are not known yet
   * @returns another resource that has the same link
   */
  declare(inputs: CommonInputs, resource: string, unknown: readonly string[]): string | undefined;
  /** What its resources claim of their networks. */
  readonly claims: Claims;
  /** True the first time that it is asked about something. */
  isNew(about: string): boolean;
  isDeclared(host: HostAddress, link: LinkId): boolean;
  /** Resolves when the resources that the program has foretold are declared, or have not come for two seconds. */
  othersAreChecked(): Promise<void>;
  /** The MTU that a resource is to give a link; undefined where none does. */
  declaredMtu(host: HostAddress, link: LinkId): number | "unknown" | undefined;
  /** Notes that a link is made anew in this run: what sits on it goes with it, and has to be made again. */
  markReplaced(host: HostAddress, link: LinkId): void;
  isReplaced(host: HostAddress, link: LinkId): boolean;
  /** The links of a host that are. */
  replacedOn(host: HostAddress): readonly LinkId[];
}

let run: Run | undefined;
let settings: Settings | undefined;

/**
 * Takes the stack's configuration, and begins the run: it looks ahead, and has to tidy up even where nothing that is
 * asked of it is valid. Synchronous, and without effect where it was configured before.
 */
export function configureRun(get: (key: string) => string | undefined): void {
  settings ??= readSettings(process.env, get);
  currentRun();
}

export function currentRun(): Run {
  run ??= startRun();
  return run;
}

/** Closes what the run has open. What is asked next begins another one, as a new process would. */
export async function endRun(): Promise<void> {
  const ended = run;
  run = undefined;
  settings = undefined;
  for (const signal of SIGNALS) process.off(signal, exit);
  await ended?.fleet.close();
}

function startRun(): Run {
  const fleet = openFleet(() => settings ?? readSettings(process.env, () => undefined), say);
  for (const signal of SIGNALS) process.once(signal, exit);
  endWithEngine();
  const announced = new Set<string>();
  for (const { host, free } of readPrefetchHints(engineOfProcess())) {
    const { data } = hostSchema.safeParse(host);
    if (data === undefined) continue;
    const managedHost = fleet.managedHost(data);
    for (const resource of free) {
      managedHost.announce(resource);
      announced.add(resource);
    }
    fleet.prefetch([data]);
  }
  const declared = new Map<string, { resource: string; mtu: number | "unknown" | undefined }>();
  const told = new Set<string>();
  const replaced = new Map<string, { readonly host: string; readonly link: LinkId }>();
  const keyOf = (host: HostAddress, link: LinkId): string =>
    JSON.stringify([hostIdentity(host), link.netns, link.name]);
  return {
    fleet,
    declare(inputs, resource, unknown) {
      const key = keyOf(inputs.host, { name: inputs.name, netns: inputs.netns ?? "" });
      const other = declared.get(key)?.resource;
      if (other !== undefined && other !== resource) return other;
      announced.delete(resource);
      declared.set(key, { resource, mtu: unknown.includes("mtu") ? "unknown" : inputs.mtu });
      return undefined;
    },
    claims: openClaims(),
    isNew(about) {
      if (told.has(about)) return false;
      told.add(about);
      return true;
    },
    async othersAreChecked() {
      const end = performance.now() + PATIENCE_MS;
      while (announced.size > 0 && performance.now() < end) await sleep(20);
    },
    isDeclared: (host, link) => declared.has(keyOf(host, link)),
    declaredMtu: (host, link) => declared.get(keyOf(host, link))?.mtu,
    markReplaced: (host, link) => replaced.set(keyOf(host, link), { host: hostIdentity(host), link }),
    isReplaced: (host, link) => replaced.has(keyOf(host, link)),
    replacedOn: (host) =>
      [...replaced.values()].filter((r) => r.host === hostIdentity(host)).map(({ link }) => link),
  };
}

/** Milliseconds for which resources that were foretold are waited for. */
const PATIENCE_MS = 2000;

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** The engine ends its providers by SIGINT and waits up to five seconds for them. */
function exit(): void {
  removePrefetchHints(engineOfProcess());
  void endRun().finally(() => process.exit(0));
}

/** An engine that is killed tells its providers nothing: without this they would hold their connections for ever. */
function endWithEngine(): void {
  if (engineOfProcess() === undefined) return;
  const engine = process.ppid;
  setInterval(() => {
    if (process.ppid !== engine) exit();
  }, 1000).unref();
}

/** The engine's address: the SDK's launcher of dynamic providers gets it as its argument. */
function engineOfProcess(): string | undefined {
  return /^[^:]+:[0-9]+$/.test(process.argv[2] ?? "") ? process.argv[2] : undefined;
}

/** A host as the resource with these inputs sees it in this run. */
export function planContextOf(
  inputs: Json,
  known: CommonInputs,
  now: Observation,
  before: Json | undefined,
): PlanContext {
  const run = currentRun();
  const { host } = known;
  return planContextFrom(
    inputs,
    now,
    before,
    // what the resource is itself to have, nothing else makes
    (name) =>
      run.isDeclared(host, { name, netns: "" }) && !(name === known.name && known.netns === undefined),
    (name) => run.declaredMtu(host, { name, netns: "" }),
    (ip, netns) => run.claims.hasAddress(hostIdentity(host), netns, ip),
  );
}
