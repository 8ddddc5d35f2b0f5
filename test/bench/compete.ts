/** The competition: for each number of hosts and round trip, run by run, each contender goes through all phases. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { say } from "../setup/run";
import { CONTENDERS } from "./contenders";
import type { Contender } from "./contenders/contender";
import { sshEach, writeScripts } from "./contenders/openssh";
import { PHASES } from "./job";
import { type Site, type SiteHost, makeDrift, makeFolder, resetHosts } from "./lab/site";
import type { Group } from "./measure";
import { LIMIT, type PhaseSample, measurePhase, summary } from "./phase";
import type { ContenderAbout, Results, Sample } from "./results";

export interface Competition {
  readonly hosts: readonly number[];
  /** Milliseconds. */
  readonly rtts: readonly number[];
  readonly runs: number;
  readonly contenders: readonly string[];
  /** The most hosts for a contender that would take too long with more. */
  readonly caps: Readonly<Record<string, number>>;
}

/** How many ssh clients are tried at the same time. */
const WIDTHS = [2, 4, 8, 16, 32, 64] as const;

type Outcome = Pick<Results, "contenders" | "widths" | "samples">;

/** Runs it. `keep` is called with all that was measured so far after each contender's run. */
export async function compete(
  { hosts: counts, rtts, runs, contenders: ids, caps }: Competition,
  site: Site,
  group: Group,
  keep: (soFar: Outcome) => void,
): Promise<void> {
  const chosen = CONTENDERS.filter(({ id }) => ids.includes(id));
  const samples: Sample[] = [];
  const widths: Outcome["widths"] = [];
  const unavailable = await prepareAll(chosen, site, group);
  const about = chosen.map((c): ContenderAbout => describe(c, unavailable.get(c.id) ?? "", caps[c.id]));
  const able = chosen.filter(({ id }) => !unavailable.has(id));
  for (const rtt of rtts) {
    await site.way.setRtt(rtt);
    for (const count of counts) {
      const hosts = site.hosts.slice(0, count);
      const width = await fastestWidth(site, group, hosts);
      widths.push({ hosts: count, rtt, width });
      say(`${count} hosts, round trip ${rtt} ms: ${width} ssh clients at a time are the fastest`);
      const taking = able.filter(({ id }) => count <= (caps[id] ?? count));
      for (let run = 1; run <= runs; run++) {
        // each time another one first, so that none always comes after the same one
        for (const contender of rotate(taking, run - 1)) {
          const took = await competeOnce(contender, site, group, hosts, width);
          samples.push(...took.map((sample) => ({ ...sample, hosts: count, rtt, run })));
          say(`${count} hosts, ${rtt} ms, run ${run}: ${contender.title}: ${summary(took)}`);
          keep({ contenders: about, widths, samples });
        }
      }
    }
  }
  keep({ contenders: about, widths, samples });
}

function describe(
  { id, title, note, lacks, isFloor = false }: Contender,
  why: string,
  cap: number | undefined,
) {
  return { id, title, note, lacks, isFloor, unavailable: why, ...(cap === undefined ? {} : { cap }) };
}

/** Installs what the contenders need and lets each do the job once on one host; why the others cannot take part. */
async function prepareAll(
  contenders: readonly Contender[],
  site: Site,
  group: Group,
): Promise<Map<string, string>> {
  const unavailable = new Map<string, string>();
  await site.way.setRtt(0);
  for (const contender of contenders) {
    try {
      await contender.prepare();
    } catch (error) {
      unavailable.set(contender.id, `cannot be installed here: ${reasonOf(error)}`);
      say(`${contender.title} ${unavailable.get(contender.id) ?? ""}`);
      continue;
    }
    const took = await competeOnce(contender, site, group, site.hosts.slice(0, 1), 1);
    const failed = took.find(({ failure }) => failure !== "");
    say(`${contender.title}: ${summary(took)} (one host, to try it)`);
    if (failed !== undefined) unavailable.set(contender.id, `${failed.phase} failed: ${failed.failure}`);
  }
  return unavailable;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The number of ssh clients with which one reading of each host is the fastest. */
async function fastestWidth(site: Site, group: Group, hosts: readonly SiteHost[]): Promise<number> {
  const folder = makeFolder(site, "width");
  const scripts = writeScripts(folder, hosts, "check");
  let best: { width: number; wall: number } | undefined;
  for (const width of WIDTHS) {
    // more clients than hosts are no more
    if (best !== undefined && width >= 2 * hosts.length) break;
    const command = sshEach(folder, scripts, hosts, width, ["-F", site.sshConfig]);
    let wall = Infinity;
    for (const output of ["first", "second"]) {
      const taken = await group.run(command, LIMIT, join(folder, output));
      if (taken.code !== 0) throw new Error(`ssh to the lab ended with ${taken.code ?? "a signal"}`);
      wall = Math.min(wall, taken.wall);
    }
    if (best === undefined || wall < best.wall) best = { width, wall };
  }
  return best?.width ?? 1;
}

/** A contender's way through all phases, up to one that fails; then the hosts are made as they were. */
async function competeOnce(
  contender: Contender,
  site: Site,
  group: Group,
  hosts: readonly SiteHost[],
  width: number,
): Promise<PhaseSample[]> {
  const folder = makeFolder(site, contender.id);
  const touches = contender.isFloor !== true;
  const samples: PhaseSample[] = [];
  let isClean = false;
  try {
    const entry = await contender.open({ site, hosts, folder, width });
    for (const phase of PHASES) {
      if (phase === "drift" && touches) await makeDrift(site, hosts);
      const sample = await measurePhase(contender, entry.command(phase), phase, site, group, hosts);
      samples.push(sample);
      if (contender.stays !== true) await group.end();
      if (sample.failure !== "") return samples;
    }
    isClean = true;
    return samples;
  } finally {
    await group.end();
    if (!isClean && touches) await resetHosts(site, hosts);
    rmSync(folder, { recursive: true, force: true });
  }
}

function rotate<T>(list: readonly T[], by: number): T[] {
  const at = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}
