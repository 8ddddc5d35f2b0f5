/** Answers of hosts that mean harm: they take no more work than their length, and nothing of them is believed unchecked. */
import assert from "node:assert/strict";
import { parseObservation } from "../../../provider/host/observe";
import { type HostState, type LinkState, findLink, recordOf } from "../../../provider/model/host";
import { linksBelow } from "../../../provider/plan/management-path";
import { nic } from "../../support/hosts";

/** More links than any host has, and fewer than fit into an answer. */
const MANY = 75_000;

/** Milliseconds of CPU: a search of the list for each link takes many times as long. */
const LIMIT_MS = 2000;

function inTime<T>(work: () => T): T {
  const began = process.cpuUsage();
  const result = work();
  const took = process.cpuUsage(began).user / 1000;
  assert.ok(took < LIMIT_MS, `it took ${took} ms of CPU`);
  return result;
}

/** Each link is the child, and the port, of the next one. */
const LINKS: readonly LinkState[] = Array.from({ length: MANY }, (_, i): LinkState => {
  const link = nic(`m${i}`, i + 1);
  return { ...link, parent: `m${i + 1}`, settings: { ...link.settings, "link.master": `m${i + 1}` } };
});

describe("an answer with 75,000 links", function () {
  this.timeout(60_000);

  it("is searched for each of its links in linear time", () => {
    const record = { owner: "fleet/dev", resource: "r", made: true, restore: [] };
    const records = LINKS.map(({ name, netns, ifIndex }) => ({ ...record, name, netns, ifIndex }));
    const state: HostState = { links: LINKS, netns: [], records, bootFiles: [] };
    inTime(() => {
      for (const link of LINKS) {
        assert.equal(findLink(state, link), link);
        assert.equal(recordOf(state, link)?.ifIndex, link.ifIndex);
      }
    });
    assert.equal(findLink(state, { name: "m5", netns: "other" }), undefined);
    assert.equal(recordOf({ ...state, records: [] }, { name: "m5", netns: "" }), undefined);
  });

  it("lists the links below one in linear time, even if each is on the next", () => {
    assert.equal(inTime(() => linksBelow(LINKS, ["m0"])).length, MANY);
    assert.equal(inTime(() => linksBelow(LINKS, [`m${MANY - 1}`])).length, MANY);
  });
});

describe("records that a host gives", () => {
  const MARK = { owner: "fleet/dev", name: "web", netns: "", resource: "web", made: true };
  const restore = [
    { name: "eth0", netns: "", exists: true, settings: [], addresses: [{ cidr: "192.0.2.1/24" }] },
  ];

  const recordsOf = (value: unknown): HostState["records"] =>
    parseObservation(`@m records\n7 ${JSON.stringify(value)}\n@m end\n`, "@m").state.records;

  it("are taken with what they restore", () => {
    assert.deepEqual(recordsOf({ ...MARK, restore }), [{ ...MARK, ifIndex: 7, restore }]);
    assert.deepEqual(recordsOf(MARK), [{ ...MARK, ifIndex: 7, restore: [] }]);
  });

  for (const wrong of [
    { restore: [null] },
    { restore: [5] },
    { restore: "x" },
    { restore: [{ ...restore[0], settings: {} }] },
    { restore: [{ ...restore[0], settings: [{ key: "link.mtu", value: 5, property: "mtu" }] }] },
    { restore: [{ ...restore[0], addresses: [null] }] },
    { restore: [{ ...restore[0], routes: [{ to: {} }] }] },
    { restore: [{ ...restore[0], exists: false }] },
    { name: 5 },
    { netns: null },
    { made: "yes" },
    { resource: {} },
  ]) {
    it(`are ignored if they are not as they were written: ${JSON.stringify(wrong)}`, () => {
      assert.deepEqual(recordsOf({ ...MARK, ...wrong }), []);
    });
  }
});
