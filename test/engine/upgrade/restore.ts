/** What an earlier version of the package has left, as `record.ts` recorded it: the state of a stack, and its hosts. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../../lab/fleet";
import type { PreviewStep, Project } from "../project";
import { UPGRADE_STACKS } from "./stacks";

/** The versions that are recorded, by their commits. */
export const RECORDED = ["b1b96c9"] as const;

type Recorded = (typeof RECORDED)[number];
type StackName = keyof typeof UPGRADE_STACKS;

function folderOf(version: Recorded, stack: StackName): string {
  return join(__dirname, "../../fixtures/upgrade", version, stack);
}

/** Has hosts, and a project, as that version's `pulumi up` left them; what it found on the hosts has to be there. */
export async function restore(
  { lab, project }: { readonly lab: Lab; readonly project: Project },
  version: Recorded,
  stack: StackName,
): Promise<void> {
  const folder = folderOf(version, stack);
  for (const host of UPGRADE_STACKS[stack].hosts) {
    const count = readdirSync(folder).filter((file) => file.startsWith(`${host}-`)).length;
    for (let number = 1; number <= count; number++) {
      const input = readFileSync(join(folder, `${host}-${number}.sh`), "utf8");
      const { stdout, stderr, code } = await lab.exec(host, ["sh", "-s"], { input });
      assert.deepEqual([code, /outcome (\w+)/.exec(stdout)?.[1]], [0, "done"], `${stdout}\n${stderr}`);
    }
  }
  project.program(UPGRADE_STACKS[stack].program);
  const imported = await project.cli(["stack", "import", "--file", join(folder, "state.json")]);
  assert.equal(imported.code, 0, imported.output);
}

/** What a preview would do: `create`, or `update` with the drift that is its reason, by resource. */
export function inShort(steps: Readonly<Record<string, PreviewStep>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(steps).map(([name, { op, newState }]) => [name, newState?.inputs["drift"] ?? op]),
  );
}

/** The only difference that a persistent link of an earlier version has. */
export function otherBootFile(name: string): { readonly persist: string } {
  return { persist: `found changed /etc/pulumi-macvlan/${name}.sh, wanted true` };
}
