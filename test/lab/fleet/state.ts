/** What is written down about a lab in its folder: its slot and its hosts. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { labFolder } from "./names";

/** Who configures a guest's links at boot. */
export const GuestNetwork = z.enum(["networkd", "ifupdown", "NetworkManager"]);
export type GuestNetwork = z.infer<typeof GuestNetwork>;

const LabState = z.object({
  name: z.string(),
  slot: z.int(),
  /** The switch sends nothing from one host to another. */
  isolated: z.boolean().default(false),
  hosts: z.array(
    z.object({ index: z.int(), login: z.enum(["root", "ops"]), hostKey: z.string(), sshd: z.string() }),
  ),
  guests: z
    .array(
      z.object({
        index: z.int(),
        login: z.enum(["root", "ops"]),
        hostKey: z.string(),
        network: GuestNetwork,
        /** The release of Debian that its kernel is of; the machine's own without. */
        kernel: z.string().optional(),
      }),
    )
    .default([]),
  /** What `--install` made of ~/.ssh, to be taken away by `down`. */
  installed: z.object({ config: z.string(), madeFile: z.boolean(), madeFolder: z.boolean() }).optional(),
});

/** The written state of a lab; `hosts[].sshd` are lines of the host's sshd_config that the caller of labUp asked for. */
export type LabState = z.infer<typeof LabState>;

/** One guest as it is written down. */
export type GuestState = LabState["guests"][number];

/** Reads a lab's state; undefined if there is none. @throws if the file is not a lab's state. */
export function readState(lab: string): LabState | undefined {
  const file = `${labFolder(lab)}/lab.json`;
  if (!existsSync(file)) return undefined;
  return LabState.parse(JSON.parse(readFileSync(file, "utf8")));
}

/** Writes a lab's state in one step: a reader sees the old or the new one. */
export function writeState(state: LabState): void {
  const folder = labFolder(state.name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/lab.json.new`, `${JSON.stringify(state, undefined, 1)}\n`);
  renameSync(`${folder}/lab.json.new`, `${folder}/lab.json`);
}
