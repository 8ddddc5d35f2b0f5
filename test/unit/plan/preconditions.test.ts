import assert from "node:assert/strict";
import type { HostState, LinkState } from "../../../provider/model/host";
import type { Step } from "../../../provider/model/steps";
import { preconditions } from "../../../provider/plan/preconditions";
import { BARE, nic } from "../../support/hosts";

const MARK = { owner: "fleet/dev", stack: "5eed", making: "a1b2" };
const child = (name: string, ifIndex: number, netns = ""): LinkState => ({
  ...nic(name, ifIndex),
  kind: "macvlan",
  parent: "eth0",
  netns,
});
const recordFor = (name: string, ifIndex: number, netns = ""): HostState["records"][number] => ({
  ...MARK,
  ...{ name, netns, ifIndex, resource: "web", made: true, restore: [] },
});
const STATE: HostState = {
  ...BARE,
  links: [...BARE.links, child("web", 7), child("in0", 5, "blue")],
  records: [recordFor("web", 7), recordFor("in0", 5, "blue"), recordFor("eth1", 99)],
  netns: [{ name: "blue", mark: MARK }],
};

/** What the steps rely on, in short: `web 7 on 2 of fleet/dev`. */
function relyOn(...steps: Step[]): string[] {
  return preconditions(
    steps.map((step) => ({ step, undo: [] })),
    STATE,
  ).map((p) => {
    if (p.still === "netns") return `only ${(p.links ?? []).join()} in ${p.name} of ${p.mark.owner}`;
    if (p.still === "unused") return `none but ${p.links.join()} around ${p.name}`;
    const at = `${p.link.netns === "" ? "" : `${p.link.netns}/`}${p.link.name}`;
    if (p.still === "absent") return `no ${at}`;
    const parent = p.parentIndex === undefined ? "" : ` on ${p.parentIndex}`;
    const mark = p.mark === undefined ? "" : p.mark === "none" ? " of nobody" : ` of ${p.mark.owner}`;
    return `${at} ${p.ifIndex}${parent}${mark}`;
  });
}

const web = { name: "web", netns: "" };
const eth1 = { name: "eth1", netns: "" };
const set = (link: typeof web, key: "link.mtu" | "link.master", value: string): Step => ({
  ...{ do: "set", kind: "macvlan" },
  ...{ link, key, value },
});
const addLink = (name: string, parent: string, netns = ""): Step => ({
  ...{ do: "addLink", kind: "macvlan", settings: {} },
  ...{ link: { name, netns }, parent },
});

describe("what a plan relies on", () => {
  it("is the index, parent and owner of each link that it changes, once", () => {
    assert.deepEqual(relyOn(set(web, "link.mtu", "1400"), { do: "up", link: web }), [
      "web 7 on 2 of fleet/dev",
    ]);
  });

  it("is the index alone of a link that it only uses", () => {
    assert.deepEqual(relyOn(addLink("new", "eth0")), ["eth0 2", "no new"]);
    assert.deepEqual(relyOn(set(eth1, "link.master", "web")), ["web 7 on 2", "eth1 3 of nobody"]);
  });

  it("is also the owner if the link that it uses is changed later", () => {
    assert.deepEqual(relyOn(addLink("new", "web"), { do: "up", link: web }), [
      "web 7 on 2 of fleet/dev",
      "no new",
    ]);
  });

  it("is nothing of what it makes itself", () => {
    assert.deepEqual(relyOn(addLink("new", "eth0"), { do: "up", link: { name: "new", netns: "" } }), [
      "eth0 2",
      "no new",
    ]);
    assert.deepEqual(relyOn({ do: "deleteLink", link: web }, addLink("web", "eth1")), [
      "web 7 on 2 of fleet/dev",
      "none but eth0 around web",
      "eth1 3",
    ]);
  });

  it("is that a link to be deleted has no new links on it or in it", () => {
    assert.deepEqual(relyOn({ do: "deleteLink", link: { name: "eth0", netns: "" } }), [
      "eth0 2 of nobody",
      "none but web around eth0",
    ]);
  });

  it("is that the new place of a link is free", () => {
    assert.deepEqual(relyOn({ do: "renameLink", link: web, name: "www" }), [
      "web 7 on 2 of fleet/dev",
      "no www",
    ]);
    assert.deepEqual(relyOn({ do: "moveLink", link: web, netns: "blue" }), [
      "web 7 on 2 of fleet/dev",
      "no blue/web",
    ]);
  });

  it("is that a namespace to be deleted has no other links", () => {
    assert.deepEqual(
      relyOn({ do: "deleteLink", link: { name: "in0", netns: "blue" } }, { do: "deleteNetns", name: "blue" }),
      ["blue/in0 5 of fleet/dev", "only in0 in blue of fleet/dev"],
    );
  });

  it("is no owner if the record is of a link that is gone", () => {
    assert.deepEqual(relyOn({ do: "down", link: eth1 }), ["eth1 3 of nobody"]);
  });
});
