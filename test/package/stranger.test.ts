/** A sample of what `npm run test:matrix` goes through: each language, three managers, the oldest and the newest SDK. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Lab, labDown, labUp } from "../lab/fleet";
import { type Combination, describeCombination, sdksFor } from "./combinations";
import { installPackage } from "./stranger";
import { useUnpacked } from "./unpacked";
import { walkThrough } from "./walk";

const LAB = `stranger-${process.pid}`;

const node = Number(process.versions.node.split(".")[0]);
const [oldest, newest] = sdksFor(node);

/** By installation; the running Node.js, so that none has to be fetched. */
const SAMPLE: readonly (readonly Combination[])[] = [
  [{ manager: "npm", language: "ts-node", node, sdk: oldest }],
  [
    { manager: "pnpm", language: "tsx", node, sdk: newest },
    { manager: "pnpm", language: "ES module", node, sdk: newest },
  ],
  [{ manager: "yarn", language: "CommonJS", node, sdk: newest }],
];

describe("the packed package in an empty project", function () {
  this.timeout(300_000);
  let scratch = "";
  const unpacked = useUnpacked();
  let lab: Lab;

  before(async () => {
    scratch = mkdtempSync(join(tmpdir(), "pulumi-macvlan-packed-"));
    lab = await labUp(1, { name: LAB });
  });
  after(async () => {
    await labDown(LAB);
    rmSync(scratch, { recursive: true, force: true });
  });

  for (const group of SAMPLE) {
    const [first] = group;
    if (first === undefined) continue;
    describe(`installed by ${first.manager} with @pulumi/pulumi ${first.sdk}`, () => {
      let folder: string | undefined;
      before(async () => {
        folder = await installPackage(scratch, unpacked.tarball, first);
      });
      for (const combination of group) {
        it(`creates, finds unchanged and deletes: ${describeCombination(combination)}`, async () => {
          if (folder === undefined) throw new Error("nothing is installed");
          await walkThrough(lab, folder, combination);
        });
      }
    });
  }
});
