import assert from "node:assert/strict";
import { parseBridgeVlans } from "../../../provider/iproute2/vlans";

const WANTED = {
  br0: "7 pvid untagged",
  p1: "10 pvid untagged, 20-24",
  p2: "30 untagged",
};

/** Of one bridge; the first by the source of 4.17 (bridge/vlan.c, print_vlan_info), which prints no JSON. */
const PRINTED: Readonly<Record<string, string>> = {
  "4.17 and 4.18":
    '["br0","vlan":[{"vlan":7,"pvid":null,"untagged":null}],"p1","vlan":[{"vlan":10,"pvid":null,"untagged":null},' +
    '{"vlan":20,"vlanEnd":24}],"p2","vlan":[{"vlan":30,"untagged":null}]]\n',
  "5.10":
    '[{"ifname":"br0","vlans":[{"vlan":7,"flags":["PVID","Egress Untagged"]}]},' +
    '{"ifname":"p1","vlans":[{"vlan":10,"flags":["PVID","Egress Untagged"]},{"vlan":20,"vlanEnd":24}]},' +
    '{"ifname":"p2","vlans":[{"vlan":30,"flags":["Egress Untagged"]}]}]\n',
  "one by one":
    '[{"ifname":"br0","vlans":[{"vlan":7,"flags":["PVID","Egress Untagged"]}]},' +
    '{"ifname":"p1","vlans":[{"vlan":10,"flags":["PVID","Egress Untagged"]},{"vlan":20},{"vlan":21},{"vlan":22},' +
    '{"vlan":23},{"vlan":24}]},{"ifname":"p2","vlans":[{"vlan":30,"flags":["Egress Untagged"]}]}]\n',
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

  it("of a port that makes no sense is left out, and then nobody is said to have none", () => {
    const read = parseBridgeVlans(
      '[{"ifname":"br0","vlans":[{"vlan":1}]},{"ifname":"odd","vlans":"all"},{"ifname":"p1","vlans":[{"vlan":"x"}]}]',
    );
    assert.deepEqual(Object.fromEntries(read?.of ?? []), { br0: "1" });
    assert.equal(read?.isWhole, false);
  });
});
