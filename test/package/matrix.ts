/** `npm run test:matrix [-- --grep TEXT]`: the package with all that it is used with, and a table of what came of it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Lab, labDown, labUp } from "../lab/fleet";
import { requirePrograms, requireRoot } from "../lab/fleet/requirements";
import { enginePath } from "../setup/engine";
import { whenLeaving } from "../setup/leave";
import { say } from "../setup/run";
import { type Combination, allCombinations, describeCombination } from "./combinations";
import { installPackage, packPackage } from "./stranger";
import { walkThrough } from "./walk";

const LAB = `matrix-${process.pid}`;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { grep: { type: "string", default: "" } } });
  const combinations = allCombinations().filter((c) => describeCombination(c).includes(values.grep));
  if (combinations.length === 0) throw new Error(`no combination has "${values.grep}" in its description`);
  requireRoot();
  await requirePrograms(say);
  await enginePath();
  const scratch = mkdtempSync(join(tmpdir(), "pulumi-macvlan-matrix-"));
  const stay = whenLeaving(() => rmSync(scratch, { recursive: true, force: true }));
  let failures = 0;
  try {
    const { tarball } = await packPackage(scratch);
    const lab = await labUp(1, { name: LAB });
    process.stdout.write("| manager | language | Node.js | @pulumi/pulumi | up | preview | destroy |\n");
    process.stdout.write("| --- | --- | --- | --- | --- | --- | --- |\n");
    for (const group of groupByInstallation(combinations))
      failures += await walkGroup(lab, scratch, tarball, group);
  } finally {
    await labDown(LAB);
    stay();
    rmSync(scratch, { recursive: true, force: true });
  }
  process.stdout.write(`\n${combinations.length - failures} of ${combinations.length} work\n`);
  process.exitCode = failures > 0 ? 1 : 0;
}

/** Neighbours in the list that have package manager and SDK in common. */
function groupByInstallation(combinations: readonly Combination[]): Combination[][] {
  const groups: Combination[][] = [];
  for (const combination of combinations) {
    const group = groups.at(-1);
    const first = group?.[0];
    if (first?.manager === combination.manager && first.sdk === combination.sdk) group?.push(combination);
    else groups.push([combination]);
  }
  return groups;
}

/** Installs once, by the oldest Node.js among them, and walks through each. @returns how many failed */
async function walkGroup(
  lab: Lab,
  scratch: string,
  tarball: string,
  group: readonly Combination[],
): Promise<number> {
  const [first] = group;
  if (first === undefined) return 0;
  let folder: string | undefined;
  let failures = 0;
  try {
    folder = await installPackage(scratch, tarball, first);
    for (const combination of group) failures += await walkOne(lab, folder, combination);
  } catch (error) {
    for (const combination of group) report(combination, error);
    failures = group.length;
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
  return failures;
}

async function walkOne(lab: Lab, folder: string, combination: Combination): Promise<number> {
  try {
    const { up, preview, destroy } = await walkThrough(lab, folder, combination);
    row(combination, [up, preview, destroy].map((seconds) => `${seconds.toFixed(1)} s`).join(" | "));
    return 0;
  } catch (error) {
    report(combination, error);
    return 1;
  }
}

function report(combination: Combination, error: unknown): void {
  row(combination, "**fails** | | ");
  say(`${describeCombination(combination)}: ${error instanceof Error ? error.message : String(error)}`);
}

function row({ manager, language, node, sdk }: Combination, rest: string): void {
  process.stdout.write(`| ${manager} | ${language} | ${node} | ${sdk} | ${rest} |\n`);
}

main().catch((error: unknown) => {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
