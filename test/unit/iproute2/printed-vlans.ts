/** What `bridge -j -compressvlans vlan show` prints, by version of iproute2. */

/** Of one bridge; the first by the source of 4.17 (bridge/vlan.c, print_vlan_info), which prints no JSON. */
export const PRINTED: Readonly<Record<string, string>> = {
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
