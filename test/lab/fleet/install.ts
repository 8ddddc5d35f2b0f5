/** The one line of ~/.ssh/config that `up --install` adds, and `down` takes away. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname } from "node:path";
import { labFolder } from "./names";
import { readState, writeState, type LabState } from "./state";

const includeLine = (lab: string): string => `Include ${labFolder(lab)}/ssh_config`;

/** Puts the Include line first (ssh_config(5): the first value of an option counts, and a Host block has no end). */
export function install(lab: string): void {
  const state = readState(lab);
  if (state === undefined) throw new Error(`lab ${lab} is not running`);
  const config = `${homedir()}/.ssh/config`;
  const madeFolder = !existsSync(dirname(config));
  const madeFile = !existsSync(config);
  const text = madeFile ? "" : readFileSync(config, "utf8");
  if (text.split("\n").includes(includeLine(lab))) return;
  if (madeFolder) mkdirSync(dirname(config), { mode: 0o700 });
  writeState({ ...state, installed: { config, madeFile, madeFolder } });
  writeFileSync(config, `${includeLine(lab)}\n${text}`, { mode: 0o600 });
}

/** Takes the line away, and the file and folder too if `install` made them and nothing else is in them. */
export function uninstall(lab: string, installed: NonNullable<LabState["installed"]>): void {
  const { config, madeFile, madeFolder } = installed;
  if (!existsSync(config)) return;
  const lines = readFileSync(config, "utf8").split("\n");
  const kept = lines.filter((line) => line !== includeLine(lab)).join("\n");
  if (kept.trim() !== "" || !madeFile) {
    writeFileSync(config, kept);
    return;
  }
  rmSync(config);
  if (!madeFolder) return;
  try {
    rmdirSync(dirname(config));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOTEMPTY") throw error; // others keep files there by now
  }
}
