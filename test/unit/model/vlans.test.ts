import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type VlanRange,
  parseVlans,
  vlanChanges,
  vlanText,
  withDefaultPvid,
} from "../../../provider/model/vlans";

const range: fc.Arbitrary<VlanRange> = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.nat(5), fc.boolean())
  .map(([from, more, untagged]) => ({ from, to: from + more, pvid: false, untagged }));

/** Any VLANs, one of them with the PVID or none. */
const text = fc
  .tuple(fc.array(range, { maxLength: 5 }), fc.option(fc.integer({ min: 1, max: 45 })))
  .map(([ranges, pvid]) =>
    vlanText([
      ...ranges,
      ...(pvid === null ? [] : [{ from: pvid, to: pvid, pvid: true, untagged: pvid % 2 === 0 }]),
    ]),
  );

/** What the kernel makes of the commands (net/bridge/br_vlan.c, __vlan_add_flags and __vlan_del). */
function kernel(before: string, { add, remove }: ReturnType<typeof vlanChanges>): string {
  const vlans = new Map<number, boolean>();
  let pvid = 0;
  const put = (r: VlanRange): void => {
    for (let vid = r.from; vid <= r.to; vid++) {
      vlans.set(vid, r.untagged);
      if (r.pvid) pvid = vid;
      else if (pvid === vid) pvid = 0;
    }
  };
  parseVlans(before).forEach(put);
  add.forEach(put);
  for (const { from, to } of remove)
    for (let vid = from; vid <= to; vid++) {
      vlans.delete(vid);
      if (pvid === vid) pvid = 0;
    }
  return vlanText(
    [...vlans].map(([vid, untagged]) => ({ from: vid, to: vid, pvid: vid === pvid, untagged })),
  );
}

describe("VLANs of a bridge as a text", () => {
  it("are in iproute2's words, by number, in as few ranges as there can be", () => {
    const ranges = parseVlans("20-22, 1 pvid untagged, 23-24, 30 untagged, 31 untagged, 10 pvid");
    assert.equal(vlanText(ranges), "1 pvid untagged, 10 pvid, 20-24, 30-31 untagged");
    assert.deepEqual(parseVlans(""), []);
    assert.deepEqual(parseVlans("none of ours; 5"), []);
  });

  it("are read as they are written", () => {
    fc.assert(fc.property(text, (vlans) => vlanText(parseVlans(vlans)) === vlans));
  });

  it("are set by the commands, from whatever was there, known or not", () => {
    fc.assert(
      fc.property(text, text, (from, to) => {
        assert.equal(kernel(from, vlanChanges(from, to)), to);
        assert.equal(kernel(from, vlanChanges(undefined, to)), to);
        // and again: a change that was interrupted is rolled back whole
        assert.equal(kernel(to, vlanChanges(from, to)), to);
      }),
    );
  });

  it("take no more commands than they need, the PVID first", () => {
    assert.deepEqual(vlanChanges("1 pvid untagged, 20-24", "20-26, 10 pvid untagged"), {
      add: [
        { from: 10, to: 10, pvid: true, untagged: true },
        { from: 25, to: 26, pvid: false, untagged: false },
      ],
      remove: [{ from: 1, to: 1, pvid: false, untagged: false }],
    });
    assert.deepEqual(vlanChanges("5", "5"), { add: [], remove: [] });
  });

  it("follow the bridge's default PVID unless they were changed", () => {
    const after = (vlans: string, old: string, next: string): string => withDefaultPvid(vlans, old, next);
    assert.equal(after("1 pvid untagged, 20", "1", "7"), "7 pvid untagged, 20");
    assert.equal(after("1 pvid untagged", "1", "0"), "");
    assert.equal(after("5 pvid", "0", "7"), "5, 7 pvid untagged");
    for (const own of ["1 untagged, 5 pvid", "1 pvid", "1 pvid untagged, 7"])
      assert.equal(after(own, "1", "7"), own);
  });
});
