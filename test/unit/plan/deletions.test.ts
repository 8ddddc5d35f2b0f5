import assert from "node:assert/strict";
import type { Step } from "../../../provider/model/steps";
import { undeleted } from "../../../provider/plan/deletions";
import { BARE, macvlan } from "../../support/hosts";

const at = (name: string, netns = ""): { name: string; netns: string } => ({ name, netns });
const deleteLink = (name: string, netns = ""): Step => ({ do: "deleteLink", link: at(name, netns) });

describe("what a change deleted", () => {
  const web = macvlan("web", { ifIndex: 7 });
  const before = { ...BARE, links: [...BARE.links, web] };

  it("is found if it is there all the same", () => {
    assert.deepEqual(undeleted(before, before, [deleteLink("web")]), [
      { property: "name", wanted: "none", found: "web@eth0" },
    ]);
    assert.deepEqual(undeleted(before, BARE, [deleteLink("web")]), []);
    assert.deepEqual(undeleted(before, before, [deleteLink("web", "blue")]), []);
    // renamed by the same change
    const renamed = { ...before, links: [...BARE.links, { ...web, name: "old" }] };
    const steps: Step[] = [{ do: "renameLink", link: at("web"), name: "old" }, deleteLink("old")];
    assert.equal(undeleted(before, renamed, steps).length, 1);
  });

  it("is not what the change, or another program, has made in its place", () => {
    const addLink: Step = { do: "addLink", link: at("web"), kind: "macvlan", parent: "eth1", settings: {} };
    assert.deepEqual(undeleted(before, before, [deleteLink("web"), addLink]), []);
    const others = { ...before, links: [...BARE.links, { ...web, ifIndex: 8 }] };
    assert.deepEqual(undeleted(before, others, [deleteLink("web")]), []);
  });

  it("may be a network namespace", () => {
    const steps: Step[] = [{ do: "deleteNetns", name: "blue" }];
    assert.deepEqual(undeleted(before, before, steps), [
      { property: "netns", wanted: "none", found: "blue" },
    ]);
    const added: Step = { do: "addNetns", name: "blue", mark: { owner: "fleet/test" } };
    assert.deepEqual(undeleted(before, before, [...steps, added]), []);
    assert.deepEqual(undeleted(before, { ...before, netns: [] }, steps), []);
  });
});
