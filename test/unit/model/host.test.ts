import assert from "node:assert/strict";
import {
  type HostState,
  type LinkState,
  changeLink,
  changeLinks,
  childrenOf,
  childrenOfOtherPort,
  childrenWithMac,
  findInSubnet,
  findLink,
  findWithIp,
  recordOf,
  withLinks,
  withNewLink,
  withRecord,
} from "../../../provider/model/host";
import { BARE, nic } from "../../support/hosts";

/** More links than lists have that are looked through from their start. */
const MANY = 200;

const child = (name: string, ifIndex: number): LinkState => ({
  ...nic(name, ifIndex),
  kind: "macvlan",
  parent: "eth0",
});
const withChild = (state: HostState, name: string): HostState =>
  withNewLink(state, child(name, state.links.length + 2));
const CROWDED = Array.from({ length: MANY }, (_, i) => `m${i}`).reduce(withChild, BARE);

function indexOf(state: HostState, name: string): number | undefined {
  return findLink(state, { name, netns: "" })?.ifIndex;
}

describe("a host with many links", () => {
  it("has a link at its place, also if other hosts have grown from the same one", () => {
    assert.equal(indexOf(CROWDED, "m7"), 11);
    const one = withChild(withChild(CROWDED, "a"), "b");
    const other = withChild(withChild(CROWDED, "b"), "c");
    const third = withChild(withChild(CROWDED, "c"), "b");
    const found = [CROWDED, one, other, third].map((state) =>
      ["a", "b", "c", "m199"].map((name) => indexOf(state, name)),
    );
    const last = MANY + 3;
    assert.deepEqual(found, [
      [undefined, undefined, undefined, last],
      [last + 1, last + 2, undefined, last],
      [undefined, last + 1, last + 2, last],
      [undefined, last + 2, last + 1, last],
    ]);
  });

  it("has a changed link at its place, by its new name if it was renamed", () => {
    const id = { name: "m7", netns: "" };
    assert.equal(
      indexOf(
        changeLink(CROWDED, id, (l) => ({ ...l, up: false })),
        "m7",
      ),
      11,
    );
    const renamed = changeLink(CROWDED, id, (l) => ({ ...l, name: "n7" }));
    assert.deepEqual(
      [indexOf(renamed, "m7"), indexOf(renamed, "n7"), indexOf(CROWDED, "m7")],
      [undefined, 11, 11],
    );
  });

  it("has the record of each link, and the new one of a link that is recorded again", () => {
    const recorded = (state: HostState, { name, netns, ifIndex }: LinkState, resource: string): HostState =>
      withRecord(state, { name, netns, ifIndex, owner: "net/dev", resource, made: true, restore: [] });
    const all = CROWDED.links.reduce((state, link) => recorded(state, link, link.name), CROWDED);
    const [id] = all.links.filter((l) => l.name === "m7");
    assert.ok(id);
    const again = recorded(all, id, "other");
    const told = [CROWDED, all, again].map((state) => recordOf(state, id)?.resource);
    assert.deepEqual(told, [undefined, "m7", "other"]);
    assert.equal(again.records.length, all.records.length);
  });

  it("has what links are looked for by as it is by now, also if other hosts have grown from the same one", () => {
    const id = { name: "m7", netns: "" };
    const withMac = (state: HostState, mac: string): HostState =>
      changeLink(state, id, (l) => ({ ...l, settings: { ...l.settings, "link.address": mac } }));
    const withIp = (state: HostState, name: string, cidr: string): HostState =>
      changeLink(state, { name, netns: "" }, (l) => ({ ...l, addresses: [{ cidr }] }));
    const one = withIp(withMac(CROWDED, "02:00:00:00:00:01"), "m7", "192.0.2.1/24");
    const other = withIp(withMac(CROWDED, "02:00:00:00:00:02"), "m3", "192.0.2.1/24");
    const back = withMac(withIp(one, "m7", "192.0.2.2/32"), "02:00:00:00:00:02");
    const few = withLinks(one, one.links.slice(0, -1));
    const told = [CROWDED, one, other, back, few].map((state) => [
      childrenWithMac(state, "eth0", "02:00:00:00:00:01").map(({ name }) => name),
      childrenWithMac(state, "eth0", "02:00:00:00:00:02").map(({ name }) => name),
      findWithIp(state, "", "192.0.2.1", () => true)?.name,
      findInSubnet(state, "", "192.0.2.0/24", ({ name }) => name.startsWith("m"))?.name,
      childrenOfOtherPort(state, "eth0", "ipvlan").length,
    ]);
    assert.deepEqual(told, [
      [[], [], undefined, undefined, MANY],
      [["m7"], [], "m7", "m7", MANY],
      [[], ["m7"], "m3", "m3", MANY],
      [[], ["m7"], undefined, undefined, MANY],
      [["m7"], [], "m7", "m7", MANY - 1],
    ]);
  });

  it("finds the first link of its list, whichever got what is looked for first", () => {
    const named = (state: HostState, name: string): HostState =>
      changeLink(state, { name, netns: "" }, (l) => ({ ...l, addresses: [{ cidr: "192.0.2.1/24" }] }));
    assert.equal(
      findWithIp(CROWDED, "", "192.0.2.1", () => true),
      undefined,
    );
    const both = named(named(CROWDED, "m9"), "m2");
    assert.equal(findWithIp(both, "", "192.0.2.1", () => true)?.name, "m2");
  });

  it("has all changed links, and is the same host if none is changed", () => {
    const lower = (l: LinkState): LinkState => ({ ...l, settings: { ...l.settings, "link.mtu": "1300" } });
    assert.equal(
      changeLinks(CROWDED, ({ name }) => name === "none", lower),
      CROWDED,
    );
    const changed = changeLinks(CROWDED, ({ name }) => name === "m2" || name === "m9", lower);
    const lowered = changed.links.filter(({ settings }) => settings["link.mtu"] === "1300");
    assert.deepEqual(
      lowered.map(({ name }) => name),
      ["m2", "m9"],
    );
    assert.equal(findLink(changed, { name: "m9", netns: "" }), lowered[1]);
  });

  it("has the children that a link has by now", () => {
    const before = childrenOf(CROWDED, "eth0").length;
    assert.deepEqual([before, childrenOf(withChild(CROWDED, "a"), "eth0").length], [MANY, MANY + 1]);
  });
});
