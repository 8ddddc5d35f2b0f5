import type { Phase } from "../job";
import type { Command } from "../measure";
import type { Site, SiteHost } from "../lab/site";

/** A tool that does the job. */
export interface Contender {
  readonly id: string;
  /** As the tables name it. */
  readonly title: string;
  /** What it is and how it was set up, in a sentence or two. */
  readonly note: string;
  /** Phases that it does not have, and what the command does that was measured in their place. */
  readonly lacks: Partial<Readonly<Record<Phase, string>>>;
  /** True if what it leaves running after a phase serves the next one. */
  readonly stays?: boolean;
  /** True if it is a program of the Pulumi engine, so that CPU is shown by engine, program and provider. */
  readonly isEngine?: boolean;
  /** True if it touches no host. */
  readonly isFloor?: boolean;
  /** Installs what it is made of, once a machine. @throws with the reason why it cannot be had */
  prepare(): Promise<void>;
  /** Makes its files for a run on these hosts; not measured. */
  open(run: ContenderRun): Promise<Entry>;
}

/** What a contender is given. */
export interface ContenderRun {
  readonly site: Site;
  readonly hosts: readonly SiteHost[];
  /** A folder of its own, which is empty. */
  readonly folder: string;
  /** How many ssh clients at the same time were the fastest, with these hosts and this round trip. */
  readonly width: number;
}

/** A contender that is ready. */
export interface Entry {
  /** What is run and measured. */
  command(phase: Phase): Command;
}

/** The environment of contenders: the search path, and a home that is empty. */
export function environmentIn(folder: string): Record<string, string> {
  return { PATH: process.env["PATH"] ?? "", HOME: folder, LANG: "C.UTF-8" };
}
