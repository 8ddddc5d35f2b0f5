/** A stack of an earlier version of the package, with links that only a kernel with modules has, and systemd. */
import assert from "node:assert/strict";
import { type Project, openProject } from "../engine/project";
import { RECORDED, inShort, otherBootFile, restore } from "../engine/upgrade/restore";
import { type Lab, labDown, labUp } from "../lab/fleet";
import { snapshot } from "../lab/seen";

const HOST = "guest1";
const LAB = `upgrade-${process.pid}`;

for (const version of RECORDED) {
  describe(`a stack on a guest, created by version ${version}`, function () {
    this.timeout(600_000);
    let lab: Lab;
    let project: Project;
    let untouched: string;

    before(async () => {
      lab = await labUp(0, { name: LAB, guests: [{}] });
      project = await openProject(lab);
      untouched = await snapshot(lab, HOST);
    });
    after(async () => {
      project.remove();
      await labDown(LAB);
    });

    it("gets an identity and the boot files of this version, and needs no other change", async () => {
      await restore({ lab, project }, version, "guest");
      assert.deepEqual(inShort(await project.steps()), {
        "stack-identity": "create",
        bond: otherBootFile("bond0"),
        tagged: otherBootFile("bond0_2e20"),
        web: otherBootFile("web0_in_web"),
      });
    });

    it("is up to date after one up, and leaves the guest as it was when it is destroyed", async () => {
      await project.up();
      await project.expectNoChanges();
      await project.destroy();
      assert.equal(await snapshot(lab, HOST), untouched);
      assert.equal(
        await lab.sh(HOST, "find /etc -name '*pulumi-macvlan-*' -o -path '/etc/pulumi-macvlan/*'"),
        "",
      );
    });
  });
}
