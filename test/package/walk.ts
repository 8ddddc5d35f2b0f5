/** What a new user does with the package, from up to destroy, on a host of the lab. */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { driveProject, projectEnvironment } from "../engine/project";
import type { Lab } from "../lab/fleet";
import type { Combination } from "./combinations";
import { nodeOptionsFor, writeProgram } from "./stranger";
import { nodeFolder } from "./tools";

/** Seconds that each step took. */
export interface Walk {
  readonly up: number;
  readonly preview: number;
  readonly destroy: number;
}

interface IpLink {
  readonly ifname: string;
  readonly address: string;
}

/**
 * Runs `up`, `preview` and `destroy` of a program in an installed project, and looks on the host at what came of it.
 *
 * @throws Error with the CLI's output if a command fails, and with what the host has if that is not as expected
 */
export async function walkThrough(lab: Lab, folder: string, combination: Combination): Promise<Walk> {
  const { language, manager, node } = combination;
  writeProgram(folder, language);
  const environment = await projectEnvironment(folder, lab);
  const project = driveProject(folder, {
    ...environment,
    ...nodeOptionsFor(manager, folder),
    // what ts-node and tsx keep goes with the project
    TMPDIR: folder,
    PATH: [await nodeFolder(node), environment["PATH"]].join(delimiter),
  });
  if (!existsSync(join(folder, "state/.pulumi/stacks/stranger/dev.json"))) {
    const made = await project.cli(["stack", "init", "dev"]);
    if (made.code !== 0) throw new Error(`pulumi stack init ended with ${made.code}:\n${made.output}`);
  }
  try {
    const up = await timed(() => project.up());
    const { macAddress } = await project.outputs();
    const made = await linksOf(lab);
    const web = made.find((link) => link.ifname === "web0");
    if (web === undefined || web.address !== macAddress || !made.some((link) => link.ifname === "shim0"))
      throw new Error(`wanted web0 with ${String(macAddress)} and shim0: ${JSON.stringify(made)}`);
    const preview = await timed(() => project.expectNoChanges());
    const destroy = await timed(() => project.destroy());
    const left = (await linksOf(lab)).filter((link) => link.ifname === "web0" || link.ifname === "shim0");
    if (left.length > 0) throw new Error(`destroy left ${JSON.stringify(left)}`);
    return { up, preview, destroy };
  } finally {
    await lab.reset("node1");
  }
}

function linksOf(lab: Lab): Promise<IpLink[]> {
  return lab.ipJson<IpLink[]>("node1", ["link", "show"]);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = Date.now();
  await work();
  return (Date.now() - began) / 1000;
}
