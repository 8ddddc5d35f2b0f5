/** Reboots a host of a stack, and reads and checks its links before and after. */
import { systemClock } from "../../host/clock";
import { rebootHost } from "../../host/reboot";
import { type Observation, UNFINISHED_CHANGE } from "../../model/observation";
import { forLog } from "../../model/outside-text";
import type { HostAddress } from "../../ssh/address";
import type { Settings } from "../../ssh/settings";
import { checkStack } from "../checks";
import { type Seen, lookAtHosts, seenKey } from "../look";
import { compareStack } from "../report/compare";
import { count } from "../report/model";
import { clientOf } from "../ssh-client";
import type { StackReading } from "../stack";
import { type Compared, type Proof, allFine, bootIdOf, judgeLinks } from "./judge";
import type { SelectedHost } from "./select";
import { awaitBoot, awaitLinks } from "./wait";

/** How a host is proved. */
export interface ProveSettings {
  readonly settings: Settings;
  /** Seconds that the host has to come back. */
  readonly timeout: number;
  /** Seconds that its links have to come back after that. */
  readonly settle: number;
  /** Asks whether to go on. */
  readonly confirm: (question: string) => Promise<boolean>;
}

/**
 * Reboots a host, unless the answer to the question is no: then undefined.
 *
 * @param name of the stack
 * @throws Error if the host cannot be read, is not rebooted, or does not come back
 */
export async function proveHost(
  name: string,
  { host, label, links }: SelectedHost,
  { settings, timeout, settle, confirm }: ProveSettings,
): Promise<Proof | undefined> {
  const stack: StackReading = { name, source: "export", links, errors: [], others: {} };
  const look = (): Promise<Seen> => lookAt(host, settings);
  const first = await look();
  if ("error" in first) throw new Error(`nothing was rebooted: ${first.error}`);
  const { unfinished } = first.observation;
  if (unfinished) {
    const what = UNFINISHED_CHANGE[unfinished];
    throw new Error(`${label} was not rebooted: there is ${what}; run "pulumi up" first`);
  }
  const before = await checked(stack, first.observation, settings);
  const question = `${label} has ${count(links.length, "link")} of ${name}. Reboot it now?`;
  if (!(await confirm(forLog(question)))) return undefined;
  await reboot(host, settings);
  process.stderr.write(`${forLog(label)} reboots.\n`);
  const bootId = bootIdOf(first.observation);
  const booted = await awaitBoot(look, { label, bootId, limit: timeout }, systemClock);
  const last = await awaitLinks(
    look,
    { booted: booted.observation, limit: settle },
    (now) => allFine(compared(stack, now)),
    systemClock,
  );
  const after = await checked(stack, last, settings);
  return {
    stack: name,
    host: label,
    bootId: bootIdOf(last),
    seconds: Math.round(booted.seconds * 10) / 10,
    notes: [...new Set(after.hosts.flatMap(({ notes }) => notes))],
    links: judgeLinks(links, before, after),
  };
}

async function lookAt(host: HostAddress, settings: Settings): Promise<Seen> {
  const [seen] = await lookAtHosts([host], settings);
  if (seen === undefined) throw new Error("a host was read without a result");
  return seen;
}

/** The reading of the host, for each way to it that the stack has. */
function everywhere({ links }: StackReading, observation: Observation): ReadonlyMap<string, Seen> {
  return new Map(
    links.flatMap(({ host }) => (host === undefined ? [] : [[seenKey(host), { label: "", observation }]])),
  );
}

function compared(stack: StackReading, now: Observation): Compared {
  return { state: now.state, hosts: compareStack(stack, everywhere(stack, now)).hosts };
}

/** The same, with what came of the checks. */
async function checked(stack: StackReading, now: Observation, settings: Settings): Promise<Compared> {
  const seen = everywhere(stack, now);
  const results = await checkStack(stack, seen, settings);
  return { state: now.state, hosts: compareStack(stack, seen, results).hosts };
}

async function reboot(host: HostAddress, settings: Settings): Promise<void> {
  const connection = await clientOf(settings).connect(host);
  try {
    await rebootHost(connection);
  } finally {
    await connection.close();
  }
}
