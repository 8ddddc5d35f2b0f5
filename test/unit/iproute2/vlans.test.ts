import assert from "node:assert/strict";
import { parseBridgeVlans } from "../../../provider/iproute2/vlans";
import { PRINTED } from "./printed-vlans";

const WANTED = {
  br0: "7 pvid untagged",
  p1: "10 pvid untagged, 20-24",
  p2: "30 untagged",
};

describe("what bridge prints of VLANs", () => {
  for (const [version, text] of Object.entries(PRINTED))
    it(`is read: ${version}`, () => {
      const read = parseBridgeVlans(text);
      assert.deepEqual(Object.fromEntries(read?.of ?? []), WANTED);
      assert.equal(read?.isWhole, true);
    });

  it("is nothing without a bridge, without the command, and half a list without the kernel's filter", () => {
    for (const text of ["", "[", "port\tvlan ids\nbr0\t 1 PVID Egress Untagged\n"])
      assert.equal(parseBridgeVlans(text), undefined);
    assert.deepEqual(parseBridgeVlans("[]\n"), { of: new Map(), isWhole: true });
  });

  it("of a port is left out if it makes no sense, and the list then counts as incomplete", () => {
    const read = parseBridgeVlans(
      '[{"ifname":"br0","vlans":[{"vlan":1}]},{"ifname":"odd","vlans":"all"},{"ifname":"p1","vlans":[{"vlan":"x"}]}]',
    );
    assert.deepEqual(Object.fromEntries(read?.of ?? []), { br0: "1" });
    assert.equal(read?.isWhole, false);
  });
});
